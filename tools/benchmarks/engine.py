"""The command that is measured, and the graphs that it is measured with."""
import json
import os
import pathlib
import tempfile

from measure import Failed, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAPHS = ROOT / "graphs"


def executable():
    """`SLUICE`, or the release build."""
    path = pathlib.Path(os.environ.get("SLUICE", ROOT / ".build" / "release" / "sluice"))
    if not path.exists():
        raise Failed(f"{path} is missing: build it with \"swift build -c release\", or name another in SLUICE.")
    return str(path)


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
        """What runs `graph`; `report` is where it tells what it counted."""
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
