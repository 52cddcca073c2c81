"""Heap allocations of a graph in its stride: none are wanted.

Two lengths of the same run under a counter that is preloaded (alloc_counter.c), so that starting and ending fall out.
What the codec libraries allocate for themselves is told apart.
"""
import json

from compile import build
from engine import GRAPHS
from hop import chain
from measure import run
from result import Figure, Result

SUMMARY = "heap allocations between frames 1,000 and 11,000 of relay-audio and of a chain, and in demo"
CODECS = ("libvpx", "libopus", "libx264", "libavcodec", "libavformat", "libavutil")
FEW, MANY = 1_000, 11_000


def counted(counter, workshop, command):
    """library → allocations in one run."""
    out = workshop.path / "allocations.json"
    run(command, environment={"LD_PRELOAD": str(counter), "ALLOC_COUNTER_OUT": str(out)}, directory=workshop.path)
    return json.loads(out.read_text())


def between(counter, workshop, short, long):
    """(ours, the codecs') that the longer run has more: library → allocations."""
    few, many = counted(counter, workshop, short), counted(counter, workshop, long)
    more = {name: many.get(name, 0) - few.get(name, 0) for name in {*few, *many}}
    ours, codecs = {}, {}
    for name, count in more.items():
        if count:
            (codecs if name.startswith(CODECS) else ours)[name] = count
    return ours, codecs


def relay_audio(workshop, frames):
    """A pacer's frame is 20 ms."""
    return workshop.command(
        GRAPHS / "relay-audio.json", "--clock", "virtual", "--for", f"{frames // 50}s", "--set", "outputs=8")


def demo(workshop, seconds):
    return workshop.command(
        GRAPHS / "demo.json", "--clock", "virtual", "--set", "output=demo.webm", "--set", f"duration_s={seconds}")


def cases(workshop):
    """name → (short, long) commands."""
    chains = {
        (lanes, frames): chain(workshop, 8, frames, list(lanes)) for lanes in ("a", "ab") for frames in (FEW, MANY)}
    return {
        "relay-audio, 8 outputs": [relay_audio(workshop, frames) for frames in (FEW, MANY)],
        "hop chain on one lane": [workshop.command(chains["a", frames]) for frames in (FEW, MANY)],
        "hop chain across two lanes": [workshop.command(chains["ab", frames]) for frames in (FEW, MANY)],
        "demo": [demo(workshop, seconds) for seconds in (2, 12)],
    }


def measure_counts(workshop):
    """case → (ours, codecs)."""
    counter = build("alloc_counter.c", workshop.path / "alloc_counter.so")
    return {name: between(counter, workshop, *commands) for name, commands in cases(workshop).items()}


def measure(workshop, options):
    figures, notes = [], []
    for name, (ours, codecs) in measure_counts(workshop).items():
        span = "seconds 2 to 12" if name == "demo" else f"frames {FEW:,} to {MANY:,}"
        figures.append(Figure(f"{name}, {span}", "allocations", sum(ours.values()), 0))
        if codecs:
            figures.append(Figure(f"{name}, {span}: by the codec libraries", "allocations", sum(codecs.values())))
        for library, count in sorted({**ours, **codecs}.items(), key=lambda entry: -entry[1]):
            notes.append(f"{name}: {library} {count:,}")
    return Result("allocations", figures, notes)
