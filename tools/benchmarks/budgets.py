"""The budgets that are checked in: `tools/bench check` fails where one is exceeded.

Allocations, wake-ups and instructions repeat on every machine, busy or not; times do not, and are nowhere in here.
"""
import json
import pathlib
import shutil
import sys

import allocations
import encode
import webrtc_counted
from codecs_measured import COUNTED
from engine import Workshop, check_complete
from hop import CHAINS, PACED_RATE, chain, most_wakeups
from instructions import LONG, outside_share
from measure import Failed

BUDGETS = pathlib.Path(__file__).with_name("budgets.json")


def allocation_checks(workshop, budgets):
    for name, (ours, others) in allocations.measure_counts(workshop).items():
        yield f"allocations, {name}", sum(ours.values()), budgets["allocations_in_10000_frames"][name], ours
        if name in budgets["allocations_of_other_libraries"]:
            limit = budgets["allocations_of_other_libraries"][name]
            yield f"allocations of other libraries, {name}", sum(others.values()), limit, others


def wakeup_checks(workshop, budgets):
    length, reports = CHAINS[-1], []
    lanes = [f"l{index}" for index in range(length + 2)]
    for seconds in (1, 3):
        frames = seconds * PACED_RATE
        _, report = workshop.report(chain(workshop, length, frames, lanes, PACED_RATE))
        check_complete(report, frames, length + 1)
        reports.append(report)
    yield ("wake-ups a lane and tick, paced chain", most_wakeups(*reports, 2 * PACED_RATE),
           budgets["wakeups_a_lane_and_tick"], {})


def instruction_checks(workshop, budgets):
    inputs = encode.Inputs(workshop, LONG, 20 * LONG)
    for codec in COUNTED:
        share = outside_share(workshop, codec, lambda file: encode.graph(workshop, codec, file), inputs)
        yield f"instructions outside the codec, {codec.name}, %", share, budgets["instructions_outside_codec_percent"][codec.name], {}


def webrtc_checks(workshop, budgets):
    value = webrtc_counted.instructions(workshop)
    yield "instructions on lanes, a packet to a viewer by WebRTC", value, budgets["webrtc_instructions_a_packet"], {}


def check():
    """0 if every budget is kept."""
    budgets = json.loads(BUDGETS.read_text())
    checks = [allocation_checks, wakeup_checks]
    if shutil.which("valgrind"):
        checks += [instruction_checks, webrtc_checks]
    else:
        print("Valgrind is not installed: instructions are not checked.")
    exceeded = 0
    for one in checks:
        with Workshop() as workshop:
            try:
                for name, value, limit, parts in one(workshop, budgets):
                    kept = value <= limit
                    print(f"{'ok      ' if kept else 'EXCEEDED'}  {name}: {value:.4g} of {limit:g}", flush=True)
                    if not kept:
                        exceeded += 1
                        for library, count in sorted(parts.items(), key=lambda part: -part[1]):
                            print(f"            {library} {count:,}")
            except Failed as failure:
                print(f"FAILED    {failure}", file=sys.stderr)
                exceeded += 1
    return 1 if exceeded else 0
