"""The cost of a packet of RTP.

Sending: one H.264 file, packet by packet and as fast as it goes, to ports that nobody reads, by us, ffmpeg and GStreamer,
plain and as SRTP. Receiving: the datagrams of such a stream from a program that has them ready, at an even rate, into a
sink that throws them away. CPU of the whole process; start-up falls out, as each figure is the difference of a long run
and a short one. All use datagrams of at most 1,200 bytes, so that the same file makes the same number of them.
"""
import base64
import os
import pathlib
import socket
import subprocess
import threading
import time

import gstreamer
from codecs_measured import FFMPEG, has_ffmpeg
from engine import executable
from measure import Failed, interleaved, run
from result import Figure, Result

SUMMARY = "CPU of an RTP packet, sent and received, plain and as SRTP, beside ffmpeg and GStreamer"
SUITE, CIPHER = "AES_CM_128_HMAC_SHA1_80", "aes-128-icm"
KEY = bytes(range(30))
KEY64 = base64.b64encode(KEY).decode()
MTU = 1200
GST_KEY = f"rtp-cipher={CIPHER} rtp-auth=hmac-sha1-80 rtcp-cipher={CIPHER} rtcp-auth=hmac-sha1-80"


def clip(workshop, seconds):
    """H.264 of 720p at about 6 Mb/s, so that most packets are full."""
    path = workshop.path / f"clip{seconds}.mkv"
    if not path.exists():
        run([*FFMPEG, "-y", "-f", "lavfi", "-i", f"testsrc2=s=1280x720:r=30:d={seconds},noise=alls=20:allf=t", "-c:v", "libx264",
             "-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "6M", "-maxrate", "6M", "-bufsize", "3M", "-g", "30",
             "-pix_fmt", "yuv420p", path])
    return path


class Ports:
    """A pair of UDP ports of the loopback with sockets on them. The kernel drops datagrams that nobody reads."""

    def __init__(self):
        while True:
            self.rtp, self.rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
            self.rtp.bind(("127.0.0.1", 0))
            self.number = self.rtp.getsockname()[1]
            try:
                self.rtcp.bind(("127.0.0.1", self.number + 1))
                return
            except OSError:
                self.close()

    def close(self):
        self.rtp.close()
        self.rtcp.close()


def our_sender(workshop, file, port, is_secure, pace="fast"):
    secure = {"encryption": SUITE, "key": KEY64} if is_secure else {}
    return workshop.graph(
        {"source": {"type": "source", "open": str(file), "decode": False, "pace": pace},
         "rtp": {"type": "rtp-output", "video_port": port, "mtu": MTU, **secure}},
        ["source.video -> rtp.video"])


def ffmpeg_sender(file, port, is_secure):
    crypto = ["-srtp_out_suite", SUITE, "-srtp_out_params", KEY64] if is_secure else []
    # ffmpeg's packet size counts SRTP's part not in.
    size = MTU - 16 if is_secure else MTU
    return [*FFMPEG, "-i", file, "-map", "0:v", "-c", "copy", "-f", "rtp", *crypto,
            f"{'srtp' if is_secure else 'rtp'}://127.0.0.1:{port}?pkt_size={size}"]


def gst_sender(file, port, is_secure):
    protect = [f"srtpenc key={KEY.hex()} {GST_KEY}"] if is_secure else []
    size = MTU - 16 if is_secure else MTU
    return gstreamer.launch(
        f"filesrc location={file}", "matroskademux", "h264parse", f"rtph264pay mtu={size} config-interval=-1", *protect,
        f"udpsink host=127.0.0.1 port={port} sync=false async=false")


def sending(workshop, options, is_secure):
    many, few = (20, 4) if options.quick else (60, 6)
    files = {seconds: clip(workshop, seconds) for seconds in (many, few)}
    ports = Ports()
    try:
        graphs = {seconds: our_sender(workshop, file, ports.number, is_secure) for seconds, file in files.items()}
        packets = {}
        for seconds, graph in graphs.items():
            _, report = workshop.report(graph)
            packets[seconds] = report["nodes"]["rtp"]["metrics"]["video_packets"]
        count = packets[many] - packets[few]

        def cost(command):
            return lambda: (run(command(many)).cpu_s - run(command(few)).cpu_s) / count * 1e6

        cases = {"Sluice": cost(lambda seconds: workshop.command(graphs[seconds]))}
        if has_ffmpeg():
            cases["ffmpeg"] = cost(lambda seconds: ffmpeg_sender(files[seconds], ports.number, is_secure))
        if gstreamer.is_installed():
            cases["GStreamer"] = cost(lambda seconds: gst_sender(files[seconds], ports.number, is_secure))
        return interleaved(cases, options.rounds)
    finally:
        ports.close()


def captured(workshop, is_secure, seconds):
    """The datagrams of a stream, as our sender makes them, in real time."""
    ports = Ports()
    ports.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    ports.rtp.settimeout(1.0)
    found = []

    def collect():
        while True:
            try:
                found.append(ports.rtp.recv(4096))
            except TimeoutError:
                if found:
                    return
    collector = threading.Thread(target=collect, daemon=True)
    collector.start()
    run(workshop.command(our_sender(workshop, clip(workshop, seconds), ports.number, is_secure, pace="live")))
    collector.join(10)
    ports.close()
    return found


class Player:
    """Sends the first so many datagrams at an even rate, a few every 5 ms."""

    def __init__(self, datagrams, rate):
        self.datagrams, self.rate = datagrams, rate

    def play(self, port, count):
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        begin, sent = time.monotonic(), 0
        while sent < count:
            due = min(count, int((time.monotonic() - begin) * self.rate) + 1)
            for datagram in self.datagrams[sent:due]:
                out.sendto(datagram, ("127.0.0.1", port))
            sent = due
            time.sleep(0.005)
        out.close()


def is_bound(port):
    return any(line.split()[1].endswith(f":{port:04X}") for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:])


def receive(command, player, port, count):
    """Seconds of CPU of a receiver that gets `count` datagrams and is then told to stop."""
    process = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(500):
        if is_bound(port):
            break
        time.sleep(0.02)
    else:
        process.kill()
        raise Failed(f"{command[0]} does not listen")
    time.sleep(0.3)
    player.play(port, count)
    time.sleep(0.3)
    process.send_signal(2)
    killer = threading.Timer(10, process.kill)
    killer.start()
    _, status, usage = os.wait4(process.pid, 0)
    killer.cancel()
    process.returncode = status
    return usage.ru_utime + usage.ru_stime


def receiving(workshop, options, is_secure):
    datagrams = captured(workshop, is_secure, 6 if options.quick else 15)
    many, few = len(datagrams) - 10, len(datagrams) // 10
    # A frame at 6 Mb/s has about 20 packets; this is their natural rate.
    player = Player(datagrams, rate=2_000 if options.quick else 1_000)
    ports = Ports()
    port = ports.number
    ports.close()
    description = workshop.path / f"receive{is_secure}.sdp"
    description.write_text("\r\n".join(
        ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0",
         f"m=video {port} RTP/{'S' if is_secure else ''}AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"]
        + ([f"a=crypto:1 {SUITE} inline:{KEY64}"] if is_secure else []) + [""]))
    graph = workshop.graph(
        {"rtp": {"type": "rtp-input", "sdp": str(description)}, "end": {"type": "null-sink"}}, ["rtp.video -> end"])
    caps = "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96"
    if is_secure:
        # srtpdec drops what comes from a source that it was not told of.
        source = int.from_bytes(datagrams[0][8:12], "big")
        caps = (caps.replace("x-rtp", "x-srtp") + f",ssrc=(uint){source},srtp-key=(buffer){KEY.hex()},srtp-cipher={CIPHER},srtp-auth=hmac-sha1-80,"
                f"srtcp-cipher={CIPHER},srtcp-auth=hmac-sha1-80")
    commands = {"Sluice": [executable(), "run", graph]}
    if has_ffmpeg():
        commands["ffmpeg"] = [
            *FFMPEG, "-protocol_whitelist", "file,udp,rtp,srtp,crypto", "-i", description, "-c", "copy", "-f", "null", "-"]
    if gstreamer.is_installed():
        commands["GStreamer"] = [
            "gst-launch-1.0", "-q", "udpsrc", "address=127.0.0.1", f"port={port}", f"caps={caps}", "!",
            *(["srtpdec", "!"] if is_secure else []), "rtpjitterbuffer", "latency=60", "!", "rtph264depay", "!", "fakesink",
            "sync=false"]

    def cost(command):
        return lambda: (receive(command, player, port, many) - receive(command, player, port, few)) / (many - few) * 1e6

    return interleaved({name: cost(command) for name, command in commands.items()}, options.rounds)


def measure(workshop, options):
    if not has_ffmpeg():
        raise Failed("the stream is made by ffmpeg, which is not installed")
    figures, notes = [], []
    for way, found in [("sent", sending), ("received", receiving)]:
        for is_secure in (False, True):
            values = found(workshop, options, is_secure)
            figures.append(
                Figure(f"a packet {way}, {'SRTP' if is_secure else 'plain'}", "µs of CPU", values.pop("Sluice"), None, values))
    if not gstreamer.is_installed():
        notes.append(gstreamer.MISSING)
    return Result("rtp", figures, notes)
