"""The cost of making Opus of AAC, beside ffmpeg and GStreamer asked for the same.

A Matroska file with AAC at 48 kHz, stereo, is read, decoded, encoded and dropped, with one thread for each codec: what a
studio's stream needs on its way to WebM or a browser. All three use libopus, with 20 ms, 64 kb/s and complexity 5; Sluice
and ffmpeg decode with libavcodec's decoder, and GStreamer with the same one in its own clothes (avdec_aac).
"""
import gstreamer
import material
from codecs_measured import FFMPEG, has_ffmpeg
from measure import interleaved, marginal_cpu, run
from result import Figure, share

NAME = "AAC to Opus of 20 ms, a packet"
FRAME_MS = 20
SECONDS_EACH = FRAME_MS / 1000


def figures(workshop, options):
    if not has_ffmpeg():
        return
    count = 1_500 if options.quick else 10_000
    tiny = count // 10
    files = {some: clip(workshop, some) for some in (tiny, count)}
    graphs = {(lane, some): graph(workshop, files[some], lane) for lane in (None, "one") for some in files}
    commands = {
        "Sluice": lambda some: workshop.command(graphs[None, some]),
        "Sluice on one lane": lambda some: workshop.command(graphs["one", some]),
        "ffmpeg": lambda some: [
            *FFMPEG, "-threads", "1", "-i", str(files[some]), "-c:a", "libopus", "-b:a", "64k", "-vbr", "on", "-application",
            "audio", "-frame_duration", str(FRAME_MS), "-compression_level", "5", "-f", "null", "-"]}
    if gstreamer.is_installed():
        commands["GStreamer"] = lambda some: gstreamer.launch(
            f"filesrc location={files[some]}", "matroskademux", "aacparse", "avdec_aac", "audioconvert", "audioresample",
            f"opusenc audio-type=generic frame-size={FRAME_MS} bitrate=64000 bitrate-type=vbr complexity=5",
            "fakesink sync=false")
    cases = {
        name: lambda command=command: marginal_cpu(command, count, tiny) * 1e6 for name, command in commands.items()}
    found = interleaved(cases, options.rounds)
    ours = found.pop("Sluice")
    yield Figure(NAME, "µs of CPU", ours, None, found)
    yield from share(NAME, ours, found, 1.0)


def clip(workshop, count):
    """AAC for so many packets of Opus."""
    raw = material.audio(workshop.path / f"aac{count}.s16", count * SECONDS_EACH)
    path = workshop.path / f"aac{count}.mka"
    run([*FFMPEG, "-y", "-f", "s16le", "-ar", str(material.SAMPLE_RATE), "-ac", str(material.CHANNELS), "-i", str(raw),
         "-c:a", "aac", "-b:a", "128k", str(path)])
    raw.unlink()
    return path


def graph(workshop, file, lane):
    nodes = {
        "source": {"type": "source", "open": str(file), "decode": False, "pace": "fast"},
        "decoder": {"type": "audio-decoder"}, "opus": {"type": "opus-encoder"}, "sink": {"type": "null-sink"}}
    if lane:
        nodes = {name: {**node, "lane": lane} for name, node in nodes.items()}
    return workshop.graph(nodes, ["source.audio -> decoder -> opus -> sink"])
