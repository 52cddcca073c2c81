"""A raw picture from a FIFO, through `contribute`, SRT and `srt-viewer`, until a page has read the number in it. PCM from
another FIFO goes with it.

Where the milliseconds go: the browser tells when a picture's last packet had come, how long it was decoded, and when it
was handed to the compositor. Up to the first of these it is Sluice and SRT, whose latency is 20 ms of it.
"""
import array
import itertools
import math
import os
import subprocess
import threading
import time

from browser_stage import WHEP, percentile, until
from compile import build
from engine import GRAPHS, executable
from latency import log_of
from measure import Failed, Spread
from result import Figure

SRT = 8890
SKIPPED_S = 3


def without_playout_delay(graph):
    for template in graph["templates"].values():
        template["nodes"]["viewers"]["playout_delay_ms"] = ""


def once(stage, width, height, graph="srt-viewer"):
    """Numbers of pictures with the ms of each of their stations, from the writing of the first byte on."""
    workshop, fps = stage.workshop, 30
    frames = workshop.path / "latency_frames"
    if not frames.exists():
        build("latency_frames.c", frames)
    fifo, pcm, log = (workshop.path / name for name in ("pictures", "pcm", "written.log"))
    for old in (fifo, pcm, log):
        old.unlink(missing_ok=True)
    os.mkfifo(fifo)
    os.mkfifo(pcm)
    seconds = SKIPPED_S + stage.seconds(20)
    with stage.serve(graph, **{"from": f"srt://127.0.0.1:{SRT}", "latency_ms": 20}) as server:
        sender = subprocess.Popen(
            [executable(), "run", GRAPHS / "contribute.json", "--set", f"input={fifo}", "--set", f"audio_input={pcm}", "--set",
             "pixel_format=i420", "--set", f"width={width}", "--set", f"height={height}", "--set", "latency=20", "--set",
             f"url=srt://127.0.0.1:{SRT}?streamid=publish:demo", "--report", workshop.path / "sender.json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(workshop.path / "sender.log", "w"))
        writer = subprocess.Popen(
            ["bash", "-c", 'exec "$0" "$@" > "$FIFO"', frames, "send", str(width), str(height), str(fps),
             str(fps * (seconds + 20)), log], env={**os.environ, "FIFO": str(fifo)})
        threading.Thread(target=write_pcm, args=[pcm], daemon=True).start()
        try:
            stage.chromium.fresh()
            stage.chromium.ask(
                f"watch('{WHEP}/demo').then(call => {{ window.call = call; window.rows = numbered(call.video); }})")
            time.sleep(seconds)
            behind = stage.chromium.clock_ms()
            rows = stage.chromium.ask("rows")
            found = stage.chromium.ask("counts(call.pc)")["video"]
        finally:
            for process in (writer, sender):
                process.terminate()
                process.wait()
        log_lines, _ = log_of(log)
    return stations(rows, log_lines, behind), found


def write_pcm(path):
    """Stereo at 48 kHz in real time, 10 ms at once, until nobody reads it."""
    block = array.array("h", (value for n in range(480) for value in [int(8_000 * math.sin(2 * math.pi * n / 48))] * 2))
    try:
        with open(path, "wb", buffering=0) as file:
            began = time.monotonic()
            for count in itertools.count():
                until(began + count / 100)
                file.write(block.tobytes())
    except OSError:
        pass


def stations(rows, written, behind):
    if not rows:
        raise Failed("the page drew nothing")
    counted, first = [], rows[0]["read"]
    for row in rows:
        if row["number"] not in written or row["read"] < first + SKIPPED_S * 1000:
            continue
        start = written[row["number"]] / 1e6 - behind
        counted.append({
            "received": row["received"] - start, "decoding": row["decoding"], "drawn": row["drawn"] - start,
            "read": row["read"] - start})
    if len(counted) < 30:
        raise Failed(f"{len(counted)} of {len(rows)} pictures could be told in the page")
    return counted


def middle(found, key, part=0.5):
    return percentile([one[key] for one in found], part)


def figures(stage):
    bare = stage.altered("srt-viewer", without_playout_delay)
    cases = {
        "720p30, raw to drawn": (1280, 720, "srt-viewer", 50),
        "720p30, raw to drawn, without a playout delay": (1280, 720, bare, 75),
        "1080p30, raw to drawn": (1920, 1080, "srt-viewer", None)}
    found = {name: [] for name in cases}
    for _ in range(stage.options.rounds):
        for name, (width, height, graph, _) in cases.items():
            found[name].append(once(stage, width, height, graph))
    made = []
    for name, (_, _, _, limit) in cases.items():
        def spread(key, part=0.5):
            return Spread([middle(one, key, part) for one, _ in found[name]])
        made += [
            Figure(f"{name}, p50", "ms", spread("read"), limit),
            Figure("the same, p95", "ms", spread("read", 0.95)),
            Figure("of it until its last packet is in the browser, p50", "ms", spread("received")),
            Figure("of it decoding, p50", "ms", spread("decoding")),
            Figure("until it is given to the compositor, p50", "ms", spread("drawn")),
            Figure("freezes", "", Spread([counts["freezeCount"] for _, counts in found[name]]), 0)]
    return made
