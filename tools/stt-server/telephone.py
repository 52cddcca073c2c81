"""Audio as telephones have it, for an engine that hears PCM of 16 bits at 16 kHz."""

import array
import math


def law(code):
    """The sample that a code of µ-law stands for (ITU-T G.711)."""
    bits = ~code & 0xff
    size = (((bits & 15) << 3) + 0x84) << (bits >> 4 & 7)
    return 0x84 - size if bits & 0x80 else size - 0x84


MULAW = [law(code) for code in range(256)]


# The value halfway between two samples, of the eight on either side: a sinc in a Hamming window. A straight line would
# leave the images of what is over 2 kHz, and then a third of the words are others.
SIDE = 8
HALFWAY = [
    math.sin(math.pi * place) / (math.pi * place) * (0.54 + 0.46 * math.cos(math.pi * place / SIDE))
    for place in (index - SIDE + 0.5 for index in range(2 * SIDE))]
HALFWAY = [tap / sum(HALFWAY) for tap in HALFWAY]


class Wide:
    """Makes PCM at 16 kHz of one stream of LINEAR16 or MULAW at 8 or 16 kHz. From 8 kHz it comes 1 ms later."""

    def __init__(self, encoding, rate):
        self.encoding, self.rate = encoding, rate
        self.last = [0] * (2 * SIDE - 1)

    def take(self, data):
        if self.encoding == "MULAW":
            samples = array.array("h", (MULAW[code] for code in data))
        else:
            samples = array.array("h")
            samples.frombytes(data[: len(data) // 2 * 2])
        if self.rate == 16000:
            return samples.tobytes()
        heard, wide = self.last + samples.tolist(), array.array("h")
        for at in range(len(samples)):
            part = heard[at : at + 2 * SIDE]
            halfway = round(sum(tap * sample for tap, sample in zip(HALFWAY, part)))
            wide.extend((part[SIDE - 1], max(-32768, min(32767, halfway))))
        self.last = heard[len(samples):]
        return wide.tobytes()
