"""Senders and receivers of a picture over SRT: Sluice, ffmpeg and GStreamer asked for the same.

Each sender reads i420 pictures from standard input, encodes them at 3 Mb/s without delay and calls 127.0.0.1; each
receiver listens, decodes and writes i420 to standard output. ffmpeg's latency counts microseconds, that of the others
milliseconds. The peers' encoders have as many threads as they choose, which is fastest; Sluice's has one.
"""
import shutil
from dataclasses import dataclass
from typing import Callable

import gstreamer

RATE, KBPS = 30, 3000


@dataclass
class Task:
    """The settings of one case."""

    width: int
    height: int
    #: SRT's latency in ms, and the port.
    latency: int
    port: int

    @property
    def picture(self):
        return self.width * self.height * 3 // 2


@dataclass
class End:
    name: str
    #: (workshop, task) to the command.
    command: Callable


def sluice_sender(workshop, task):
    graph = workshop.graph(
        {"source": {"type": "raw-video-source", "path": "-", "width": task.width, "height": task.height, "fps": RATE,
                    "pixel_format": "i420"},
         "h264": {"type": "h264-encoder", "bitrate_kbps": KBPS, "gop_s": 1},
         "srt": {"type": "srt-output", "url": f"srt://127.0.0.1:{task.port}?latency={task.latency}"}},
        ["source -> h264 -> srt.video"], controls=["srt.keyframe -> h264.keyframe"])
    return workshop.command(graph, report=workshop.path / "sender.json")


def sluice_receiver(workshop, task):
    graph = workshop.graph(
        {"srt": {"type": "srt-input", "url": f"srt://:{task.port}?latency={task.latency}"},
         "decode": {"type": "video-decoder"}, "out": {"type": "raw-video-output", "path": "-"}},
        ["srt.video -> decode -> out"])
    return workshop.command(graph)


FFMPEG = ["ffmpeg", "-hide_banner", "-loglevel", "error"]
TUNED_INPUT = ["-fflags", "nobuffer", "-analyzeduration", "0"]


def ffmpeg_address(task, mode):
    return f"srt://127.0.0.1:{task.port}?mode={mode}&latency={task.latency * 1000}&transtype=live&pkt_size=1316"


def ffmpeg_encoder(task):
    return [
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{task.width}x{task.height}", "-r", str(RATE), "-i", "-", "-c:v",
        "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-b:v", f"{KBPS}k", "-maxrate",
        f"{KBPS}k", "-bufsize", f"{KBPS // 2}k", "-g", str(RATE), "-bf", "0"]


def ffmpeg_sender(_, task):
    return [
        *FFMPEG, "-probesize", "32", *TUNED_INPUT, *ffmpeg_encoder(task), "-flush_packets", "1",
        "-muxdelay", "0", "-muxpreload", "0", "-omit_video_pes_length", "0", "-f", "mpegts",
        ffmpeg_address(task, "caller")]


def plain_ffmpeg_sender(_, task):
    return [*FFMPEG, *ffmpeg_encoder(task), "-f", "mpegts", ffmpeg_address(task, "caller")]


RAW = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough"]


def ffmpeg_receiver(_, task):
    return [
        *FFMPEG, "-nostdin", "-flags", "low_delay", "-probesize", "32768", *TUNED_INPUT, "-threads", "1", "-i",
        ffmpeg_address(task, "listener"), *RAW, "-flush_packets", "1", "-"]


def plain_ffmpeg_receiver(_, task):
    return [*FFMPEG, "-nostdin", "-i", ffmpeg_address(task, "listener"), *RAW, "-"]


def gst_address(task, mode):
    return f"srt://127.0.0.1:{task.port}?mode={mode}&latency={task.latency}"


def gst_sender(_, task):
    return gstreamer.launch(
        f"fdsrc fd=0 blocksize={task.picture}",
        f"rawvideoparse format=i420 width={task.width} height={task.height} framerate={RATE}/1",
        f"x264enc tune=zerolatency speed-preset=ultrafast bitrate={KBPS} vbv-buf-capacity=500 key-int-max={RATE}",
        "video/x-h264,profile=baseline", "mpegtsmux alignment=7",
        f"srtsink sync=false wait-for-connection=true uri={gst_address(task, 'caller')}")


def gst_receiver(_, task):
    return gstreamer.launch(
        f"srtsrc uri={gst_address(task, 'listener')}", "tsdemux", "h264parse", "avdec_h264 max-threads=1",
        "video/x-raw,format=I420", "fdsink fd=1 sync=false")


SLUICE = End("Sluice", sluice_sender), End("Sluice", sluice_receiver)
TUNED = End("ffmpeg", ffmpeg_sender), End("ffmpeg", ffmpeg_receiver)
PLAIN = End("ffmpeg as usually run", plain_ffmpeg_sender), End("ffmpeg as usually run", plain_ffmpeg_receiver)
GST = End("GStreamer", gst_sender), End("GStreamer", gst_receiver)


def peers():
    """Those that are installed."""
    return ([TUNED] if shutil.which("ffmpeg") else []) + ([GST] if gstreamer.is_installed() else [])
