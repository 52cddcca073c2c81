"""Heap allocations of a graph in its stride: none are wanted.

Two lengths of the same run under a counter that is preloaded (alloc_counter.c), so that starting and ending fall out.
Ours are the engine's, the plugins' and what they share; what the codec and other libraries allocate for themselves is
told apart. Starting and ending differ by up to five allocations from one run with real threads to the next, whatever
its length; so the chains run for a million frames more, and what that costs is told for ten thousand. Of the chains the
lanes' threads count. The main thread supervises: it looks at the run twice a second and allocates a little each time,
and on a busy machine the same frames last longer.
"""
import json
import pathlib

from compile import build
from engine import GRAPHS
from hop import chain
from measure import run
from result import Figure, Result

SUMMARY = "heap allocations between frames 1,000 and 11,000 of relay-audio and of a chain, and in record"
FEW, MANY = 1_000, 11_000
# How many times the span a chain is measured over.
STRETCH = 100
# The least that a library must allocate to be named in a note.
HANDFUL = 16
LIMITS = json.loads((pathlib.Path(__file__).parent / "budgets.json").read_text())["allocations_in_10000_frames"]


def is_ours(library):
    return library.startswith(("libSluice", "libLibAV", "sluice")) or library.endswith("Plugin.so")


def counted(counter, workshop, command, threads):
    """library → allocations in one run."""
    out = workshop.path / "allocations.json"
    environment = {"LD_PRELOAD": str(counter), "ALLOC_COUNTER_OUT": str(out), "ALLOC_COUNTER_THREADS": threads}
    run(command, environment=environment, directory=workshop.path)
    return json.loads(out.read_text())


def between(counter, workshop, short, long, stretch=1, threads="all"):
    """(ours, others') that the longer run has more, divided by `stretch`: library → allocations."""
    few, many = (counted(counter, workshop, command, threads) for command in (short, long))
    more = {name: (many.get(name, 0) - few.get(name, 0)) / stretch for name in {*few, *many}}
    more = {name: round(count, 2) if count % 1 else int(count) for name, count in more.items()}
    ours, others = {}, {}
    for name, count in more.items():
        if count:
            (ours if is_ours(name) else others)[name] = count
    return ours, others


def relay_audio(workshop, frames):
    """A pacer's frame is 20 ms."""
    return workshop.command(
        GRAPHS / "relay-audio.json", "--clock", "virtual", "--for", f"{frames // 50}s", "--set", "outputs=8",
        "--set", "status_s=0")


def record(workshop, seconds):
    return workshop.command(
        GRAPHS / "record.json", "--clock", "virtual", "--set", "input=pattern", "--set", "output=record.webm", "--set",
        f"duration_s={seconds}")


def cases(workshop):
    """name → short command, long command, by how much it is longer than the span, the threads that count."""
    chains = {
        (lanes, frames): chain(workshop, 8, frames, list(lanes)) for lanes in ("a", "ab")
        for frames in (FEW, FEW + (MANY - FEW) * STRETCH)}
    return {
        "relay-audio, 8 outputs": [relay_audio(workshop, frames) for frames in (FEW, MANY)],
        **{
            name: [*(workshop.command(graph) for (of, _), graph in chains.items() if of == lanes), STRETCH, "other"]
            for name, lanes in (("hop chain on one lane", "a"), ("hop chain across two lanes", "ab"))},
        "record": [record(workshop, seconds) for seconds in (2, 12)],
    }


def measure_counts(workshop):
    """case → (ours, others')."""
    counter = build("alloc_counter.c", workshop.path / "alloc_counter.so")
    return {name: between(counter, workshop, *commands) for name, commands in cases(workshop).items()}


def measure(workshop, options):
    figures, notes = [], []
    for name, (ours, others) in measure_counts(workshop).items():
        span = {"record": "seconds 2 to 12", "relay-audio, 8 outputs": f"frames {FEW:,} to {MANY:,}"}.get(
            name, f"{MANY - FEW:,} frames of a million")
        figures.append(Figure(f"{name}, {span}", "allocations", sum(ours.values()), LIMITS[name]))
        if name == "record":
            figures.append(Figure(f"{name}, {span}: by codecs and other libraries", "allocations", sum(others.values())))
        notes += [
            f"{name}: {library} {count:,}" for library, count in sorted({**ours, **others}.items(), key=lambda one: -one[1])
            if count >= HANDFUL]
    return Result("allocations", figures, notes)
