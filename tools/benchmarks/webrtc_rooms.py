"""The cost of rooms: the graph `room`, with one who publishes by WHIP and viewers by WHEP in each of several rooms."""
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from compile import build
from engine import executable
from measure import Failed
from webrtc_servers import HTTP, MEDIA, Process
from webrtc_viewers import AUDIO_TYPE, Load

ROOMS, VIEWERS = 4, 25
SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=x
c=IN IP4 127.0.0.1
t=0 0
m=audio {port} RTP/AVP {type}
a=rtpmap:{type} opus/48000/2
"""


class Rooms:
    """The server, the publishers, which are another process of Sluice, and what sends to those."""

    def __init__(self, workshop, address):
        self.workshop = workshop
        self.server = Process(
            [executable(), "run", "room", "--set", f"listen=127.0.0.1:{HTTP}", "--set", f"media={address}:{MEDIA}"],
            HTTP, workshop.path / "rooms.log")
        ports = [20100 + 10 * number for number in range(ROOMS)]
        nodes, edges = {}, []
        for number, port in enumerate(ports):
            path = workshop.path / f"room{number}.sdp"
            path.write_text(SDP.format(port=port, type=AUDIO_TYPE))
            nodes[f"in{number}"] = {"type": "rtp-input", "sdp": str(path)}
            nodes[f"out{number}"] = {"type": "whip-output", "url": f"http://127.0.0.1:{HTTP}/whip/room{number}/voice"}
            edges.append(f"in{number}.audio -> out{number}.audio")
        program = workshop.path / "webrtc_source"
        if not program.exists():
            build("webrtc_source.c", program)
        self.source = subprocess.Popen([program, "600", ",".join(map(str, ports)), "-"], stdin=subprocess.DEVNULL)
        with open(workshop.path / "publishers.log", "wb") as log:
            self.publishers = subprocess.Popen(
                [executable(), "run", workshop.graph(nodes, edges)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.load = Load(workshop.path, address)

    def __enter__(self):
        time.sleep(4)
        return self

    def __exit__(self, *_):
        self.load.close()
        for process in (self.publishers, self.source):
            process.terminate()
            process.wait()
        self.server.close()

    def join(self, count):
        """So many viewers in each room."""
        peers = [(number, self.load.peer("all")) for number in range(ROOMS) for _ in range(count)]
        with ThreadPoolExecutor(8) as pool:
            url = f"http://127.0.0.1:{HTTP}/whep/room"
            list(pool.map(lambda one: one[1].join(f"{url}{one[0]}/voice", ("audio",)), peers))
        self.load.wait("all", len(peers))


def packet(workshop, address, seconds):
    """µs of CPU a packet, and how late packets are at p99 in ms."""
    with Rooms(workshop, address) as rooms:
        rooms.join(VIEWERS)
        time.sleep(1.5)
        rooms.load.window()
        cpu = rooms.server.cpu_s()
        time.sleep(seconds)
        found, cpu = rooms.load.stats(), rooms.server.cpu_s() - cpu
    if found["refused"] or found["packets"] < 0.9 * 50 * ROOMS * VIEWERS * seconds:
        raise Failed(f"rooms: {found['packets']} packets in {seconds} s, {found['refused']} are not authentic")
    return {"cpu": cpu / found["packets"] * 1e6, "late": found.get("late_p99", 0.0), "lost": found["lost"]}
