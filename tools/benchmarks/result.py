"""The figures of a bench, as JSON, as a table for a terminal and as one for a page."""
from dataclasses import dataclass, field

from measure import Spread, rounded


@dataclass
class Figure:
    """One line: what was measured, what is wanted, and others doing the same."""

    name: str
    unit: str
    value: object
    limit: float | None = None
    peers: dict = field(default_factory=dict)
    #: "at most", or "exactly" for what must be equal.
    relation: str = "at most"

    @property
    def is_met(self):
        if self.limit is None:
            return None
        value = middle(self.value)
        return value == self.limit if self.relation == "exactly" else value <= self.limit

    def json(self):
        body = {"figure": self.name, "unit": self.unit, "value": plain(self.value)}
        if self.limit is not None:
            body.update(wanted=f"{self.relation} {self.limit:g}", limit=self.limit, met=self.is_met)
        if self.peers:
            body["peers"] = {name: plain(value) for name, value in self.peers.items()}
            body["ratios"] = {name: rounded(ratio(self.value, value)) for name, value in self.peers.items()}
        return body


@dataclass
class Result:
    bench: str
    figures: list
    notes: list = field(default_factory=list)

    def json(self):
        return {"bench": self.bench, "figures": [figure.json() for figure in self.figures], "notes": self.notes}


def share(name, ours, found, limit):
    """The part of the cheaper peer's CPU that we take, round by round; nothing where no peer was there."""
    peers = [peer for peer in ("ffmpeg", "GStreamer") if peer in found]
    if not peers:
        return []
    cheaper = min(peers, key=lambda peer: found[peer].median)
    shares = Spread([mine / theirs for mine, theirs in zip(ours.values, found[cheaper].values)])
    return [Figure(f"{name}: share of {cheaper}'s CPU, the cheaper peer's", "", shares, limit)]


def middle(value):
    return value.median if isinstance(value, Spread) else value


def plain(value):
    return value.json() if isinstance(value, Spread) else rounded(value)


def ratio(ours, theirs):
    """How many times as much a peer takes; None where ours is lost in the noise."""
    return float(middle(theirs)) / middle(ours) if middle(ours) > 0 else None


def times(ratio):
    return "" if ratio is None else f"×{ratio:.3g}"


def number(value):
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread_text(value):
    if not isinstance(value, Spread):
        return number(value)
    if len(value.values) == 1:
        return number(value.median)
    return f"{number(value.median)} ({number(min(value.values))}–{number(max(value.values))})"


HEADINGS = ["figure", "unit", "Sluice", "wanted", "met", "beside it", "ratio"]


def rows(result):
    for figure in result.figures:
        met = {None: "", True: "yes", False: "NO"}[figure.is_met]
        sign = "" if figure.relation == "exactly" else "≤ "
        wanted = "" if figure.limit is None else sign + number(figure.limit)
        head = [figure.name, figure.unit, spread_text(figure.value), wanted, met]
        peers = [
            [f"{name} {spread_text(value)}", times(ratio(figure.value, value))] for name, value in figure.peers.items()]
        yield head + (peers[0] if peers else ["", ""])
        for peer in peers[1:]:
            yield [""] * 5 + peer


def table(result):
    lines = [HEADINGS, *rows(result)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = [result.bench]
    for line in lines:
        text.append("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    return "\n".join(text + [f"  {note}" for note in result.notes]) + "\n"


def markdown(result):
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in rows(result)]
    return "\n".join([f"### {result.bench}", "", *lines, ""] + [note + "\n" for note in result.notes])
