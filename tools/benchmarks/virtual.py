"""Virtual time: how fast it passes, and whether two runs are the same to the byte."""
import hashlib

from engine import GRAPHS
from measure import Spread, run
from result import Figure, Result

SUMMARY = "ten minutes of relay-audio in virtual time; equal runs give equal bytes"


def relay_audio(workshop, minutes, report):
    return workshop.command(
        GRAPHS / "relay-audio.json", "--clock", "virtual", "--for", f"{minutes}m", "--set", "outputs=8", report=report)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def twins(workshop, make_command, *names):
    """Runs a command twice in two folders of their own; whether the named files are equal."""
    digests = []
    for turn in ("first", "second"):
        folder = workshop.path / turn
        folder.mkdir(exist_ok=True)
        run(make_command(folder / "report.json"), directory=folder)
        digests.append([digest(folder / name) for name in names])
    return digests[0] == digests[1]


def demo(workshop, seconds, report):
    return workshop.command(
        GRAPHS / "demo.json", "--clock", "virtual", "--set", "output=demo.webm", "--set", f"duration_s={seconds}",
        report=report)


def measure(workshop, options):
    report = workshop.path / "report.json"
    walls = Spread([run(relay_audio(workshop, 10, report)).wall_s for _ in range(options.rounds)])
    seconds = 5 if options.quick else 30
    return Result("virtual", [
        Figure("ten minutes of relay-audio with 8 outputs", "s", walls, 2),
        Figure("two such runs: equal reports", "",
               twins(workshop, lambda report: relay_audio(workshop, 10, report), "report.json"), True, relation="exactly"),
        Figure(f"two runs of {seconds} s of demo: equal files and reports", "",
               twins(workshop, lambda report: demo(workshop, seconds, report), "report.json", "demo.webm"), True,
               relation="exactly")])
