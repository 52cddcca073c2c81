"""Opens a page in Firefox without a window and prints, as JSON, what a JavaScript expression gives there: firefox.py URL EXPRESSION

By WebDriver BiDi. A promise is awaited. The profile is new and is removed.
"""

import asyncio
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import websockets

PREFERENCES = {
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    # A test serves its pages without TLS.
    "media.devices.insecure.enabled": True,
    "media.getusermedia.insecure.enabled": True,
    "media.gmp-manager.updateEnabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Page:
    """A WebDriver BiDi session."""

    def __init__(self, socket):
        self.socket = socket
        self.count = 0

    async def call(self, method, **parameters):
        self.count += 1
        await self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self.socket.recv())
            if message.get("id") == self.count:
                if message.get("type") == "error":
                    raise RuntimeError(f"{method}: {message.get('message')}")
                return message["result"]


async def address(browser):
    """Firefox tells its port on stderr."""
    loop = asyncio.get_running_loop()
    while True:
        line = await loop.run_in_executor(None, browser.stderr.readline)
        if not line:
            raise RuntimeError("Firefox ended before it told its port")
        if "WebDriver BiDi listening on " in line:
            return line.split("WebDriver BiDi listening on ")[1].strip()


async def run(browser, url, expression):
    where = await asyncio.wait_for(address(browser), 40)
    async with websockets.connect(f"{where}/session", max_size=None) as socket:
        page = Page(socket)
        await page.call("session.new", capabilities={})
        tree = await page.call("browsingContext.getTree")
        context = tree["contexts"][0]["context"]
        await page.call("browsingContext.navigate", context=context, url=url, wait="complete")
        result = await page.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": context},
            awaitPromise=True,
        )
        if result["type"] != "success":
            raise RuntimeError(result["exceptionDetails"]["text"])
        print(result["result"]["value"])


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="firefox-"))
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in PREFERENCES.items()]
    (folder / "user.js").write_text("\n".join(lines))
    browser = subprocess.Popen(
        ["firefox-esr", "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        asyncio.run(run(browser, sys.argv[1], sys.argv[2]))
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
