"""Lip sync: what lip-sync measures and removes, offset by offset, in virtual time with the real codecs."""
import json
import re

from engine import GRAPHS
from measure import run
from result import Figure, Result

SUMMARY = "offsets of audio and video measured by flash and chirp, and removed; virtual time, real codecs"

#: How far audio leads its video, in ms.
OFFSETS = [-300, -200, -100, 0, 100, 200, 300]


def loop(workshop, offset):
    """The reports of detectors before and behind the delays, and when the second one first found them together."""
    report = workshop.path / "report.json"
    run(workshop.command(
        GRAPHS / "lip-sync.json", "--clock", "virtual", "--set", f"video_late_ms={max(0, offset)}",
        "--set", f"audio_late_ms={max(0, -offset)}", "--set", "duration_s=7", report=report))
    body = json.loads(report.read_text())
    nodes = body["nodes"]
    together = [
        event["t_s"] for event in body["events"]
        if event.get("node") == "check" and (found := re.match(r"audio is ([0-9.]+) ms", event["what"]))
        and float(found[1]) <= 10]
    removed = nodes["hold_audio"]["metrics"]["delay_ms"] - nodes["hold_video"]["metrics"]["delay_ms"]
    return {
        "measured": nodes["measure"]["metrics"]["offset_ms"], "removed": removed,
        "left": nodes["check"]["metrics"]["offset_ms"],
        "confidence": nodes["check"]["metrics"]["confidence_percent"], "together_s": together[0] if together else float("inf")}


def measure(workshop, options):
    found = {offset: loop(workshop, offset) for offset in (OFFSETS[::3] if options.quick else OFFSETS)}
    figures = [
        Figure("offsets measured wrongly by, the most", "ms", max(abs(f["measured"] - o) for o, f in found.items()), 10),
        Figure("left behind the delays, the most", "ms", max(abs(f["left"]) for f in found.values()), 10),
        Figure("found together again after, at the latest", "s", max(f["together_s"] for f in found.values()), 5),
    ]
    notes = [
        f"{offset:+d} ms: measured {one['measured']:+d}, removed {one['removed']:+d}, left {one['left']:+d}, "
        f""
        f"confidence {one['confidence']} %, together after {one['together_s']:.1f} s" for offset, one in found.items()]
    return Result("sync", figures, notes)
