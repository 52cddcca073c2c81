"""RTZR's protocol as one writes it in an afternoon, for the bench to hold beside `stt-stream`.

usage: stt_naive.py utterance|stream URL FILE
FILE is PCM of 16 bits, mono at 16 kHz. `utterance` sends it at once and prints the ms until its text; `stream` sends it as
it would be captured and prints the text. It needs python3-websockets.
"""
import asyncio
import contextlib
import json
import pathlib
import sys
import time
import urllib.parse
import urllib.request

import websockets

BYTES_A_SECOND = 32_000
CHUNK = 3_200


def token(url):
    form = urllib.parse.urlencode({"client_id": "me", "client_secret": "secret"}).encode()
    with urllib.request.urlopen(url + "/v1/authenticate", form) as answer:
        return json.load(answer)["access_token"]


def opened(url):
    address = url.replace("http", "ws", 1) + "/v1/transcribe:streaming?sample_rate=16000&encoding=LINEAR16"
    return websockets.connect(address, extra_headers={"Authorization": f"Bearer {token(url)}"})


def utterance(url, audio):
    """ms from the end of speech to the final text: a new token, a new connection, and silence until it ends."""
    async def work():
        began = time.monotonic()
        async with opened(url) as socket:
            await socket.send(audio)
            for _ in range(6):
                await socket.send(bytes(CHUNK))
                await asyncio.sleep(CHUNK / BYTES_A_SECOND)
            async for message in socket:
                if json.loads(message).get("final"):
                    return (time.monotonic() - began) * 1000
    return asyncio.run(work())


def stream(url, audio):
    """The text of a call that is sent as it is captured. A connection that is lost is made anew, and nothing is sent
    again."""
    texts = []

    async def hear(socket):
        with contextlib.suppress(websockets.WebSocketException):
            async for message in socket:
                result = json.loads(message)
                if result.get("final"):
                    texts.append(result["alternatives"][0]["text"])

    async def work():
        at, began = 0, time.monotonic()
        while at < len(audio):
            try:
                async with opened(url) as socket:
                    hearing = asyncio.ensure_future(hear(socket))
                    while at < len(audio):
                        # It is captured whether there is a connection or none.
                        at = max(at, int((time.monotonic() - began) * BYTES_A_SECOND) // CHUNK * CHUNK - CHUNK)
                        await socket.send(audio[at:at + CHUNK])
                        at += CHUNK
                        await asyncio.sleep(max(0, began + at / BYTES_A_SECOND - time.monotonic()))
                    await socket.send("EOS")
                    await asyncio.wait_for(hearing, 10)
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
                continue
    asyncio.run(work())
    return " ".join(texts)


if __name__ == "__main__":
    mode, address, file = sys.argv[1:]
    print({"utterance": utterance, "stream": stream}[mode](address, pathlib.Path(file).read_bytes()))
