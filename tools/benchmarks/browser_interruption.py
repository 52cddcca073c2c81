"""From an interruption at the socket of `av-segments` until the level in the page is below a tenth.

Turns have two tones that differ, one after the other, so that a sample of an old turn is told from one of the next. A
bare peer of aiortc's in the same page, whose next frame fades, is interrupted in turn with it.
"""
import math
import random
import struct
import subprocess
import sys
import time

from browser_ear import falls, leftovers
from browser_stage import PEER, percentile
from engine import ROOT
from measure import Spread
from result import Figure
from webrtc_servers import HERE, Aiortc, Process

sys.path.insert(0, str(ROOT / "docs" / "examples"))
from av_segments import AVSegments  # noqa: E402
from interruption import at_once  # noqa: E402

WIDTH, HEIGHT, RATE = 640, 360, 24_000
TONES = 500, 3000
BARE = 8893


def media(hertz):
    """Two seconds of pictures that move, and of a tone."""
    slope = bytes((16 + x * 200 // WIDTH) for x in range(WIDTH))
    pictures = []
    for number in range(50):
        shift = number * 8 % WIDTH
        pictures.append((slope[shift:] + slope[:shift]) * HEIGHT + bytes([128]) * (WIDTH * HEIGHT // 2))
    tone = [int(12_000 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(2 * RATE)]
    return b"".join(pictures), struct.pack(f"<{2 * RATE}h", *tone)


class Bare:
    """The peer beside it, where it is installed."""

    def __init__(self, workshop):
        self.process = Process(
            [Aiortc.python, HERE / "browser_bare.py", BARE], BARE, workshop.path / "bare.log", input=subprocess.PIPE)

    def tell(self, line):
        self.process.process.stdin.write(line.encode() + b"\n")
        self.process.process.stdin.flush()

    def close(self):
        self.process.close()


CONVERSE = """
(async () => {
  window.call = await converse("%s/avatar");
  while (!call.stream.getAudioTracks().length) await rest(20);
  window.heard = await listen(call.stream);
})()
"""
BARELY = """
(async () => {
  const pc = window.bare = new RTCPeerConnection(), { stream } = stage();
  pc.addTransceiver("audio", { direction: "recvonly" });
  pc.ontrack = event => stream.addTrack(event.track);
  await pc.setLocalDescription();
  await new Promise(done => pc.iceGatheringState === "complete" ? done() : pc.onicegatheringstatechange = done);
  const answer = await fetch("http://127.0.0.1:%d/", { method: "POST", body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  window.bareHeard = await listen(stream);
})()
"""


def once(stage, count):
    """(ms, leftovers) of each interruption of ours, then of the bare peer's; what getStats tells of ours."""
    socket, page = stage.workshop.path / "avatar.sock", stage.chromium
    bare = None if Aiortc.missing() else Bare(stage.workshop)
    dice, calls, bare_calls = random.Random(5), [], []
    turns = [media(hertz) for hertz in TONES]
    try:
        with stage.serve("avatar", socket=socket), AVSegments(str(socket)) as avatar:
            page.fresh()
            page.ask(CONVERSE % PEER)
            if bare:
                page.ask(BARELY % BARE)
            time.sleep(2)
            for turn in range(count):
                video, audio = turns[turn % 2]
                avatar.send_segment(
                    video=video, audio=audio, width=WIDTH, height=HEIGHT, sample_rate=RATE, epoch=turn + 1, segment_seq=1)
                if bare:
                    bare.tell(f"speak {TONES[turn % 2]}")
                time.sleep(dice.uniform(0.9, 1.1))
                calls.append(wall(at_once(lambda: avatar.interrupt(turn + 2))))
                if bare:
                    time.sleep(0.2)
                    bare_calls.append(wall(at_once(lambda: bare.tell("interrupt"))))
                time.sleep(dice.uniform(0.4, 0.5))
            time.sleep(0.5)
            found = [page.ask("counts(call.pc)")["audio"]] + ([page.ask("counts(bare)")["audio"]] if bare else [])
            heard, beside = page.ask("heard"), page.ask("bareHeard") if bare else []
    finally:
        if bare:
            bare.close()
    def heard_falls(rows, at):
        return [ms for ms in falls(rows, at) if ms is not None]
    ours = heard_falls(heard, calls), leftovers(heard, calls, TONES)
    return ours, heard_falls(beside, bare_calls) if bare else None, found


def wall(monotonic):
    """ms since 1970."""
    return (time.time() - time.monotonic() + monotonic) * 1000


def figures(stage):
    count = 20 if stage.options.quick else 100
    rounds = [once(stage, count) for _ in range(min(stage.options.rounds, 2))]
    peers = [bare for _, bare, _ in rounds if bare]

    def beside(part):
        return {"aiortc": Spread([percentile(values, part) for values in peers])} if peers else {}

    def ours(part):
        return Spread([percentile(values, part) for (values, _), _, _ in rounds])
    made = [
        Figure(f"from an interruption to silence, {count} calls, p50", "ms", ours(0.5), 110, beside(0.5)),
        Figure("the same, p99", "ms", ours(0.99), 200, beside(0.99)),
        Figure("samples of the old turn behind the silence", "blocks of 2.7 ms", Spread([left for (_, left), _, _ in rounds]), 0)]
    if peers:
        more = [percentile(values, 0.5) - percentile(bare, 0.5) for (values, _), bare, _ in rounds]
        made.insert(2, Figure("more than the bare peer, p50", "ms", Spread(more), 40))
    for name, key in (("of it the jitter buffer of the browser, mean", "jitterBufferDelay"),
                      ("the same if sound did not wait for pictures", "jitterBufferMinimumDelay")):
        def spread(place):
            return Spread([one[2][place][key] / max(1, one[2][place]["jitterBufferEmittedCount"]) * 1000 for one in rounds])
        made.append(Figure(name, "ms", spread(0), None, {"aiortc": spread(1)} if peers else {}))
    return made
