"""Instructions of a packet to a viewer by WebRTC.

Two lengths of one run, so that handshakes fall out. Reports of viewers and ours are in it, one of each a second. They come
in real time, so that the count differs by some percent from run to run.
"""
import re
import time

from instructions import LANES
from measure import Failed
from webrtc_servers import Network, Sluice, Source
from webrtc_viewers import Load, join_all

VIEWERS, SHORT_S, LONG_S = 10, 3, 9


def session(workshop, seconds, prefix):
    """Packets of Opus that ten viewers got, `seconds` long. The server ends with it."""
    with Network() as network:
        server = Sluice(workshop, network.address, ("audio",), prefix=prefix)
        source, load = Source(workshop, 600), Load(workshop.path, network.address)
        try:
            join_all(load, server.url, VIEWERS, ("audio",))
            load.wait("all", VIEWERS, seconds=60)
            load.window()
            time.sleep(seconds)
            return load.stats()["packets"]
        finally:
            server.close(patience_s=60)
            load.close()
            source.close()


def difference(workshop, count, prefix):
    """The count of the long run less that of the short one, a packet."""
    found = []
    for seconds in (SHORT_S, LONG_S):
        packets = session(workshop, seconds, prefix)
        found.append((packets, count()))
    packets = found[1][0] - found[0][0]
    if packets <= 0:
        raise Failed(f"{found[1][0]} packets in {LONG_S} s, {found[0][0]} in {SHORT_S} s")
    return (found[1][1] - found[0][1]) / packets


def instructions(workshop):
    """On the lanes, OpenSSL's included and the kernel's not, for a packet."""
    out = workshop.path / "callgrind.out"

    def count():
        found = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
        if not found:
            raise Failed("callgrind told no total")
        return int(found[1])

    toggles = [f"--toggle-collect={name}" for name in LANES]
    return difference(workshop, count, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *toggles])
