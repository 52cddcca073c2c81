"""Reads a transport stream as far as a bench needs it: when pictures begin, and their times."""

SIZE = 188
#: libavformat gives the first stream this PID.
VIDEO = 256


class Pictures:
    """Fed with bytes as they come; `times` holds a picture's decoding time in 1/90,000 s when its first packet came."""

    def __init__(self):
        self.rest = b""
        self.times = []
        self.has_keyframe = False

    def feed(self, data):
        self.rest += data
        start = 0
        while len(self.rest) - start >= SIZE:
            packet = self.rest[start:start + SIZE]
            if packet[0] != 0x47:
                start += 1
                continue
            start += SIZE
            if (packet[1] & 0x1F) << 8 | packet[2] == VIDEO and packet[1] & 0x40:
                self.begin(packet)
        self.rest = self.rest[start:]

    def begin(self, packet):
        at = 4
        if packet[3] & 0x20:
            if packet[4] and packet[5] & 0x40:
                self.has_keyframe = True
            at += 1 + packet[4]
        if packet[at:at + 3] != b"\0\0\1" or not packet[at + 7] & 0x80:
            return
        # The decoding time where there is one, else the presentation time.
        field = at + (14 if packet[at + 7] & 0x40 else 9)
        a, b, c, d, e = packet[field:field + 5]
        self.times.append((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
