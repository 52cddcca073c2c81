"""The machine that the figures were taken on."""
import os
import platform
import shutil
import subprocess
import time


def first_line(command):
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.splitlines()
        return next((line.strip() for line in lines if line.strip()), "?")
    except (OSError, subprocess.TimeoutExpired):
        return "?"


def processor():
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def system():
    try:
        with open("/etc/os-release") as release:
            for line in release:
                if line.startswith("PRETTY_NAME="):
                    return line.split("=", 1)[1].strip().strip('"')
    except OSError:
        pass
    return platform.system()


def describe():
    versions = {}
    if shutil.which("gst-launch-1.0"):
        versions["GStreamer"] = first_line(["gst-launch-1.0", "--version"]).removeprefix("gst-launch-1.0 version ")
    if shutil.which("ffmpeg"):
        versions["ffmpeg"] = first_line(["ffmpeg", "-version"]).split(" Copyright")[0].removeprefix("ffmpeg version ")
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processor": processor(), "cores": os.cpu_count(), "kernel": platform.release(), "system": system(),
        "load_1min": round(os.getloadavg()[0], 2), "peers": versions}


def sentence(machine):
    peers = ", ".join(f"{name} {version}" for name, version in machine["peers"].items()) or "no peer installed"
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Linux {machine['kernel']}; "
        f"{peers}; load {machine['load_1min']} when it began; {machine['when']}.")
