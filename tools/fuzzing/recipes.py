"""Values that cannot be random: paths, addresses, and numbers that would only cost time."""

import json
import os
import socket
import struct
import subprocess

# Numbers that make a run slow long before they make it wrong: the most that is drawn.
MOST = {
    "width": 160, "height": 128, "fps": 60, "threads": 2, "decoder_threads": 2, "channels": 8, "max_segment_mb": 64,
    "sample_rate": 96000, "complexity": 5, "bitrate_kbps": 2000, "hold_ms": 500, "connect_timeout_ms": 500,
    "max_wait_ms": 500, "every_ms": 20, "latency_ms": 200, "latency.min_ms": 200, "latency.max_ms": 400,
    "peer_timeout_ms": 1000, "prepare_ms": 50, "send_buffer_ms": 1000, "delay_ms": 200, "jitter_ms": 200,
    "target_ms": 400,
}
# The least that is drawn: below it a run takes too many steps.
LEAST = {"width": 16, "height": 16, "fps": 5, "latency.min_ms": 1, "latency.max_ms": 200}
# Where most values between the ends of a range are refused: those that are usual.
USUAL = {
    "sample_rate": [8000, 16000, 24000, 44100, 48000], "frame_ms": [2.5, 5, 10, 20, 40, 60],
    "key_length": [0], "level": ["auto"],
}
# Nodes whose files hold the machine's time.
INEXACT = {"bench-log"}


class Media:
    """Small files that graphs read, made once by ffmpeg and here."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        pictures = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=0.6,format=yuv420p"]
        audio = ["-f", "lavfi", "-i", "sine=r=48000:d=0.6"]
        h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5"]
        self.clips = {
            "h264.mkv": ([*pictures, *audio, *h264, "-c:a", "libopus"], "h264", "opus"),
            "frames.mp4": ([*pictures, *audio, *h264, "-bf", "2", "-c:a", "aac"], "h264", "aac"),
            "vp8.webm": ([*pictures, *audio, "-c:v", "libvpx", "-g", "5", "-c:a", "libopus"], "vp8", "opus"),
            "clip.ts": ([*pictures, *audio, *h264, "-c:a", "mp2"], "h264", "mp2"),
            "silent.mkv": ([*pictures, *h264], "h264", None),
            "audio.wav": (audio, None, "pcm_s16le"),
        }
        for name, (words, _, _) in self.clips.items():
            if not os.path.exists(self.path(name)):
                subprocess.run(["ffmpeg", "-v", "error", "-y", *words, self.path(name)], check=True)
        self.write("zeros.raw", bytes(200_000))
        self.write("segments.avs", segments())

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)


def segments():
    """Three turns of av-segments with an interruption (docs/av-segments.md)."""
    data = b""
    for number in range(1, 6):
        fields = {
            "epoch": 1 + number // 3, "segment_seq": number, "video_frames": 3, "width": 32, "height": 16, "fps": 25,
            "audio_samples": 1920, "sample_rate": 16000, "channels": 1}
        payload = bytes([number * 20]) * (3 * 32 * 16 * 3 // 2) + bytes(1920 * 2)
        text = json.dumps(fields).encode()
        data += b"AVS1" + struct.pack("<III", 2, len(text), len(payload)) + text + payload
        if number == 3:
            text = b'{"type": "interrupt", "at_ms": 150}'
            data += b"AVS1" + struct.pack("<III", 1, len(text), 0) + text
    return data


def free_port(dice):
    """A UDP port of the loopback that nobody has, with the three behind it."""
    while True:
        port = dice.randrange(20_000, 30_000, 4)
        held = []
        try:
            for number in range(port, port + 4):
                held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                held[-1].bind(("127.0.0.1", number))
            return port
        except OSError:
            continue
        finally:
            for one in held:
                one.close()


class Recipes:
    """Parameters of the types that need more than their declarations say. Each recipe gives parameters, and may say of
    the node: "endless", "formats" (of outputs, by name), "absent" (outputs that are not there)."""

    def __init__(self, media):
        self.media = media

    def apply(self, type_name, dice, place, is_virtual):
        recipe = getattr(self, type_name.replace("-", "_"), None)
        return recipe(dice, place, is_virtual) if recipe else ({}, {})

    def source(self, dice, place, is_virtual):
        about = {"absent": [], "formats": {}}
        pace = "fast" if dice.random() < 0.7 else "live"
        kind = dice.choice(["pattern", "tone", "clip", "clip"])
        parameters = {"pace": pace}
        if kind == "clip":
            name = dice.choice(sorted(self.media.clips))
            _, video, audio = self.media.clips[name]
            parameters.update(open=self.media.path(name), decode=dice.random() < 0.5, loop=dice.random() < 0.2)
            parameters["duration_s"] = round(dice.uniform(0.1, 1.5), 2) if dice.random() < 0.3 else 0
            about["endless"] = parameters["loop"] and parameters["duration_s"] == 0
            about["absent"] = [port for port, codec in (("video", video), ("audio", audio)) if codec is None]
            if not parameters["decode"]:
                about["formats"] = {
                    "video": [{"kind": "coded-video", "codecs": [video]}],
                    "audio": [{"kind": "coded-audio", "codecs": [audio]}]}
                if audio == "pcm_s16le":
                    about["formats"]["audio"] = [{"kind": "raw-audio", "samples": ["s16"]}]
            else:
                about["formats"] = {
                    "video": [{"kind": "raw-video", "pixels": ["i420"]}],
                    "audio": [{"kind": "raw-audio", "rates": [48000]}]}
            return parameters, about
        parameters.update(open=kind, decode=True, loop=False)
        endless = dice.random() < 0.3
        parameters["duration_s"] = 0 if endless else round(dice.uniform(0.1, 1.0), 2)
        if kind == "tone":
            about["absent"] = ["video"]
        # The pattern's least size.
        parameters.update(width=dice.choice([64, 96, 160]), height=dice.choice([36, 64, 90]))
        about["endless"] = endless
        return parameters, about

    def bench_source(self, dice, place, is_virtual):
        endless = dice.random() < 0.2
        frames = 10**12 if endless else dice.choice([1, 3, 100, 3000])
        rate = dice.choice([0, 0, 50, 1000])
        return {"frames": frames, "rate_per_s": rate}, {"endless": endless or rate == 50 and frames == 3000}

    def raw_audio_source(self, dice, place, is_virtual):
        return {"path": self.media.path("zeros.raw"), "listen": False, "on_end": "finish"}, {}

    def raw_video_source(self, dice, place, is_virtual):
        return {"path": self.media.path("zeros.raw"), "listen": False, "on_end": "finish"}, {}

    def raw_audio_output(self, dice, place, is_virtual):
        return {"path": place.file("raw"), "listen": False}, {}

    raw_video_output = raw_audio_output

    def record(self, dice, place, is_virtual):
        ending = dice.choice(["mkv", "mkv", "mkv", "webm", "ts", "mp4", "wav"])
        parameters = {"path": place.file(ending), "format": "auto", "segment_s": dice.choice([0, 0, 0.2, 1])}
        # How much is free differs from run to run.
        parameters["min_free_mb"] = dice.choice([0, 50])
        return parameters, {}

    def talking_figure(self, dice, place, is_virtual):
        endless = dice.random() < 0.2
        size = {"width": dice.choice([64, 320]), "height": dice.choice([64, 180])}
        return {"duration_s": 0 if endless else round(dice.uniform(0.1, 1.5), 2), **size}, {"endless": endless}

    def vp8_encoder(self, dice, place, is_virtual):
        # From 0 up it follows the wall clock.
        return ({"cpu_used": dice.choice([-16, -8, -1])} if is_virtual else {}), {}

    def h264_encoder(self, dice, place, is_virtual):
        return ({"threads": 1} if is_virtual else {}), {}

    def bench_dump(self, dice, place, is_virtual):
        return {"path": place.file("bin")}, {}

    bench_log = bench_dump

    def av_segments(self, dice, place, is_virtual):
        if not is_virtual and dice.random() < 0.2:
            return {"socket": place.file("sock"), "file": ""}, {"endless": True}
        return {"socket": "", "file": self.media.path("segments.avs"), "on_end": "finish", "diagnostics": ""}, {}

    def bench_udp(self, dice, place, is_virtual):
        return {"port": place.port}, {}

    def srt_output(self, dice, place, is_virtual):
        url = dice.choice([f"srt://127.0.0.1:{place.port}", f"srt://:{place.port + 1}"])
        return {"url": url, "passphrase": "", "key_length": 0, "streamid": ""}, {}

    def srt_input(self, dice, place, is_virtual):
        url = dice.choice([f"srt://:{place.port}", f"srt://127.0.0.1:{place.port + 1}"])
        plain = {"url": url, "passphrase": "", "key_length": 0, "streamid": "", "template": ""}
        return plain, {"endless": True}

    def rtp_output(self, dice, place, is_virtual):
        ports = {"video_port": place.port, "audio_port": place.port + 2}
        return {"host": "127.0.0.1", "sdp": place.file("sdp"), **ports}, {}

    def rtp_input(self, dice, place, is_virtual):
        place.is_template, inside = False, place.is_template
        path = place.file("sdp")
        place.is_template = inside
        codec = dice.choice(["H264", "VP8"])
        aac = "mpeg4-generic/48000/2\na=fmtp:97 mode=AAC-hbr;config=1190"
        audio, words = dice.choice([("opus", "opus/48000/2"), ("aac", aac)])
        with open(path, "w") as file:
            file.write(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n"
                f"m=video {place.port} RTP/AVP 96\na=rtpmap:96 {codec}/90000\n"
                f"m=audio {place.port + 2} RTP/AVP 97\na=rtpmap:97 {words}\n")
        place.inputs.append(path)
        about = {"endless": True, "formats": {
            "video": [{"kind": "coded-video", "codecs": [codec.lower()]}],
            "audio": [{"kind": "coded-audio", "codecs": [audio]}]}}
        return {"sdp": path}, about


def value(parameter, dice):
    """A random value in the range of a parameter, or None where its default is to be taken."""
    name, kind = parameter["name"], parameter["value_type"]
    if "default" in parameter and dice.random() < 0.6:
        return None
    if kind == "boolean":
        return dice.random() < 0.5
    if kind == "choice":
        return dice.choice(parameter["choices"])
    if kind == "string":
        return None
    low, high = (end if end is not None else bound for end, bound in zip(parameter.get("range", [0, 100]), (0, 1e6)))
    usual = [number for number in USUAL.get(name, []) if low <= number <= high]
    if usual:
        drawn = dice.choice(usual)
        return round(drawn) if kind == "integer" else drawn
    high = max(low, min(high, MOST.get(name, high)))
    low = min(high, max(low, LEAST.get(name, low)))
    roll = dice.random()
    drawn = low if roll < 0.1 else high if roll < 0.2 else low + (high - low) * dice.random() ** 3
    return round(drawn) if kind == "integer" else round(drawn, 3)
