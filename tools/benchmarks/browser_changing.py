"""A link that changes under one viewer: 3, 0.7 and 3 Mb/s at a round trip of 40 ms, with 300 ms of queue.

An encoder follows the viewer's estimate. What is sent is counted at the link: what passes, and what its queue drops.
"""
import os
import subprocess
import time

from browser_link import Link
from browser_stage import WHEP
from compile import build
from measure import Failed
from result import Figure
from webrtc_servers import MEDIA

FRONT = MEDIA + 100
WIDTH, HEIGHT, WIDE, NARROW, QUEUE_MS, WAY_MS = 640, 360, 3000, 700, 300, 20
#: Of a packet that the queue dropped, UDP and IP included.
DROPPED = 1150

WATCH = """
watch("%s/viewer", { change: through(%d) }).then(async call => {
  window.call = call;
  call.longest = 0;
  let last = performance.now();
  call.video.requestVideoFrameCallback(function next(now) {
    call.longest = Math.max(call.longest, now - last);
    last = now;
    call.video.requestVideoFrameCallback(next);
  });
  await pictures(call.video, 30);
})
"""
#: Since the last call: the longest time between two pictures.
COUNTS = """
counts(call.pc).then(({ video, audio }) => {
  const longest = call.longest;
  call.longest = 0;
  return { freezes: video.freezeCount, frozen: video.totalFreezesDuration * 1000, lost: video.packetsLost, longest,
    concealed: (audio.concealedSamples - audio.silentConcealedSamples) / 48, pictures: video.framesDecoded };
})
"""


class Offered:
    """All that is sent to a link, looked at again and again."""

    def __init__(self, link):
        self.link, self.rows = link, []

    def look(self, seconds, pause=0.1):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.link.counts()
            self.rows.append((time.monotonic(), found["back_bytes"] + DROPPED * found["back_lost"], found["back_lost"]))
            time.sleep(pause)

    def rates(self, since, span=0.5):
        """In kb/s over `span` seconds, each with the time at its end; the first ends `span` behind `since`."""
        found, first = [], 0
        for index, (at, total, _) in enumerate(self.rows):
            while self.rows[first][0] < at - span:
                first += 1
            begun, before, _ = self.rows[first]
            if at >= since + span and at > begun:
                found.append((at - since, (total - before) * 8 / 1000 / (at - begun)))
        return found


def graph(stage, fifo):
    """The graph `viewer` with pictures that are hard to compress, a tone, and an encoder that may go far."""
    def change(body):
        body["nodes"]["source"] = {
            "type": "raw-video-source", "path": str(fifo), "width": WIDTH, "height": HEIGHT, "fps": 30,
            "pixel_format": "i420"}
        body["nodes"]["tone"] = {"type": "source", "open": "tone"}
        body["edges"][0] = "source -> video"
        body["edges"][1] = "tone.audio -> audio"
        body["templates"]["viewer"]["nodes"]["peer"]["min_kbps"] = 100
    return stage.altered("viewer", change)


def figures(stage):
    frames, fifo = stage.workshop.path / "latency_frames", stage.workshop.path / "changing"
    if not frames.exists():
        build("latency_frames.c", frames)
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    pictures = subprocess.Popen(
        ["bash", "-c", 'exec "$0" "$@" > "$FIFO"', frames, "send", str(WIDTH), str(HEIGHT), "30", "100000",
         "/dev/null"],
        env={**os.environ, "FIFO": str(fifo)})
    page = stage.chromium
    try:
        with stage.serve(graph(stage, fifo), video_kbps=3000), Link(
                stage.workshop, stage.address, [FRONT], MEDIA) as link:
            link.way("there", delay_ms=WAY_MS, is_ordered=True)

            def narrow(kbps):
                link.way("back", delay_ms=WAY_MS, kbps=kbps, queue_ms=QUEUE_MS, is_ordered=True)
                return time.monotonic()

            narrow(WIDE)
            page.fresh()
            page.ask(WATCH % (WHEP, FRONT))
            offered = Offered(link)
            offered.look(20)
            usual = [rate for at, rate in offered.rates(offered.rows[-1][0] - 5) if rate > 0]
            before = page.ask(COUNTS)
            cut = narrow(NARROW)
            offered.look(15)
            during = page.ask(COUNTS)
            wide = narrow(WIDE)
            offered.look(15)
            after = page.ask(COUNTS)
    finally:
        pictures.terminate()
        pictures.wait()
    usual = sorted(usual)[len(usual) // 2]
    narrow_rates = [(at, rate) for at, rate in offered.rates(cut) if at < wide - cut]
    # A probe may send more for a moment later on.
    below = [at for at, rate in offered.rates(cut, 1.0) if at < wide - cut and rate <= NARROW]
    if not below:
        raise Failed(f"more was sent than the link carries all the time: {narrow_rates[-10:]}")
    back = [at for at, rate in offered.rates(wide, 1.0) if rate >= 0.7 * usual]
    used = [rate for at, rate in narrow_rates if at > 5]
    return [
        Figure("3 Mb/s, round trip 40 ms: what an encoder at 65 % sends", "kb/s", usual),
        Figure("3 → 0.7 Mb/s: less is sent than the link carries, after", "s",
               below[0] - 1, 2),
        Figure("the same: of 0.7 Mb/s used from 5 s on", "%", 100 * sum(used) / max(1, len(used)) / NARROW),
        Figure("the same: freezes", "", during["freezes"] - before["freezes"], 1),
        Figure("the same: frozen in all", "ms", during["frozen"] - before["frozen"], 500),
        Figure("the same: longest time between two pictures", "ms", during["longest"]),
        Figure("the same: sound made up", "ms", during["concealed"] - before["concealed"]),
        Figure("0.7 → 3 Mb/s: 70 % of what was sent before, after", "s", back[0] if back else 15.0, 15),
        Figure("the same: freezes", "", after["freezes"] - during["freezes"], 0)]
