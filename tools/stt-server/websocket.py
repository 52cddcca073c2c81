"""A server of HTTP and WebSockets (RFC 6455) that can also break every rule, for the emulators. Standard library alone."""

import asyncio
import base64
import hashlib
import socket
import struct
import urllib.parse


class Closed(Exception):
    """The other end is gone."""


class Request:
    """The head of a request, and its body."""

    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))


async def read_request(reader):
    """None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return None
    lines = head.decode("latin-1").split("\r\n")
    method, target = lines[0].split(" ")[:2]
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)


def response(status, body=b"", kind="application/json", **fields):
    lines = [f"HTTP/1.1 {status} .", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class WebSocket:
    """The server's side of one, behind its request."""

    def __init__(self, reader, writer, request):
        self.reader, self.writer, self.request = reader, writer, request
        self.is_frozen = False

    def accept(self):
        key = self.request.headers.get("sec-websocket-key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        proof = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.writer.write(
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             f"Sec-WebSocket-Accept: {proof}\r\n\r\n").encode())

    async def receive(self):
        """The next message, text or bytes. Pings are answered. Raises Closed."""
        message, kind = b"", None
        while True:
            try:
                head = await self.reader.readexactly(2)
                length = head[1] & 0x7F
                if length == 126:
                    length = struct.unpack(">H", await self.reader.readexactly(2))[0]
                elif length == 127:
                    length = struct.unpack(">Q", await self.reader.readexactly(8))[0]
                mask = await self.reader.readexactly(4) if head[1] & 0x80 else None
                data = await self.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise Closed() from error
            if mask:
                size = len(data)
                whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
                data = whole.to_bytes(size, "big")
            if self.is_frozen:
                # Half-open: the other end may send, and nobody answers.
                while await self.reader.read(65536):
                    pass
                raise Closed()
            code = head[0] & 0x0F
            if code == 8:
                raise Closed()
            if code == 9:
                self.frame(10, data)
            elif code in (0, 1, 2):
                kind = code or kind
                message += data
                if head[0] & 0x80:
                    return message.decode("utf-8", "replace") if kind == 1 else message

    def frame(self, code, data):
        if self.is_frozen or self.writer.is_closing():
            return
        size = len(data)
        head = bytes([0x80 | code]) + (
            bytes([size]) if size < 126
            else b"\x7e" + struct.pack(">H", size) if size < 65536 else b"\x7f" + struct.pack(">Q", size))
        self.writer.write(head + data)

    def send(self, text):
        self.frame(1, text.encode())

    def close(self, code=1000):
        self.frame(8, struct.pack(">H", code))
        self.writer.close()

    def reset(self):
        """Ends it with a RST."""
        link = self.writer.get_extra_info("socket")
        if link is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
