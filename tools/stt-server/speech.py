"""Words from the library of tools/setup --speech (tools/speech/sluicespeech.h), by ctypes, for the emulators."""

import array
import ctypes
import os
import threading

RATE = 16000
WINDOW = 512


class Library:
    """One library and one model. Any number of detectors; decodes go one after the other."""

    def __init__(self, directory):
        flags = open("/proc/cpuinfo", encoding="ascii", errors="replace").read()
        fast = all(name in flags for name in ("avx2", "fma", "f16c", "bmi2"))
        path = os.path.join(directory, f"libsluicespeech-{'avx2' if fast else 'plain'}.so")
        if not os.path.exists(path):
            raise SystemExit(f"{path} is not there: run tools/setup --speech")
        self.calls = calls = ctypes.CDLL(path)
        number, handle, text = ctypes.c_float, ctypes.c_void_p, ctypes.c_char_p
        for name, result, arguments in (
            ("model_open", handle, [text]), ("writer_open", handle, [handle]),
            ("writer_write", ctypes.c_int, [handle, ctypes.POINTER(number), ctypes.c_int, text, ctypes.c_int,
                                            ctypes.c_int, ctypes.c_int, handle, handle]),
            ("writer_token", text, [handle, ctypes.c_int] + 3 * [ctypes.POINTER(number)]),
            ("writer_begins_segment", ctypes.c_int, [handle, ctypes.c_int]),
            ("writer_confidence", number, [handle, ctypes.POINTER(number)]),
            ("detector_open", handle, []), ("detector_close", None, [handle]),
            ("detector_reset", None, [handle]),
            ("detector_next", number, [handle, ctypes.POINTER(number)]),
        ):
            call = getattr(calls, f"sluice_{name}")
            call.restype, call.argtypes = result, arguments
        model = os.path.join(directory, "ggml-tiny.en.bin")
        self.model = calls.sluice_model_open(model.encode())
        if not self.model:
            raise SystemExit(f"{model} is no model")
        self.writer = calls.sluice_writer_open(self.model)
        self.lock = threading.Lock()
        self.known = {}

    def write(self, samples):
        """The words in floats at 16 kHz, each (text, start, end, probability), times in s. Equal audio is written
        once."""
        key = samples.tobytes()
        with self.lock:
            if key not in self.known:
                if len(self.known) > 256:
                    self.known.clear()
                self.known[key] = self._write(samples)
            return self.known[key]

    def _write(self, samples):
        length = len(samples) / RATE
        if len(samples) < RATE:
            samples = samples + array.array("f", bytes(4 * (RATE - len(samples))))
        room = (ctypes.c_float * len(samples)).from_buffer_copy(samples)
        # A part of the encoder is enough for what is short, and takes a third of the time.
        window = 512 if length <= 9.5 else 0
        words, sure = self._decode(room, length, window, 1)
        if len(words) > 4 and sure < -0.3:
            again, surer = self._decode(room, length, 0, 3)
            words = again if surer > sure + 0.05 else words
        return [tuple(word) for word in words if any(c.isalnum() for c in word[0])]

    def _decode(self, room, length, window, beams):
        """Words, and the mean of the logarithms of their tokens' probabilities."""
        count = self.calls.sluice_writer_write(self.writer, room, len(room), b"en", window, beams, 0, None, None)
        words = []
        for index in range(max(0, count)):
            times = [ctypes.c_float() for _ in range(3)]
            token = self.calls.sluice_writer_token(self.writer, index, *map(ctypes.byref, times)) or b""
            start, end, probability = (min(max(time.value, 0.0), 1e4) for time in times)
            begins = self.calls.sluice_writer_begins_segment(self.writer, index)
            token = token.decode("utf-8", "replace")
            if token.startswith(" ") or begins or not words:
                words.append([token.strip(), min(start, length), min(end, length), probability])
            else:
                words[-1][0] += token
                words[-1][2] = min(end, length)
        return words, self.calls.sluice_writer_confidence(self.writer, ctypes.byref(ctypes.c_float()))


class Detector:
    """silero's detector of one stream."""

    def __init__(self, library):
        self.calls = library.calls
        self.handle = self.calls.sluice_detector_open()
        # It begins with whatever was in memory.
        self.calls.sluice_detector_reset(self.handle)

    def next(self, samples):
        room = (ctypes.c_float * WINDOW)(*samples)
        return self.calls.sluice_detector_next(self.handle, room)

    def __del__(self):
        self.calls.sluice_detector_close(self.handle)


class Turns:
    """Speech in a stream of 16-bit samples at 16 kHz: what has ended, and what goes on. Times in s of the stream."""

    def __init__(self, library, end_of_speech):
        self.library, self.detector, self.end_of_speech = library, Detector(library), end_of_speech
        self.samples = array.array("f")
        self.first = 0  # the sample of the stream with which `samples` begins
        self.heard = 0  # samples that the detector has heard
        self.begin = self.last = None  # samples: of speech that goes on
        self.loud = 0

    def take(self, data):
        """Bytes that come. Gives the turns that ended, each (start, end)."""
        whole = array.array("h")
        whole.frombytes(data[: len(data) // 2 * 2])
        self.samples.extend(sample / 32768 for sample in whole)
        ended = []
        while self.first + len(self.samples) - self.heard >= WINDOW:
            at = self.heard - self.first
            probability = self.detector.next(self.samples[at: at + WINDOW])
            self.heard += WINDOW
            if probability >= (0.5 if self.begin is None else 0.35):
                self.loud += 1
                if self.begin is None and self.loud >= 2:
                    self.begin = max(self.first, self.heard - self.loud * WINDOW)
                if self.begin is not None:
                    self.last = self.heard
            else:
                self.loud = 0
                if self.begin is not None and self.heard - self.last >= self.end_of_speech * RATE:
                    ended.append(self.close())
                # Audio of a turn that has ended is still to be written.
                if self.begin is None and not ended and len(self.samples) > 2 * RATE:
                    self.forget(self.heard - RATE)
        return ended

    def close(self):
        """Ends the turn that goes on; None where there is none."""
        if self.begin is None:
            return None
        turn = (self.begin, self.last)
        self.begin = self.last = None
        self.loud = 0
        return turn

    def forget(self, before):
        count = min(len(self.samples), max(0, before - self.first))
        del self.samples[:count]
        self.first += count

    def words(self, begin, end):
        """Of a stretch of samples; times in s of the stream."""
        margin = int(0.3 * RATE)
        start = max(self.first, begin - margin)
        part = self.samples[start - self.first: max(0, end + margin // 2 - self.first)]
        if len(part) < RATE // 10:
            return []
        return [(text, start / RATE + a, start / RATE + b, p) for text, a, b, p in self.library.write(part)]
