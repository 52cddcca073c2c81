"""The cost that the engine adds to encoding.

A graph of a raw source, an encoder and a null-sink against a bare loop in C with the same settings, against ffmpeg and
GStreamer asked for the same, all on the same file and with one encoder thread. Both read, encode and drop in one
thread; the graph runs on the lanes that it has by default, and beside it on one. Round by round, what share of the
cheaper peer's CPU the engine takes. Then what the CPU figures are too rough for: the instructions outside the codec's own
calls (callgrind), and whether the packets are the bare loop's.
"""
import pathlib
import shutil

import geometry
import gstreamer
import material
import transcode
from codecs_measured import ALL, COUNTED, H264, has_ffmpeg
from compile import build
from instructions import outside_share
from measure import Failed, interleaved, marginal_cpu, run
from result import Figure, Result, share

SUMMARY = "CPU of encoding, of AAC to Opus, and of turned, scaled and marked pictures, beside ffmpeg and GStreamer"
LIBRARIES = ["-lavcodec", "-lavutil", "-lvpx", "-lopus", "-lm"]


class Inputs:
    """Files of the first so many units, made when first asked for."""

    def __init__(self, workshop, pictures, packets):
        self.workshop = workshop
        folder = workshop.path
        self.makers = {
            "pictures": lambda: material.pictures(folder / "pictures.i420", pictures),
            "large_pictures": lambda: material.pictures(folder / "large.i420", pictures, *material.LARGE),
            "audio": lambda: material.audio(folder / "audio.s16", packets * 0.01)}
        self.whole = {}

    def of(self, codec, count):
        path = self.workshop.path / f"{codec.material}.{count}"
        if not path.exists():
            if codec.material not in self.whole:
                self.whole[codec.material] = self.makers[codec.material]()
            material.beginning(self.whole[codec.material], count * codec.unit, path)
        return path


def graph(workshop, codec, file, dump=None, lane=None):
    """`lane` for all nodes; None leaves each its own."""
    sink = {"type": "bench-dump", "path": str(dump)} if dump else {"type": "null-sink"}
    nodes = {"source": {**codec.source, "path": str(file)}, "encoder": codec.encoder, "sink": sink}
    if lane:
        nodes = {name: {**node, "lane": lane} for name, node in nodes.items()}
    return workshop.graph(nodes, ["source -> encoder -> sink"])


def floor_command(floor, codec, file, out="-"):
    before, after = codec.loop
    return [floor, *before, file, *after, out]


def same_bytes(workshop, floor, codec, file):
    """Whether the packets are those of the bare loop; says the first difference otherwise."""
    ours, theirs = workshop.path / "ours.bin", workshop.path / "theirs.bin"
    run(workshop.command(graph(workshop, codec, file, ours)))
    run(floor_command(floor, codec, file, theirs))
    a, b = ours.read_bytes(), theirs.read_bytes()
    if not b:
        raise Failed(f"{codec.name}: the bare loop gave no packets")
    return a == b


def measure(workshop, options):
    floor = build("encode_floor.c", workshop.path / "encode_floor", *LIBRARIES)
    pictures, packets = (60, 3_000) if options.quick else (180, 20_000)
    inputs = Inputs(workshop, pictures, packets)
    figures, notes = [], []
    for codec in ALL:
        count = packets if codec.material == "audio" else pictures
        figures += figures_of(workshop, options, codec, inputs, floor, count)
    figures += transcode.figures(workshop, options)
    figures += geometry.figures(workshop, options, lambda some: inputs.of(H264, some), pictures)
    if not gstreamer.is_installed():
        notes.append(gstreamer.MISSING)
    if not has_ffmpeg():
        notes.append("ffmpeg is not installed and was left out.")
    if not shutil.which("valgrind"):
        notes.append("Valgrind is not installed: instructions were left out.")
    return Result("encode", figures, notes)


def figures_of(workshop, options, codec, inputs, floor, count):
    # As many as fill an edge, so that making their memory counts as start-up.
    tiny = max(count // 10, 24)
    graphs = {
        (lane, some): graph(workshop, codec, inputs.of(codec, some), lane=lane)
        for lane in ("one", None) for some in (tiny, count)}
    commands = {
        "Sluice": lambda some: workshop.command(graphs[None, some]),
        "Sluice on one lane": lambda some: workshop.command(graphs["one", some]),
        "bare C loop": lambda some: floor_command(floor, codec, inputs.of(codec, some))}
    if has_ffmpeg():
        commands["ffmpeg"] = lambda some: codec.ffmpeg(inputs.of(codec, some))
    if gstreamer.is_installed():
        commands["GStreamer"] = lambda some: codec.gst(inputs.of(codec, some), some)
    cases = {
        name: lambda command=command: marginal_cpu(command, count, tiny) * 1e6 for name, command in commands.items()}
    found = interleaved(cases, options.rounds)
    ours = found.pop("Sluice")
    yield Figure(codec.name, "µs of CPU", ours, None, found)
    yield from share(codec.name, ours, found, codec.share)
    if shutil.which("valgrind") and codec in COUNTED:
        yield Figure(
            f"{codec.name}: instructions outside the codec's calls", "% of all",
            outside_share(workshop, codec, lambda file: graph(workshop, codec, file), inputs), 3)
    yield Figure(
        f"{codec.name}: the bare loop's bytes", "", same_bytes(workshop, floor, codec, inputs.of(codec, count)), True,
        relation="exactly")
