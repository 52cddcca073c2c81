"""One connection of a provider: audio in, results out. The providers' forms are in rtzr.py, deepgram.py and vosk.py."""

import asyncio

from speech import RATE, Turns
from websocket import Closed


class Connection:
    """Takes messages in their order. A form says what they mean, and how results look."""

    def __init__(self, form, socket, library, faults, options):
        self.form, self.socket, self.faults, self.options = form, socket, faults, options
        self.turns = Turns(library, options.end_of_speech / 1000)
        self.sequence = 0
        self.base = 0.0  # s, where times count from
        self.partial_at = 0
        self.kept = []  # finals that wait for another, by the fault "order"
        self.queue = asyncio.Queue()  # messages that nobody has looked at
        self.partial = ""  # the last one
        self.is_asked = False  # a final is one that was asked for
        self.wide = None  # what makes PCM at 16 kHz of another form, where the provider has some
        self.counts = {"bytes": 0, "finals": 0}

    async def serve(self):
        worker = asyncio.ensure_future(self.work())
        try:
            await asyncio.sleep(self.options.connection / 1000)
            self.socket.accept()
            self.faults.sockets.add(self.socket)
            while not worker.done():
                limit = self.form.idle
                try:
                    message = await asyncio.wait_for(self.socket.receive(), limit)
                except asyncio.TimeoutError:
                    self.socket.close(1001)
                    break
                await self.queue.put(message)
        except Closed:
            pass
        finally:
            self.faults.sockets.discard(self.socket)
            worker.cancel()
            self.socket.writer.close()

    async def work(self):
        while True:
            if await self.form.take(self, await self.queue.get()):
                return

    async def audio(self, data, partials=True):
        """Bytes of audio: the finals that it brings, and a partial now and then. True where something was said."""
        self.counts["bytes"] += len(data)
        said = False
        for begin, end in self.turns.take(data):
            await self.final(begin, end)
            said = True
        turns = self.turns
        if partials and not said and turns.begin is not None and self.queue.qsize() < 4:
            step = self.options.partials * RATE // 1000
            if step and turns.heard - max(turns.begin, self.partial_at) >= step:
                self.partial_at = turns.heard
                words = await self.words(turns.begin, turns.heard)
                if words:
                    await self.result(turns.begin, turns.heard, words, False)
                    said = True
        return said

    async def finalize(self):
        """The final of what is said so far. True where there is one."""
        turn = self.turns.close()
        if turn:
            await self.final(*turn)
        return turn is not None

    async def words(self, begin, end):
        return await asyncio.get_running_loop().run_in_executor(None, self.turns.words, begin, end)

    async def final(self, begin, end):
        words = await self.words(begin, end)
        self.turns.forget(end - RATE // 2)
        self.counts["finals"] += 1
        faults = self.faults
        if faults.get("order"):
            self.kept.append((begin, end, words))
            if len(self.kept) < 2:
                return
            for one in reversed(self.kept):
                await self.result(*one, True)
            self.kept = []
        else:
            await self.result(begin, end, words, True)
            if faults.get("twice"):
                self.sequence -= 1
                await self.result(begin, end, words, True)
        if faults.get("zero"):
            self.base = self.turns.heard / RATE
        if faults.get("close-at-final"):
            self.socket.close(1000)

    async def result(self, begin, end, words, is_final):
        start, end = begin / RATE - self.base, end / RATE - self.base
        words = [(text, max(0.0, a - self.base), max(0.0, b - self.base), p) for text, a, b, p in words]
        if self.faults.get("backwards") and self.sequence % 2:
            start, end = max(0.0, start - 5), max(0.0, end - 5)
            words = [(text, max(0.0, a - 5), max(0.0, b - 5), p) for text, a, b, p in words]
        await self.send(self.form.result(self, max(0.0, start), max(0.0, end), words, is_final))
        self.sequence += 1

    async def send(self, text):
        faults = self.faults
        if faults.get("silent"):
            return
        if faults.get("slow"):
            await asyncio.sleep(faults.get("slow") / 1000)
        if faults.take("error"):
            text = self.form.error
        if faults.get("huge"):
            self.socket.writer.write(b"\x81\x7f" + (1 << 30).to_bytes(8, "big"))
            for _ in range(1 << 14):
                if self.socket.writer.is_closing():
                    return
                self.socket.writer.write(b" " * 65536)
                try:
                    await self.socket.writer.drain()
                except ConnectionError:
                    return
        self.socket.send(text)


def confidence(words):
    return round(sum(word[3] for word in words) / len(words), 3) if words else 0.0


def milliseconds(seconds):
    return round(seconds * 1000)
