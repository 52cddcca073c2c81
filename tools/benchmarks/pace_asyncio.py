"""Pacing as it is done with asyncio: sleep until start + n × period, then send.

pace_asyncio.py PORT SECONDS PERIOD_MS
"""
import asyncio
import socket
import struct
import sys


async def pace(port, seconds, period):
    loop = asyncio.get_running_loop()
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setblocking(False)
    out.connect(("127.0.0.1", port))
    payload = bytes(160)
    start = loop.time()
    for number in range(round(seconds / period)):
        wait = start + number * period - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        out.send(struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF, 1) + payload)


asyncio.run(pace(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]) / 1000))
