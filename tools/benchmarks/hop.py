"""The cost of one more trivial node in a chain.

CPU of the whole process against the number of nodes in the chain: the slope is the cost of a hop, and what is at the
ends of the chain falls out. Edges are the default ones and telemetry is on, as it always is.
"""
import gstreamer
from compile import build
from engine import check_complete
from measure import Spread, interleaved, marginal_cpu, run, slope
from result import Figure, Result

SUMMARY = "CPU of a hop through a trivial node: on one lane, across two, paced at 50 frames a second"
CHAINS = (1, 2, 4, 8)
PACED_RATE = 50


def chain(workshop, length, frames, lanes, rate=0):
    """source → `length` × pass → sink; the node at position i runs on lanes[i % len(lanes)]."""
    names = ["source", *(f"pass{index}" for index in range(length)), "sink"]
    types = ["bench-source", *["bench-pass"] * length, "null-sink"]
    nodes = {
        name: {"type": type, "lane": lanes[index % len(lanes)]} for index, (name, type) in enumerate(zip(names, types))}
    nodes["source"].update(frames=frames, rate_per_s=rate)
    return workshop.graph(nodes, [" -> ".join(names)])


def engine_slope(workshop, lanes, frames):
    """Nanoseconds of CPU a hop."""
    graphs = {
        (length, count): chain(workshop, length, count, lanes) for length in CHAINS for count in (frames, frames // 100)}
    _, report = workshop.report(graphs[CHAINS[-1], frames])
    check_complete(report, frames, CHAINS[-1] + 1)

    def once():
        costs = [
            marginal_cpu(lambda count: workshop.command(graphs[length, count]), frames, frames // 100)
            for length in CHAINS]
        return slope(CHAINS, costs) * 1e9

    return once


def peer_slope(element, frames):
    def pipeline(length, count):
        return gstreamer.launch(
            f"fakesrc num-buffers={count} sizetype=fixed sizemax=64", *[element] * length, "fakesink sync=false")

    def once():
        costs = [marginal_cpu(lambda count: pipeline(length, count), frames, frames // 100) for length in CHAINS]
        return slope(CHAINS, costs) * 1e9

    return once


def paced(workshop, seconds):
    """A function that runs a short and a long paced chain, and the wake-ups that it saw: per lane and tick, the most."""
    ends = (CHAINS[0], CHAINS[-1])
    frames, tiny = seconds * PACED_RATE, PACED_RATE
    lanes = [f"l{index}" for index in range(CHAINS[-1] + 2)]
    graphs = {
        (length, count): chain(workshop, length, count, lanes, PACED_RATE) for length in ends for count in (frames, tiny)}
    wakeups = []

    def once():
        costs = []
        for length in ends:
            (short, few), (long, many) = (workshop.report(graphs[length, count]) for count in (tiny, frames))
            check_complete(many, frames, length + 1)
            wakeups.append(most_wakeups(few, many, frames - tiny))
            costs.append((long.cpu_s - short.cpu_s) / (frames - tiny))
        return slope(ends, costs) * 1e6

    return once, wakeups


def most_wakeups(few, many, ticks):
    """Of two runs of the same graph, so that starting and ending fall out. A lane that another one ran in its sleep was
    not woken for it, but counts: which of the two happens may change in mid-run."""
    def turns(report, name):
        return report["lanes"][name]["wakeups"] + report["lanes"][name]["lent"]

    return max((turns(many, name) - turns(few, name)) / ticks for name in many["lanes"])


def peer_paced(seconds):
    frames, tiny, ends = seconds * PACED_RATE, PACED_RATE, (CHAINS[0], CHAINS[-1])

    def pipeline(length, count):
        return gstreamer.launch(
            f"audiotestsrc is-live=true num-buffers={count} samplesperbuffer={48000 // PACED_RATE}",
            "audio/x-raw,rate=48000,channels=1", *["queue"] * length, "fakesink sync=false")

    def once():
        costs = [
            (run(pipeline(length, frames)).cpu_s - run(pipeline(length, tiny)).cpu_s) / (frames - tiny) for length in ends]
        return slope(ends, costs) * 1e6

    return once


def floor_paced(workshop, seconds):
    """The same wake-ups between bare threads."""
    floor = build("wake_floor.c", workshop.path / "wake_floor", "-lpthread")
    frames, tiny, ends = seconds * PACED_RATE, PACED_RATE, (CHAINS[0], CHAINS[-1])

    def once():
        costs = []
        for length in ends:
            short, long = (run([floor, length + 2, PACED_RATE, count]).cpu_s for count in (tiny, frames))
            costs.append((long - short) / (frames - tiny))
        return slope(ends, costs) * 1e6

    return once


def measure(workshop, options):
    frames = 200_000 if options.quick else 1_000_000
    peer_frames = frames // 10
    cases = {
        "one lane": engine_slope(workshop, ["a"], frames), "two lanes": engine_slope(workshop, ["a", "b"], frames)}
    if gstreamer.is_installed():
        cases["identity"] = peer_slope("identity", peer_frames)
        cases["queue"] = peer_slope("queue", peer_frames)
    found = interleaved(cases, options.rounds)

    seconds = 4 if options.quick else 11
    paced_once, wakeups = paced(workshop, seconds)
    paced_cases = {"paced": paced_once, "floor": floor_paced(workshop, seconds)}
    if gstreamer.is_installed():
        paced_cases["queue paced"] = peer_paced(seconds)
    found.update(interleaved(paced_cases, min(3, options.rounds)))

    def beside(name):
        return {f"GStreamer {name.removesuffix(' paced')}": found[name]} if name in found else {}

    return Result("hop", [
        Figure("a hop on one lane", "ns of CPU", found["one lane"], 30, beside("identity")),
        Figure("a hop across two lanes", "ns of CPU", found["two lanes"], 60, beside("queue")),
        Figure("a hop across lanes, paced at 50/s", "µs of CPU", found["paced"], 8,
               {"bare C threads": found["floor"], **beside("queue paced")}),
        Figure("wake-ups a lane and tick, paced at 50/s, the most of any lane", "",
               Spread([round(most, 2) for most in wakeups]), 1),
    ], [] if gstreamer.is_installed() else [gstreamer.MISSING])
