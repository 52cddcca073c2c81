#!/usr/bin/python3
"""Opens a page in a headless Chromium and prints what an expression comes to there, as JSON.

chromium.py URL EXPRESSION [FLAG]… The expression may be a promise. The browser is driven by its own protocol (CDP) over a WebSocket, and ends with this.
"""
import asyncio
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import websockets

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection", "--mute-audio",
    "--remote-debugging-port=0",
]


class Page:
    def __init__(self, socket):
        self.socket = socket
        self.numbers = itertools.count(1)

    async def call(self, method, **parameters):
        number = next(self.numbers)
        await self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self.socket.recv())
            if message.get("method") == "Runtime.consoleAPICalled":
                words = " ".join(str(part.get("value", "")) for part in message["params"]["args"])
                print("page:", words, file=sys.stderr)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]


async def port_of(browser, folder):
    """The port at which the browser is driven, once it has one."""
    port_file = os.path.join(folder, "DevToolsActivePort")
    for _ in range(600):
        if os.path.exists(port_file) and open(port_file).read().strip():
            return open(port_file).read().split()[0]
        if browser.poll() is not None:
            raise RuntimeError(f"Chromium ended with status {browser.returncode}")
        await asyncio.sleep(0.05)
    raise RuntimeError("Chromium tells no port after 30 s")


def browse(work, flags=()):
    """Awaits `work(port)` beside a browser that ends with it."""
    try:
        # A browser that gets no CPU shows what the machine lacks, not what is tested; other tests wait for no clock.
        os.nice(-10)
    except PermissionError:
        pass
    folder = tempfile.mkdtemp(prefix="sluice-chromium-")
    browser = subprocess.Popen(
        ["chromium", *FLAGS, *flags, f"--user-data-dir={folder}", "about:blank"], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)

    async def run():
        await work(await port_of(browser, folder))

    try:
        asyncio.run(run())
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def show(port, url, expression):
    targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list"))
    target = next(target for target in targets if target["type"] == "page")
    async with websockets.connect(target["webSocketDebuggerUrl"], max_size=1 << 26) as socket:
        page = Page(socket)
        await page.call("Runtime.enable")
        await page.call("Page.enable")
        await page.call("Page.navigate", url=url)
        # The expression may be asked before the page's own script has run.
        waits = "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"
        await page.call("Runtime.evaluate", expression=waits, awaitPromise=True)
        result = await page.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        print(json.dumps(result["result"].get("value")))
        # What the page says as it goes is heard before the browser ends.
        await page.call("Page.navigate", url="about:blank")
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    browse(lambda port: show(port, sys.argv[1], sys.argv[2]), sys.argv[3:])
