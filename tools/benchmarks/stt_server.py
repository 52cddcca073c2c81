"""An emulator of tools/stt-server that also tells when things happen: stt_server.py [--instant|--deaf] PROVIDER …

GET /times has, on the clock of time.monotonic(): when each result was sent, and by how much audio came later in each
connection than it could have, the first 2 s left out, in which it connects. With --instant words come in no time at all,
so that what is left is everybody else's. With --deaf audio is counted and not heard, and each second brings a word.
"""
import asyncio
import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "stt-server"
sys.path.insert(0, str(FOLDER))
loader = importlib.machinery.SourceFileLoader("emulate", str(FOLDER / "emulate"))
emulate = importlib.util.module_from_spec(importlib.util.spec_from_loader("emulate", loader))
loader.exec_module(emulate)
sent, connections = [], []
is_instant, is_deaf = "--instant" in sys.argv, "--deaf" in sys.argv
BYTES_A_SECOND = 32_000


class Connection(emulate.Connection):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.came, self.least, self.most = 0, float("inf"), float("-inf")
        connections.append(self)

    async def audio(self, data, **how):
        self.came += len(data)
        # A chunk can come when its last sample has been captured.
        delay = time.monotonic() - self.came / BYTES_A_SECOND
        if self.came > 2 * BYTES_A_SECOND:
            self.least, self.most = min(self.least, delay), max(self.most, delay)
        if not is_deaf:
            return await super().audio(data, **how)
        if self.came // BYTES_A_SECOND > (self.came - len(data)) // BYTES_A_SECOND:
            second = self.came // BYTES_A_SECOND
            await self.result((second - 1) * 16_000, second * 16_000, [("word", second - 1, second, 0.9)], True)
        return True

    async def words(self, begin, end):
        if is_instant:
            return [(f"word{len(sent)}", begin / 16_000, end / 16_000, 0.9)]
        return await super().words(begin, end)

    async def send(self, text):
        sent.append((time.monotonic(), text))
        await super().send(text)


class Server(emulate.Server):
    def control(self, request):
        if request.path == "/times":
            late = [(one.most - one.least) * 1000 for one in connections if one.most > one.least]
            return 0, 200, {"sent": sent, "late_ms": late}
        return super().control(request)


emulate.Connection, emulate.Server = Connection, Server
sys.argv = [argument for argument in sys.argv if argument not in ("--instant", "--deaf")]
asyncio.run(emulate.main(emulate.arguments()))
