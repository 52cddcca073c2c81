"""A bare peer of aiortc's that speaks a tone and is interrupted: the frame that is made next fades, then silence goes on.

usage: browser_bare.py PORT, with lines on standard input: "speak HERTZ", "interrupt". A page posts its offer to it.
"""
import array
import asyncio
import fractions
import math
import sys
import threading
import time

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

RATE, SAMPLES = 48000, 960


class Voice(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.began, self.count = time.monotonic(), 0
        self.hertz, self.fades = 0, False

    async def recv(self):
        await asyncio.sleep(max(0, self.began + SAMPLES / RATE * self.count - time.monotonic()))
        step = 2 * math.pi * self.hertz / RATE
        tone = array.array("h", (int(12_000 * math.sin(step * place)) for place in range(SAMPLES)))
        if self.fades:
            tone = array.array("h", (int(value * (1 - place / SAMPLES)) for place, value in enumerate(tone)))
            self.hertz, self.fades = 0, False
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(tone.tobytes())
        frame.sample_rate, frame.time_base, frame.pts = RATE, fractions.Fraction(1, RATE), SAMPLES * self.count
        self.count += 1
        return frame


def obey(voice):
    for line in sys.stdin:
        words = line.split()
        if words[0] == "speak":
            voice.hertz = int(words[1])
        else:
            voice.fades = True


async def serve(port):
    voice, peers = Voice(), []
    threading.Thread(target=obey, args=[voice], daemon=True).start()

    async def answer(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
        peer = RTCPeerConnection()
        peers.append(peer)
        peer.addTrack(voice)
        await peer.setRemoteDescription(RTCSessionDescription((await reader.readexactly(size)).decode(), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        body = peer.localDescription.sdp.encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        await server.serve_forever()


asyncio.run(serve(int(sys.argv[1])))
