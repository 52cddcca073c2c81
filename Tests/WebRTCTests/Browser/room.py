#!/usr/bin/python3
"""Has several pages of one headless Chromium meet in a room, each with a tone of its own for a microphone, and prints
what each of them hears and counts, as JSON.

room.py URL SCENARIO. The scenarios are the functions below that begin with an underscore, without it.
"""
import asyncio
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import websockets

import chromium

# A tone in place of the microphone, from ?tone=HZ, and what is heard of the others.
TONES = """
const tone = Number(new URLSearchParams(location.search).get("tone"));
const context = new AudioContext({ sampleRate: 48000 });
if (navigator.mediaDevices && tone) navigator.mediaDevices.getUserMedia = async wanted => {
  const stream = new MediaStream();
  if (wanted.audio) {
    const source = context.createOscillator(), gain = context.createGain();
    const out = context.createMediaStreamDestination();
    [source.frequency.value, gain.gain.value] = [tone, 0.3];
    source.connect(gain).connect(out);
    source.start();
    await context.resume();
    stream.addTrack(out.stream.getAudioTracks()[0]);
  }
  if (wanted.video) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const pen = canvas.getContext("2d");
    let count = 0;
    setInterval(() => { pen.fillStyle = `hsl(${count += 7} 80% 50%)`; pen.fillRect(0, 0, 320, 180); }, 40);
    stream.addTrack(canvas.captureStream(25).getVideoTracks()[0]);
  }
  return stream;
};
// The strongest frequency of each other one, in Hz; 0 where nothing is heard.
const hearers = new Map();
window.heard = () => {
  const found = {};
  for (const [name, one] of tiles) {
    if (name === me) continue;
    const [track] = one.stream.getAudioTracks();
    if (!track) { found[name] = 0; continue; }
    let hearer = hearers.get(name);
    if (!hearer || hearer.track !== track) {
      hearer = { track, node: context.createAnalyser() };
      hearer.node.fftSize = 8192;
      context.createMediaStreamSource(new MediaStream([track])).connect(hearer.node);
      hearers.set(name, hearer);
    }
    const bins = new Float32Array(hearer.node.frequencyBinCount);
    hearer.node.getFloatFrequencyData(bins);
    const best = bins.indexOf(Math.max(...bins));
    found[name] = bins[best] < -60 ? 0 : Math.round(best * 48000 / 8192);
  }
  return found;
};
window.counts = async () => {
  const total = { concealed: 0, silent: 0, samples: 0, freezes: 0, pictures: {}, sections: 0, used: 0 };
  (await pc.getStats()).forEach(one => {
    if (one.type !== "inbound-rtp") return;
    if (one.kind === "audio") {
      total.concealed += one.concealedSamples || 0;
      total.silent += one.silentConcealedSamples || 0;
      total.samples += one.totalSamplesReceived || 0;
    } else { total.freezes += one.freezeCount || 0; }
  });
  for (const [name, one] of tiles) if (name !== me) total.pictures[name] = one.video.videoWidth;
  total.sections = pc.getTransceivers().length;
  total.used = pc.getTransceivers().filter(one => one.currentDirection && one.currentDirection !== "stopped").length;
  return total;
};
"""


class Room:
    """The pages, by the names that they have in the room."""

    def __init__(self, browser_port, url):
        self.port, self.url = browser_port, url
        self.pages = {}

    async def join(self, name, tone):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT")
        target = json.load(urllib.request.urlopen(request))
        socket = await websockets.connect(target["webSocketDebuggerUrl"], max_size=1 << 26)
        page = chromium.Page(socket)
        page.target = target["id"]
        await page.call("Runtime.enable")
        await page.call("Page.enable")
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=TONES)
        await page.call("Page.navigate", url=f"{self.url}?name={name}&tone={tone}")
        self.pages[name] = page

    async def leave(self, name):
        page = self.pages.pop(name)
        await page.socket.close()
        urllib.request.urlopen(f"http://127.0.0.1:{self.port}/json/close/{page.target}")

    async def ask(self, name, expression):
        result = await self.pages[name].call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            return None
        return result["result"].get("value")

    async def until(self, wanted, patience=20):
        """Waits until each page hears `wanted[name]`, and gives what it hears then, and the seconds it took."""
        start, heard = time.monotonic(), {}
        while time.monotonic() - start < patience:
            heard = {name: await self.ask(name, "heard()") for name in wanted}
            if all(near(heard[name], wanted[name]) for name in wanted):
                break
            await asyncio.sleep(0.1)
        return {"heard": heard, "after_s": round(time.monotonic() - start, 2)}


def near(heard, wanted):
    return heard is not None and heard.keys() == wanted.keys() and all(
        abs(heard[name] - wanted[name]) < 15 for name in wanted)


TONE = {"alice": 440, "bob": 620, "carol": 880}


def others(*names):
    return {name: {other: TONE[other] for other in names if other != name} for name in names}


async def _three(room):
    """Three, of whom the last comes late, and the first goes."""
    found = {}
    await room.join("alice", TONE["alice"])
    await room.join("bob", TONE["bob"])
    found["two"] = await room.until(others("alice", "bob"))
    await room.join("carol", TONE["carol"])
    found["three"] = await room.until(others("alice", "bob", "carol"))
    await room.leave("alice")
    found["left"] = await room.until(others("bob", "carol"))
    found["counts"] = {name: await room.ask(name, "counts()") for name in room.pages}
    found["states"] = {name: await room.ask(name, "state.textContent") for name in room.pages}
    return found


async def _camera(room):
    """One switches a camera on and off again while the other one listens."""
    found = {}
    await room.join("alice", TONE["alice"])
    await room.join("bob", TONE["bob"])
    found["two"] = await room.until(others("alice", "bob"))
    await room.ask("alice", "button('film').click()")
    for _ in range(100):
        found["counts"] = await room.ask("bob", "counts()")
        if found["counts"] and found["counts"]["pictures"].get("alice", 0) > 0:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    await room.ask("alice", "button('film').click()")
    for _ in range(100):
        found["dark"] = await room.ask("bob", "tiles.get('alice').box.classList.contains('dark')")
        if found["dark"]:
            break
        await asyncio.sleep(0.1)
    found["after"] = await room.until(others("alice", "bob"))
    found["counts"] = await room.ask("bob", "counts()")
    return found


async def run(browser, folder, url, scenario):
    port_file = os.path.join(folder, "DevToolsActivePort")
    for _ in range(600):
        if os.path.exists(port_file) and open(port_file).read().strip():
            break
        if browser.poll() is not None:
            raise RuntimeError(f"Chromium ended with status {browser.returncode}")
        await asyncio.sleep(0.05)
    room = Room(open(port_file).read().split()[0], url)
    print(json.dumps(await globals()["_" + scenario](room)))
    for name in list(room.pages):
        await room.leave(name)


def main():
    try:
        os.nice(-10)
    except PermissionError:
        pass
    folder = tempfile.mkdtemp(prefix="sluice-chromium-")
    browser = subprocess.Popen(
        ["chromium", *chromium.FLAGS, "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
         "--disable-background-timer-throttling", f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(run(browser, folder, sys.argv[1], sys.argv[2]))
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
