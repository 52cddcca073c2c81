"""A UDP relay with delay and loss, for a kernel that has no netem.

    python3 srt_relay.py PORT TARGET DELAY_MS LOSS SEED [both|there|back]

Datagrams from anybody to PORT go on to 127.0.0.1:TARGET and answers come back, each way DELAY_MS later. A part of LOSS is
thrown away, both ways or on the way there or back alone; SEED decides which. When it ends it writes, for there and for
back, how many it passed and how many it threw away.
"""
import heapq
import random
import selectors
import signal
import socket
import sys
import time


def main(port, target, delay_ms, loss, seed, ways="both"):
    # Each way its own: what one loses does not hang on when the other's datagrams come.
    dice = {True: random.Random(seed), False: random.Random(seed + 1)}
    loses = {True: ways in ("both", "there"), False: ways in ("both", "back")}
    outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for one in (outer, inner):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        one.setblocking(False)
    outer.bind(("127.0.0.1", port))
    inner.connect(("127.0.0.1", target))
    waiting, count, caller = [], 0, None
    passed, dropped = {True: 0, False: 0}, {True: 0, False: 0}
    selector = selectors.DefaultSelector()
    selector.register(outer, selectors.EVENT_READ)
    selector.register(inner, selectors.EVENT_READ)
    running = [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    while running:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 0.2
        selector.select(min(pause, 0.2))
        now = time.monotonic()
        for source in (outer, inner):
            while True:
                try:
                    bytes_, address = source.recvfrom(2048)
                except BlockingIOError:
                    break
                except ConnectionRefusedError:
                    continue
                there = source is outer
                if there:
                    caller = address
                if loses[there] and dice[there].random() < loss:
                    dropped[there] += 1
                    continue
                passed[there] += 1
                count += 1
                heapq.heappush(waiting, (now + delay_ms / 1000, count, there, bytes_))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, there, bytes_ = heapq.heappop(waiting)
            try:
                if there:
                    inner.send(bytes_)
                elif caller:
                    outer.sendto(bytes_, caller)
            except (ConnectionRefusedError, BlockingIOError):
                pass
    print(passed[True], dropped[True], passed[False], dropped[False], flush=True)


if __name__ == "__main__":
    port, target, delay, loss, seed, *ways = sys.argv[1:]
    main(int(port), int(target), float(delay), float(loss), int(seed), *ways)
