"""Publishes by WHIP and plays by WHEP with aiortc, and prints what came as JSON.

aiortc_peer.py WHIP WHEP CODEC SECONDS [close] [attack]. CODEC is VP8 or H264. A picture's brightness tells its number,
so that what is played is known to be what was sent. The publisher leaves by DELETE, or with "close" by the goodbye of
DTLS alone. With "attack" it sends RTP before there are keys, and each packet three times: once more as it was, and with
a bit turned.
"""
import asyncio
import fractions
import json
import sys
import time
import urllib.error
import urllib.request

import av
from aiortc import AudioStreamTrack, RTCPeerConnection, RTCRtpSender, RTCSessionDescription, VideoStreamTrack


class Pictures(VideoStreamTrack):
    """320x240, 30 a second, one shade each."""

    def __init__(self):
        super().__init__()
        self.count = 0

    async def recv(self):
        pts, base = await self.next_timestamp()
        frame = av.VideoFrame(320, 240, "yuv420p")
        for index, plane in enumerate(frame.planes):
            shade = 40 + self.count % 160 if index == 0 else 128
            plane.update(bytes([shade]) * plane.buffer_size)
        self.count += 1
        frame.pts, frame.time_base = pts, base
        return frame


def ask(method, url, body=None, **headers):
    request = urllib.request.Request(
        url, data=None if body is None else body.encode(), method=method,
        headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.headers, answer.read().decode()


async def connect(connection, url, patience=15):
    """Offers until the endpoint answers, and gives the session's address."""
    await connection.setLocalDescription(await connection.createOffer())
    end = time.monotonic() + patience
    while True:
        try:
            _, headers, text = await asyncio.to_thread(
                ask, "POST", url, connection.localDescription.sdp, Content_Type="application/sdp")
            break
        except urllib.error.HTTPError as error:
            words = error.read().decode().strip()
            if error.code not in (404, 503) or time.monotonic() > end:
                raise RuntimeError(f"{url}: {error.code}: {words}")
            await asyncio.sleep(0.2)
    await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
    return url.split("/wh")[0] + headers["Location"]


def attack(publisher):
    """From the publisher's own address."""
    ice = publisher.getTransceivers()[0].sender.transport.transport
    send, begun = ice._send, []

    async def more(data):
        if not begun:
            begun.append(True)
            for number in range(50):
                await send(bytes([0x80, 96, 0, number]) + bytes(100))
        await send(data)
        if data[0] >> 6 == 2:
            await send(data)
            await send(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])

    ice._send = more


async def play(track, shades):
    while True:
        try:
            frame = await track.recv()
        except Exception:
            return
        if track.kind == "video":
            shades.append((frame.width, frame.height, bytes(frame.planes[0])[frame.planes[0].line_size * 8 + 8]))
        else:
            shades.append(frame.samples)


async def run(whip, whep, codec, seconds, *ways):
    publisher, player = RTCPeerConnection(), RTCPeerConnection()
    pictures = Pictures()
    sender = publisher.addTransceiver(pictures, direction="sendonly")
    sender.setCodecPreferences([
        one for one in RTCRtpSender.getCapabilities("video").codecs
        if one.mimeType in (f"video/{codec}", "video/rtx")])
    publisher.addTransceiver(AudioStreamTrack(), direction="sendonly")
    video, audio, tasks = [], [], []

    @player.on("track")
    def on_track(track):
        tasks.append(asyncio.ensure_future(play(track, video if track.kind == "video" else audio)))

    if "attack" in ways:
        attack(publisher)
    session = await connect(publisher, whip)
    player.addTransceiver("video", direction="recvonly")
    player.addTransceiver("audio", direction="recvonly")
    await connect(player, whep)
    await asyncio.sleep(seconds)
    state = player.connectionState
    status, begun = 0, time.monotonic()
    if "close" in ways:
        closing = asyncio.ensure_future(publisher.close())
    else:
        status, _, _ = await asyncio.to_thread(ask, "DELETE", session)
    while player.connectionState not in ("closed", "failed") and time.monotonic() - begun < 10:
        await asyncio.sleep(0.02)
    ended = time.monotonic() - begun
    for connection in (publisher, player):
        await connection.close()
    steps = [b[2] - a[2] for a, b in zip(video, video[1:])]
    print(json.dumps({
        "sent": pictures.count, "played": len(video), "sound": sum(audio), "size": list(video[-1][:2]) if video else [],
        # A shade is one more than the one before, but for the last, and for what coding makes of it.
        "inOrder": sum(1 for step in steps if 0 <= step <= 3 or step < -100), "state": state, "deleted": status,
        "endedAfter": ended}))


asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), *sys.argv[5:]))
