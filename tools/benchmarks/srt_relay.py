"""A UDP relay with delay and loss, for a kernel that has no netem: python3 srt_relay.py PORT TARGET DELAY_MS LOSS SEED.

Datagrams from anybody to PORT go on to 127.0.0.1:TARGET and answers come back, each way DELAY_MS later. Of those towards
TARGET a part of LOSS is thrown away; SEED decides which. Writes how many it passed and threw away when it ends.
"""
import heapq
import random
import selectors
import signal
import socket
import sys
import time


def main(port, target, delay_ms, loss, seed):
    dice = random.Random(seed)
    outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for one in (outer, inner):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        one.setblocking(False)
    outer.bind(("127.0.0.1", port))
    inner.connect(("127.0.0.1", target))
    waiting, count, caller = [], 0, None
    passed, dropped = 0, 0
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
                if source is outer:
                    caller = address
                    if dice.random() < loss:
                        dropped += 1
                        continue
                    passed += 1
                count += 1
                heapq.heappush(waiting, (now + delay_ms / 1000, count, source is outer, bytes_))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, inwards, bytes_ = heapq.heappop(waiting)
            try:
                if inwards:
                    inner.send(bytes_)
                elif caller:
                    outer.sendto(bytes_, caller)
            except (ConnectionRefusedError, BlockingIOError):
                pass
    print(passed, dropped, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
