"""Heap allocations of a graph in its stride: none are wanted.

Two lengths of the same run under a counter that is preloaded (alloc_counter.c), so that starting and ending fall out.
Ours are the engine's, the plugins' and what they share; what the codec and other libraries allocate for themselves is
told apart. Between two runs with real threads starting and ending differs by a handful; one allocation a frame would
show as 10,000.
"""
import json

from compile import build
from engine import GRAPHS
from hop import chain
from measure import run
from result import Figure, Result

SUMMARY = "heap allocations between frames 1,000 and 11,000 of relay-audio and of a chain, and in demo"
FEW, MANY = 1_000, 11_000
HANDFUL = 16


def is_ours(library):
    return library.startswith(("libSluice", "libLibAV", "sluice")) or library.endswith("Plugin.so")


def counted(counter, workshop, command):
    """library → allocations in one run."""
    out = workshop.path / "allocations.json"
    run(command, environment={"LD_PRELOAD": str(counter), "ALLOC_COUNTER_OUT": str(out)}, directory=workshop.path)
    return json.loads(out.read_text())


def between(counter, workshop, short, long):
    """(ours, others') that the longer run has more: library → allocations."""
    few, many = counted(counter, workshop, short), counted(counter, workshop, long)
    more = {name: many.get(name, 0) - few.get(name, 0) for name in {*few, *many}}
    ours, others = {}, {}
    for name, count in more.items():
        if count:
            (ours if is_ours(name) else others)[name] = count
    return ours, others


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
    """case → (ours, others')."""
    counter = build("alloc_counter.c", workshop.path / "alloc_counter.so")
    return {name: between(counter, workshop, *commands) for name, commands in cases(workshop).items()}


def measure(workshop, options):
    figures, notes = [], []
    for name, (ours, others) in measure_counts(workshop).items():
        span = "seconds 2 to 12" if name == "demo" else f"frames {FEW:,} to {MANY:,}"
        figures.append(Figure(f"{name}, {span}", "allocations", sum(ours.values()), HANDFUL))
        if name == "demo":
            figures.append(Figure(f"{name}, {span}: by codecs and other libraries", "allocations", sum(others.values())))
        notes += [
            f"{name}: {library} {count:,}" for library, count in sorted({**ours, **others}.items(), key=lambda one: -one[1])
            if count >= HANDFUL]
    return Result("allocations", figures, notes)
