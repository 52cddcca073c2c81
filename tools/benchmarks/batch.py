"""Speech in batches: words, borders, kills, and beside them a naive client and the way of chunks by ffmpeg.

Both others ask the same faster-whisper server. The naive client holds a recording in memory and sends it whole, once.
The other way records chunks of 30 s, joins ten by ffmpeg, and sends MP3.
"""
import concurrent.futures
import json
import random
import signal
import subprocess
import sys
import time

import stt_clips
from engine import GRAPHS, ROOT, executable
from measure import Failed, run
from result import Figure, Result
from stt_services import Service

SUMMARY = "speech in batches: words, borders of chunks, kills, and what lies between a lecture's end and its text"
TOGETHER = 4

NAIVE = r"""
import sys, urllib.request
audio = open(sys.argv[2], "rb").read()
name = sys.argv[3]
body = (b'--part\r\nContent-Disposition: form-data; name="response_format"\r\n\r\njson\r\n'
        b'--part\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n\r\n' + audio
        + b'\r\n--part--\r\n')
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "multipart/form-data; boundary=part"})
print(urllib.request.urlopen(request, timeout=600).read().decode())
"""


def texts(path, session="lecture"):
    if not path.exists():
        return ""
    items = [json.loads(line) for line in path.read_text().splitlines()]
    return " ".join(item["text"] for item in items if item["session"] == session)


def lecture(folder, clip, *settings, **how):
    """The text of `sluice run lecture` in a folder of its own, and its report."""
    folder.mkdir(exist_ok=True)
    out, report = folder / "out.jsonl", folder / "report.json"
    words = [executable(), "run", GRAPHS / "lecture.json", "--report", report]
    for setting in (f"input={clip}", f"transcript={out}", f"spool={folder}/spool", *settings):
        words += ["--set", setting]
    run(words, **how)
    return texts(out), json.loads(report.read_text())["nodes"]["stt"]["metrics"]


def ask(address, path, name):
    return json.loads(run([sys.executable, "-c", NAIVE, address, path, name]).stdout)["text"]


def by_ffmpeg(folder, clip, address):
    """Chunks, joined without decoding, MP3."""
    folder.mkdir()
    ffmpeg = ["ffmpeg", "-v", "error"]
    run([*ffmpeg, "-i", clip, "-f", "segment", "-segment_time", "30", "-c", "copy", folder / "%03d.wav"])
    chunks = sorted(folder.glob("*.wav"))
    (folder / "list").write_text("".join(f"file '{chunk}'\n" for chunk in chunks))
    run([*ffmpeg, "-f", "concat", "-safe", "0", "-i", folder / "list", "-c", "copy", folder / "all.wav"])
    run([*ffmpeg, "-i", folder / "all.wav", "-b:a", "48k", folder / "all.mp3"])
    return ask(address, folder / "all.mp3", "all.mp3")


def words(workshop):
    clips = stt_clips.clips()
    samples, text = stt_clips.joined(clips, 1)
    path = stt_clips.write(workshop.path / "joined.wav", samples)
    name = f"{len(clips)} clips joined, {len(stt_clips.bare(text))} words"
    local, _ = lecture(workshop.path / "local", path)
    figures = [Figure(f"local: words wrong, {name}", "%", stt_clips.wrong(local, text), 5)]
    if not (ROOT / ".build" / "stt-server" / "stamp").exists():
        return figures, ["the faster-whisper server is not set up: tools/setup --stt-server"]
    with Service("--port", "0", script=ROOT / "tools" / "stt-server" / "whisper.py") as service:
        address = service.url
        remote, _ = lecture(workshop.path / "remote", path, f"url={address}")
        naive = stt_clips.wrong(ask(address, path, "joined.wav"), text)
        seed = stt_clips.wrong(by_ffmpeg(workshop.path / "seed", path, address), text)
    figures.append(Figure(
        f"faster-whisper server by MP3: words wrong, {name}", "%", stt_clips.wrong(remote, text), 5,
        peers={"naive": naive, "chunks by ffmpeg": seed}))
    return figures, []


def borders(workshop, options):
    """A border of chunks through every word in turn."""
    folder = workshop.path / "borders"
    folder.mkdir()
    whole, _ = lecture(folder / "whole", stt_clips.JFK)
    items = [json.loads(line) for line in (folder / "whole" / "out.jsonl").read_text().splitlines()]
    places = [(word["start_s"] + word["end_s"]) / 2 for item in items for word in item["words"]]
    places = [place for place in places if place >= 1][:: 4 if options.quick else 1]

    def one(place):
        text, _ = lecture(folder / f"{place:.3f}", stt_clips.JFK, f"chunk_s={place:.3f}")
        return len(stt_clips.bare(whole)) * stt_clips.wrong(text, whole) / 100
    lost = sum(one(place) for place in places)
    name = f"words other than without borders, {len(places)} runs with a border in a word each"
    return [Figure(name, "", round(lost), 0, relation="exactly")]


def killed(folder, seconds):
    """Words that are missing of those that were spoken a second before a kill -9; and the words spoken until then."""
    folder.mkdir()
    words = [executable(), "run", GRAPHS / "lecture.json"]
    for setting in (f"input={stt_clips.JFK}", f"transcript={folder}/killed.jsonl", f"spool={folder}/spool", "pace=live",
                    "chunk_s=3", "batch=2"):
        words += ["--set", setting]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    silence = stt_clips.write(folder / "silence.wav", stt_clips.silence(0.1))
    text, _ = lecture(folder, silence, "session=next")
    return text, recorded(folder / "spool")


def recorded(spool):
    """Seconds of audio that the index knows of the session."""
    lines = [json.loads(line) for line in (spool / "lecture" / "index.jsonl").read_text().splitlines()] \
        if (spool / "lecture" / "index.jsonl").exists() else []
    return max([(line["first"] + line["count"]) / stt_clips.RATE for line in lines if "chunk" in line], default=0)


# Where the clip's phrases end, by hand, and how many words there are up to then.
PHRASES = [(2.11, 5), (4.30, 7), (7.53, 14), (10.33, 22)]


def kills(workshop, options):
    count = 8 if options.quick else 100
    dice = random.Random(14)
    folder = workshop.path / "kills"
    folder.mkdir()
    moments = [dice.uniform(0.1, 11.5) for _ in range(count)]
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        found = list(pool.map(lambda job: killed(folder / str(job[0]), job[1]), enumerate(moments)))
    wanted = stt_clips.bare(stt_clips.JFK_WORDS)
    lost, spoken = 0, 0
    # The command takes some time to start; the audio that the disk has tells how far the lecture was.
    for text, until in found:
        due = max([words for end, words in PHRASES if end <= until - 1], default=0)
        spoken += due
        heard = stt_clips.bare(text)[:due]
        lost += round(len(wanted[:due]) * stt_clips.wrong(" ".join(heard), " ".join(wanted[:due])) / 100) if due else 0
    name = f"{count} kill -9 at random moments: words missing of {spoken} that were spoken a second before"
    return [
        Figure(name, "", lost, 0, relation="exactly"),
        Figure(f"{count} kill -9: words that a client loses which holds the recording in memory", "", spoken)]


def ends(workshop):
    """From the end of a lecture to its last text, beyond the engine's own time."""
    _, metrics = lecture(workshop.path / "end", stt_clips.JFK, "pace=live")
    return [Figure("from a lecture's end to its last text, beyond the engine's time", "ms",
                   metrics["stored_after_ms"]["max"] - metrics["engine_ms"], 2000)]


# Each gives figures and notes.
PARTS = {
    "words": lambda workshop, options: words(workshop),
    "borders": lambda workshop, options: (borders(workshop, options), []),
    "end": lambda workshop, options: (ends(workshop), []),
    "kills": lambda workshop, options: (kills(workshop, options), []),
}


def measure(workshop, options):
    figures, notes = [], []
    for part in [options.part] if options.part else PARTS:
        more, said = PARTS[part](workshop, options)
        figures += more
        notes += said
    return Result("batch", figures, notes)
