"""The encoders that are measured: what they read, and how each of us is asked for the same settings."""
import shutil
from dataclasses import dataclass
from typing import Callable

import gstreamer
from material import CHANNELS, HEIGHT, LARGE, RATE, SAMPLE_RATE, WIDTH

FRAME_MS = 10
OPUS_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000
FFMPEG = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]


@dataclass
class Codec:
    name: str
    #: "pictures", "large_pictures" or "audio", and the bytes that one packet is made of.
    material: str
    unit: int
    source: dict
    encoder: dict
    #: Words of encode_floor before and after the input file.
    loop: tuple
    ffmpeg: Callable
    gst: Callable
    #: The functions of the codec's library that the node calls for each picture or frame of samples.
    calls: list
    #: At most this share of what each peer takes.
    share: float = 1.0


def raw_pictures(file, width, height):
    return ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(RATE), "-i", str(file)]


def gst_pictures(file, count, width, height):
    size = width * height * 3 // 2
    return [
        f"filesrc location={file} blocksize={size} num-buffers={count}",
        f"rawvideoparse format=i420 width={width} height={height} framerate={RATE}/1"]


def raw_source(width, height):
    return {"type": "raw-video-source", "width": width, "height": height, "fps": RATE, "pixel_format": "i420"}


def h264(name, material, width, height, kbps, level):
    """x264 ultrafast and zerolatency, Constrained Baseline, CBR over half a second, a keyframe each second."""
    return Codec(
        name, material, width * height * 3 // 2, raw_source(width, height),
        {"type": "h264-encoder", "encoders": "libx264", "bitrate_kbps": kbps, "gop_s": 1},
        (["h264"], [width, height, RATE, kbps]),
        lambda file: [
            *FFMPEG, *raw_pictures(file, width, height), "-c:v", "libx264", "-preset", "ultrafast", "-tune",
            "zerolatency", "-profile:v", "baseline", "-level", level, "-b:v", f"{kbps}k", "-maxrate", f"{kbps}k",
            "-bufsize", f"{kbps // 2}k", "-g", str(RATE), "-bf", "0", "-forced-idr", "1", "-x264-params", "scenecut=0",
            "-threads", "1", "-f", "null", "-"],
        lambda file, count: gstreamer.launch(
            *gst_pictures(file, count, width, height),
            f"x264enc speed-preset=ultrafast tune=zerolatency pass=cbr bitrate={kbps} vbv-buf-capacity=500 "
            f"key-int-max={RATE} bframes=0 threads=1 option-string=scenecut=0",
            "video/x-h264,profile=constrained-baseline", "fakesink sync=false"),
        ["avcodec_send_frame", "avcodec_receive_packet"])


H264 = h264("H.264 720p, a picture", "pictures", WIDTH, HEIGHT, 3000, "3.1")
H264_LARGE = h264("H.264 1080p, a picture", "large_pictures", *LARGE, 6000, "4.0")

VP8 = Codec(
    "VP8 720p, a picture", "pictures", WIDTH * HEIGHT * 3 // 2, raw_source(WIDTH, HEIGHT),
    {"type": "vp8-encoder", "bitrate_kbps": 1500, "gop_s": 2},
    (["vp8"], [WIDTH, HEIGHT, RATE, 1500]),
    lambda file: [
        *FFMPEG, *raw_pictures(file, WIDTH, HEIGHT), "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8",
        "-b:v", "1500k", "-minrate", "1500k", "-maxrate", "1500k", "-bufsize", "1500k", "-rc_init_occupancy", "750k",
        "-g", str(2 * RATE), "-lag-in-frames", "0", "-threads", "1", "-f", "null", "-"],
    lambda file, count: gstreamer.launch(
        *gst_pictures(file, count, WIDTH, HEIGHT),
        f"vp8enc deadline=1 cpu-used=-8 target-bitrate=1500000 end-usage=cbr keyframe-max-dist={2 * RATE} lag-in-frames=0 "
        "buffer-size=1000 buffer-initial-size=500 buffer-optimal-size=600 threads=1", "fakesink sync=false"),
    ["vpx_codec_encode"])

OPUS = Codec(
    "Opus 10 ms, a packet", "audio", OPUS_SAMPLES * CHANNELS * 2,
    {"type": "raw-audio-source", "sample_rate": SAMPLE_RATE, "channels": CHANNELS, "sample_format": "s16le",
     "frame_ms": FRAME_MS},
    {"type": "opus-encoder", "profile": "lowdelay"},
    (["opus"], [SAMPLE_RATE, CHANNELS, FRAME_MS, 128]),
    lambda file: [
        *FFMPEG, "-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", str(CHANNELS), "-i", str(file), "-c:a", "libopus",
        "-application", "lowdelay", "-frame_duration", str(FRAME_MS), "-vbr", "off", "-b:a", "128k", "-compression_level",
        "0", "-f", "null", "-"],
    lambda file, count: gstreamer.launch(
        f"filesrc location={file} blocksize={OPUS_SAMPLES * CHANNELS * 2} num-buffers={count}",
        f"rawaudioparse format=pcm pcm-format=s16le sample-rate={SAMPLE_RATE} num-channels={CHANNELS}",
        f"opusenc audio-type=restricted-lowdelay frame-size={FRAME_MS} bitrate=128000 bitrate-type=cbr complexity=0",
        "fakesink sync=false"),
    ["opus_encode"], share=0.6)

#: Those whose instructions are counted and are a budget; 1080p is the same code on more of the same.
COUNTED = [H264, VP8, OPUS]
ALL = [H264, H264_LARGE, VP8, OPUS]


def has_ffmpeg():
    return shutil.which("ffmpeg") is not None
