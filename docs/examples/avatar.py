"""An avatar to try the graph `avatar` with: bars that move and a tone, for as long as it runs.

    tools/run avatar &
    python3 docs/examples/avatar.py avatar.sock

Each line feed interrupts it, and a turn of another tone follows. It needs nothing but Python 3.8 and av_segments.py
beside it.
"""

import array
import math
import sys
import threading

from av_segments import AVSegments

WIDTH, HEIGHT, FPS, RATE = 640, 360, 25, 24_000


def second(number, frequency):
    """A second of pictures and of sound; both go on from one second to the next."""
    slope = bytes(32 + x * 180 // WIDTH for x in range(WIDTH))
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    pictures = []
    for picture in range(FPS):
        shift = (number * FPS + picture) * 4 % WIDTH
        pictures.append((slope[shift:] + slope[:shift]) * HEIGHT + grey)
    tone = array.array("h", (int(6_000 * math.sin(2 * math.pi * frequency * n / RATE)) for n in range(RATE)))
    if sys.byteorder == "big":
        tone.byteswap()
    return b"".join(pictures), tone.tobytes()


def main():
    turn = 1
    with AVSegments(sys.argv[1], on_message=lambda message: message["type"] == "error" and print(message["what"])) as avatar:
        def listen():
            nonlocal turn
            for _ in sys.stdin:
                turn += 1
                avatar.interrupt(turn)

        threading.Thread(target=listen, daemon=True).start()
        number = 0
        while True:
            number += 1
            spoken = turn
            video, audio = second(number, 330 if spoken % 2 else 440)
            avatar.send_segment(
                video=video, audio=audio, width=WIDTH, height=HEIGHT, fps=FPS, sample_rate=RATE, epoch=spoken,
                segment_seq=number)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
