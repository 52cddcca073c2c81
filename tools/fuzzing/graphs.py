#!/usr/bin/env python3
"""Random graphs of the node types of a build: none crashes, none hangs, counters balance, virtual runs are equal.

Graph number N of a seed is the same in every run with the same node types. A failed graph is kept with the words
of the command and what it said, in .build/fuzz-graphs/SEED-N.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import checks
import generator
import nodes
import recipes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NESTED = {
    "nodes": {"tone": {"type": "source", "open": "tone"}, "relay": {"type": "relay"}},
    "edges": ["tone.audio -> relay"],
    "templates": {"a": {
        "nodes": {"relay": {"type": "relay"}}, "edges": ["$parent.relay -> relay"],
        "templates": {"b": {"nodes": {"end": {"type": "null-sink"}}, "edges": ["$parent.relay -> end"]}},
        "start": [{"template": "b"}]}},
    "start": [{"template": "a"}]}


class Trial:
    def __init__(self, arguments, types, media, nests):
        self.arguments = arguments
        self.types = types
        self.recipes = recipes.Recipes(media)
        self.nests = nests
        self.command = os.path.join(arguments.build, "sluice")
        self.kept = os.path.join(ROOT, ".build", "fuzz-graphs")

    def run(self, number):
        """One graph: how it ended in a word, and what was found."""
        seed = f"{self.arguments.seed}-{number}"
        folder = tempfile.mkdtemp(prefix=f"sluice-graphs-{seed}-")
        try:
            # A graph that is refused, for a node that does not fit, is drawn again.
            for turn in range(30):
                for name in os.listdir(folder):
                    os.remove(os.path.join(folder, name))
                made = generator.Generator(self.types, self.recipes, f"{seed}-{turn}", folder, self.nests)
                graph, about = made.graph()
                with open(os.path.join(folder, "graph.json"), "w") as file:
                    json.dump(graph, file, indent=1)
                answer = self.validate(folder)
                if answer.returncode not in (0, 2) or any(words in answer.stderr for words in checks.CRASHES):
                    return self.keep(seed, folder, "validate", [f"validate: status {answer.returncode}"], answer.stderr)
                if answer.returncode == 2:
                    continue
                word, finding = self.execute(seed, folder, made, about)
                if not word.endswith(" 2"):
                    return word, finding
            return "refused", None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def validate(self, folder):
        words = [self.command, "validate", "./graph.json"]
        return subprocess.run(
            words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=checks.DEADLINE_S,
            env={"PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"})

    def execute(self, seed, folder, made, about):
        dice = random.Random(f"{seed}-ending")
        ending = checks.Ending(dice, about, made.is_virtual)
        reads = dice.random() > 0.05
        outcome = checks.run(self.command, folder, ending, made.is_virtual, reads)
        findings = list(outcome.findings)
        first = checks.outputs(folder, made.place)
        if made.is_virtual and not findings:
            second = checks.run(self.command, folder, ending, True, reads)
            findings += second.findings
            findings += checks.compare(outcome, second, first, checks.outputs(folder, made.place))
        clock = "virtual" if made.is_virtual else "system"
        if findings:
            return self.keep(seed, folder, f"clock {clock}, ends {ending}", findings, outcome.errors)
        if self.arguments.reasons and outcome.status in (1, 2):
            print(f"{seed}: status {outcome.status}: {outcome.errors.strip()[-400:]}", flush=True)
        return f"{clock} {ending.kind} {outcome.status}", None

    def keep(self, seed, folder, how, findings, errors):
        place = os.path.join(self.kept, seed)
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
        shutil.copy(os.path.join(folder, "graph.json"), place)
        with open(os.path.join(place, "finding.txt"), "w") as file:
            file.write("\n".join([how, *findings, "", "It said:", errors]))
        return "finding", f"{place}: {how}: {findings[0].splitlines()[0]}"


def main():
    parser = argparse.ArgumentParser(prog="tools/fuzz graphs", description=__doc__.split("\n")[0])
    parser.add_argument("seed", type=int, help="of the random numbers")
    parser.add_argument("count", type=int, help="how many graphs")
    parser.add_argument("--only", type=int, metavar="N", help="graph N alone")
    parser.add_argument("--build", default=os.path.join(ROOT, ".build", "debug"), help="a folder with sluice in it")
    parser.add_argument("--reasons", action="store_true", help="tell why runs fail that may")
    parser.add_argument("--deadline", type=float, default=40, metavar="S", help="a hang is a run of so long (40)")
    parser.add_argument("--jobs", type=int, default=2, help="so many at a time (default 2)")
    arguments = parser.parse_args()
    checks.DEADLINE_S = arguments.deadline
    arguments.build = os.path.abspath(arguments.build)
    if not os.access(os.path.join(arguments.build, "sluice"), os.X_OK):
        sys.exit(f"there is no {arguments.build}/sluice: run tools/build debug")
    types = nodes.load(arguments.build)
    media = recipes.Media(os.path.join(ROOT, ".build", "fuzz-graphs", "media"))
    trial = Trial(arguments, types, media, nests=False)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "graph.json"), "w") as file:
            json.dump(NESTED, file)
        trial.nests = trial.validate(folder).returncode == 0
    numbers = [arguments.only] if arguments.only is not None else range(arguments.count)
    nested = "templates nest" if trial.nests else "templates do not nest"
    print(f"seed {arguments.seed}, {len(numbers)} graphs of {len(types)} types; {nested}", flush=True)
    endings, findings, began = collections.Counter(), [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for done, (word, finding) in enumerate(pool.map(trial.run, numbers), 1):
            endings[word] += 1
            if finding:
                findings.append(finding)
                print(finding, flush=True)
            if done % 100 == 0:
                print(f"{done} graphs, {len(findings)} findings, {time.monotonic() - began:.0f} s", flush=True)
    for word, count in sorted(endings.items()):
        print(f"  {word}: {count}")
    print(f"seed {arguments.seed}: {len(findings)} findings in {len(numbers)} graphs")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
