"""`stt-stream` and services on the network, which are emulated: delays, many streams, and connections that are cut.

Beside it are LiveKit's and Pipecat's clients, where they are installed, and one as one writes it in an afternoon: a token
and a connection for each utterance and 500 ms of silence behind it, or one connection that begins anew when it is lost.
"""
import contextlib
import difflib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request

import stt_clips
from engine import ROOT, executable
from measure import Failed, Spread
from result import Figure

HERE = pathlib.Path(__file__).resolve().parent


class Service:
    """A program that prints the address where it serves, for a `with`; an emulator if nothing else is told."""

    def __init__(self, *words, script=HERE / "stt_server.py"):
        self.process = subprocess.Popen(
            [sys.executable, script, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            raise Failed(f"{script.name} does not start: {' '.join(words)}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)


def stt(service, **more):
    return {
        "type": "stt-stream", "providers": "rtzr", "rtzr_client_id": "me", "rtzr_client_secret": "secret",
        "rtzr_url": service.url, **more}


def run(workshop, graph, during=None):
    """Lines of standard output, each with when it came, and the report."""
    report, lines = workshop.path / "report.json", []
    process = subprocess.Popen(
        [executable(), "run", graph, "--report", report], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=open(workshop.path / "errors.txt", "w"), text=True)
    thread = threading.Thread(target=lambda: lines.extend((time.monotonic(), line.strip()) for line in process.stdout))
    thread.start()
    if during:
        during(process)
    if process.wait(600) != 0:
        raise Failed(f"{graph}: {(workshop.path / 'errors.txt').read_text()[-400:]}")
    thread.join()
    return lines, json.loads(report.read_text())


def call(workshop, path, writer, feed, text="-"):
    """A live call of which `feed` goes to the node `writer`."""
    return workshop.graph(
        {"source": {"type": "source", "open": str(path), "pace": "live"}, "voice": {"type": "voice-activity"},
         "stt": writer, "text": {"type": "text-output", "path": text}},
        ["source.audio -> voice", f"voice.{feed} -> stt", "stt.text -> text.in"],
        controls=["voice.ended -> stt.finalize"])


def phrases(workshop, count):
    """One phrase of the address again and again, a second between."""
    phrase = stt_clips.read(str(stt_clips.JFK))[int(3.2 * stt_clips.RATE):int(4.5 * stt_clips.RATE)]
    samples, _ = stt_clips.joined([(phrase, "ask not")] * count, 1)
    return stt_clips.write(workshop.path / "phrases.wav", samples), phrase


def utterances(workshop, options, beside):
    count = 6 if options.quick else 20
    path, phrase = phrases(workshop, count)
    with Service("rtzr", "--instant", "--partials", "0") as service:
        lines, report = run(workshop, call(workshop, path, stt(service), "speech"))
        replies = [moment for moment, text in service.get("/times")["sent"] if json.loads(text).get("final")]
    final = report["nodes"]["stt"]["metrics"]["final_ms"]
    texts = [moment for moment, line in lines if line]
    if len(texts) != count or len(replies) < count:
        raise Failed(f"{len(texts)} texts of {count} utterances, {len(replies)} replies")
    handed = Spread([(text - reply) * 1000 for text, reply in zip(texts, replies)])
    return [
        Figure(f"{count} utterances: end of speech to final, less the engine's time, p50", "ms", final["p50"], 20,
               {peer.name: peer.utterance(workshop, phrase.tobytes(), count) for peer in beside}),
        Figure(f"{count} utterances: the same, the longest", "ms", final["max"], 220),
        Figure("from a reply's bytes to its text on standard output, the longest", "ms", max(handed.values), 20)]


def answer(workshop, words, service, audio, during=None):
    """The answer of one of the clients beside: `words` begin its command."""
    path = workshop.path / "peer.pcm"
    path.write_bytes(audio)
    process = subprocess.Popen([*words, service.url, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if during:
        during(service)
    out, _ = process.communicate(timeout=600)
    if process.returncode != 0:
        raise Failed(f"{words[1].name} does not run: the naive client needs python3-websockets")
    return out.strip()


class Peer:
    """A client beside, and the service that it speaks to."""

    def __init__(self, name, provider, python, script, *words):
        self.name, self.provider, self.command = name, provider, [python, HERE / script, *words]

    def utterance(self, workshop, audio, count):
        with Service(self.provider, "--instant", "--partials", "0") as service:
            return Spread([
                float(answer(workshop, [*self.command, "utterance"], service, audio)) for _ in range(min(count, 5))])

    def stream(self, workshop, audio, cut):
        with Service(self.provider) as service:
            return answer(workshop, [*self.command, "stream"], service, audio, cut)


def peers():
    """Those that are here, and notes of those that are not."""
    found, notes = [Peer("naive client", "rtzr", "/usr/bin/python3", "stt_naive.py")], []
    python = ROOT / ".build" / "peers" / "stt" / "bin" / "python"
    for name, provider, word, module, package in (
            ("LiveKit's RTZR", "rtzr", "livekit", "livekit.plugins.rtzr", "livekit-plugins-rtzr==1.8.9"),
            ("Pipecat's Deepgram", "deepgram", "pipecat", "pipecat", "'pipecat-ai[deepgram]==1.14.0'")):
        look = f"import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)"
        if python.exists() and subprocess.run([python, "-c", look], capture_output=True).returncode == 0:
            found.append(Peer(name, provider, python, "stt_peers.py", word))
        else:
            notes.append(f"{name} is not installed: python3 -m venv .build/peers/stt && .build/peers/stt/bin/pip install {package}")
    return found, notes


def many(workshop, options):
    """16 streams of one source: how late the latest chunk is."""
    seconds = 8 if options.quick else 30
    clip = stt_clips.read(str(stt_clips.JFK))
    path = stt_clips.write(workshop.path / "many.wav", (clip * (seconds // 11 + 1))[:seconds * stt_clips.RATE])
    with Service("rtzr", "--deaf") as service:
        nodes = {"source": {"type": "source", "open": str(path), "pace": "live"},
                 "frames": {"type": "pacer", "frame_ms": 20}, "all": {"type": "relay"}}
        edges = ["source.audio -> frames -> all"]
        for index in range(16):
            nodes[f"stt{index}"] = stt(service)
            nodes[f"end{index}"] = {"type": "null-sink"}
            edges += [f"all -> stt{index}", f"stt{index}.text -> end{index}"]
        run(workshop, workshop.graph(nodes, edges))
        late = service.get("/times")["late_ms"]
    if len(late) != 16:
        raise Failed(f"{len(late)} connections of 16 streams")
    return [Figure("16 streams at once: the latest chunk, behind what could have been sent", "ms", max(late), 50)]


def compared(words, wanted):
    """Words that are missing, that are too many, and that are others."""
    lost = more = other = 0
    for kind, a, b, c, d in difflib.SequenceMatcher(None, wanted, words, autojunk=False).get_opcodes():
        if kind != "equal":
            other += min(b - a, d - c)
            lost += max(0, (b - a) - (d - c))
            more += max(0, (d - c) - (b - a))
    return lost, more, other


def cuts(workshop, options, beside):
    """A call whose connection is cut in the middle of speech, beside the same call uncut."""
    clips = stt_clips.clips()
    samples, text = stt_clips.joined(clips, 1)
    path = stt_clips.write(workshop.path / "cut.wav", samples)
    count = 4 if options.quick else 10
    every = len(samples) / stt_clips.RATE / (count + 1)

    def cut(service):
        for index in range(count):
            time.sleep(every)
            service.get("/control?" + ("rst" if index % 2 == 0 else "half-open"))

    def words(service, during=None):
        transcript = workshop.path / "cut.jsonl"
        with contextlib.suppress(FileNotFoundError):
            os.remove(transcript)
        _, report = run(workshop, call(workshop, path, stt(service), "speech", str(transcript)), during)
        items = [json.loads(line) for line in transcript.read_text().splitlines()]
        return " ".join(item["text"] for item in items), report["nodes"]["stt"]["metrics"]

    with Service("rtzr") as service:
        whole, _ = words(service)
        broken, metrics = words(service, lambda _: cut(service))
    ours = compared(stt_clips.bare(broken), stt_clips.bare(whole))
    theirs = {
        peer.name: compared(stt_clips.bare(peer.stream(workshop, samples.tobytes(), cut)), stt_clips.bare(whole))
        for peer in beside}

    def of(index):
        return {name: found[index] for name, found in theirs.items()}
    name = f"{count} cuts in the middle of speech, beside the same call uncut: words"
    return [
        Figure("words wrong of the joined clips, by the emulated service", "%", stt_clips.wrong(whole, text), 5),
        Figure(f"{name} lost", "", ours[0], 0, of(0), "exactly"),
        Figure(f"{name} too many", "", ours[1], 0, of(1), "exactly"),
        Figure(f"{name} that are others", "", ours[2], None, of(2)),
        Figure(f"{count} cuts: connections that were found lost", "", metrics["rtzr_reconnects"])]


def server(workshop):
    """The joined clips by a real server of OpenAI's kind, an utterance a request; a note where it is not set up."""
    if not (ROOT / ".build" / "stt-server" / "stamp").exists():
        return [], ["the faster-whisper server is not set up: tools/setup --stt-server"]
    samples, text = stt_clips.joined(stt_clips.clips(), 1)
    path, transcript = stt_clips.write(workshop.path / "server.wav", samples), workshop.path / "server.jsonl"
    with Service("--port", "0", script=ROOT / "tools" / "stt-server" / "whisper.py") as service:
        writer = {"type": "stt-stream", "providers": "openai", "openai_url": service.url, "language": "en"}
        run(workshop, call(workshop, path, writer, "speech", str(transcript)))
    heard = " ".join(json.loads(line)["text"] for line in transcript.read_text().splitlines())
    return [Figure("words wrong of the joined clips, by the faster-whisper server", "%", stt_clips.wrong(heard, text), 5)], []


def beside(part):
    """A part that has clients beside it."""
    def measured(workshop, options):
        found, notes = peers()
        return part(workshop, options, found), notes
    return measured


PARTS = {
    "utterances": beside(utterances),
    "streams": lambda workshop, options: (many(workshop, options), []),
    "cuts": beside(cuts),
    "server": lambda workshop, options: server(workshop),
}
