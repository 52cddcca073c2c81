"""How long an interruption lasts: from the call to the last packet of the interrupted turn, every queue full.

A process talks to av-segments as an avatar's would. Pictures of 720p and audio are encoded to VP8 and Opus; what reads the
packets takes them more slowly than they come, so the edges before and behind the encoders are full, and the pictures
that wait are late. Then it interrupts, at moments that are no multiples of anything, and goes on with the next turn.
The packets' epochs and times of arrival tell what was left over; of audio the first packet of the new epoch is the
faded end of the old turn, and counts as its last.

The caller takes real-time priority for the moment of the call, so that it is not its own delay that is measured. First
idle, then with a busy loop on every core: as the graph is, and with priority for the lanes that the faded frame goes
through, its encoder and its reader. Encoders have none by themselves, and wait for a core like any other thread.
"""
import csv
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

from engine import ROOT
from measure import Failed, Spread
from pacing import busy
from result import Figure, Result

sys.path.insert(0, str(ROOT / "docs" / "examples"))
from av_segments import AVSegments  # noqa: E402

SUMMARY = "from an interruption to the last packet of the old turn, all queues full"
WIDTH, HEIGHT, RATE = 1280, 720, 48_000
PICTURE_MS, AUDIO_MS = 40, 20
#: Items that each edge holds.
QUEUE = 4


def graph(workshop, socket, logs, has_priority):
    full = {"capacity": {"items": QUEUE, "ms": 500}}
    nodes = {
        "avatar": {"type": "av-segments", "socket": str(socket)},
        "vp8": {"type": "vp8-encoder", "bitrate_kbps": 1500},
        "opus": {"type": "opus-encoder", "bitrate_kbps": 64},
        # A third of the pictures' pace, and two thirds of the audio's.
        "video": {"type": "bench-log", "path": str(logs[0]), "every_ms": 3 * PICTURE_MS},
        "audio": {"type": "bench-log", "path": str(logs[1]), "every_ms": 1.5 * AUDIO_MS}}
    edges = [
        {"from": f"{a}", "to": f"{b}", **full} for a, b in
        [("avatar.video", "vp8"), ("vp8", "video"), ("avatar.audio", "opus"), ("opus", "audio")]]
    if not has_priority:
        return workshop.graph(nodes, edges)
    for name in ("opus", "audio"):
        nodes[name]["lane"] = name
    return workshop.graph(nodes, edges, lanes={"opus": {"priority": 9}, "audio": {"priority": 9}})


def at_once(call):
    """Calls it at real-time priority, where that is allowed; when, by CLOCK_MONOTONIC."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
    except PermissionError:
        pass
    now = time.monotonic()
    call()
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return now


def talk(socket, turns):
    """Speaks `turns` turns, each interrupted; when, by CLOCK_MONOTONIC."""
    dice = random.Random(5)
    # Pictures that move, and cost the encoder a few milliseconds each: it is the reader that is to be slow.
    slope = bytes(x * 255 // WIDTH for x in range(WIDTH))
    pictures = [(slope[shift:] + slope[:shift]) * HEIGHT + bytes([128]) * (WIDTH * HEIGHT // 2) for shift in range(0, 40, 4)]
    video, audio = b"".join(pictures), dice.randbytes(RATE * 2 * len(pictures) * PICTURE_MS // 1000)
    calls = []
    with AVSegments(str(socket)) as avatar:
        for epoch in range(1, turns + 1):
            for number in (1, 2, 3):
                avatar.send_segment(
                    video=video, audio=audio, width=WIDTH, height=HEIGHT, sample_rate=RATE, epoch=epoch, segment_seq=number)
            time.sleep(dice.uniform(0.85, 1.0))
            calls.append(at_once(lambda: avatar.interrupt(epoch + 1)))
        avatar.send_segment(audio=audio, sample_rate=RATE, epoch=turns + 1)
        avatar.drain(timeout_ms=3000)
    return calls


def leftovers(log, calls, counts_faded):
    """For each call, milliseconds until the last packet of the turn that it ended."""
    with open(log) as file:
        packets = [(float(at), int(epoch)) for at, _, epoch, _ in csv.reader(file)]
    values = []
    for turn, call in enumerate(calls, 1):
        last = [at for at, epoch in packets if epoch <= turn][-1:]
        if counts_faded:
            last += [at for at, epoch in packets if epoch == turn + 1][:1]
        if not last:
            raise Failed(f"turn {turn} left no packet in {log.name}")
        values.append(max(0.0, max(last) - call) * 1e3)
    return values


def p99(values):
    return sorted(values)[min(len(values) - 1, int(0.99 * len(values)))]


def once(workshop, turns, has_priority=False):
    socket = pathlib.Path(workshop.path) / "avatar.sock"
    logs = [pathlib.Path(workshop.path) / name for name in ("video.csv", "audio.csv")]
    report = pathlib.Path(workshop.path) / "report.json"
    process = subprocess.Popen(
        [str(word) for word in workshop.command(graph(workshop, socket, logs, has_priority), report=report)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        calls = talk(socket, turns)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise Failed(f"the run ended with {process.returncode}: {said.decode()[-400:]}")
    check_full(json.loads(report.read_text()), turns)
    return leftovers(logs[0], calls, False), leftovers(logs[1], calls, True)


def check_full(report, turns):
    """The items flushed are those that the queues held when the calls came."""
    for edge in report["edges"]:
        held = edge["flushed"] / turns
        if held < 0.75 * QUEUE:
            raise Failed(f"{edge['from']} -> {edge['to']} held {held:.1f} of {QUEUE} items when it was interrupted")


def measure(workshop, options):
    turns = 10 if options.quick else 30
    cases = {"idle": (False, False), "both cores busy": (True, False), "both cores busy, lanes with priority": (True, True)}
    rounds = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, (is_busy, has_priority) in cases.items():
            with busy(is_busy):
                rounds[name].append(once(workshop, turns, has_priority))
    figures = []
    for name, found in rounds.items():
        video, audio = ([round[kind] for round in found] for kind in (0, 1))
        # The limits hold where the encoder and the reader get a core.
        limits = (PICTURE_MS, 2 * AUDIO_MS) if name != "both cores busy" else (None, None)
        figures += [
            Figure(f"last old picture after the call, p99, {name}", "ms", Spread([p99(values) for values in video]), limits[0]),
            Figure(f"end of the faded audio after the call, p50, {name}", "ms", Spread([statistics.median(values) for values in audio])),
            Figure(f"end of the faded audio after the call, p99, {name}", "ms", Spread([p99(values) for values in audio]), limits[1]),
        ]
    return Result("interruption", figures, [
        f"{turns} interruptions a round; the reader takes audio every {1.5 * AUDIO_MS:g} ms"])
