"""Figures that only a browser can show: how old a picture is, how soon it is silent, what it makes up or stretches.

A headless Chromium opens a page of ours, which looks at pictures and listens to sound. All of it is in a network of its
own where this user may make one (root). Links with delay and loss are a program of ours (browser_link.c).
"""
import importlib

import browser_chromium
from browser_stage import Stage
from measure import Failed
from result import Result
from webrtc_servers import Network

SUMMARY = "what Chromium shows: latency, interruption, jitter, loss, narrow links, joins, changed paths"
PARTS = ["latency", "interruption", "jitter", "loss", "narrow", "joins", "paths"]


def measure(workshop, options):
    missing = browser_chromium.missing()
    if missing:
        raise Failed(missing)
    figures, failures = [], []
    for name in [options.part] if options.part else PARTS:
        part = importlib.import_module(f"browser_{name}")
        try:
            with Network() as network, browser_chromium.Chromium() as chromium:
                figures += part.figures(Stage(workshop, network, chromium, options))
        except Failed as failure:
            failures.append(f"FAILED, {name}: {failure}")
    if not figures:
        raise Failed(" ".join(failures))
    return Result("browser", figures, failures)
