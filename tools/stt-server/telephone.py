"""Audio as telephones have it, for an engine that hears PCM of 16 bits at 16 kHz."""

import array


def law(code):
    """The sample that a code of µ-law stands for (ITU-T G.711)."""
    bits = ~code & 0xff
    size = (((bits & 15) << 3) + 0x84) << (bits >> 4 & 7)
    return 0x84 - size if bits & 0x80 else size - 0x84


MULAW = [law(code) for code in range(256)]


class Wide:
    """Makes PCM at 16 kHz of one stream of LINEAR16 or MULAW at 8 or 16 kHz."""

    def __init__(self, encoding, rate):
        self.encoding, self.rate = encoding, rate
        self.last = 0

    def take(self, data):
        if self.encoding == "MULAW":
            samples = array.array("h", (MULAW[code] for code in data))
        else:
            samples = array.array("h")
            samples.frombytes(data[: len(data) // 2 * 2])
        if self.rate == 16000:
            return samples.tobytes()
        wide = array.array("h")
        for sample in samples:
            wide.extend(((self.last + sample) // 2, sample))
            self.last = sample
        return wide.tobytes()
