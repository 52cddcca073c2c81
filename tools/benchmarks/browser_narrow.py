"""A stream of 2.5 Mb/s that is passed on, and viewers who join through a link of little more; and a link that changes.

Its keyframes are two seconds apart. Each picture carries its number, so that one who joined can be compared with one who
watches all along: how much later the page draws the same picture.
"""
import os
import subprocess
import time

import browser_changing
from browser_link import Link
from browser_stage import WHEP, percentile
from compile import build
from engine import executable
from measure import Failed, Spread
from result import Figure
from webrtc_servers import MEDIA

FRONT, SRT, WIDTH, HEIGHT, KBPS = MEDIA + 100, 8890, 1280, 720, 2500

JOIN = """
(async () => {
  const call = await watch("%s/demo", { kinds: ["video"], change: %s }), rows = numbered(call.video);
  while (!rows.length) await rest(5);
  const first = rows[0].read - call.posted;
  await rest(%d);
  const { video } = await counts(call.pc), others = window.first.rows;
  const seen = new Map(others.map(row => [row.number, row.read]));
  const late = rows.filter(row => row.number >= 0 && seen.has(row.number))
    .map(row => [row.read - rows[0].read, row.read - seen.get(row.number)]);
  await call.leave();
  others.splice(0, Math.max(0, others.length - 300));
  return { first, late, lost: video.packetsLost, freezes: video.freezeCount, frozen: video.totalFreezesDuration * 1000,
    keyframes: video.keyFramesDecoded, pictures: rows.length };
})()
"""


BYTES = "counts(first.pc).then(({ video }) => [performance.now(), video.bytesReceived])"


class Sender:
    """Numbered pictures as H.264 by SRT, for a `with`."""

    def __init__(self, stage, kbps=KBPS, gop_s=2):
        self.stage = stage
        graph = stage.altered("contribute", lambda body: body["nodes"]["h264"].update(gop_s=gop_s))
        frames = stage.workshop.path / "latency_frames"
        if not frames.exists():
            build("latency_frames.c", frames)
        self.fifo = stage.workshop.path / "pictures"
        self.fifo.unlink(missing_ok=True)
        os.mkfifo(self.fifo)
        self.processes = [subprocess.Popen(
            [executable(), "run", graph, "--set", f"input={self.fifo}", "--set", "pixel_format=i420", "--set", f"width={WIDTH}",
             "--set", f"height={HEIGHT}", "--set", f"bitrate_kbps={kbps}", "--set", f"url=srt://127.0.0.1:{SRT}?streamid=publish:demo"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(stage.workshop.path / "sender.log", "w"))]
        self.processes.append(subprocess.Popen(
            ["bash", "-c", 'exec "$0" "$@" > "$FIFO"', frames, "send", str(WIDTH), str(HEIGHT), "30", "100000", "/dev/null"],
            env={**os.environ, "FIFO": str(self.fifo)}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


def joins(stage, count, change, stays_ms=5000):
    """Viewers one behind the other, at different times of a group of pictures."""
    found = []
    for turn in range(count):
        # A step of the golden ratio puts them evenly, in no order.
        time.sleep((turn * 0.618 % 1) * 2)
        found.append(stage.chromium.ask(JOIN % (WHEP, change, stays_ms)))
    return found


def behind_ms(join):
    """How much later pictures are than those of who watches all along, 3 s after the first one, in ms."""
    late = [by for at, by in join["late"] if 3000 <= at < 4500]
    if not late:
        raise Failed("no picture of who joined was among those of who watches all along")
    return percentile(late, 0.5)


def figures(stage):
    count = 5 if stage.options.quick else 10
    with stage.serve("srt-viewer", **{"from": f"srt://127.0.0.1:{SRT}", "latency_ms": 20}), Sender(stage), Link(
            stage.workshop, stage.address, [FRONT], MEDIA) as between:
        page = stage.chromium
        page.fresh()
        page.ask(f"watch('{WHEP}/demo', {{ kinds: ['video'] }}).then(call => {{ window.first = call; call.rows = numbered(call.video); }})")
        time.sleep(4)
        before = page.ask(BYTES)
        direct = joins(stage, count, "sdp => sdp")
        between.way("back", kbps=6000, queue_ms=300)
        wide = joins(stage, count, f"through({FRONT})")
        between.way("back", kbps=4000, queue_ms=300)
        narrow = joins(stage, count, f"through({FRONT})")
        after = page.ask(BYTES)

    def all(found, key):
        return [join[key] for join in found]
    late = [behind_ms(join) for join in direct]
    changing = browser_changing.figures(stage)
    return changing + [
        Figure("the stream that is passed on", "kb/s", (after[1] - before[1]) * 8 / (after[0] - before[0])),
        Figure("3 s after it joined, later than one who watches all along, median", "ms", percentile(late, 0.5), 50),
        Figure("the same, worst", "ms", max(late), 50),
        Figure("2.5 Mb/s through 6 Mb/s, queue 300 ms: packets lost, most", "", max(all(wide, "lost")), 0),
        Figure("the same: freezes, most", "", max(all(wide, "freezes")), 0),
        Figure("the same: first picture, median", "ms", Spread(all(wide, "first"))),
        Figure("the same: later than one who watches all along, worst", "ms", max(behind_ms(join) for join in wide)),
        Figure("2.5 Mb/s through 4 Mb/s: first picture, median", "ms", Spread(all(narrow, "first")), 250),
        Figure("the same: freezes, most", "", max(all(narrow, "freezes")), 1),
        Figure("the same: frozen in all, most", "ms", max(all(narrow, "frozen"))),
        Figure("the same: packets lost, most", "", max(all(narrow, "lost")))]
