"""tools/bench: see --help."""
import argparse
import importlib
import json
import sys

import budgets
import machine
import result
from engine import Workshop, make_ready
from measure import Failed

BENCHES = [
    "hop", "fanout", "encode", "raw", "latency", "srt", "rtp", "pacing", "startup", "virtual", "allocations", "interruption", "guests", "sync", "webrtc",
    "browser", "stt", "batch",
]


def arguments():
    modules = {name: importlib.import_module(name) for name in BENCHES}
    lines = "\n".join(f"  {name:<12} {module.SUMMARY}" for name, module in modules.items())
    parser = argparse.ArgumentParser(
        prog="tools/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the engine, and beside it in the same rounds what else is installed that does the same.",
        epilog=f"benches:\n{lines}\n  all          every one of them\n  check        only what repeats exactly, against the "
        "budgets in tools/benchmarks/budgets.json\n\nexample: tools/bench hop --rounds 9 --json hop.json")
    parser.add_argument("bench", choices=[*BENCHES, "all", "check"], metavar="BENCH")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each case is measured (5)")
    parser.add_argument("--quick", action="store_true", help="fewer frames: minutes become seconds, figures rougher")
    parser.add_argument("--seconds", type=int, metavar="S", help="pacing, browser: how long each round takes (pacing 60; 8 with --quick)")
    parser.add_argument(
        "--part", metavar="PART", help="one part alone, of " + "; of ".join(
            f"{name}: {', '.join(modules[name].PARTS)}" for name in ("webrtc", "browser", "stt", "batch")))
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE; - for standard output alone")
    parser.add_argument("--markdown", action="store_true", help="print tables for docs/performance.md")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds takes 1 or more")
    parts = getattr(modules.get(options.bench), "PARTS", ())
    if options.part and options.part not in parts:
        parser.error(f"--part takes one of {', '.join(parts)}" if parts else f"{options.bench} has no parts")
    return options, modules


def main():
    options, modules = arguments()
    make_ready()
    if options.bench == "check":
        return budgets.check()
    host = machine.describe()
    if options.json != "-":
        print(machine.sentence(host) + "\n", flush=True)
    results, failures = [], []
    for name in BENCHES if options.bench == "all" else [options.bench]:
        try:
            with Workshop() as workshop:
                results.append(modules[name].measure(workshop, options))
        except Failed as failure:
            failures.append(f"{name}: {failure}")
            print(failures[-1], file=sys.stderr, flush=True)
            continue
        if options.json != "-":
            print((result.markdown if options.markdown else result.table)(results[-1]), flush=True)
    body = {"machine": host, "results": [one.json() for one in results], "failures": failures}
    if options.json == "-":
        print(json.dumps(body, indent=1, ensure_ascii=False))
    elif options.json:
        with open(options.json, "w") as file:
            json.dump(body, file, indent=1, ensure_ascii=False)
            file.write("\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
