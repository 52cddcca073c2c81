"""A stream whose packets come at uneven times, as they come and through `pacer`, side by side in one page.

`rtp-output` sends test picture, tone and calibration marks through a link whose delay varies and which keeps the order. One
graph takes them and hands them on three times: as they come, the packets through a pacer, and decoded, paced, encoded.
"""
import subprocess
import time

from browser_drift import drift_per_minute
from browser_link import Link
from browser_stage import WHEP
from engine import executable
from measure import Failed, Spread
from result import Figure
from webrtc_servers import HTTP, MEDIA

AUDIO, VIDEO = 20150, 20350
JITTER_MS = 20
WAYS = {"as it comes": "raw", "packets paced": "packets", "decoded and paced": "decoded"}


def sender(stage, sdp):
    """Media go to the link's ports, 100 below those at which the receiver listens."""
    return stage.workshop.graph(
        {
            "source": {"type": "source", "open": "pattern", "width": 640, "height": 360, "fps": 30},
            "mark": {"type": "calibration", "every_s": 1},
            "vp8": {"type": "vp8-encoder", "bitrate_kbps": 500, "gop_s": 2},
            "opus": {"type": "opus-encoder", "frame_ms": 20, "bitrate_kbps": 64},
            "out": {
                "type": "rtp-output", "host": stage.address, "audio_port": AUDIO - 100, "video_port": VIDEO - 100,
                "sdp": str(sdp)}},
        ["source.video -> mark.video", "source.audio -> mark.audio", "mark.video -> vp8 -> out.video",
         "mark.audio -> opus -> out.audio"])


def receiver(stage, sdp):
    nodes = {
        "in": {"type": "rtp-input", "sdp": str(sdp), "sender": "any"},
        "audio": {"type": "relay"}, "video": {"type": "relay"},
        "packets_audio": {"type": "pacer", "drift": "skip"}, "packets_video": {"type": "pacer", "audio": "packets_audio"},
        "decode_audio": {"type": "opus-decoder"}, "decode_video": {"type": "video-decoder"},
        "decoded_audio": {"type": "pacer"}, "decoded_video": {"type": "pacer", "audio": "decoded_audio"},
        "vp8": {"type": "vp8-encoder", "bitrate_kbps": 500, "gop_s": 2},
        "opus": {"type": "opus-encoder", "frame_ms": 20, "bitrate_kbps": 64}}
    edges = [
        "in.audio -> audio", "audio -> raw.audio", "in.video -> video", "video -> raw.video",
        "audio -> packets_audio -> packets.audio", "video -> packets_video -> packets.video",
        "audio -> decode_audio -> decoded_audio -> opus -> decoded.audio",
        "video -> decode_video -> vp8 -> decoded_video -> decoded.video"]
    for name in WAYS.values():
        nodes[name] = {"type": "webrtc-viewers", "name": name, "template": "viewer", "page_path": ""}
    return stage.workshop.graph(
        nodes, edges,
        services={"http": {"listen": f"127.0.0.1:{HTTP}"}, "webrtc": {"listen": f"{stage.address}:{MEDIA}"}},
        templates={"viewer": {"nodes": {"peer": {"type": "webrtc-output"}}, "edges": []}})


BEGIN = """
(async () => {
  window.calls = {};
  for (const name of %s) {
    const call = calls[name] = await watch("%s/" + name);
    while (call.stream.getTracks().length < 2) await rest(20);
  }
  // The first seconds do not count: the browser still finds out how even the stream is, and moves picture and sound together
  // in steps.
  await rest(45000);
  for (const call of Object.values(calls)) {
    call.flashes = flashes(call.video);
    call.heard = await listen(call.stream);
    call.before = await counts(call.pc);
  }
})()
"""
END = """
Promise.all(Object.entries(calls).map(async ([name, call]) =>
  [name, { before: call.before, after: await counts(call.pc), flashes: call.flashes, heard: call.heard }]))
"""


def once(stage):
    sdp, there = stage.workshop.path / "jittery.sdp", stage.workshop.path / "there.sdp"
    sdp.unlink(missing_ok=True)
    source = subprocess.Popen(
        [executable(), "run", sender(stage, sdp)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=open(stage.workshop.path / "source.log", "w"))
    ports = [AUDIO - 100, AUDIO - 99, VIDEO - 100, VIDEO - 99]
    try:
        with Link(stage.workshop, stage.address, ports) as link:
            link.both(delay_ms=JITTER_MS, jitter_ms=JITTER_MS, is_ordered=True)
            for _ in range(100):
                if sdp.exists():
                    break
                time.sleep(0.1)
            else:
                raise Failed(f"no session description: {(stage.workshop.path / 'source.log').read_text()[-300:]}")
            text = sdp.read_text()
            for port in (AUDIO, VIDEO):
                text = text.replace(f" {port - 100} ", f" {port} ")
            there.write_text(text)
            with stage.run(receiver(stage, there)):
                stage.chromium.fresh()
                stage.chromium.ask(BEGIN % (list(WAYS.values()), WHEP))
                time.sleep(stage.seconds(60))
                return dict(stage.chromium.ask(END))
    finally:
        source.terminate()
        source.wait()


def parts(found):
    """The counts between the two looks."""
    audio, old = found["after"]["audio"], found["before"]["audio"]

    def more(name):
        return audio.get(name, 0) - old.get(name, 0)
    emitted = max(1, more("jitterBufferEmittedCount"))
    samples = max(1, more("totalSamplesReceived"))
    return {
        "mean": more("jitterBufferDelay") / emitted * 1000,
        "excess": (more("jitterBufferTargetDelay") - more("jitterBufferDelay")) / emitted * 1000,
        "stretched": 100 * (more("insertedSamplesForDeceleration") + more("removedSamplesForAcceleration")) / samples,
        "concealed": 100 * (more("concealedSamples") - more("silentConcealedSamples")) / samples,
        "freezes": found["after"]["video"]["freezeCount"] - found["before"]["video"]["freezeCount"],
        "drift": abs(drift_per_minute(found["flashes"], found["heard"]))}


def figures(stage):
    rounds = []
    for _ in range(min(stage.options.rounds, 2)):
        found = once(stage)
        rounds.append({way: parts(found[name]) for way, name in WAYS.items()})

    def spread(way, key):
        return Spread([one[way][key] for one in rounds])
    made = []
    for way in list(WAYS)[1:]:
        for name, unit, key, limit in (
                ("freezes", "", "freezes", 0), ("concealed", "% of the sound", "concealed", 0),
                ("target less actual delay", "ms", "excess", 10), ("stretched and squeezed", "% of the sound", "stretched", 0.1),
                ("jitter buffer, mean", "ms", "mean", 50), ("flash to chirp, drift", "ms a minute", "drift", 5)):
            made.append(Figure(f"jittery source, {way}: {name}", unit, spread(way, key), limit,
                               {"as it comes": spread("as it comes", key)}))
    return made
