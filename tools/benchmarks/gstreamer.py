"""GStreamer pipelines through its own launcher."""
import functools
import shutil
import subprocess

#: Elements that the benches use, one of each Debian package that may be absent.
ELEMENTS = ("identity", "vp8enc", "srtsink", "avdec_h264", "x264enc")


@functools.cache
def is_installed():
    return not lacking()


def lacking():
    """The first thing that is absent, or None."""
    if shutil.which("gst-launch-1.0") is None or shutil.which("gst-inspect-1.0") is None:
        return "gst-launch-1.0"
    return next(
        (name for name in ELEMENTS if subprocess.run(["gst-inspect-1.0", "--exists", name]).returncode != 0), None)


MISSING = "GStreamer was left out: it, or a plugin that is needed, is not installed; see tools/setup --tests."


def launch(*parts):
    return ["gst-launch-1.0", "-q", *" ! ".join(parts).split()]
