"""A headless Chromium, driven by its own protocol (CDP) over a pipe, and a page in it with browser_page.js."""
import fcntl
import http.server
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import threading
import time

from measure import Failed

SCRIPT = pathlib.Path(__file__).resolve().parent / "browser_page.js"
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection", "--mute-audio", "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows", "--remote-debugging-pipe",
]


def missing():
    return None if shutil.which("chromium") else "Chromium is not installed (chromium)"


class Chromium:
    """The browser and one page, for a `with`."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-chromium-")
        self.pages = serve_page()
        # Chromium reads from descriptor 3 and writes to 4.
        (theirs_in, self.input), (self.output, theirs_out) = high_pipe(), high_pipe()
        command = ["chromium", *FLAGS, f"--user-data-dir={self.folder}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', *command], pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.session, self.waiting = 0, None, b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Runtime.enable")
        return self

    def __exit__(self, *_):
        self.pages.shutdown()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for end in (self.input, self.output):
            os.close(end)
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, timeout_s=60.0, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.input, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout_s
        while True:
            answer = self.message(end, method)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Failed(f"Chromium, {method}: {answer['error']['message']}")
                return answer["result"]

    def message(self, end, method):
        while b"\0" not in self.waiting:
            if not select.select([self.output], [], [], max(0, end - time.monotonic()))[0]:
                raise Failed(f"Chromium does not answer {method}")
            part = os.read(self.output, 1 << 20)
            if not part:
                raise Failed("Chromium has ended")
            self.waiting += part
        text, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(text)

    def fresh(self):
        """An empty page with the functions of browser_page.js."""
        self.open(f"http://127.0.0.1:{self.pages.server_port}/")
        self.ask("typeof watch === 'function' || Promise.reject(new Error('the page has no functions'))")

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.ask("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))")

    def ask(self, expression, timeout_s=120.0):
        """The value of an expression, a promise's value included."""
        result = self.call(
            "Runtime.evaluate", timeout_s, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failed(f"in the page: {details.get('exception', {}).get('description') or details['text']}")
        return result["result"].get("value")

    def clock_ms(self):
        """performance.now() of the page is so far behind CLOCK_MONOTONIC here, in ms."""
        found = []
        for _ in range(30):
            before = time.monotonic_ns()
            there = self.ask("performance.now()")
            after = time.monotonic_ns()
            found.append((after - before, (before + after) / 2e6 - there))
        return min(found)[1]


def high_pipe():
    """A pipe whose descriptors are none of those that are about to be given away."""
    ends = []
    for low in os.pipe():
        ends.append(fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 20))
        os.close(low)
    return ends


def serve_page():
    body = b"<!doctype html><title>bench</title><body><script>" + SCRIPT.read_bytes() + b"</script>"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
