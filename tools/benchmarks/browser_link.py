"""A link with delay, jitter, loss and a rate (browser_link.c) in front of a port."""
import subprocess

from compile import build
from measure import Failed


class Link:
    """Datagrams to any of `ports` of `address` go on to `target` there, or each to the port 100 above."""

    def __init__(self, workshop, address, ports, target=0):
        program = workshop.path / "browser_link"
        if not program.exists():
            build("browser_link.c", program)
        self.process = subprocess.Popen(
            [program, address, str(target), *map(str, ports)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.ask("counts")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed("the link in front of the server has ended")
        return [int(word) for word in answer.split()]

    def way(self, name, delay_ms=0.0, jitter_ms=0.0, loss=0.0, kbps=0.0, queue_ms=1000.0, is_ordered=False):
        """`there` is towards the server, `back` towards the browser."""
        self.ask(f"{name} {delay_ms} {jitter_ms} {loss} {kbps} {queue_ms} {int(is_ordered)}")

    def both(self, **how):
        self.way("there", **how)
        self.way("back", **how)

    def counts(self):
        found = self.ask("counts")
        return dict(zip(("there", "there_lost", "back", "back_lost", "there_bytes", "back_bytes"), found))

    def close(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
