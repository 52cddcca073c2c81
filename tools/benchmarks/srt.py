"""The losses that SRT contribution survives.

First: a sender runs on while its receiver, srt-live-transmit, is stopped and started at random times, every second time
without a word (SIGKILL). Counted from each start: how long until a whole picture has come. Then: sender and receiver with
a relay of ours between them that delays by 20 ms each way and throws away 2 % of what passes, both ways, at several SRT
latencies; what the receiver's counters say is held against what it got.
"""
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

from engine import ROOT
from measure import Failed, Spread
from result import Figure, Result
from srt_stream import Pictures

SUMMARY = "SRT: a receiver stopped and started 100 times; 2 % loss each way and 40 ms round trip at several latencies"

#: Milliseconds.
ROUND_TRIP = 40
GROUP = 1000


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sender(workshop, url, **more):
    nodes = {
        "camera": {"type": "source", "open": "pattern", "width": 640, "height": 360, "pixel_format": "i420"},
        "h264": {"type": "h264-encoder", "bitrate_kbps": 1500},
        "opus": {"type": "opus-encoder", "bitrate_kbps": 64},
        "srt": {"type": "srt-output", "url": url, **more}}
    edges = ["camera.video -> h264 -> srt.video", "camera.audio -> opus -> srt.audio"]
    return workshop.graph(nodes, edges, controls=["srt.keyframe -> h264.keyframe"])


class Process:
    """A child that is gone with the block."""

    def __init__(self, command, errors, **how):
        self.child = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stderr=errors, **how)

    def __enter__(self):
        return self.child

    def __exit__(self, *_):
        end(self.child)


def end(child, first=signal.SIGTERM, patience=8.0):
    if child.poll() is None:
        child.send_signal(first)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def resident_kb(child):
    with open(f"/proc/{child.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def watch(child, pictures, seconds, enough=None):
    """Feeds what the child writes for so long, or until `enough`."""
    limit = time.monotonic() + seconds
    while (left := limit - time.monotonic()) > 0 and not (enough and enough()):
        if select.select([child.stdout], [], [], left)[0]:
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                return
            pictures.feed(data)


def stops_and_starts(workshop, cycles):
    """Milliseconds to the first whole picture of each receiver, pictures that went back in time, kB grown, outages."""
    dice, port = random.Random(40), free_port()
    report = workshop.path / "stops.json"
    graph = sender(workshop, f"srt://127.0.0.1:{port}?latency=120")
    firsts, backwards, last, memory, missed = [], 0, -1, [], 0
    with open(workshop.path / "errors", "w+") as errors:
        with Process(workshop.command(graph, report=report), errors, stdout=subprocess.DEVNULL) as sluice:
            for cycle in range(cycles):
                receiver = ["srt-live-transmit", "-q", "-a:no", f"srt://:{port}", "file://con"]
                began = time.monotonic()
                with Process(receiver, errors, stdout=subprocess.PIPE) as child:
                    pictures = Pictures()
                    # The second picture's beginning is the first one's end.
                    watch(child, pictures, 12, lambda: len(pictures.times) > 1)
                    if len(pictures.times) > 1:
                        firsts.append((time.monotonic() - began) * 1000)
                    else:
                        missed += 1
                    watch(child, pictures, dice.uniform(0, 1.5))
                    child.kill() if cycle % 2 else child.terminate()
                    watch(child, pictures, 0.5, lambda: child.poll() is not None)
                    child.kill()
                for instant in pictures.times:
                    backwards += instant <= last
                    last = max(last, instant)
                memory.append(resident_kb(sluice))
                if sluice.poll() is not None:
                    raise Failed(f"the sender ended in cycle {cycle} with {sluice.returncode}")
                time.sleep(dice.uniform(0, 1.5))
            end(sluice, signal.SIGINT)
            if sluice.returncode != 0:
                raise Failed(f"the sender ended with {sluice.returncode}")
    metrics = json.loads(report.read_text())["nodes"]["srt"]["metrics"]
    settled = min(10, len(memory) // 2)
    return firsts, missed, backwards, memory[-1] - memory[settled], metrics


def through_loss(workshop, latency, seconds, loss=0.02):
    """One run through the relay: what the counters of both ends say."""
    inner, outer = free_port(), free_port()
    got = workshop.graph(
        {"in": {"type": "srt-input", "url": f"srt://127.0.0.1:{inner}?mode=listener&latency={latency}", "reconnect": False},
         "video": {"type": "null-sink"}, "audio": {"type": "null-sink"}},
        ["in.video -> video", "in.audio -> audio"])
    sent = sender(workshop, f"srt://127.0.0.1:{outer}?latency={latency}", reconnect=False, hold_ms=60000)
    relay = [
        sys.executable, ROOT / "tools" / "benchmarks" / "srt_relay.py", outer, inner, ROUND_TRIP / 2, loss, latency]
    reports = [workshop.path / "got.json", workshop.path / "sent.json"]
    with open(workshop.path / "errors", "w+") as errors:
        with Process(relay, errors, stdout=subprocess.DEVNULL), \
                Process(workshop.command(got, report=reports[0]), errors, stdout=subprocess.DEVNULL) as receiver:
            time.sleep(0.5)
            sending = workshop.command(sent, "--for", f"{seconds}s", report=reports[1])
            with Process(sending, errors, stdout=subprocess.DEVNULL) as child:
                child.wait(seconds + 30)
            receiver.wait(20)
        errors.seek(0)
        if child.returncode != 0 or receiver.returncode != 0:
            raise Failed(f"ended with {child.returncode} and {receiver.returncode}: {errors.read()[-600:]}")
    return tuple(json.loads(report.read_text()) for report in reports)


def measure(workshop, options):
    if not shutil.which("srt-live-transmit"):
        raise Failed("srt-live-transmit is not installed (Debian: srt-tools)")
    cycles, seconds = (12, 6) if options.quick else (100, 20)
    firsts, missed, backwards, growth, metrics = stops_and_starts(workshop, cycles)
    figures = [
        Figure(f"receiver stopped and started {cycles} times: without a picture", "times", missed, 0, relation="exactly"),
        Figure("until the first whole picture, worst", "ms", max(firsts), GROUP + 1000),
        Figure("until the first whole picture", "ms", Spread(firsts)),
        Figure("pictures that went back in time", "", backwards, 0, relation="exactly"),
        Figure("memory grown after the first ten", "kB", growth, 2048),
        Figure("outages that the sender reported", "", metrics["outages"])]
    notes = ["Every second receiver is killed without a word; a start includes that of srt-live-transmit."]
    for multiple in (0.5, 4, 6):
        figures += list(loss_figures(workshop, multiple, seconds))
    return Result("srt", figures, notes)


def loss_figures(workshop, multiple, seconds):
    latency = round(multiple * ROUND_TRIP)
    got, sent = through_loss(workshop, latency, seconds)
    ours, theirs = got["nodes"]["in"]["metrics"], sent["nodes"]["srt"]["metrics"]
    name = f"2 % loss each way, {ROUND_TRIP} ms round trip, SRT {latency} ms ({multiple:g} x)"
    dropped = ours["packets_receive_dropped"]
    if multiple >= 4:
        yield Figure(f"{name}: datagrams lost for good", "", dropped, 0, relation="exactly")
    else:
        yield Figure(f"{name}: datagrams lost for good", "", dropped)
    # Each datagram sent is received or counted as dropped.
    missing = theirs["packets_sent_unique"] - ours["datagrams"] - dropped
    yield Figure(f"{name}: neither received nor counted as lost", "", missing, 0, relation="exactly")
    yield Figure(f"{name}: sent again", "of all %", 100 * theirs["packets_retransmitted"] / theirs["packets_sent_unique"])
