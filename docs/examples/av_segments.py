"""A client of Sluice's av-segments node: copy it, it needs nothing but Python 3.8.

    from av_segments import AVSegments

    with AVSegments("/run/avatar.sock") as avatar:
        avatar.send_segment(video=pictures, audio=pcm, width=640, height=360, sample_rate=24000,
                            epoch=1, segment_seq=1, trace_label="hello")
        avatar.interrupt(epoch=2)       # at any time, from any thread
        avatar.fence("said")            # returns when everything sent before has gone out
        avatar.drain(timeout_ms=5000)

The form of the messages is in docs/av-segments.md.
"""

import json
import socket
import struct
import threading
import time

MESSAGE, SEGMENT, MICROPHONE = 1, 2, 3
PREFIX = struct.Struct("<4sB3xII")
BYTES_PER_PICTURE = {
    "i420": lambda w, h: w * h + 2 * ((w + 1) // 2) * ((h + 1) // 2),
    "rgb24": lambda w, h: 3 * w * h,
}


def message_bytes(type, **fields):
    """A message without payload; also for files of segments, there with at_ms."""
    text = json.dumps(dict(fields, type=type)).encode()
    return PREFIX.pack(b"AVS1", MESSAGE, len(text), 0) + text


def segment_bytes(video=b"", audio=b"", **fields):
    """A segment: pictures one behind the other without padding, then interleaved s16le.

    video_frames and audio_samples are counted from what is given.
    """
    header = dict(fields)
    if video:
        size = BYTES_PER_PICTURE[header.setdefault("pixel_format", "i420")](header["width"], header["height"])
        if len(video) % size:
            raise ValueError(f"{len(video)} bytes of video are no whole number of pictures of {size} bytes")
        header["video_frames"] = len(video) // size
    if audio:
        size = 2 * header.get("channels", 1)
        if len(audio) % size:
            raise ValueError(f"{len(audio)} bytes of audio are no whole number of samples of {size} bytes")
        header["audio_samples"] = len(audio) // size
    text = json.dumps(header).encode()
    return PREFIX.pack(b"AVS1", SEGMENT, len(text), len(video) + len(audio)) + text + bytes(video) + bytes(audio)


class AVSegments:
    """One connection. Methods may be called from any thread; callbacks come on the reader's thread.

    on_message gets each message as a dict: diagnostics (type "segment"), "trace", "interrupted", "error" and so on.
    on_microphone gets (seconds, bytes of s16le mono at 16 kHz).
    """

    def __init__(self, path, on_message=None, on_microphone=None, patience=10.0):
        self._on_message, self._on_microphone = on_message, on_microphone
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._sent = self._allowed = 0
        self._answers, self._closed, self._next_id = {}, False, 0
        end = time.monotonic() + patience
        while True:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                self._socket.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if on_microphone:
            self.send("microphone", on=True)

    # Sending

    def send(self, type, **fields):
        self._write(message_bytes(type, **fields))

    def send_segment(self, video=b"", audio=b"", timeout=None, **fields):
        """Waits until the node takes another segment, so that messages never stand behind one that is held."""
        data = segment_bytes(video, audio, **fields)
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._sent < self._allowed, timeout):
                raise TimeoutError("no room for another segment")
            self._sent += 1
        self._write(data)

    def interrupt(self, epoch=None):
        """Makes everything older than epoch (default: the next one) stale everywhere, at once."""
        self.send("interrupt", **({} if epoch is None else {"epoch": epoch}))

    def calibration(self, on):
        self.send("calibration", on=on)

    def av_sync_feedback(self, turn_seq, excess_video_lag_ms, jitter_buffer_delta_ms, likely):
        self.send("av_sync_feedback", turn_seq=turn_seq, excess_video_lag_ms=excess_video_lag_ms,
                  jitter_buffer_delta_ms=jitter_buffer_delta_ms, likely=likely)

    def fence(self, id=None, timeout=None):
        """Returns the answer when everything sent before has gone out or was interrupted."""
        return self._ask("fence", id, timeout)

    def drain(self, timeout_ms=10000, id=None):
        """Returns the answer when everything has been played, or the time is up ("complete": False)."""
        return self._ask("drain", id, timeout_ms / 1000 + 10, timeout_ms=timeout_ms)

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _ask(self, type, id, timeout, **fields):
        with self._changed:
            if id is None:
                self._next_id += 1
                id = f"{type}-{self._next_id}"
        self.send(type, id=id, **fields)
        answer = ("drained" if type == "drain" else type, id)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or answer in self._answers, timeout)
            if answer not in self._answers:
                raise ConnectionError("the node is gone") if self._closed else TimeoutError(f"no answer to {type}")
            return self._answers.pop(answer)

    def _write(self, data):
        with self._writing:
            self._socket.sendall(data)

    # Receiving

    def _read(self):
        try:
            with self._socket.makefile("rb") as stream:
                while True:
                    prefix = stream.read(PREFIX.size)
                    if len(prefix) < PREFIX.size:
                        break
                    magic, kind, text, payload = PREFIX.unpack(prefix)
                    if magic != b"AVS1":
                        break
                    text, payload = stream.read(text), stream.read(payload)
                    if kind == MICROPHONE:
                        if self._on_microphone:
                            self._on_microphone(struct.unpack_from("<q", payload)[0] / 1e6, payload[8:])
                    else:
                        self._take(json.loads(text))
        except OSError:
            pass
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()

    def _take(self, message):
        with self._changed:
            if message["type"] == "room":
                self._allowed = message["received"] + message["segments"]
            elif message["type"] in ("fence", "drained") and "id" in message:
                self._answers[message["type"], message["id"]] = message
            self._changed.notify_all()
        if self._on_message:
            self._on_message(message)
