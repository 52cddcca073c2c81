#!/usr/bin/python3
"""An avatar's process at an av-segments socket: avatar.py CLIENT SOCKET MODE [TURNS].

CLIENT is docs/examples. `talk` sends one segment of a moving picture and a tone behind the other until it is ended.
`interrupt` speaks turns and interrupts each in its middle. Each line that it says is a JSON object: the times of
interruptions in ms since 1970, what was heard of the microphone, messages of the node that are no diagnostics.
"""
import json
import math
import random
import struct
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
from av_segments import AVSegments  # noqa: E402

WIDTH, HEIGHT, RATE = 640, 360, 24_000
began = threading.Event()
heard = {"frames": 0, "peak": 0, "told": 0}


def say(**fields):
    print(json.dumps(fields), file=sys.stderr, flush=True)


def on_message(message):
    if message.get("type") == "segment":
        began.set()
    elif message.get("type") in ("error", "interrupted"):
        say(**message)


def on_microphone(_, pcm):
    heard["frames"] += 1
    heard["peak"] = max(heard["peak"], max(abs(value) for value in struct.unpack(f"<{len(pcm) // 2}h", pcm)))
    if heard["frames"] % 50 == 0:
        say(microphone=heard["frames"], peak=heard["peak"])


def media(first):
    """A second of pictures that move, and of a tone that goes on from one second to the next."""
    slope = bytes((16 + x * 200 // WIDTH) for x in range(WIDTH))
    pictures = []
    for number in range(25):
        shift = (first * 25 + number) * 8 % WIDTH
        pictures.append((slope[shift:] + slope[:shift]) * HEIGHT + bytes([128]) * (WIDTH * HEIGHT // 2))
    tone = [int(12_000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(RATE)]
    return b"".join(pictures), struct.pack(f"<{RATE}h", *tone)


def main():
    seconds = [media(first) for first in range(4)]
    dice = random.Random(7)
    with AVSegments(sys.argv[2], on_message=on_message, on_microphone=on_microphone) as avatar:
        def segment(epoch, number):
            video, audio = seconds[number % len(seconds)]
            avatar.send_segment(video=video, audio=audio, width=WIDTH, height=HEIGHT, sample_rate=RATE, epoch=epoch,
                                segment_seq=number)
        if sys.argv[3] == "talk":
            number = 0
            while True:
                number += 1
                segment(1, number)
        for epoch in range(1, int(sys.argv[4]) + 1):
            began.clear()
            segment(epoch, 1)
            segment(epoch, 2)
            began.wait(30)
            time.sleep(dice.uniform(0.6, 0.9))
            say(call=time.time() * 1000)
            avatar.interrupt(epoch + 1)
            time.sleep(dice.uniform(0.5, 0.6))
        say(done=True)
        time.sleep(30)


main()
