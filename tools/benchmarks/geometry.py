"""The cost of turning, scaling and marking pictures, beside ffmpeg and GStreamer asked for the same.

Pictures of 1280x720 are read raw, changed and dropped, with one thread in each program. The graph runs as it is by
default, where a source that is not paced fills an edge before the next lane takes from it, and beside that with edges of
one item on one lane, which is how pictures meet in a live graph: the next step finds them in the cache.
"""
from dataclasses import dataclass
from typing import Callable

import gstreamer
from codecs_measured import FFMPEG, gst_pictures, has_ffmpeg, raw_pictures, raw_source
from material import HEIGHT, WIDTH
from measure import interleaved, marginal_cpu, run
from result import Figure, share

SIZE = WIDTH * HEIGHT * 3 // 2
LOGO = 200, 100


@dataclass
class Step:
    name: str
    node: Callable
    #: Filters of ffmpeg, and elements of GStreamer; both take the logo's path.
    ffmpeg: Callable
    gst: Callable


#: libswscale's bicubic filter, bit exact as the graph's is, and GStreamer's default (bilinear). Each scales before it
#: turns, which is cheaper.
STEPS = [
    Step("turned by 90°, 720p, a picture", lambda logo: {"type": "video-convert", "rotate": "90"},
         lambda logo: ["-vf", "transpose=clock"], lambda logo: ["videoflip video-direction=90r"]),
    Step("turned by 90° and scaled to 360x640, a picture",
         lambda logo: {"type": "video-convert", "rotate": "90", "width": 360, "height": 640},
         lambda logo: ["-vf", "scale=640:360:flags=bicubic+accurate_rnd+bitexact,transpose=clock"],
         lambda logo: ["videoscale n-threads=1", "video/x-raw,width=640,height=360", "videoflip video-direction=90r"]),
    Step("a logo of 200x100 laid on 720p, a picture",
         lambda logo: {"type": "video-overlay", "picture": str(logo), "x": 24, "y": 24},
         lambda logo: ["-i", str(logo), "-filter_complex", "overlay=24:24"],
         lambda logo: [f"gdkpixbufoverlay location={logo} offset-x=24 offset-y=24"]),
]


def figures(workshop, options, file_of, count):
    """`file_of(n)` gives a file of the first n pictures."""
    tiny = max(count // 10, 24)
    logo = workshop.path / "logo.png"
    if has_ffmpeg():
        width, height = LOGO
        run([*FFMPEG, "-y", "-f", "lavfi", "-i", f"color=orange:s={width}x{height},format=rgba,colorchannelmixer=aa=0.7",
             "-frames:v", "1", str(logo)])
    for step in STEPS:
        if "logo" in step.name and not logo.exists():
            continue
        yield from figures_of(workshop, options, step, file_of, count, tiny, logo)


def graph(workshop, node, file, is_short):
    nodes = {"source": {**raw_source(WIDTH, HEIGHT), "path": str(file)}, "step": node, "sink": {"type": "null-sink"}}
    edges = [{"from": "source", "to": "step.in"}, {"from": "step", "to": "sink"}]
    if is_short:
        nodes = {name: {**node, "lane": "one"} for name, node in nodes.items()}
        edges = [{**edge, "capacity": {"items": 1, "ms": 500}} for edge in edges]
    return workshop.graph(nodes, edges)


def figures_of(workshop, options, step, file_of, count, tiny, logo):
    graphs = {
        (is_short, some): graph(workshop, step.node(logo), file_of(some), is_short)
        for is_short in (False, True) for some in (tiny, count)}
    commands = {
        "Sluice": lambda some: workshop.command(graphs[False, some]),
        "Sluice, edges of one item": lambda some: workshop.command(graphs[True, some])}
    if has_ffmpeg():
        commands["ffmpeg"] = lambda some: [
            *FFMPEG, *raw_pictures(file_of(some), WIDTH, HEIGHT)[:-2], "-filter_threads", "1", "-i", str(file_of(some)),
            *step.ffmpeg(logo), "-f", "null", "-"]
    if gstreamer.is_installed():
        commands["GStreamer"] = lambda some: gstreamer.launch(
            *gst_pictures(file_of(some), some, WIDTH, HEIGHT), *step.gst(logo), "fakesink sync=false")
    cases = {
        name: lambda command=command: marginal_cpu(command, count, tiny) * 1e6 for name, command in commands.items()}
    found = interleaved(cases, options.rounds)
    ours = found.pop("Sluice")
    yield Figure(step.name, "µs of CPU", ours, None, found)
    # Of the graph as people write it. That with edges of one item stands beside it.
    yield from share(step.name, ours, found, 1.0)
