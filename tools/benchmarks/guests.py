"""The cost of guests to those who are there: coming and going among ten and thousands, and interruptions meanwhile.

A node starts so many instances of a template at once, each a reader of a relay, waits until all run, stops them, and
takes the time and the CPU of the process for one. The cost of one must not grow with the number of the others.

Then a node sleeps until the epoch is raised, while instances are started one after the other whose preparation takes half
a second of CPU each. How soon it wakes is what an interruption lasts at least.
"""
from measure import Failed, Spread
from result import Figure, Result

SUMMARY = "coming and going among 10 and among 4,000 instances; an interruption while instances prepare"
FEW, MANY = 10, 4_000


def guests(workshop, count, rounds):
    """Metrics of the node that starts and stops them."""
    graph = workshop.graph(
        {
            "source": {"type": "bench-source", "frames": 10, "rate_per_s": 5},
            "relay": {"type": "relay"},
            "guests": {"type": "bench-guests", "template": "guest", "count": count, "rounds": rounds, "lane": "host"},
        },
        ["source -> relay"],
        templates={"guest": {"nodes": {"out": {"type": "null-sink"}}, "edges": ["$parent.relay -> out"]}})
    _, report = workshop.report(graph, timeout_s=120)
    metrics = report["nodes"]["guests"]["metrics"]
    if not metrics.get("leave_us", {}).get("max"):
        raise Failed(f"{count} guests did not come and go: {report['events'][-3:]}")
    return metrics


def interruption(workshop, count):
    """Microseconds until the sleeper woke: the median, the 99th percentile, the most."""
    graph = workshop.graph(
        {
            "interrupter": {"type": "bench-interrupter", "count": count, "interval_ms": 7, "lane": "one"},
            "sleeper": {"type": "bench-sleeper", "count": count, "lane": "two"},
            "guests": {"type": "bench-guests", "template": "slow", "count": 1, "rounds": 0, "lane": "three"},
        },
        [], templates={"slow": {"nodes": {"node": {"type": "bench-slow", "prepare_ms": 500}}}})
    _, report = workshop.report(graph, "--for", f"{count * 7 // 1000 + 2}s", timeout_s=300)
    wake = report["nodes"]["sleeper"]["metrics"]["wake_us"]
    return wake["p50"], wake["p99"], wake["max"]


def measure(workshop, options):
    names = ("start_us", "start_cpu_us", "leave_us", "leave_cpu_us")
    found = {(count, name): [] for count in (FEW, MANY) for name in names}
    wakes = []
    for _ in range(options.rounds):
        for count, rounds in ((FEW, 40), (MANY, 1)):
            metrics = guests(workshop, count, rounds)
            for name in names:
                found[count, name].append(metrics[name]["p50"])
        wakes.append(interruption(workshop, 300 if options.quick else 3_000))
    spread = {key: Spread(values) for key, values in found.items()}
    figures = []
    for name, words in (("start_cpu_us", "to start"), ("leave_cpu_us", "to leave")):
        few = spread[FEW, name]
        figures.append(Figure(f"one instance {words}, {FEW} of them", "µs of CPU", few))
        figures.append(Figure(f"one instance {words}, {MANY} of them", "µs of CPU", spread[MANY, name], few.median * 1.2))
    leave = Spread([value * MANY / 1e6 for value in found[MANY, "leave_cpu_us"]])
    figures += [
        Figure(f"{MANY} instances leave", "s of CPU", leave, 0.5),
        Figure("a sleeping node wakes for an interruption while instances prepare, median", "µs", Spread([w[0] for w in wakes])),
        Figure("the same, 99th percentile", "µs", Spread([w[1] for w in wakes]), 1_000),
    ]
    return Result("guests", figures)
