"""A graph of Sluice that a browser comes to, and what a part of `tools/bench browser` is given."""
import json
import time

from engine import GRAPHS, executable
from webrtc_servers import HTTP, MEDIA, Process

WHEP = f"http://127.0.0.1:{HTTP}/whep"
PEER = f"ws://127.0.0.1:{HTTP}/peer"


class Stage:
    """The network, the browser and the options of a run."""

    def __init__(self, workshop, network, chromium, options):
        self.workshop, self.address, self.chromium, self.options = workshop, network.address, chromium, options
        self.count = 0

    def seconds(self, usual):
        return self.options.seconds or (max(10, usual // 4) if self.options.quick else usual)

    def serve(self, graph, **settings):
        """A graph of graphs/, by name, or a file of one."""
        return Graph(self, graph, settings)

    def run(self, graph):
        """A file of a graph that tells its own ports."""
        return Graph(self, graph, None)

    def altered(self, name, change):
        """A graph of graphs/ in which `change` has altered the JSON."""
        self.count += 1
        body = json.loads((GRAPHS / f"{name}.json").read_text())
        body.pop("$schema", None)
        change(body)
        path = self.workshop.path / f"{name}{self.count}.json"
        path.write_text(json.dumps(body))
        return path


class Graph:
    """`sluice run` with the port of HTTP as usual, for a `with`."""

    def __init__(self, stage, graph, settings):
        self.report_file = stage.workshop.path / "served.json"
        settings = {"listen": f"127.0.0.1:{HTTP}", "media": f"{stage.address}:{MEDIA}", **settings} if settings is not None else {}
        path = graph if not isinstance(graph, str) else GRAPHS / f"{graph}.json"
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        self.process = Process(
            [executable(), "run", path, *words, "--report", self.report_file], HTTP, stage.workshop.path / "served.log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.close()

    def report(self):
        """Ends the run; what it counted."""
        self.process.close(20)
        return json.loads(self.report_file.read_text())

    def words(self):
        return self.process.log.read_text()[-600:]


def percentile(values, part):
    """Of a list that is not empty; the largest that `part` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def until(moment):
    time.sleep(max(0, moment - time.monotonic()))
