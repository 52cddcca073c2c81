"""A thousand telephone calls at once: all are taken, and what each costs. The callers say nothing: those who speak are
bounded by what the machine hears and writes, not by calls."""
import json
import os
import signal
import socket
import subprocess
import time

import stt_clips
from engine import GRAPHS, ROOT, executable
from measure import Failed
from result import Figure

CALLER = ROOT / "tools" / "stt-server" / "twilio.py"
CALLERS = 4
# A caller in Python keeps up with some thousand messages a second.
SPEED = 0.2
SECONDS = 4


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def take(workshop, count):
    """The report of `call` with so many at a time, and how each of them ended."""
    silence = stt_clips.write(workshop.path / "silence.wav", stt_clips.silence(SECONDS))
    report, address = workshop.path / "calls.json", f"127.0.0.1:{port()}"
    graph = subprocess.Popen(
        [executable(), "run", GRAPHS / "call.json", "--set", f"listen={address}", "--set", f"calls={count}", "--set",
         f"transcript={workshop.path}/call.txt", "--report", report],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(workshop.path / "errors.txt", "w"))
    shares = [count // CALLERS + (index < count % CALLERS) for index in range(CALLERS)]
    callers = [
        subprocess.Popen(
            ["/usr/bin/python3", CALLER, f"http://{address}/twilio/voice", silence, "--calls", str(share), "--speed",
             str(SPEED), "--silence", "0", "--seed", str(1000 * index), "--wait", "20"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for index, share in enumerate(shares) if share]
    try:
        ends = [json.loads(line) for caller in callers for line in caller.communicate(timeout=300)[0].splitlines()]
    finally:
        time.sleep(1)
        os.kill(graph.pid, signal.SIGINT)
        graph.wait(60)
    if not report.exists():
        raise Failed((workshop.path / "errors.txt").read_text()[-400:])
    return json.loads(report.read_text()), [end["closed"] for end in ends]


def figures(workshop, options):
    count = 200 if options.quick else 1000
    few, _ = take(workshop, 1)
    many, ends = take(workshop, count)
    process = many["process"]
    taken = many["nodes"]["calls"]["metrics"]["calls_taken"]
    spoken = count * SECONDS
    return [
        Figure(f"{count} calls at once: taken", "", taken, count, relation="exactly"),
        Figure(f"{count} calls at once: that their own caller ended", "",
               sum(end in (None, "1000") for end in ends), count, relation="exactly"),
        Figure(f"{count} calls at once: memory of each", "MB",
               (process["max_rss_kb"] - few["process"]["max_rss_kb"]) / 1e3 / count),
        Figure(f"{count} calls at once: CPU for each second of a call", "ms",
               (process["cpu_s"] - few["process"]["cpu_s"]) * 1e3 / spoken)]
