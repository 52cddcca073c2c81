"""The command that is measured, and the graphs that it is measured with."""
import json
import os
import pathlib
import subprocess
import tempfile

from measure import Failed, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAPHS = ROOT / "graphs"


def executable():
    """`SLUICE`, or the release build."""
    return os.environ.get("SLUICE", str(ROOT / ".build" / "release" / "sluice"))


def make_ready():
    """Builds what is going to be measured, unless `SLUICE` names it."""
    if "SLUICE" not in os.environ:
        subprocess.run([ROOT / "tools" / "build", "release"], check=True)


class Workshop:
    """A folder for graph files, reports and media that goes away afterwards. Graphs of one shape are written once."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-bench-")
        self.path = pathlib.Path(self.folder.name)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def graph(self, nodes, edges, **more):
        self.count += 1
        path = self.path / f"graph{self.count}.json"
        path.write_text(json.dumps({"nodes": nodes, "edges": edges, **more}, indent=1))
        return path

    def command(self, graph, *options, report=None):
        """The command that runs `graph` and writes its counters to `report`."""
        reporting = ["--report", report] if report else []
        return [executable(), "run", graph, *options, *reporting]

    def report(self, graph, *options, **how):
        """Runs `graph` and returns its run and its report."""
        path = self.path / "report.json"
        result = run(self.command(graph, *options, report=path), **how)
        return result, json.loads(path.read_text())


def check_complete(report, frames, deliveries=None):
    """Nothing was lost on the way: a fast run that dropped is no fast run."""
    if report["outcome"] != "finished":
        raise Failed(f"the run {report['outcome']}: {report['events'][-3:]}")
    for edge in report["edges"]:
        parts = edge["popped"] + edge["dropped"] + edge["flushed"] + edge["held"]
        if edge["pushed"] != parts:
            raise Failed(f"{edge['from']} -> {edge['to']}: {edge['pushed']} pushed, {parts} accounted for")
        if edge["dropped"] or edge["popped"] != frames:
            raise Failed(f"{edge['from']} -> {edge['to']}: {edge['popped']} of {frames} arrived, {edge['dropped']} dropped")
    if deliveries is not None and len(report["edges"]) != deliveries:
        raise Failed(f"{len(report['edges'])} edges, not {deliveries}")
