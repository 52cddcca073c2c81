"""The cost of viewers by WebRTC, and how soon they see and hear something.

The viewers are one program that makes offers, shakes hands, reports and counts (webrtc_load.c). Each server is fed the
same RTP by one source with an exact clock, and passes it on. CPU is that of the server alone, by the scheduler's count.
Servers take turns round by round. Where this user may make a network of its own (root), all of it is in one.
"""
import json
import pathlib
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import webrtc_rooms
from compile import build
from measure import Failed, Spread, run
from result import Figure, Result
from webrtc_servers import HTTP, Aiortc, Janus, Network, Pion, Process, Sluice, Source, viewer_graph
from webrtc_viewers import H264_TYPE, Load, join_all

SUMMARY = "WebRTC: CPU and memory of a viewer, joins, first picture, beside pion, Janus, aiortc and a bare C sender"
PARTS = ("packets", "rooms", "crowds", "that_stays", "first_pictures")
VIEWERS, FEW = 100, 10


class Bench:
    def __init__(self, workshop, network, options):
        self.workshop, self.network, self.options = workshop, network, options
        self.seconds = 4 if options.quick else 8
        self.peers, self.notes = [], []
        for kind in (Pion, Janus, Aiortc):
            missing = kind.missing()
            if not missing and kind in (Janus, Aiortc) and not network.is_own:
                missing = f"{kind.name} offers no address of the loopback, and this user may make no network of its own"
            if missing:
                self.notes.append(f"{missing}; it is not in the table")
            else:
                self.peers.append(kind)

    def serve(self, kind, media, **more):
        """A server, its source and a load, for a `with`."""
        return Setting(self, kind, media, **more)

    # Packets --------------------------------------------------------------------------------------------------------

    def packets(self, kind, media):
        """µs of CPU a packet, kB of memory a viewer, ms that packets are late at p99."""
        count = FEW if kind is Aiortc else VIEWERS
        with self.serve(kind, media) as (server, load):
            before = server.process.memory_kb()
            self.join(server, load, count, media)
            time.sleep(1.5)
            memory = (server.process.memory_kb() - before) / count
            load.window()
            cpu = server.process.cpu_s()
            time.sleep(self.seconds)
            found, cpu = load.stats(), server.process.cpu_s() - cpu
        if found["refused"] or not found["proved"]:
            raise Failed(f"{kind.name}: {found['refused']} of {found['proved'] + found['refused']} packets are not authentic")
        if found["packets"] < 0.9 * 50 * count * self.seconds:
            raise Failed(f"{kind.name}: {found['packets']} packets to {count} viewers in {self.seconds} s")
        return {"cpu": cpu / found["packets"] * 1e6, "memory": memory, "late": found.get("late_p99", 0.0), "lost": found["lost"]}

    def join(self, server, load, count, media, group="all"):
        peers = [load.peer(group, is_controlling=not isinstance(server, Janus)) for _ in range(count)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda peer: server.join(peer, media), peers))
        load.wait(group, count)
        return peers

    def floor(self, mode):
        program = self.workshop.path / "webrtc_floor"
        if not program.exists():
            build("webrtc_floor.c", program, "-lcrypto")
        load = Load(self.workshop.path, self.network.address)
        try:
            ports = load.sinks("all", VIEWERS)
            out = subprocess.run(
                [program, mode, str(self.seconds)], input="\n".join(map(str, ports)), text=True, capture_output=True, check=True)
        finally:
            load.close()
        found = json.loads(out.stdout)
        return found["cpu_s"] / found["packets"] * 1e6

    def all_packets(self):
        figures = []
        for name, media, limit, floors in (
                ("Opus, 50 packets a second", ("audio",), 7, {"bare C": "audio"}),
                ("Opus and 800 kb/s of video", ("audio", "video"), 4,
                 {"bare C, one by one": "video", "bare C, in segments": "segments"})):
            kinds = [Sluice, *(kind for kind in self.peers if media == ("audio",) or kind is not Aiortc)]
            found = {kind.name: [] for kind in kinds}
            least = {name: [] for name in floors}
            for _ in range(self.options.rounds):
                for kind in kinds:
                    found[kind.name].append(self.packets(kind, media))
                for each, mode in floors.items():
                    least[each].append(self.floor(mode))

            def spread(name, key):
                return Spread([one[key] for one in found[name]])
            peers = {name: Spread(values) for name, values in least.items()}
            for kind in kinds[1:]:
                label = f"{kind.name}, {FEW} viewers, with its encoders" if kind is Aiortc else kind.name
                peers[label] = spread(kind.name, "cpu")
            others = [kind.name for kind in kinds[1:]]
            figures += [
                Figure(f"{VIEWERS} viewers, {name}: a packet", "µs of CPU", spread("Sluice", "cpu"), limit, peers),
                Figure(f"{VIEWERS} viewers, {name}: memory a viewer", "kB", spread("Sluice", "memory"), 200,
                       {other: spread(other, "memory") for other in others}),
                Figure(f"{VIEWERS} viewers, {name}: packets of Opus are late by, p99", "ms", spread("Sluice", "late"), None,
                       {other: spread(other, "late") for other in others if other != "aiortc"}),
                Figure(f"{VIEWERS} viewers, {name}: packets lost", "", spread("Sluice", "lost"), 0)]
        return figures

    def all_rooms(self):
        found, floor = [], []
        for _ in range(self.options.rounds):
            found.append(webrtc_rooms.packet(self.workshop, "127.0.0.1", self.seconds))
            floor.append(self.floor("audio"))

        def spread(key):
            return Spread([one[key] for one in found])
        label = f"{webrtc_rooms.ROOMS} rooms of {webrtc_rooms.VIEWERS} viewers, Opus"
        return [
            Figure(f"{label}: a packet", "µs of CPU", spread("cpu"), 7, {"bare C": Spread(floor)}),
            Figure(f"{label}: packets are late by, p99", "ms", spread("late"), 5),
            Figure(f"{label}: packets lost", "", spread("lost"), 0)]

    # Joins ----------------------------------------------------------------------------------------------------------

    def crowd(self, **more):
        """100 joins within a second, while 20 listen: ms until the last plays, and how late packets of those are."""
        with self.serve(Sluice, ("audio", "video"), **more) as (server, load):
            self.join(server, load, 20, ("audio", "video"), "listen")
            time.sleep(3)
            load.window()
            began = time.monotonic()
            join_all(load, server.url, 100, ("audio", "video"), "crowd", over_s=1.0)
            crowd = load.wait("crowd", 100, what="picture_ms")
            time.sleep(max(0, began + 3 - time.monotonic()))
            listening = load.stats("listen")
        return {"last": max(max(crowd["packet_ms"]), max(crowd["picture_ms"])), "late": listening["late_p99"],
                "most": listening["late_max"], "lost": listening["lost"]}

    def all_crowds(self):
        ways = {"": {}, ", lanes with priority": {"lanes": {name: {"priority": 5} for name in ("main",)}}}
        found = {way: [] for way in ways}
        for _ in range(self.options.rounds):
            for way, more in ways.items():
                found[way].append(self.crowd(**more))
        figures = []
        for way, crowds in found.items():
            figures += [
                Figure(f"100 joins within a second{way}: all play after", "ms", Spread([one["last"] for one in crowds]), 3000),
                Figure("meanwhile 20 listen: packets are late by, p99", "ms", Spread([one["late"] for one in crowds]), 10),
                Figure("meanwhile 20 listen: the latest packet", "ms", Spread([one["most"] for one in crowds])),
                Figure("meanwhile 20 listen: packets lost", "", Spread([one["lost"] for one in crowds]), 0)]
        return figures

    def all_that_stays(self):
        left = self.come_and_go()
        return [
            Figure("1,000 viewers joined and left: memory more than behind the first 300", "kB", left["memory"], 2048),
            Figure("the same: descriptors", "", left["descriptors"], 0),
            Figure("the same: threads", "", left["threads"], 0)]

    def come_and_go(self):
        """1,000 viewers, 100 at a time: what is more than before behind them."""
        with self.serve(Sluice, ("audio", "video")) as (server, load):
            def present():
                return server.process.memory_kb(), server.process.descriptors(), server.process.threads()

            found = []
            for _ in range(11):
                peers = join_all(load, server.url, 100, ("audio", "video"))
                load.wait("all", 100)
                with ThreadPoolExecutor(8) as pool:
                    list(pool.map(server.leave, peers))
                time.sleep(1)
                found.append(present())
        # The first three hundred have made room for the others.
        first, last = found[2], found[-1]
        return {"memory": last[0] - first[0], "descriptors": last[1] - first[1], "threads": last[2] - first[2]}

    # First picture ----------------------------------------------------------------------------------------------------

    def first_pictures(self, start, kind=None, video_type=96):
        """ms from the POST, of 20 joins at different times of a GOP of 2 s."""
        with start() as (server, load):
            if video_type != 96:
                load.tell(f"types 111 {video_type} {int(video_type == H264_TYPE)}")
            self.warm_up(server, load, kind)
            found = []
            for turn in range(20):
                # A step of the golden ratio puts them evenly, in no order.
                due = time.monotonic() + 0.5 + (turn * 0.618 % 1) * 2
                time.sleep(max(0, due - time.monotonic()))
                peer = load.peer("one", is_controlling=kind is not Janus)
                server.join(peer, ("audio", "video") if kind else ("video",))
                found += load.wait("one", 1, what="picture_ms")["picture_ms"]
                server.leave(peer)
        return found

    def warm_up(self, server, load, kind):
        """A first viewer, once the stream has begun, and two groups of pictures more."""
        end = time.monotonic() + 30
        while True:
            peer = load.peer("early", is_controlling=kind is not Janus)
            try:
                server.join(peer, ("audio", "video") if kind else ("video",))
                break
            except Failed:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
        load.wait("early", 1, what="picture_ms")
        server.leave(peer)
        time.sleep(4)

    def all_first_pictures(self):
        ways = {
            "encoded here": (lambda: Encoding(self), None, 96), "passed through from SRT": (lambda: Passing(self), None, H264_TYPE),
            "passed through from RTP": (lambda: self.serve(Sluice, ("audio", "video")), Sluice, 96)}
        for kind in self.peers:
            if kind is not Aiortc:
                ways[kind.name] = (lambda kind=kind: self.serve(kind, ("audio", "video")), kind, 96)
        found = {name: [] for name in ways}
        for name, (start, kind, video_type) in ways.items():
            found[name].append(sorted(self.first_pictures(start, kind, video_type)))
        figures = []
        for name in list(ways)[:3]:
            peers = {other: values for other, values in found.items() if other in ("pion", "Janus") and name.endswith("RTP")}
            figures += [
                Figure(f"first picture from the POST, {name}, median", "ms", Spread([one[len(one) // 2] for one in found[name]]),
                       250, {other: Spread([one[len(one) // 2] for one in values]) for other, values in peers.items()}),
                Figure(f"first picture from the POST, {name}, worst of 20", "ms", Spread([one[-1] for one in found[name]]), 500,
                       {other: Spread([one[-1] for one in values]) for other, values in peers.items()})]
        return figures


class Setting:
    """A server that passes RTP on, its source and viewers."""

    def __init__(self, bench, kind, media, **more):
        self.bench, self.kind, self.media, self.more = bench, kind, media, more

    def __enter__(self):
        workshop, address = self.bench.workshop, self.bench.network.address_of(self.kind)
        self.server = self.kind(workshop, address, self.media, **self.more)
        self.source, self.load = Source(workshop, 600), Load(workshop.path, address)
        time.sleep(1)
        return self.server, self.load

    def __exit__(self, *_):
        for one in (self.load, self.source, self.server):
            one.close()


class Encoding(Setting):
    """The graph that a user runs, with its own encoders."""

    def __init__(self, bench):
        super().__init__(bench, None, None)

    def __enter__(self):
        address = self.bench.network.address
        self.server = Graph(
            self.bench.workshop, ["viewer", "--set", f"listen=127.0.0.1:{HTTP}", "--set", f"media={address}:8189"])
        self.source, self.load = None, Load(self.bench.workshop.path, address)
        return self.server, self.load

    def __exit__(self, *_):
        self.load.close()
        if self.source:
            self.source.terminate()
            self.source.wait()
        self.server.close()


class Passing(Encoding):
    """H.264 by SRT, with a keyframe every two seconds."""

    def __enter__(self):
        workshop, address = self.bench.workshop, self.bench.network.address
        graph = viewer_graph(
            workshop, address, {"in": {"type": "srt-input", "url": "srt://:9710"}},
            ["in.video -> viewers.video"], ("video",))
        self.server = Graph(workshop, [graph])
        self.source = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=30", "-c:v", "libx264", "-preset",
             "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-b:v", "800k", "-maxrate", "800k", "-bufsize", "400k",
             "-g", "60", "-pix_fmt", "yuv420p", "-f", "mpegts", "srt://127.0.0.1:9710?pkt_size=1316"],
            stdin=subprocess.DEVNULL)
        self.load = Load(workshop.path, address)
        return self.server, self.load


class Graph:
    """Sluice with a graph of its own source."""

    url = Sluice.url

    def __init__(self, workshop, words):
        from engine import executable
        self.process = Process([executable(), "run", *words], HTTP, workshop.path / "sluice.log")

    def join(self, peer, kinds):
        peer.join(self.url, kinds)

    def leave(self, peer):
        peer.leave(self.url)

    def close(self):
        self.process.close()


def measure(workshop, options):
    figures, failures = [], []
    with Network() as network:
        bench = Bench(workshop, network, options)
        for part in [options.part] if options.part else PARTS:
            try:
                figures += getattr(bench, f"all_{part}")()
            except Failed as failure:
                failures.append(f"FAILED: {failure}")
    if not figures:
        raise Failed(" ".join(failures))
    return Result("webrtc", figures, [
        "Each server passes the same RTP on; aiortc cannot, and encodes for each viewer.", *bench.notes, *failures])
