"""1080p BGRA at 30 pictures a second through a FIFO, converted to I420 and encoded, on the lanes that a graph has by default.

A writer hands a picture over every 33.3 ms and notes by how much later than due the last byte of each was taken: who
keeps up takes it while the next one is not due. The CPU is that of the process, start-up taken off. ffmpeg and GStreamer
read the same from the same FIFO, with one encoder thread too.
"""
import os
import subprocess
import threading
import time

import gstreamer
from codecs_measured import FFMPEG, has_ffmpeg
from material import LARGE, RATE, plane
from measure import Failed, Spread
from result import Figure, Result

SUMMARY = "1080p BGRA at 30/s through a FIFO, converted and encoded, beside ffmpeg and GStreamer"
WIDTH, HEIGHT = LARGE
KBPS = 6000
PICTURE = WIDTH * HEIGHT * 4


def sluice(workshop, fifo, count):
    nodes = {
        "camera": {"type": "raw-video-source", "path": str(fifo), "width": WIDTH, "height": HEIGHT, "fps": RATE,
                   "pixel_format": "bgra"},
        "video": {"type": "video-convert", "pixel_format": "i420"},
        "h264": {"type": "h264-encoder", "encoders": "libx264", "bitrate_kbps": KBPS},
        "sink": {"type": "null-sink"}}
    return workshop.command(workshop.graph(nodes, ["camera -> video -> h264 -> sink"]))


def ffmpeg(_, fifo, count):
    return [
        *FFMPEG, "-f", "rawvideo", "-pix_fmt", "bgra", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", str(fifo),
        "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v",
        "baseline", "-b:v", f"{KBPS}k", "-maxrate", f"{KBPS}k", "-bufsize", f"{KBPS // 2}k", "-g", str(RATE), "-bf", "0",
        "-x264-params", "scenecut=0", "-threads", "1", "-f", "null", "-"]


def gst(_, fifo, count):
    # filesrc takes no FIFO.
    return ["sh", "-c", 'exec "$@" < "$0"', str(fifo)] + gstreamer.launch(
        f"fdsrc fd=0 blocksize={PICTURE}",
        f"rawvideoparse format=bgra width={WIDTH} height={HEIGHT} framerate={RATE}/1", "videoconvert",
        f"video/x-raw,format=I420 ! x264enc speed-preset=ultrafast tune=zerolatency pass=cbr bitrate={KBPS} "
        f"vbv-buf-capacity=500 key-int-max={RATE} bframes=0 threads=1 option-string=scenecut=0", "fakesink sync=false")


def pictures():
    """Two, the second some pixels further, so that the encoder has something to do."""
    rows = plane(WIDTH + 64, HEIGHT, 120, 25, 1)
    found = []
    for shift in (0, 2):
        picture = bytearray(PICTURE)
        for sample in range(3):
            picture[sample::4] = b"".join(row[shift + 8 * sample:shift + 8 * sample + WIDTH] for row in rows)
        found.append(bytes(picture))
    return found


class Case:
    def __init__(self, workshop, make, material):
        self.workshop, self.make, self.material = workshop, make, material
        self.cpu, self.late, self.missed = [], [], []

    def once(self, count):
        """Seconds of CPU, and by how many ms each picture was taken late."""
        fifo = self.workshop.path / "pictures.fifo"
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)
        process = subprocess.Popen(
            [str(word) for word in self.make(self.workshop, fifo, count)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        killer = threading.Timer(count / RATE + 30, process.kill)
        killer.start()
        late = []
        try:
            with open(fifo, "wb", buffering=0) as pipe:
                began = time.monotonic()
                for number in range(count):
                    due = began + number / RATE
                    time.sleep(max(0, due - time.monotonic()))
                    left = memoryview(self.material[number % 2])
                    while left:
                        left = left[pipe.write(left):]
                    late.append((time.monotonic() - due) * 1e3)
        except BrokenPipeError:
            pass
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 or len(late) < count:
            raise Failed(f"{' '.join(map(str, process.args))[:200]}\n  took {len(late)} of {count} pictures, then ended with {process.returncode}")
        return usage.ru_utime + usage.ru_stime, late

    def run(self, count, tiny):
        small, _ = self.once(tiny)
        large, late = self.once(count)
        self.cpu.append((large - small) / (count - tiny) * 1e3)
        # The first second is that of start-up.
        settled = sorted(late[RATE:])
        self.late.append(settled[len(settled) // 2])
        self.missed.append(sum(one > 1e3 / RATE for one in settled))


def measure(workshop, options):
    count, tiny = (90, 30) if options.quick else (300, 30)
    makers = {"Sluice": sluice}
    if has_ffmpeg():
        makers["ffmpeg"] = ffmpeg
    if gstreamer.is_installed():
        makers["GStreamer"] = gst
    material = pictures()
    cases = {name: Case(workshop, make, material) for name, make in makers.items()}
    for _ in range(options.rounds):
        for case in cases.values():
            case.run(count, tiny)
    ours = cases.pop("Sluice")

    def beside(values):
        return {name: Spread(values(case)) for name, case in cases.items()}

    peers = beside(lambda case: case.cpu)
    limit = min((spread.median for spread in peers.values()), default=None)
    figures = [
        Figure("1080p BGRA, FIFO to H.264, a picture", "ms of CPU", Spread(ours.cpu), limit, peers),
        Figure("the same: until its last byte is taken, p50", "ms", Spread(ours.late), None, beside(lambda case: case.late)),
        Figure("the same: pictures taken after the next one was due", "", Spread(ours.missed), 0,
               beside(lambda case: case.missed))]
    return Result("raw", figures, [] if gstreamer.is_installed() else [gstreamer.MISSING])
