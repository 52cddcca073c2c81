"""How well a cadence of 20 ms is kept, by the kernel's time of receipt of each packet on the loopback.

All senders of a round run at the same time, each to a port of its own, so they see the same machine, and all with a timer
slack of 1 ns. First idle, then with a busy loop on every core. Packet n of a stream is wanted at start + n × 20 ms; the
start is that of the earliest 1 %, the first second is left out, and lateness is what is left. Then a thousand streams in
one process, each against its own grid.
"""
import array
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

import gstreamer
from compile import HERE, build
from measure import Failed, Spread
from result import Figure, Result

SUMMARY = "lateness of a 20 ms cadence beside bare C, GStreamer, ffmpeg and asyncio, idle and busy; a thousand streams"
PERIOD_MS = 20
MANY = 1_000
PR_SET_TIMERSLACK = 29
LIBC = ctypes.CDLL(None, use_errno=True)


def with_slack():
    """In the child before it becomes the sender: its threads inherit it (prctl(2))."""
    LIBC.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


def graph(workshop, port, lanes, streams=1):
    """A live tone to paced datagrams; more than one stream shares it through a relay."""
    nodes = {"source": {"type": "source", "open": "tone"}}
    pacer = {"type": "pacer", "frame_ms": PERIOD_MS, "status_s": 0}
    wire = {"type": "bench-udp", "port": port}
    if streams == 1:
        return workshop.graph(
            {**nodes, "pacer": pacer, "wire": wire}, ["source.audio -> pacer", "pacer -> wire"], lanes=lanes)
    return workshop.graph(
        {**nodes, "relay": {"type": "relay"}}, ["source.audio -> relay"], lanes=lanes,
        templates={"listener": {
            "nodes": {"pacer": pacer, "wire": {**wire, "stream": "${instance}"}},
            "edges": ["$parent.relay -> pacer", "pacer -> wire"]}},
        start=[{"template": "listener", "count": streams}])


def senders(workshop, floor, seconds):
    """name → function from port to command."""

    def ours(lanes):
        return lambda port: workshop.command(graph(workshop, port, lanes), "--for", f"{seconds}s")

    cases = {
        # A nice value keeps the lane from asking for real-time priority.
        "Sluice": ours({"main": {"nice": 0}}),
        "Sluice, SCHED_FIFO": ours({}),
        "bare C": lambda port: [floor, port, seconds, PERIOD_MS],
        "bare C, SCHED_FIFO": lambda port: [floor, port, seconds, PERIOD_MS, "fifo"],
        "asyncio": lambda port: [sys.executable, HERE / "pace_asyncio.py", port, seconds, PERIOD_MS],
    }
    if gstreamer.is_installed():
        cases["GStreamer"] = lambda port: gstreamer.launch(
            f"audiotestsrc is-live=true samplesperbuffer=160 num-buffers={seconds * 1000 // PERIOD_MS}",
            "audio/x-raw,rate=8000,channels=1", "queue", "mulawenc", "rtppcmupay min-ptime=20000000 max-ptime=20000000",
            f"udpsink host=127.0.0.1 port={port} sync=true")
    if shutil.which("ffmpeg"):
        cases["ffmpeg -re"] = lambda port: [
            "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i",
            "sine=frequency=440:sample_rate=8000:samples_per_frame=160", "-t", seconds, "-c:a", "pcm_mulaw",
            "-flush_packets", 1, "-f", "rtp", f"rtp://127.0.0.1:{port}?pkt_size=172"]
    return cases


class Receiver:
    def __init__(self, program, seconds, file):
        self.file = file
        self.process = subprocess.Popen(
            [str(program), str(seconds), str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def packets(self):
        """source → [(number, ns)], numbers unwrapped."""
        self.process.stdin.close()
        if self.process.wait(20) != 0:
            raise Failed("pace_receive failed")
        data = self.file.read_bytes()
        words = array.array("I")
        words.frombytes(data)
        times = array.array("q")
        times.frombytes(data)
        streams, last, turns = {}, {}, {}
        for row in range(len(times) // 2):
            source, number = words[4 * row], words[4 * row + 1]
            if number < last.get(source, number) - 32768:
                turns[source] = turns.get(source, 0) + 65536
            last[source] = number
            streams.setdefault(source, []).append((number + turns.get(source, 0), times[2 * row + 1]))
        return streams


def percentile(ordered, share):
    """Nearest rank."""
    return ordered[min(len(ordered) - 1, max(0, int(-(-share * len(ordered) // 1)) - 1))]


def lateness(packets):
    """Of each packet after the first second, in ms, ordered."""
    skipped = 1000 // PERIOD_MS
    first = packets[0][0]
    off = sorted(ns - number * PERIOD_MS * 1_000_000 for number, ns in packets if number >= first + skipped)
    start = percentile(off, 0.01)
    return [max(0, value - start) / 1e6 for value in off]


@contextlib.contextmanager
def busy(is_busy):
    hogs = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() if is_busy else 0)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def finish(process, seconds):
    """Waits for a sender and returns its CPU seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    raise Failed(f"{process.args[0]} did not end")


def send(command):
    return subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, preexec_fn=with_slack)


def together(workshop, receive, floor, seconds, is_busy):
    """One round: name → p99 of lateness in ms."""
    cases = senders(workshop, floor, seconds)
    receivers = {
        name: Receiver(receive, seconds + 30, workshop.path / f"packets{index}") for index, name in enumerate(cases)}
    with busy(is_busy):
        processes = {name: send(case(receivers[name].port)) for name, case in cases.items()}
        for process in processes.values():
            finish(process, seconds + 20)
    found = {}
    for name, receiver in receivers.items():
        streams = receiver.packets()
        packets = max(streams.values(), key=len, default=[])
        if len(packets) < seconds * 1000 / PERIOD_MS * 0.8:
            raise Failed(f"{name} sent {len(packets)} packets in {seconds} s")
        found[name] = percentile(lateness(packets), 0.99)
    return found


def many(workshop, receive, seconds, is_busy):
    """(p99 of lateness in ms over all packets, the same of the worst stream, cores)."""
    receiver = Receiver(receive, seconds + 60, workshop.path / "many")
    with busy(is_busy):
        began = time.monotonic()
        process = send(workshop.command(graph(workshop, receiver.port, {}, MANY), "--for", f"{seconds}s"))
        cpu = finish(process, seconds + 60)
        wall = time.monotonic() - began
    streams = receiver.packets()
    if len(streams) != MANY:
        raise Failed(f"{len(streams)} of {MANY} streams came")
    each = [lateness(packets) for packets in streams.values()]
    lost = sum(packets[-1][0] - packets[0][0] + 1 - len(packets) for packets in streams.values())
    if lost:
        raise Failed(f"{lost} packets of {MANY} streams are missing")
    everything = sorted(value for one in each for value in one)
    return percentile(everything, 0.99), max(percentile(one, 0.99) for one in each), cpu / wall


def measure(workshop, options):
    seconds = options.seconds or (8 if options.quick else 60)
    floor = build("pace_floor.c", workshop.path / "pace_floor")
    receive = build("pace_receive.c", workshop.path / "pace_receive")
    loads = {"idle": False, "both cores busy": True}
    rounds = {load: [] for load in loads}
    crowds = {load: [] for load in loads}
    for _ in range(options.rounds):
        for load, is_busy in loads.items():
            rounds[load].append(together(workshop, receive, floor, seconds, is_busy))
            crowds[load].append(many(workshop, receive, min(seconds, 20), is_busy))
    figures = []
    for load in loads:
        spread = {name: Spread([one[name] for one in rounds[load]]) for name in rounds[load][0]}
        peers = {name: value for name, value in spread.items() if not name.startswith("Sluice")}
        for name, like in (("Sluice", "bare C"), ("Sluice, SCHED_FIFO", "bare C, SCHED_FIFO")):
            ratios = Spread([one[name] / one[like] for one in rounds[load]])
            figures.append(Figure(f"{name}, {load}: p99 lateness", "ms", spread[name], None, peers))
            figures.append(Figure(f"{name}, {load}: against {like}", "×", ratios, 1.3))
        best = Spread([
            one["Sluice, SCHED_FIFO"] / min(value for name, value in one.items() if name in peers and "FIFO" not in name)
            for one in rounds[load]])
        figures.append(Figure(f"Sluice, SCHED_FIFO, {load}: against the best peer", "×", best, 1))
        for index, (what, unit, limit) in enumerate([
                ("p99 lateness", "ms", 1), ("p99 lateness of the worst stream", "ms", None), ("CPU", "cores", 0.5)]):
            figures.append(Figure(
                f"{MANY} streams, {load}: {what}", unit, Spread([one[index] for one in crowds[load]]), limit))
    notes = [] if gstreamer.is_installed() else [gstreamer.MISSING]
    return Result("pacing", figures, notes)
