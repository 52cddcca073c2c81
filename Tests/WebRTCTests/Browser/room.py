#!/usr/bin/python3
"""Has several pages of one headless Chromium meet in a room, each with a tone of its own for a microphone, and prints
what each of them hears and counts, as JSON.

room.py URL SCENARIO [FLAG]… The scenarios are the functions below that begin with an underscore, without it.
"""
import asyncio
import json
import sys
import time
import urllib.error
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
// Samples of one other that were made up, and all of them, without the silence of a track that has not begun.
window.concealedOf = async name => {
  const [track] = tiles.get(name).stream.getAudioTracks(), found = {};
  (await pc.getStats()).forEach(one => {
    if (one.type === "inbound-rtp" && one.trackIdentifier === track.id)
      Object.assign(found, { concealed: one.concealedSamples - (one.silentConcealedSamples || 0),
        silent: one.silentConcealedSamples || 0, samples: one.totalSamplesReceived, events: one.concealmentEvents,
        lost: one.packetsLost });
  });
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


def request(room, method, path, body=None):
    """The status and the text of an answer of the room's server."""
    asked = urllib.request.Request(room.url.rstrip("/") + path, method=method, data=body and json.dumps(body).encode())
    try:
        with urllib.request.urlopen(asked) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]


WATCH = """
(async () => {
  const other = new RTCPeerConnection();
  for (const kind of ["audio", "video"]) other.addTransceiver(kind, { direction: "recvonly" });
  await other.setLocalDescription();
  const answer = await fetch("/whep/main/bob", { method: "POST", body: other.localDescription.sdp,
    headers: { "Content-Type": "application/sdp" } });
  const found = { status: answer.status, location: answer.headers.get("Location") };
  await other.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  for (let count = 0; count < 100; count++) {
    (await other.getStats()).forEach(one => { if (one.type === "inbound-rtp") found[one.kind] = one.packetsReceived; });
    if (found.audio > 20) break;
    await new Promise(done => setTimeout(done, 50));
  }
  window.other = other;
  return found;
})()
"""

PUBLISH = """
(async () => {
  const other = new RTCPeerConnection(), stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  other.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly" });
  await other.setLocalDescription();
  const answer = await fetch("/whip/main/carol", { method: "POST", body: other.localDescription.sdp,
    headers: { "Content-Type": "application/sdp" } });
  await other.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  window.published = answer.headers.get("Location");
  return answer.status;
})()
"""


async def _requests(room):
    """By HTTP: the list, a viewer and a publisher of a room, muting, taking out."""
    found = {"none": request(room, "GET", "/api/v1/rooms/main")}
    await room.join("alice", TONE["alice"])
    await room.join("bob", TONE["bob"])
    found["two"] = await room.until(others("alice", "bob"))
    found["list"] = request(room, "GET", "/api/v1/rooms")
    found["watched"] = await room.ask("alice", WATCH)
    # What it publishes is its own tone.
    found["published"] = await room.ask("alice", PUBLISH)
    found["three"] = await room.until({"bob": {"alice": 440, "carol": 440}})
    found["one"] = request(room, "GET", "/api/v1/rooms/main")
    found["ended"] = await room.ask("alice", "fetch(published, { method: 'DELETE' }).then(answer => answer.status)")
    found["left"] = await room.until(others("alice", "bob"))
    found["mute"] = request(room, "PATCH", "/api/v1/rooms/main/bob", {"kind": "audio", "muted": True})
    found["muted"] = await room.until({"alice": {"bob": 0}})
    found["label"] = await room.ask("alice", "tiles.get('bob').label.textContent")
    found["unmute"] = request(room, "PATCH", "/api/v1/rooms/main/bob", {"kind": "audio", "muted": False})
    found["again"] = await room.until(others("alice", "bob"))
    found["nonsense"] = request(room, "PATCH", "/api/v1/rooms/main/bob", {"kind": "smell"})
    found["nobody"] = request(room, "DELETE", "/api/v1/rooms/main/dave")
    found["removed"] = request(room, "DELETE", "/api/v1/rooms/main/bob")
    found["told"] = await room.ask("bob", """new Promise(done => setInterval(
      () => { if (hasLeft) done(state.textContent); }, 50))""")
    found["watcher"] = await room.ask("alice", """new Promise(done => setInterval(
      () => { if (/closed|failed|disconnected/.test(other.connectionState)) done(true); }, 50))""")
    return found


async def _speech(room):
    """One speaks, by Chromium's own microphone, and the texts of it are read on the page of the other one."""
    await room.join("bob", TONE["bob"])
    await room.join("alice", 0)
    found = {"captions": ""}
    for _ in range(300):
        found["captions"] = await room.ask("bob", "captions.textContent")
        leads = await room.ask("bob", "!!tiles.get('alice')?.box.classList.contains('leads')")
        found["leads"] = found.get("leads") or leads
        if found["captions"] and "country" in found["captions"].lower().split("ask")[-1]:
            break
        await asyncio.sleep(0.1)
    return found


async def _joins(room):
    """Two listen to each other while 24 come and go."""
    found = {}
    await room.join("alice", TONE["alice"])
    await room.join("bob", TONE["bob"])
    found["two"] = await room.until(others("alice", "bob"))
    await asyncio.sleep(2)
    before = {name: await room.ask(name, "counts()") for name in ("alice", "bob")}
    slowest = 0
    for number in range(24):
        name = f"guest{number}"
        await room.join(name, 880)
        wanted = {"alice": {"bob": 620, name: 880}, "bob": {"alice": 440, name: 880}}
        slowest = max(slowest, (await room.until(wanted, 10))["after_s"])
        await room.leave(name)
        await room.until(others("alice", "bob"), 10)
    after = {name: await room.ask(name, "counts()") for name in ("alice", "bob")}
    found["slowest_s"] = slowest
    found["concealed"] = {name: await room.ask(name, "concealedOf(%s)" % repr({"alice": "bob", "bob": "alice"}[name]))
                          for name in after}
    found["sections"] = {name: await room.ask(name, "(pc.remoteDescription.sdp.match(/^m=/gm) || []).length")
                         for name in after}
    found["freezes"] = {name: after[name]["freezes"] - before[name]["freezes"] for name in after}
    return found


async def _together(room):
    """Fifteen join together."""
    names = {f"guest{number}": 300 + 60 * number for number in range(15)}
    start = time.monotonic()
    await asyncio.gather(*(room.join(name, tone) for name, tone in names.items()))
    opened = time.monotonic() - start
    found = await room.until({name: {other: names[other] for other in names if other != name} for name in names}, 40)
    return {"opened_s": round(opened, 2), "after_s": found["after_s"],
            "heard": sum(near_count(found["heard"][name] or {}, names) for name in names)}


def near_count(heard, names):
    return sum(abs(heard[name] - names[name]) < 15 for name in heard)


async def play(port, url, scenario):
    room = Room(port, url)
    print(json.dumps(await globals()["_" + scenario](room)))
    for name in list(room.pages):
        await room.leave(name)


chromium.browse(lambda port: play(port, sys.argv[1], sys.argv[2]), [
    *sys.argv[3:], "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling"])
