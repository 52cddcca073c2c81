"""Runs commands and turns repeats into figures.

CPU is user + system time of the whole process as wait4(2) reports it. Start-up is taken off by subtracting a tiny run
of the same case (the marginal cost). Cases take turns round by round, so that whatever else the machine does hits all
of them alike; a figure is the median of its rounds with the smallest and the largest beside it.
"""
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass


class Failed(Exception):
    """A measured command did not do what it was asked; the message holds its last words."""


@dataclass
class Run:
    cpu_s: float
    wall_s: float
    stderr: str
    stdout: str
    started_at_s: float


def run(command, timeout_s=300.0, environment=None, directory=None):
    """Runs `command` to its end. `started_at_s` is CLOCK_MONOTONIC just before it was started."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=directory,
            env=None if environment is None else {**os.environ, **environment})
        killer = threading.Timer(timeout_s, process.send_signal, [signal.SIGKILL])
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
        if process.returncode != 0:
            raise Failed(
                f"{' '.join(map(str, command))[:300]}\n  ended with {process.returncode} after {wall:.1f} s: "
                + (texts[1] or texts[0]).strip()[-600:])
        return Run(usage.ru_utime + usage.ru_stime, wall, texts[1], texts[0], started)


@dataclass
class Spread:
    """The results of the rounds."""

    values: list

    @property
    def median(self):
        return statistics.median(self.values)

    def json(self):
        return {
            "median": rounded(self.median), "min": rounded(min(self.values)), "max": rounded(max(self.values)),
            "rounds": len(self.values)}


def rounded(value):
    """Four digits are more than any of these figures holds."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def slope(xs, ys):
    """Of the least-squares line."""
    x0, y0 = statistics.fmean(xs), statistics.fmean(ys)
    return sum((x - x0) * (y - y0) for x, y in zip(xs, ys)) / sum((x - x0) ** 2 for x in xs)


def interleaved(cases, rounds):
    """Calls each of `cases` (name → function that returns a number) once a round, and returns name → Spread."""
    values = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            values[name].append(case())
    return {name: Spread(all) for name, all in values.items()}


def marginal_cpu(make_command, count, tiny, **options):
    """Seconds of CPU that each of `count` − `tiny` further items costs. `make_command` takes how many."""
    small = run(make_command(tiny), **options).cpu_s
    return (run(make_command(count), **options).cpu_s - small) / (count - tiny)
