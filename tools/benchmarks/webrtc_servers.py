"""The servers that the viewers of `tools/bench webrtc` come to: Sluice, and peers of it that are installed."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.request

from compile import build
from engine import ROOT, executable
from measure import Failed
from webrtc_viewers import AUDIO, AUDIO_TYPE, VIDEO, VIDEO_TYPE

HERE = pathlib.Path(__file__).resolve().parent
HTTP, MEDIA, AUDIO_PORT, VIDEO_PORT = 8889, 8189, 20000, 20010
GO_PATH = "/usr/share/gocode"


class Network:
    """A network of its own, as far as this user may make one: Janus and aiortc offer no address of the loopback."""

    def __init__(self):
        self.libc, self.address, self.before = ctypes.CDLL(None, use_errno=True), "127.0.0.1", None

    def __enter__(self):
        before = os.open("/proc/self/ns/net", os.O_RDONLY)
        if self.libc.unshare(0x40000000) != 0:
            os.close(before)
            return self
        self.before = before
        for words in ("link set lo up", "link add load0 type veth peer name load1", "addr add 10.99.0.1/24 dev load0",
                      "link set load0 up", "link set load1 up"):
            subprocess.run(["ip", *words.split()], check=True)
        self.address = "10.99.0.1"
        return self

    def __exit__(self, *_):
        if self.before is not None:
            self.libc.setns(self.before, 0x40000000)
            os.close(self.before)

    def address_of(self, kind):
        """The loopback where the server offers it, as for the bare sender: to an address of this machine on another
        interface the kernel makes a route for each packet, which no sender to other machines pays."""
        return "127.0.0.1" if kind is Sluice else self.address

    @property
    def is_own(self):
        return self.before is not None


class Process:
    """A server that runs, and what /proc tells of it."""

    def __init__(self, command, port, log, input=subprocess.DEVNULL, **how):
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=input, stdout=out, stderr=out, **how)
        self.folder = pathlib.Path(f"/proc/{self.process.pid}")
        end = time.monotonic() + 40
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), 0.5).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.close()
                    raise Failed(f"{command[0]} does not serve: {pathlib.Path(log).read_text()[-400:]}") from None
                time.sleep(0.05)

    def cpu_s(self):
        """Of all threads that live, in seconds, by the scheduler's own count: /proc/PID/stat tells ticks of 10 ms."""
        total = 0
        for task in (self.folder / "task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                pass
        return total / 1e9

    def threads_cpu_s(self):
        """name → seconds."""
        found = {}
        for task in (self.folder / "task").iterdir():
            name = (task / "comm").read_text().strip()
            found[name] = found.get(name, 0) + int((task / "schedstat").read_text().split()[0]) / 1e9
        return found

    def memory_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", (self.folder / "status").read_text())[1])

    def threads(self):
        return len(list((self.folder / "task").iterdir()))

    def descriptors(self):
        return len(list((self.folder / "fd").iterdir()))

    def close(self, patience_s=5):
        self.process.terminate()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


DESCRIPTION = f"""v=0
o=- 1 1 IN IP4 127.0.0.1
s=x
c=IN IP4 127.0.0.1
t=0 0
m=audio {AUDIO_PORT} RTP/AVP {AUDIO_TYPE}
a=rtpmap:{AUDIO_TYPE} opus/48000/2
m=video {VIDEO_PORT} RTP/AVP {VIDEO_TYPE}
a=rtpmap:{VIDEO_TYPE} VP8/90000
"""


def viewer_graph(workshop, address, nodes, edges, media, lane="main", by_edges=False, **more):
    """`nodes` and `edges` that end in webrtc-viewers, with a template as that of graphs/viewer.json."""
    peer = {"type": "webrtc-output", "lane": lane}
    return workshop.graph(
        {**nodes, "viewers": {"type": "webrtc-viewers", "name": "viewer", "template": "viewer", "max_viewers": 4000, "lane": lane}}, edges,
        services={"http": {"listen": f"127.0.0.1:{HTTP}", "changes_per_s": 1000}, "webrtc": {"listen": f"{address}:{MEDIA}", "max_pending": 4000}},
        templates={"viewer": {
            "nodes": {"peer": peer}, "edges": [f"$parent.viewers.{one} -> peer.{one}" for one in media] if by_edges else []}},
        **more)


class Sluice:
    """RTP in, viewers by WHEP."""

    name = "Sluice"
    url = f"http://127.0.0.1:{HTTP}/whep/viewer"

    def __init__(
            self, workshop, address, media=("audio", "video"), program=None, lane="main", by_edges=False, prefix=(),
            environment=None, **more):
        path = workshop.path / "source.sdp"
        path.write_text(DESCRIPTION)
        graph = viewer_graph(
            workshop, address, {"in": {"type": "rtp-input", "sdp": str(path)}},
            [f"in.{one} -> viewers.{one}" for one in media], media, lane, by_edges, **more)
        self.process = Process(
            [*prefix, program or executable(), "run", graph], HTTP, workshop.path / "sluice.log",
            env={**os.environ, **(environment or {})})

    def join(self, peer, kinds):
        peer.join(self.url, kinds)

    def leave(self, peer):
        peer.leave(self.url)

    def close(self, patience_s=5):
        self.process.close(patience_s)


class Pion:
    name = "pion"

    @staticmethod
    def missing():
        if not shutil.which("go"):
            return "pion: there is no Go compiler (golang-go)"
        if not pathlib.Path(f"{GO_PATH}/src/github.com/pion/webrtc").exists():
            return "pion: its library is not installed (golang-github-pion-webrtc.v3-dev)"
        return None

    def __init__(self, workshop, address, media=("audio", "video")):
        program = ROOT / ".build" / "peers" / "webrtc_pion"
        if not program.exists() or program.stat().st_mtime < (HERE / "webrtc_pion.go").stat().st_mtime:
            # Debian's libraries are a GOPATH; only a package with a go.mod inside it may import a path that ends in /v3.
            place = ROOT / ".build" / "peers" / "go" / "src" / "webrtcpion"
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "webrtc_pion.go", place / "main.go")
            (place / "go.mod").write_text("module webrtcpion\n")
            peers = ROOT / ".build" / "peers"
            made = subprocess.run(
                ["go", "build", "-o", program, "."], cwd=place, capture_output=True, text=True,
                env={**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOPATH": f"{peers / 'go'}:{GO_PATH}",
                     "GOCACHE": str(peers / "gocache")})
            if made.returncode != 0:
                raise Failed(f"pion's server does not build: {made.stderr[-400:]}")
        self.url = "http://127.0.0.1:8890/" + ("audio" if tuple(media) == ("audio",) else "")
        self.process = Process([program, address, 8890, AUDIO_PORT, VIDEO_PORT], 8890, workshop.path / "pion.log")

    def join(self, peer, kinds):
        peer.join(self.url, kinds)

    def leave(self, peer):
        peer.leave(self.url)

    def close(self):
        self.process.close()


class Aiortc:
    """Audio alone."""

    name = "aiortc"
    python = ROOT / ".build" / "venv" / "bin" / "python"
    url = "http://127.0.0.1:8891/"

    @classmethod
    def missing(cls):
        if not cls.python.exists():
            return "aiortc is not installed: python3 -m venv .build/venv && .build/venv/bin/pip install aiortc"
        if subprocess.run([cls.python, "-c", "import aiortc"], capture_output=True).returncode != 0:
            return "aiortc is not installed: .build/venv/bin/pip install aiortc"
        return None

    def __init__(self, workshop, address, media=("audio",)):
        self.process = Process([self.python, HERE / "webrtc_aiortc.py", 8891], 8891, workshop.path / "aiortc.log")

    def join(self, peer, kinds):
        peer.join(self.url, kinds)

    def leave(self, peer):
        peer.leave(self.url)

    def close(self):
        self.process.close()


class Janus:
    """Its streaming plugin. Janus offers, and the viewer answers."""

    name = "Janus"
    url = "http://127.0.0.1:8892/janus"
    plugins = ("audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "textroom", "videocall", "videoroom",
               "voicemail")

    @staticmethod
    def missing():
        return None if shutil.which("janus") else "Janus is not installed (janus)"

    def __init__(self, workshop, address, media=("audio", "video")):
        folder = workshop.path / "janus"
        folder.mkdir(exist_ok=True)
        off = ",".join(f"libjanus_{name}.so" for name in self.plugins)
        (folder / "janus.jcfg").write_text(
            f'general: {{ configs_folder = "{folder}" debug_level = 2 session_timeout = 0 }}\n'
            f'media: {{ rtp_port_range = "21000-29000" }}\nplugins: {{ disable = "{off}" }}\n'
            'transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,'
            'libjanus_websockets.so" }\n')
        (folder / "janus.transport.http.jcfg").write_text(
            'general: { json = "compact" base_path = "/janus" http = true port = 8892 ip = "127.0.0.1" https = false }\n'
            "admin: { admin_http = false }\n")
        video = "true" if "video" in media else "false"
        (folder / "janus.plugin.streaming.jcfg").write_text(
            f'stream: {{ type = "rtp" id = 1 audio = true audioport = {AUDIO_PORT} audiopt = {AUDIO_TYPE} '
            f'audiocodec = "opus" video = {video} videoport = {VIDEO_PORT} videopt = {VIDEO_TYPE} videocodec = "vp8" }}\n')
        self.process = Process(["janus", "-F", folder, "-N"], 8892, workshop.path / "janus.log")
        self.session = f"{self.url}/{self.call(self.url, janus='create')['data']['id']}"
        self.handles, self.events = {}, {}

    def call(self, url, **body):
        body = json.dumps({**body, "transaction": "t"}).encode() if body else None
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def join(self, peer, kinds):
        asked = time.monotonic_ns()
        # A session of its own, so that its events are nobody else's.
        session = f"{self.url}/{self.call(self.url, janus='create')['data']['id']}"
        handle = f"{session}/{self.call(session, janus='attach', plugin='janus.plugin.streaming')['data']['id']}"
        self.call(handle, janus="message", body={"request": "watch", "id": 1})
        while True:
            event = self.call(session)
            if "jsep" in event:
                break
            if event["janus"] == "error" or "error" in event.get("plugindata", {}).get("data", {}):
                raise Failed(f"Janus: {event}")
        offer = event["jsep"]["sdp"]
        sections = re.split(r"(?m)^m=", offer)[1:]
        mids = []
        for section in sections:
            kind, mid = section.split()[0], re.search(r"(?m)^a=mid:(\S+)", section)[1]
            mids.append((kind, mid, AUDIO if kind == "audio" else VIDEO.split("a=rtpmap:108")[0]))
        answer = peer.description("active", mids)
        self.call(handle, janus="message", body={"request": "start"}, jsep={"type": "answer", "sdp": answer})
        self.handles[peer.number] = session
        peer.connect(offer, asked)

    def leave(self, peer):
        self.call(self.handles.pop(peer.number), janus="destroy")
        peer.leave(self.url)

    def close(self):
        self.process.close()


class Source:
    """RTP for servers that pass it on."""

    def __init__(self, workshop, seconds):
        program = workshop.path / "webrtc_source"
        if not program.exists():
            build("webrtc_source.c", program)
        self.process = subprocess.Popen([program, str(seconds), str(AUDIO_PORT), str(VIDEO_PORT)])

    def close(self):
        self.process.kill()
        self.process.wait()
