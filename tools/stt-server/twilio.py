#!/usr/bin/env python3
"""Places telephone calls as Twilio does: tools/stt-server/twilio.py [OPTIONS] http://127.0.0.1:8889/twilio/voice a.wav

It asks the webhook what to do, opens the stream that the TwiML names, sends the file as µ-law in chunks of 20 ms, plays
what comes back, and answers marks when they are played. The last line on stdout tells of each call, as JSON. It needs
Debian's python3-websockets and ffmpeg.

The status is 0, or 3 where a call was told that it is busy, 4 where a stream was closed early, 5 where the webhook
refused.
"""

import argparse
import asyncio
import base64
import collections
import hashlib
import hmac
import http.client
import json
import random
import ssl
import subprocess
import sys
import time
import urllib.parse
import uuid
import wave
import xml.etree.ElementTree

import websockets

from telephone import MULAW

FRAME = 160
SILENCE = b"\xff"


def signature(token, address, fields=()):
    """X-Twilio-Signature of a request to `address`."""
    text = address + "".join(name + value for name, value in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def mulaw(path):
    """The file's sound, 8 kHz, one channel."""
    words = ["ffmpeg", "-v", "error", "-i", path, "-ar", "8000", "-ac", "1", "-f", "mulaw", "pipe:1"]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout


def ask(options, sid):
    """The stream's address that the webhook gives; None where the line is busy."""
    fields = [
        ("AccountSid", "AC" + "0" * 32), ("ApiVersion", "2010-04-01"), ("CallSid", sid), ("CallStatus", "ringing"),
        ("Direction", "inbound"), ("From", "+14155550100"), ("To", "+14155550101")]
    parts = urllib.parse.urlsplit(options.voice)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "TwilioProxy/1.1"}
    if options.auth_token:
        headers["X-Twilio-Signature"] = signature(options.auth_token, options.signed or options.voice, fields)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    while True:
        try:
            connection = kind(parts.netloc, timeout=60)
            connection.request("POST", path, urllib.parse.urlencode(fields), headers)
            break
        except ConnectionRefusedError:
            if time.monotonic() > options.begun + options.wait:
                raise
            time.sleep(0.05)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        print(f"twilio: {options.voice} answers {response.status}: {body.decode().strip()}", file=sys.stderr)
        raise SystemExit(5)
    twiml = xml.etree.ElementTree.fromstring(body)
    if twiml.find("Reject") is not None:
        return None
    return twiml.find("Connect").find("Stream").attrib["url"]


class Call:
    """One call: what it has sent, and what the caller hears."""

    def __init__(self, options, sound, number):
        self.options, self.sound = options, sound
        self.dice = random.Random(options.seed + number)
        self.sid = f"CA{number:08x}{uuid.UUID(int=self.dice.getrandbits(128)).hex[8:]}"
        self.stream = "MZ" + uuid.UUID(int=self.dice.getrandbits(128)).hex
        self.sequence = 0
        self.waiting = collections.deque()
        self.played = bytearray()
        self.facts = {
            "call": self.sid, "sent_ms": 0, "frames": 0, "odd_frames": 0, "marks": 0, "clears": 0, "closed": None}
        self.arrivals = []

    async def run(self):
        address = await asyncio.get_running_loop().run_in_executor(None, ask, self.options, self.sid)
        if address is None:
            self.facts["closed"] = "busy"
            return self.facts
        headers = {}
        if self.options.auth_token:
            headers["X-Twilio-Signature"] = signature(self.options.auth_token, address)
        context = ssl._create_unverified_context() if address.startswith("wss:") else None
        try:
            async with websockets.connect(
                    address, extra_headers=headers, ssl=context, ping_interval=None, max_queue=None,
                    open_timeout=60) as socket:
                await self.talk(socket)
        except websockets.ConnectionClosed as closed:
            self.facts["closed"] = f"{closed.code} {closed.reason}".strip()
        except asyncio.TimeoutError:
            self.facts["closed"] = "no answer"
        except websockets.InvalidStatusCode as refused:
            self.facts["closed"] = f"HTTP {refused.status_code}"
        self.facts["played_ms"] = len(self.played) // 8
        gaps = [int((b - a) * 1000) for a, b in zip(self.arrivals, self.arrivals[1:])]
        self.facts["gaps_ms"] = [min(gaps), max(gaps)] if gaps else []
        return self.facts

    async def say(self, socket, event, body=None):
        self.sequence += 1
        message = {"event": event, "sequenceNumber": str(self.sequence), "streamSid": self.stream}
        if body is not None:
            message[event] = body
        await socket.send(json.dumps(message))

    async def talk(self, socket):
        await socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await self.say(socket, "start", {
            "accountSid": "AC" + "0" * 32, "streamSid": self.stream, "callSid": self.sid, "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {}})
        listener = asyncio.ensure_future(self.listen(socket))
        player = asyncio.ensure_future(self.play(socket))
        speaker = asyncio.ensure_future(self.speak(socket))
        await asyncio.wait({listener, speaker}, return_when=asyncio.FIRST_COMPLETED)
        if speaker.done() and not listener.done():
            await speaker
            await self.say(socket, "stop", {"accountSid": "AC" + "0" * 32, "callSid": self.sid})
            await socket.close()
        speaker.cancel()
        await listener
        player.cancel()

    def chunks(self):
        """Numbers and sounds, in the order in which they are sent."""
        silence = SILENCE * (8 * int(1000 * self.options.silence))
        sound = self.sound + silence
        chunks = [(number + 1, sound[at:at + FRAME]) for number, at in enumerate(range(0, len(sound), FRAME))]
        chunks = [(number, sound) for number, sound in chunks if self.dice.random() >= self.options.lose]
        for index in range(len(chunks) - 1):
            if self.dice.random() < self.options.swap:
                chunks[index], chunks[index + 1] = chunks[index + 1], chunks[index]
        for chunk in chunks:
            yield chunk
            if self.dice.random() < self.options.double:
                yield chunk

    async def speak(self, socket):
        begin = time.monotonic()
        for count, (number, sound) in enumerate(self.chunks()):
            due = begin + count * 0.02 / self.options.speed
            if due > time.monotonic():
                await asyncio.sleep(due - time.monotonic())
            if self.dice.random() < self.options.garbage:
                await socket.send(self.dice.choice(["{", "[]", '{"event":7}', '{"event":"media","media":{}}']))
            await self.say(socket, "media", {
                "track": "inbound", "chunk": str(number), "timestamp": str(number * 20 - 15),
                "payload": base64.b64encode(sound).decode()})
            self.facts["sent_ms"] += 20
        for key in self.options.keys:
            await self.say(socket, "dtmf", {"track": "inbound_track", "digit": key})
        await asyncio.sleep(self.options.linger)

    async def listen(self, socket):
        try:
            async for text in socket:
                message = json.loads(text)
                assert message["streamSid"] == self.stream, "another stream"
                await self.hear(socket, message)
            self.facts["closed"] = self.facts["closed"] or f"{socket.close_code} {socket.close_reason}".strip()
        except websockets.ConnectionClosed as closed:
            self.facts["closed"] = f"{closed.code} {closed.reason}".strip()

    async def hear(self, socket, message):
        kind = message["event"]
        if kind == "media":
            sound = base64.b64decode(message["media"]["payload"], validate=True)
            self.arrivals.append(time.monotonic())
            self.facts["frames"] += 1
            self.facts["odd_frames"] += len(sound) != FRAME
            self.waiting.append(sound)
        elif kind == "mark":
            self.facts["marks"] += 1
            self.waiting.append(message["mark"]["name"])
        elif kind == "clear":
            self.facts["clears"] += 1
            marks = [one for one in self.waiting if isinstance(one, str)]
            self.waiting.clear()
            for name in marks:
                await self.say(socket, "mark", {"name": name})
        else:
            raise AssertionError(f"there is no message {kind}")

    async def play(self, socket):
        """20 ms each 20 ms, as the caller hears them."""
        due = time.monotonic()
        while True:
            while self.waiting and isinstance(self.waiting[0], str):
                await self.say(socket, "mark", {"name": self.waiting.popleft()})
            if self.waiting:
                self.played += self.waiting.popleft()
            due = max(due + 0.02 / self.options.speed, time.monotonic() - 0.2)
            await asyncio.sleep(max(0, due - time.monotonic()))


async def place(options, sound):
    calls = [Call(options, sound, number) for number in range(1, options.calls + 1)]
    facts = await asyncio.gather(*(call.run() for call in calls))
    if options.record:
        with wave.open(options.record, "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(linear(calls[0].played))
    for fact in facts:
        print(json.dumps(fact))
    closed = [fact["closed"] for fact in facts]
    return 3 if "busy" in closed else 0 if all(one in (None, "1000") for one in closed) else 4


def linear(sound):
    """16-bit samples of µ-law."""
    return b"".join(MULAW[code].to_bytes(2, "little", signed=True) for code in sound)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("voice", help="The address of the webhook.")
    parser.add_argument("sound", help="The file that the caller says.")
    parser.add_argument("--calls", type=int, default=1, help="Calls at a time.")
    parser.add_argument("--auth-token", default="", help="The token that signs requests. Empty signs none.")
    parser.add_argument("--signed", default="", help="The address that is signed in place of the webhook's.")
    parser.add_argument("--speed", type=float, default=1, help="How much faster than real time it goes.")
    parser.add_argument("--silence", type=float, default=1, help="The silence in s behind the file.")
    parser.add_argument("--linger", type=float, default=0, help="The time in s until the caller hangs up.")
    parser.add_argument("--keys", default="", help="Keys that are pressed behind the file.")
    parser.add_argument("--record", default="", help="The WAV file of what the first caller hears.")
    parser.add_argument("--lose", type=float, default=0, help="The share of chunks that are not sent, 0 to 1.")
    parser.add_argument("--swap", type=float, default=0, help="The share of chunks that come behind the next one.")
    parser.add_argument("--double", type=float, default=0, help="The share of chunks that come twice.")
    parser.add_argument("--garbage", type=float, default=0, help="The share of chunks with nonsense before them.")
    parser.add_argument("--seed", type=int, default=1, help="Of all chance.")
    parser.add_argument("--wait", type=float, default=0, help="The time in s in which the webhook's port may open.")
    options = parser.parse_args()
    options.begun = time.monotonic()
    sys.exit(asyncio.run(place(options, mulaw(options.sound))))


if __name__ == "__main__":
    main()
