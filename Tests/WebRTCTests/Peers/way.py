#!/usr/bin/python3
"""A way to a media port of the loopback, by UDP and by TCP: way.py LISTEN PORT SECONDS [EVERY].

SECONDS after the first datagram UDP breaks, in both directions; TCP goes on. Of the packets of RTP to the port each
EVERYth is lost.
"""
import asyncio
import socket
import sys

LISTEN, PORT, SECONDS = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
EVERY = int(sys.argv[4]) if len(sys.argv) > 4 else 0


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, loop):
        self.loop, self.lines, self.is_broken, self.packets = loop, {}, False, 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        if not self.lines:
            self.loop.call_later(SECONDS, self.break_off)
        if self.is_broken:
            return
        # RTCP has 192 to 223 in its second byte (RFC 5761, section 4).
        if EVERY and 128 <= data[0] < 192 and not 192 <= data[1] < 224:
            self.packets += 1
            if self.packets % EVERY == 0:
                return
        if peer not in self.lines:
            line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            line.connect(("127.0.0.1", PORT))
            line.setblocking(False)
            self.loop.add_reader(line, self.back, line, peer)
            self.lines[peer] = line
        self.lines[peer].send(data)

    def back(self, line, peer):
        try:
            data = line.recv(4096)
        except OSError:
            return
        if not self.is_broken:
            self.transport.sendto(data, peer)

    def break_off(self):
        self.is_broken = True
        print("UDP is broken", file=sys.stderr, flush=True)


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def connection(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", PORT)
    await asyncio.gather(pump(reader, back), pump(there, writer))


async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Datagrams(loop), local_addr=("127.0.0.1", LISTEN))
    server = await asyncio.start_server(connection, "127.0.0.1", LISTEN)
    print("ready", file=sys.stderr, flush=True)
    await server.serve_forever()


asyncio.run(main())
