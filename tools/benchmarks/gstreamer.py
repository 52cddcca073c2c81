"""GStreamer pipelines through its own launcher."""
import shutil


def is_installed():
    return shutil.which("gst-launch-1.0") is not None


MISSING = "GStreamer is not installed and was left out."


def launch(*parts):
    return ["gst-launch-1.0", "-q", *" ! ".join(parts).split()]
