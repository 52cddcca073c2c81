"""The node types of a build as their manifests declare them: so new types take part without a word here."""

import glob
import json
import os

KINDS = ("raw-audio", "raw-video", "coded-audio", "coded-video")
PROPERTIES = ("codecs", "samples", "rates", "channels", "pixels")
# NodeDescriptor.Traits.
LIVE, PACED, SHARES = 1, 2, 4


class NodeType:
    def __init__(self, manifest):
        self.name = manifest["type"]
        self.work = manifest["work"]
        self.traits = manifest.get("traits", 0)
        self.inputs = manifest.get("inputs", [])
        self.outputs = manifest.get("outputs", [])
        self.parameters = manifest.get("parameters", [])
        self.control_inputs = manifest.get("control_inputs", [])
        self.control_outputs = manifest.get("control_outputs", [])

    @property
    def is_live(self):
        return bool(self.traits & LIVE)

    @property
    def shares(self):
        return bool(self.traits & SHARES)


def load(directory):
    """Every type that a build offers, by name."""
    types = {}
    for path in sorted(glob.glob(os.path.join(directory, "*Plugin.manifest.json"))):
        with open(path) as file:
            for manifest in json.load(file).get("types", []):
                types[manifest["type"]] = NodeType(manifest)
    return types


def formats(port, parameters):
    """The patterns that a port gives or takes with these parameters; None: any."""
    for variant in port.get("variants", []):
        if parameters.get(variant["parameter"]) == variant["value"]:
            return variant["formats"]
    return port.get("formats")


def fit(a, b):
    """The patterns that fit both; empty where two ends cannot agree."""
    if a is None or b is None:
        return a if b is None else b
    found = []
    for one in a:
        for other in b:
            if one["kind"] != other["kind"]:
                continue
            both = {"kind": one["kind"]}
            for name in PROPERTIES:
                mine, theirs = one.get(name), other.get(name)
                if mine is None or theirs is None:
                    value = mine if theirs is None else theirs
                else:
                    value = [item for item in mine if item in theirs]
                if value is not None:
                    both[name] = value
            if all(both.get(name) != [] for name in PROPERTIES):
                found.append(both)
    return found


def given(patterns, parameters):
    """`patterns` with what parameters of usual names fix, such as a rate."""
    fixed = {
        "raw-audio": {"rates": "sample_rate", "channels": "channels", "samples": "sample_format"},
        "raw-video": {"pixels": "pixel_format"},
    }
    result = []
    for pattern in patterns or [{"kind": kind} for kind in KINDS]:
        pattern = dict(pattern)
        for name, parameter in fixed.get(pattern["kind"], {}).items():
            value = parameters.get(parameter)
            value = {"s16le": "s16", "f32le": "f32"}.get(value, value)
            if value in (None, 0, "same", "auto") or name in pattern and value not in pattern[name]:
                continue
            pattern[name] = [value]
        result.append(pattern)
    return result
