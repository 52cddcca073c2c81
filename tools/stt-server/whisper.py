#!/usr/bin/env python3
"""A server of words as OpenAI's is one, over faster-whisper: tools/stt-server/whisper.py [OPTIONS]

POST /v1/audio/transcriptions takes a form with a file, and answers in the format that it asks for: json, text, srt,
verbose_json, vtt. GET /v1/models and /health answer too. `tools/setup --stt-server` makes the environment and fetches
the model; this script runs itself in it.

Delays and faults come to order. --faults "429,half,ok" is for the first three requests, --faults "429,*" for all of
them, and a request with the field X-Fault has that one. There are 401, 429 and 503 (with Retry-After), half (a reply
cut off), close, reset, slow (--slow-s), silent (no answer), garbage, encoding (a reply that is no UTF-8), huge
(--huge-mb), and ok.
"""

import argparse
import email.parser
import email.policy
import http.server
import io
import json
import os
import socket
import struct
import sys
import threading
import time

HOME = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), ".build", "stt-server")
MOST = 25 << 20
FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
FAULTS = (
    "ok", "401", "429", "503", "half", "close", "reset", "slow", "silent", "garbage", "encoding", "huge")


class Refusal(Exception):
    """An answer that is an error, as OpenAI writes them."""

    def __init__(self, status, message, parameter=None, code=None):
        super().__init__(message)
        self.status, self.message, self.parameter, self.code = status, message, parameter, code


def clock(seconds, point):
    """A time of subtitles: 01:02:03.456."""
    milliseconds = max(0, round(seconds * 1000))
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def srt(segments):
    cues = [
        f"{number}\n{clock(one.start, ',')} --> {clock(one.end, ',')}\n{one.text.strip()}\n"
        for number, one in enumerate(segments, 1)]
    return "\n".join(cues)


def vtt(segments):
    cues = [f"{clock(one.start, '.')} --> {clock(one.end, '.')}\n{one.text.strip()}\n" for one in segments]
    return "WEBVTT\n\n" + "\n".join(cues)


def verbose(segments, info, granularities):
    answer = {
        "task": "transcribe", "language": "english" if info.language == "en" else info.language,
        "duration": round(info.duration, 3), "text": "".join(one.text for one in segments).strip()}
    if "segment" in granularities:
        answer["segments"] = [
            {"id": number, "seek": one.seek, "start": one.start, "end": one.end, "text": one.text,
             "tokens": one.tokens, "temperature": one.temperature, "avg_logprob": one.avg_logprob,
             "compression_ratio": one.compression_ratio, "no_speech_prob": one.no_speech_prob}
            for number, one in enumerate(segments)]
    if "word" in granularities:
        answer["words"] = [
            {"word": word.word.strip(), "start": round(word.start, 3), "end": round(word.end, 3),
             "probability": round(word.probability, 4)} for one in segments for word in one.words or []]
    return answer


def form(kind, body):
    """The fields of a multipart form; those of one name in a list."""
    if not kind.lower().startswith("multipart/form-data"):
        raise Refusal(415, "The request is no multipart/form-data.")
    head = f"Content-Type: {kind}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise Refusal(400, "The form cannot be read.")
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if name:
            fields.setdefault(name, []).append((part.get_filename(), part.get_payload(decode=True) or b""))
    return fields


class Engine:
    """The model. One request at a time is written, the others wait.

    `compute` is CTranslate2's compute_type. A model as small as tiny.en loses words by int8, which saves a fifth of the
    time: of 93 words in short utterances 5 to 7 were wrong, and 3 to 6 by float32.
    """

    def __init__(self, directory, threads, compute):
        os.environ["HF_HUB_OFFLINE"] = "1"
        import faster_whisper
        self.lock = threading.Lock()
        self.model = faster_whisper.WhisperModel(
            directory, device="cpu", compute_type=compute, cpu_threads=threads, local_files_only=True)

    def write(self, sound, **options):
        with self.lock:
            try:
                segments, info = self.model.transcribe(io.BytesIO(sound), **options)
                return list(segments), info
            except (ValueError, EOFError, OSError) as error:
                raise Refusal(400, f"The file cannot be decoded: {error}", "file") from error
            except Exception as error:
                # PyAV has errors of its own for files that are none.
                raise Refusal(400, f"The file cannot be decoded: {type(error).__name__}", "file") from error


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options, engine):
        super().__init__((options.host, options.port), Handler)
        self.options, self.engine = options, engine
        self.faults = [one.strip() for one in options.faults.split(",") if one.strip()]
        self.lock = threading.Lock()
        self.count = 0

    def fault(self, asked):
        """The fault of the next request."""
        with self.lock:
            number, self.count = self.count, self.count + 1
        if asked:
            return asked
        if self.faults and self.faults[-1] == "*":
            before = self.faults[:-1]
            return before[min(number, len(before) - 1)] if before else "ok"
        return self.faults[number] if number < len(self.faults) else "ok"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        """Each request is told by its answer, without its words."""

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        if self.path == "/v1/models":
            return self.answer(200, {"object": "list", "data": [{"id": "whisper-1", "object": "model"}]})
        return self.refuse(Refusal(404, f"There is nothing at {self.path}."))

    def do_POST(self):
        began = time.monotonic()
        try:
            body = self.body()
            if self.path != "/v1/audio/transcriptions":
                raise Refusal(404, f"There is nothing at {self.path}.")
            fault = self.server.fault(self.headers.get("X-Fault"))
            if fault not in FAULTS:
                raise Refusal(400, f"There is no fault {fault}; there are {', '.join(FAULTS)}.")
            if not self.disturb(fault):
                return
            kind, text = self.write(body)
            time.sleep(self.server.options.delay_ms / 1000)
            self.send(fault, kind, text)
            print(f"whisper: {len(body)} bytes, {fault}, {time.monotonic() - began:.2f} s", file=sys.stderr, flush=True)
        except Refusal as refusal:
            print(f"whisper: {refusal.status} {refusal.message}", file=sys.stderr, flush=True)
            self.refuse(refusal)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts, size = [], 0
            while True:
                try:
                    length = int(self.rfile.readline(64).split(b";")[0], 16)
                except ValueError as error:
                    self.close_connection = True
                    raise Refusal(400, "The body's chunks cannot be read.") from error
                if length == 0:
                    self.rfile.readline(64)
                    return b"".join(parts)
                size += length
                if size > MOST:
                    self.close_connection = True
                    raise Refusal(413, f"The body has more than {MOST} bytes.")
                parts.append(self.rfile.read(length))
                self.rfile.readline(64)
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError as error:
            self.close_connection = True
            raise Refusal(411, "The body's length is missing.") from error
        if not 0 <= length <= MOST:
            self.close_connection = True
            raise Refusal(413, f"The body has {length} bytes; {MOST} are the most.")
        return self.rfile.read(length)

    def disturb(self, fault):
        """False where the request gets no answer of its own any more."""
        options = self.server.options
        if options.token and self.headers.get("Authorization") != f"Bearer {options.token}":
            raise Refusal(401, "The key is missing or wrong.", code="invalid_api_key")
        if fault in ("401", "429", "503"):
            names = {"401": "invalid_api_key", "429": "rate_limit_exceeded", "503": "overloaded"}
            raise Refusal(int(fault), "This is a fault to order.", code=names[fault])
        if fault == "slow":
            time.sleep(options.slow_s)
        if fault == "silent":
            self.close_connection = True
            time.sleep(options.silent_s)
            return False
        if fault in ("close", "reset"):
            self.close_connection = True
            if fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close() if fault == "reset" else self.connection.shutdown(socket.SHUT_RDWR)
            return False
        return True

    def write(self, body):
        fields = form(self.headers.get("Content-Type", ""), body)

        def text(name, default=""):
            values = fields.get(name)
            return values[-1][1].decode("utf-8", "replace").strip() if values else default

        if "file" not in fields:
            raise Refusal(400, "There is no file.", "file")
        name, sound = fields["file"][-1]
        if not name or "." not in name:
            raise Refusal(400, "The file's name has no ending, which tells its kind.", "file")
        shape = text("response_format", "json")
        if shape not in FORMATS:
            raise Refusal(400, f"There is no response_format {shape}; there are {', '.join(FORMATS)}.", "response_format")
        granularities = [value.decode("utf-8", "replace") for _, value in fields.get("timestamp_granularities[]", [])]
        if set(granularities) - {"word", "segment"}:
            raise Refusal(400, "timestamp_granularities[] is word or segment.", "timestamp_granularities[]")
        granularities = granularities or ["segment"]
        try:
            temperature = float(text("temperature", "0") or 0)
        except ValueError as error:
            raise Refusal(400, "temperature is a number from 0 to 1.", "temperature") from error
        if not 0 <= temperature <= 1:
            raise Refusal(400, "temperature is a number from 0 to 1.", "temperature")
        options = {
            "language": text("language") or self.server.options.language, "initial_prompt": text("prompt") or None,
            "beam_size": 5, "word_timestamps": "word" in granularities, "condition_on_previous_text": False}
        if temperature:
            options["temperature"] = temperature
        segments, info = self.server.engine.write(sound, **options)
        words = "".join(one.text for one in segments).strip()
        if shape == "json":
            return "application/json", json.dumps({"text": words}, ensure_ascii=False)
        if shape == "verbose_json":
            return "application/json", json.dumps(verbose(segments, info, granularities), ensure_ascii=False)
        plain = {"text": lambda: words + "\n", "srt": lambda: srt(segments), "vtt": lambda: vtt(segments)}[shape]()
        return {"vtt": "text/vtt", "srt": "application/x-subrip"}.get(shape, "text/plain") + "; charset=utf-8", plain

    def send(self, fault, kind, text):
        data = text.encode()
        if fault == "garbage":
            data = bytes((index * 7 + 1) & 0x7f for index in range(200))
        if fault == "encoding":
            data = text.encode("utf-16")
        if fault == "huge":
            return self.send_huge(kind)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault == "half":
            self.close_connection = True
            data = data[:len(data) // 2]
        self.wfile.write(data)

    def send_huge(self, kind):
        """A text that does not end, in pieces."""
        size = self.server.options.huge_mb << 20
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(b'{"text": "')
        piece = b"all work and no play " * 3120
        for _ in range(size // len(piece)):
            self.wfile.write(piece)

    def refuse(self, refusal):
        error = {
            "message": refusal.message, "type": "invalid_request_error" if refusal.status < 500 else "server_error",
            "param": refusal.parameter, "code": refusal.code}
        self.answer(refusal.status, {"error": error})

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status in (429, 503):
            self.send_header("Retry-After", str(self.server.options.retry_after_s))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)


def enter():
    """Runs this script by the environment's own Python."""
    python = os.path.join(HOME, "venv", "bin", "python3")
    if os.path.realpath(sys.prefix) == os.path.realpath(os.path.join(HOME, "venv")):
        return
    if not os.path.exists(python):
        sys.exit(f"whisper: {python} is not there: run tools/setup --stt-server, which makes it.")
    os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1", help="The address where it listens.")
    parser.add_argument("--port", type=int, default=8771, help="The port; 0 is any free one, which is told.")
    parser.add_argument("--model", default=os.path.join(HOME, "model"), help="A directory with a CTranslate2 model.")
    parser.add_argument("--language", default="en", help="The language where a request names none.")
    parser.add_argument("--threads", type=int, default=2, help="Threads of a request.")
    parser.add_argument(
        "--compute", default="float32", choices=("float32", "int8"), help="The numbers in which the model is computed.")
    parser.add_argument("--token", default="", help="The key that requests must show. Empty asks for none.")
    parser.add_argument("--delay-ms", type=float, default=0, help="The delay of each answer in ms.")
    parser.add_argument("--faults", default="", help="Faults of the requests to come, in their order.")
    parser.add_argument("--retry-after-s", type=int, default=1, help="The time in s that 429 and 503 tell.")
    parser.add_argument("--slow-s", type=float, default=5, help="The delay of the fault slow in s.")
    parser.add_argument("--silent-s", type=float, default=60, help="The time in s until the fault silent closes.")
    parser.add_argument("--huge-mb", type=int, default=1024, help="The size of the fault huge in MiB.")
    options = parser.parse_args()
    enter()
    server = Server(options, Engine(options.model, options.threads, options.compute))
    print(f"http://{options.host}:{server.server_address[1]}/v1/audio/transcriptions", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
