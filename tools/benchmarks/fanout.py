"""The cost of a delivery where one source reaches eight sinks through a relay.

CPU of the whole process by frame and by sink, so the hop from the source to the relay is in it, as the source's work is
in the peer's.
"""
import gstreamer
from engine import check_complete
from measure import interleaved, marginal_cpu
from result import Figure, Result

SUMMARY = "CPU of a delivery through a relay to 8 outputs: on the relay's lane, and on another"
OUTPUTS = 8


def fan(workshop, frames, sink_lane):
    """Lossless, so that the slowest governs and every frame is delivered."""
    sinks = [f"sink{index}" for index in range(OUTPUTS)]
    nodes = {
        "source": {"type": "bench-source", "frames": frames, "rate_per_s": 0, "lane": "a"},
        "relay": {"type": "relay", "lossless": True, "lane": "a"},
        **{sink: {"type": "null-sink", "lane": sink_lane} for sink in sinks}}
    return workshop.graph(nodes, ["source -> relay", *(f"relay -> {sink}" for sink in sinks)])


def engine_cost(workshop, sink_lane, frames):
    graphs = {count: fan(workshop, count, sink_lane) for count in (frames, frames // 100)}
    _, report = workshop.report(graphs[frames])
    check_complete(report, frames, OUTPUTS + 1)
    return lambda: marginal_cpu(
        lambda count: workshop.command(graphs[count]), frames, frames // 100) / OUTPUTS * 1e9


def peer_cost(element, frames):
    def pipeline(count):
        branch = f"t. ! {element} ! fakesink sync=false async=false "
        source = gstreamer.launch(f"fakesrc num-buffers={count} sizetype=fixed sizemax=64", "tee name=t ")
        return source + (branch * OUTPUTS).split()

    return lambda: marginal_cpu(pipeline, frames, frames // 100) / OUTPUTS * 1e9


def measure(workshop, options):
    frames = 100_000 if options.quick else 500_000
    peer_frames = frames // 10
    cases = {"same": engine_cost(workshop, "a", frames), "other": engine_cost(workshop, "b", frames)}
    if gstreamer.is_installed():
        cases["identity"] = peer_cost("identity", peer_frames)
        cases["queue"] = peer_cost("queue", peer_frames)
    found = interleaved(cases, options.rounds)

    def beside(name):
        return {f"GStreamer tee, {name}": found[name]} if name in found else {}

    return Result("fanout", [
        Figure("a delivery, sinks on the relay's lane", "ns of CPU", found["same"], 45, beside("identity")),
        Figure("a delivery, sinks on another lane", "ns of CPU", found["other"], 120, beside("queue")),
    ], [] if gstreamer.is_installed() else [gstreamer.MISSING])
