"""Instructions that a graph executes outside its codec, counted by callgrind: nearly the same in every run.

Two lengths of the same graph, so that starting and ending fall out; once everything on its lanes is counted, once only
what happens inside the codec's calls. Starting the process is left out: it differs from run to run by 1.5 million
instructions, more than the engine takes for 30 pictures. System calls count as one instruction: what the kernel does is
not in it.
"""
import re

from measure import Failed, run

SHORT, LONG = 10, 40
#: `Lane.run`, the life of a lane on its thread.
LANES = ("$s6Sluice4LaneC3runyyF",)


def callgrind(workshop, command, inside):
    out = workshop.path / "callgrind.out"
    toggles = [f"--toggle-collect={name}" for name in inside]
    run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *toggles, *command], timeout_s=900)
    found = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    if not found:
        raise Failed("callgrind told no total")
    return int(found[1])


def outside_share(workshop, codec, make_graph, inputs):
    """Percent of the lanes' instructions, for LONG − SHORT packets."""
    scale = 20 if codec.material == "audio" else 1
    counts = {}
    for inside in (LANES, tuple(codec.calls)):
        short, long = (
            callgrind(workshop, workshop.command(make_graph(inputs.of(codec, length * scale))), inside)
            for length in (SHORT, LONG))
        counts[inside] = long - short
    everything, inside = counts[LANES], counts[tuple(codec.calls)]
    if inside <= 0:
        raise Failed(f"{codec.name}: {' and '.join(codec.calls)} were never called")
    if everything <= inside:
        raise Failed(f"{codec.name}: {everything} instructions on the lanes, of which {inside} in the codec")
    return (everything - inside) / everything * 100
