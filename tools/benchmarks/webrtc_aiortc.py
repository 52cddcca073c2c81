"""A server as a user of aiortc would write it: one track, relayed to every viewer that posts an offer. aiortc has no way to
pass Opus on that is coded already, so that each viewer costs an encoder.
usage: webrtc_aiortc.py HTTPPORT"""
import asyncio
import fractions
import sys
import time

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay


class Sound(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.began, self.count = time.monotonic(), 0

    async def recv(self):
        await asyncio.sleep(max(0, self.began + 0.02 * self.count - time.monotonic()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(bytes(range(240)) * 8)
        frame.sample_rate, frame.time_base, frame.pts = 48000, fractions.Fraction(1, 48000), 960 * self.count
        self.count += 1
        return frame


async def serve(port):
    relay, sound, viewers = MediaRelay(), Sound(), []

    async def answer(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
        viewer = RTCPeerConnection()
        viewers.append(viewer)
        viewer.addTrack(relay.subscribe(sound))
        await viewer.setRemoteDescription(RTCSessionDescription((await reader.readexactly(size)).decode(), "offer"))
        await viewer.setLocalDescription(await viewer.createAnswer())
        body = viewer.localDescription.sdp.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        await server.serve_forever()


asyncio.run(serve(int(sys.argv[1])))
