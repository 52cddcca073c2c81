"""How old a picture is when it comes out: raw picture in, H.264 at 3 Mb/s, MPEG-TS over SRT on the loopback, decoded.

Every picture carries its number. A C program writes them in real time and notes when it writes the first byte; another
reads what the receiver decodes and notes when it has read the last one. The receiver listens before the sender starts. The
first two seconds are not counted, of ffmpeg as usually run the first seven: it probes then. Each round gives the median of its pictures.
"""
import json
import os
import signal
import socket
import subprocess
import time

import gstreamer
import latency_pairs as pairs
from compile import build
from measure import Failed, Spread
from result import Figure, Result

SUMMARY = "raw picture to decoded picture through SRT on the loopback, beside ffmpeg and GStreamer as both ends"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_bound(port):
    """Somebody has this UDP port (proc_net(5))."""
    wanted = f":{port:04X}"
    for name in ("udp", "udp6"):
        try:
            with open(f"/proc/net/{name}") as table:
                if any(line.split()[1].endswith(wanted) for line in table.readlines()[1:]):
                    return True
        except OSError:
            pass
    return False


def log_of(path):
    """number → nanoseconds, and how many were unreadable. A line that is being written is left out."""
    found, unreadable = {}, 0
    if path.exists():
        for line in path.read_text().splitlines(keepends=True):
            words = line.split()
            if len(words) != 2 or not line.endswith("\n"):
                continue
            number, instant = map(int, words)
            if number < 0:
                unreadable += 1
            else:
                found.setdefault(number, instant)
    return found, unreadable


class Case:
    """One pair at one size and latency; its rounds gather."""

    def __init__(self, bench, sender, receiver, width, height, latency):
        self.bench, self.sender, self.receiver = bench, sender, receiver
        self.width, self.height, self.latency = width, height, latency
        self.medians, self.tails, self.firsts, self.after_connection = [], [], [], []
        # The first 5 s are what ffmpeg reads to find out what it gets, unless it is told not to.
        self.count, self.skipped = (360, 210) if receiver is pairs.PLAIN[1] else bench.counts

    @property
    def name(self):
        return f"{self.sender.name} to {self.receiver.name}, {self.height}p, SRT {self.latency} ms"

    def run(self):
        bench, workshop = self.bench, self.bench.workshop
        task = pairs.Task(self.width, self.height, self.latency, free_port())
        sent_log, seen_log = workshop.path / "sent.log", workshop.path / "seen.log"
        for log in (sent_log, seen_log, workshop.path / "sender.json"):
            log.unlink(missing_ok=True)
        size = [str(self.width), str(self.height)]
        errors = open(workshop.path / "errors", "w+")
        children = []

        def start(command, **how):
            children.append(subprocess.Popen([str(word) for word in command], stderr=errors, start_new_session=True, **how))
            return children[-1]

        try:
            receiver = start(
                self.receiver.command(workshop, task), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            start([bench.frames, "recv", *size, seen_log], stdin=receiver.stdout, stdout=subprocess.DEVNULL)
            receiver.stdout.close()
            deadline = time.monotonic() + 10
            while not is_bound(task.port):
                if time.monotonic() > deadline or receiver.poll() is not None:
                    raise Failed(f"{self.name}: the receiver does not listen: {self.words(errors)}")
                time.sleep(0.02)
            writer = start(
                [bench.frames, "send", *size, str(pairs.RATE), str(self.count), sent_log], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE)
            sender = start(self.sender.command(workshop, task), stdin=writer.stdout, stdout=subprocess.DEVNULL)
            writer.stdout.close()
            try:
                sender.wait(timeout=self.count / pairs.RATE + 20)
            except subprocess.TimeoutExpired:
                pass
            time.sleep(0.3)
        finally:
            for child in children:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self.note(*log_of(sent_log), *log_of(seen_log), errors)
        errors.close()

    def words(self, errors):
        errors.flush()
        errors.seek(0)
        return errors.read().strip()[-400:]

    def note(self, sent, _, seen, unreadable, errors):
        both = [number for number in sorted(seen) if number in sent]
        counted = sorted((seen[number] - sent[number]) / 1e6 for number in both if number >= self.skipped)
        wanted = self.count - self.skipped
        if len(counted) < wanted / 2:
            raise Failed(
                f"{self.name}: {len(counted)} of {wanted} pictures came through, {unreadable} unreadable: {self.words(errors)}")
        self.medians.append(counted[len(counted) // 2])
        self.tails.append(counted[len(counted) * 95 // 100])
        self.firsts.append((seen[both[0]] - sent[0]) / 1e6)
        report = self.bench.workshop.path / "sender.json"
        if report.exists():
            body = json.loads(report.read_text())
            connected = [event["t_s"] for event in body["events"] if "connected" in event["what"]]
            if connected:
                began = body["process"]["started_at_s"] + connected[0]
                self.after_connection.append(seen[both[0]] / 1e6 - began * 1e3)


class Bench:
    def __init__(self, workshop, options):
        self.workshop = workshop
        #: Pictures that are sent, and of them those that are not counted.
        self.counts = (120, 60) if options.quick else (210, 60)
        self.frames = build("latency_frames.c", workshop.path / "latency_frames")

    def pipe(self):
        """The time that the measuring itself takes: both ends joined by a pipe."""
        sent_log, seen_log = self.workshop.path / "sent.log", self.workshop.path / "seen.log"
        writer = subprocess.Popen(
            [self.frames, "send", "1280", "720", str(pairs.RATE), "60", sent_log], stdout=subprocess.PIPE)
        reader = subprocess.Popen([self.frames, "recv", "1280", "720", seen_log], stdin=writer.stdout)
        writer.stdout.close()
        writer.wait()
        reader.wait()
        (sent, _), (seen, _) = log_of(sent_log), log_of(seen_log)
        all = sorted((seen[number] - sent[number]) / 1e6 for number in sent)
        return all[len(all) // 2]


def measure(workshop, options):
    bench = Bench(workshop, options)
    sluice, peers = pairs.SLUICE, pairs.peers()
    cases = {}

    def case(sender, receiver, width, height, latency):
        made = Case(bench, sender, receiver, width, height, latency)
        return cases.setdefault(made.name, made)

    ends = [sluice, *peers]
    grid = {(s, r): case(ends[s][0], ends[r][1], 1280, 720, 20) for r in range(len(ends)) for s in range(len(ends))}
    at50 = [case(end[0], end[1], 1280, 720, 50) for end in ends]
    large = [case(end[0], end[1], 1920, 1080, 20) for end in ends]
    usual = [case(*pairs.PLAIN, 1280, 720, 20)] if pairs.TUNED in peers and not options.quick else []
    pipes = []
    for _ in range(options.rounds):
        pipes.append(bench.pipe())
        for one in cases.values():
            one.run()

    def beside(others):
        return {one.name.split(",")[0]: Spread(one.medians) for one in others}

    figures = [
        Figure("720p30 to decoded, SRT 20 ms, Sluice to Sluice, p50", "ms", Spread(grid[0, 0].medians), 35,
               beside([grid[i, i] for i in range(1, len(ends))] + usual)),
        Figure("the same, p95", "ms", Spread(grid[0, 0].tails)),
        Figure("720p30 to decoded, SRT 50 ms, Sluice to Sluice, p50", "ms", Spread(at50[0].medians), 65, beside(at50[1:]))]
    for r in range(1, len(ends)):
        others = [grid[s, r] for s in range(1, len(ends))]
        limit = min(Spread(one.medians).median for one in others)
        figures.append(Figure(
            f"720p30 to decoded, SRT 20 ms, {grid[0, r].receiver.name} receives, p50; wanted: below both", "ms",
            Spread(grid[0, r].medians), limit, beside(others)))
    figures += [
        Figure("1080p30 to decoded, SRT 20 ms, Sluice to Sluice, p50", "ms", Spread(large[0].medians), None, beside(large[1:])),
        Figure("first picture after the connection, 720p30, SRT 20 ms", "ms", Spread(grid[0, 0].after_connection), 150),
        Figure("first picture after the first one was written, 720p30, SRT 20 ms", "ms", Spread(grid[0, 0].firsts), None,
               {one.name.split(",")[0]: Spread(one.firsts) for one in [grid[i, i] for i in range(1, len(ends))]}),
        Figure("a pipe alone", "ms", Spread(pipes))]
    notes = [] if gstreamer.is_installed() else [gstreamer.MISSING]
    if pairs.TUNED not in peers:
        notes.append("ffmpeg is not installed and was left out.")
    return Result("latency", figures, notes)
