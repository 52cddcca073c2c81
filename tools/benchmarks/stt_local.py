"""Words within the process: how soon, how right, and what hearing costs."""
import array
import json
import pathlib

import stt_clips
from engine import GRAPHS
from measure import Failed, Spread, run
from result import Figure


def written(path):
    """The final texts of a file of text-output, in order."""
    items = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    return " ".join(item["text"] for item in items if item["final"])


def captions(workshop, clip, *options):
    """The text of `sluice run captions`, its run and its report."""
    transcript = workshop.path / "captions.jsonl"
    took, report = workshop.report(
        GRAPHS / "captions.json", "--set", f"input={clip}", "--set", f"transcript={transcript}", *options)
    return written(transcript), took, report


def first(workshop, options):
    """11 s of speech from the start of the command to its end."""
    took, memory = [], []
    for _ in range(options.rounds):
        text, one, report = captions(workshop, stt_clips.JFK)
        if stt_clips.wrong(text, stt_clips.JFK_WORDS) > 15:
            raise Failed(f"captions wrote: {text}")
        took.append(one.wall_s)
        memory.append(report["process"]["max_rss_kb"] / 1e3)
    return [
        Figure("local: the words of an 11 s clip, from the start of the command", "s", Spread(took), 4),
        Figure("local: memory at most", "MB", Spread(memory), 200)]


def words(workshop, clips):
    samples, text = stt_clips.joined(clips, 1)
    path = stt_clips.write(workshop.path / "joined.wav", samples)
    shortest = min(clips, key=lambda clip: len(clip[0]))
    short = stt_clips.write(workshop.path / "short.wav", shortest[0])
    length = len(shortest[0]) / stt_clips.RATE
    telephone = workshop.path / "telephone.wav"
    run(["ffmpeg", "-v", "error", "-i", path, "-ar", "8000", "-c:a", "pcm_mulaw", telephone])
    return [
        Figure(f"local: words wrong, {len(clips)} clips joined, {len(stt_clips.bare(text))} words", "%",
               stt_clips.wrong(captions(workshop, path)[0], text), 5),
        Figure("local: words wrong, the same by telephone (µ-law)", "%",
               stt_clips.wrong(captions(workshop, telephone)[0], text), 5),
        Figure(f"local: words wrong, a clip of {length:.1f} s", "%",
               stt_clips.wrong(captions(workshop, short)[0], shortest[1]), 15)]


def fed(workshop, path, output, controls):
    """The text where `stt-stream` gets `output` of voice-activity, and what it has heard in s."""
    transcript = workshop.path / "fed.jsonl"
    graph = workshop.graph(
        {"source": {"type": "source", "open": str(path), "pace": "fast"}, "voice": {"type": "voice-activity"},
         "stt": {"type": "stt-stream"}, "text": {"type": "text-output", "path": str(transcript)}},
        ["source.audio -> voice", f"voice.{output} -> stt",
         {"from": "stt.text", "to": "text.in", "overflow": "block", "epoch": "keep"}], controls=controls)
    _, report = workshop.report(graph)
    return written(transcript), report["nodes"]["stt"]["metrics"]["heard_ms"] / 1000


def half_silent(workshop, clips):
    """A call that is half silence: the part that is sent where `voice-activity` cuts out what is spoken."""
    samples = array.array("h")
    for one, _ in clips:
        samples += one + stt_clips.silence(len(one) / stt_clips.RATE)
    path = stt_clips.write(workshop.path / "half.wav", samples)
    whole, everything = fed(workshop, path, "out", ["voice.ended -> stt.finalize"])
    spoken, sent = fed(workshop, path, "speech", [])
    return [
        Figure("a call that is half silence: sent of it", "%", 100 * sent / everything, 65),
        Figure("a call that is half silence: words other than when all of it is sent", "%",
               stt_clips.wrong(spoken, whole), 0, relation="exactly")]


def hearing(workshop, clips, options):
    """The cost of `voice-activity` for a stream: CPU by its length, memory by the number of streams."""
    samples, _ = stt_clips.joined(clips, 1)
    long = samples * (4 if options.quick else 12)
    files = {
        "short": stt_clips.write(workshop.path / "heard.wav", samples),
        "long": stt_clips.write(workshop.path / "long.wav", long)}
    seconds = (len(long) - len(samples)) / stt_clips.RATE

    def graph(count):
        nodes = {"source": {"type": "source", "open": "${input}", "pace": "fast"}, "all": {"type": "relay", "lossless": True}, "sink": {"type": "null-sink"}}
        edges = ["source.audio -> all", "all -> sink"]
        for index in range(count):
            nodes[f"voice{index}"] = {"type": "voice-activity"}
            nodes[f"end{index}"] = {"type": "null-sink"}
            edges += [f"all -> voice{index}", f"voice{index}.speech -> end{index}"]
        return workshop.graph(nodes, edges, parameters={"input": {"help": "The file."}})

    def one(count, name):
        return workshop.report(graph(count), "--set", f"input={files[name]}")[1]["process"]

    def share(count):
        return (one(count, "long")["cpu_s"] - one(count, "short")["cpu_s"]) / seconds * 100
    cpu = Spread([share(1) - share(0) for _ in range(options.rounds)])
    memory = Spread([(one(21, "short")["max_rss_kb"] - one(1, "short")["max_rss_kb"]) / 20e3 for _ in range(options.rounds)])
    return [
        Figure("voice-activity: a stream that is mostly speech", "% of a core", cpu, 0.5),
        Figure("voice-activity: a stream", "MB", memory, 4)]


def figures(workshop, options):
    clips = stt_clips.clips()
    return [
        *first(workshop, options), *words(workshop, clips), *half_silent(workshop, clips), *hearing(workshop, clips, options)]
