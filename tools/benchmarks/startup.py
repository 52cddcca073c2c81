"""How soon there is something: the first coded frame of `demo`, and the answers of commands that run nothing.

The report tells on which instant of CLOCK_MONOTONIC the graph began and how much later each node sent its first item;
this process reads the same clock just before it starts the command.
"""
import re

from engine import GRAPHS, executable
from measure import Failed, Spread, run
from result import Figure, Result

SUMMARY = "first frame of demo, and the answers of list and validate"
ENCODERS = {"vp8-encoder", "opus-encoder", "h264-encoder"}


def first_frames(workshop, times):
    """Milliseconds from the start of the process until the encoders' first packets: the slower encoder's."""
    demo = GRAPHS / "demo.json"
    options = ["--set", f"output={workshop.path / 'demo.webm'}", "--set", "duration_s=0.5"]
    found = []
    for _ in range(times):
        result, report = workshop.report(demo, *options)
        before = report["process"]["started_at_s"] - result.started_at_s
        firsts = [node["first_out_s"] for node in report["nodes"].values() if node["type"] in ENCODERS]
        if not firsts:
            raise Failed("demo encoded nothing")
        found.append((before + max(firsts)) * 1e3)
    return Spread(found)


def answers(words, times):
    return Spread([run([executable(), *words]).wall_s * 1e3 for _ in range(times)])


def loaded_plugins(words):
    """Libraries of plugins that the loader touches while the command answers."""
    text = run([executable(), *words], environment={"LD_DEBUG": "files"}).stderr
    return sorted(set(re.findall(r"file=\S*?(lib\w+Plugin\.so)", text)))


def measure(workshop, options):
    times = max(20, options.rounds)
    validate = ["validate", GRAPHS / "demo.json"]
    figures = [Figure("demo: first frame of both encoders, from the start of the process", "ms",
                      first_frames(workshop, 5 if options.quick else times), 100)]
    for words in (["list"], validate):
        name = f"sluice {words[0]}" + (" graphs/demo.json" if len(words) > 1 else "")
        figures.append(Figure(name, "ms", answers(words, times), 30))
        figures.append(Figure(f"{name}: plugins loaded", "", len(loaded_plugins(words)), 0))
    return Result("startup", figures)
