"""Many viewers at once: the offers and answers here, their transports in webrtc_load.c."""
import http.client
import json
import subprocess
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from compile import build
from measure import Failed

AUDIO_TYPE, VIDEO_TYPE, REPAIR_TYPE, H264_TYPE, H264_REPAIR_TYPE = 111, 96, 97, 108, 109

TRANSPORT = """\
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=fingerprint:sha-256 {fingerprint}
a=setup:{setup}
a=mid:{mid}
a=rtcp-mux
a=recvonly
{candidate}
"""
AUDIO = f"""\
a=rtpmap:{AUDIO_TYPE} opus/48000/2
a=fmtp:{AUDIO_TYPE} minptime=10;useinbandfec=1
"""
VIDEO = f"""\
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtcp-rsize
""" + "".join(f"""\
a=rtpmap:{media} {name}/90000
a=rtcp-fb:{media} goog-remb
a=rtcp-fb:{media} ccm fir
a=rtcp-fb:{media} nack
a=rtcp-fb:{media} nack pli
{fmtp}a=rtpmap:{repair} rtx/90000
a=fmtp:{repair} apt={media}
""" for name, media, repair, fmtp in (
    ("VP8", VIDEO_TYPE, REPAIR_TYPE, ""),
    ("H264", H264_TYPE, H264_REPAIR_TYPE,
     f"a=fmtp:{H264_TYPE} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\n")))


class Load:
    """webrtc_load.c at work, and numbers for its peers."""

    def __init__(self, folder, address, video_type=VIDEO_TYPE):
        program = folder / "webrtc_load"
        if not program.exists():
            build("webrtc_load.c", program, "-lssl", "-lcrypto", "-lm")
        self.address, self.lock, self.free = address, threading.Lock(), list(range(4095, -1, -1))
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.tell(f"types {AUDIO_TYPE} {video_type} {int(video_type == H264_TYPE)}")
        self.fingerprint = self.ask("fingerprint").split()[1]

    def tell(self, line):
        with self.lock:
            self.process.stdin.write(line + "\n")

    def ask(self, line):
        with self.lock:
            self.process.stdin.write(line + "\n")
            answer = self.process.stdout.readline()
        if not answer:
            raise Failed("the program that stands for the viewers has ended")
        return answer

    def peer(self, group, is_controlling=True):
        with self.lock:
            number = self.free.pop()
        role = "controlling" if is_controlling else "controlled"
        return Peer(self, number, int(self.ask(f"peer {number} {group} load{number} {password(number)} {role}").split()[2]))

    def sinks(self, group, count):
        """Ports at which RTP is counted and nothing else."""
        return [int(self.ask(f"sink {number} {group}").split()[2]) for number in (self.free.pop() for _ in range(count))]

    def window(self):
        self.tell("window")

    def stats(self, group="all"):
        return json.loads(self.ask(f"stats {group}"))

    def wait(self, group, wanted, seconds=20, what="connected"):
        """Until so many are there; the counts."""
        end = time.monotonic() + seconds
        while True:
            found = self.stats(group)
            there = found["connected"] if what == "connected" else len(found[what])
            if there >= wanted:
                return found
            if time.monotonic() > end:
                raise Failed(f"{there} of {wanted} viewers were {what} within {seconds} s, {found['failed']} failed")
            time.sleep(0.05)

    def close(self):
        self.process.kill()
        self.process.wait()


def password(number):
    return f"{number:022d}"


class Peer:
    def __init__(self, load, number, port):
        self.load, self.number, self.port = load, number, port
        self.resource = None

    def description(self, setup, mids):
        """An offer, or an answer, of `mids`: ("audio", "0", types) …"""
        candidate = f"a=candidate:1 1 udp 2130706431 {self.load.address} {self.port} typ host"
        lines = ["v=0", f"o=- {1000 + self.number} 2 IN IP4 127.0.0.1", "s=-", "t=0 0",
                 "a=group:BUNDLE " + " ".join(mid for _, mid, _ in mids)]
        for kind, mid, body in mids:
            types = [str(AUDIO_TYPE)] if kind == "audio" else [
                str(one) for one in (VIDEO_TYPE, REPAIR_TYPE, H264_TYPE, H264_REPAIR_TYPE) if f"rtpmap:{one} " in body]
            lines.append(f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(types)}")
            lines += TRANSPORT.format(
                ufrag=f"load{self.number}", password=password(self.number), fingerprint=self.load.fingerprint, setup=setup,
                mid=mid, candidate=candidate).splitlines()
            lines += body.splitlines()
        return "\r\n".join(lines) + "\r\n"

    def offer(self, kinds):
        return self.description(
            "active", [(kind, str(place), AUDIO if kind == "audio" else VIDEO) for place, kind in enumerate(kinds)])

    def connect(self, description, asked):
        """Begins with the other end's words; `asked` is when it was asked for."""
        def value(name):
            return next(line.split(":", 1)[1].strip() for line in description.splitlines() if line.startswith(f"a={name}:"))
        for line in description.splitlines():
            words = line.split()
            if line.startswith("a=candidate:") and words[2].lower() == "udp" and words[4] == self.load.address:
                self.load.tell(f"connect {self.number} {value('ice-ufrag')} {value('ice-pwd')} {words[4]} {words[5]} {asked}")
                return
        raise Failed(f"no candidate at {self.load.address} in:\n{description}")

    def join(self, url, kinds):
        """By a POST with an offer. A server whose stream has not begun is asked again."""
        place, end = urllib.parse.urlsplit(url), time.monotonic() + 15
        while True:
            asked = time.monotonic_ns()
            connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
            connection.request("POST", place.path, self.offer(kinds), {"Content-Type": "application/sdp"})
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            if answer.status in (200, 201):
                break
            if answer.status not in (404, 503) or time.monotonic() > end:
                raise Failed(f"POST {url}: {answer.status} {body.strip()[:300]}")
            time.sleep(0.3)
        self.resource = answer.headers.get("Location")
        self.connect(body, asked)

    def leave(self, url):
        """Ends the session at the server, where it has an address, and here."""
        if self.resource:
            place = urllib.parse.urlsplit(url)
            connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
            connection.request("DELETE", self.resource)
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            if answer.status != 200:
                raise Failed(f"DELETE {self.resource}: {answer.status} {body[:300]}")
        self.load.tell(f"close {self.number}")
        with self.load.lock:
            self.load.free.insert(0, self.number)


def join_all(load, url, count, kinds, group="all", over_s=0.0):
    """So many viewers, evenly over `over_s` seconds."""
    peers = [load.peer(group) for _ in range(count)]
    began = time.monotonic()

    def one(place):
        time.sleep(max(0, began + place * over_s / count - time.monotonic()))
        peers[place].join(url, kinds)

    with ThreadPoolExecutor(8 if over_s == 0 else 16) as pool:
        list(pool.map(one, range(count)))
    return peers
