"""Runs one graph and says what is wrong with how that went."""

import json
import os
import shutil
import signal
import subprocess

CRASHES = ("Fatal error", "Program crashed", "Sanitizer", "runtime error:", "Segmentation fault", "Illegal instruction")
# A graph takes a second, and the machine has more to do. Nodes have 5 s to end when a run is stopped.
DEADLINE_S = 40


class Ending:
    """How a run is to end."""

    def __init__(self, dice, about, is_virtual):
        choices = [] if about["endless"] else ["stream", "stream"]
        choices.append("for")
        if not is_virtual:
            choices += ["signal", "signal", "twice", "kill"]
        self.kind = dice.choice(choices)
        self.after_s = round(dice.uniform(0.05, 1.0), 3)
        self.signal = dice.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
        self.pause_s = dice.choice([0.0, 0.7])

    @property
    def words(self):
        return ["--for", f"{int(self.after_s * 1000)}ms"] if self.kind == "for" else []

    def __str__(self):
        if self.kind == "stream":
            return "at the end of its streams"
        if self.kind == "for":
            return f"by --for {self.after_s} s"
        name = "SIGKILL" if self.kind == "kill" else signal.Signals(self.signal).name
        again = f", again {self.pause_s} s later" if self.kind == "twice" else ""
        return f"by {name} after {self.after_s} s{again}"


class Outcome:
    def __init__(self):
        self.findings = []
        self.status = None
        self.report = None
        self.errors = ""


def run(command, folder, ending, is_virtual, reads_errors=True):
    """One run in `folder`, which has graph.json. `reads_errors` False: standard error is a pipe that nobody reads."""
    outcome = Outcome()
    report = os.path.join(folder, "report.json")
    words = [command, "run", "./graph.json", "--report", report, *ending.words]
    words += ["--clock", "virtual"] if is_virtual else []
    errors_path = os.path.join(folder, "errors.txt")
    unread = None
    with open(errors_path, "wb") as errors:
        if not reads_errors:
            unread = os.pipe()
        # Under nohup SIGHUP is ignored here, and a process inherits that.
        process = subprocess.Popen(
            ["env", "--default-signal=HUP"] + words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=errors if unread is None else unread[1],
            env={"PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no", "HOME": folder})
    try:
        finish(process, ending, outcome)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for end in unread or ():
            os.close(end)
    with open(errors_path, errors="replace") as errors:
        outcome.errors = errors.read()
    outcome.status = process.returncode
    judge(outcome, report, ending, reads_errors)
    return outcome


def finish(process, ending, outcome):
    signals = {"signal": [ending.signal], "twice": [ending.signal, ending.signal], "kill": [signal.SIGKILL]}
    for index, number in enumerate(signals.get(ending.kind, [])):
        try:
            process.wait(ending.after_s if index == 0 else ending.pause_s)
            return
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    try:
        process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        outcome.findings.append(f"it hangs: nothing ended it within {DEADLINE_S} s\n{stacks(process.pid)}")


def stacks(pid):
    """Where the threads of a process stand."""
    if shutil.which("gdb"):
        words = ["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 12"]
        try:
            made = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60)
            told = made.stdout
            return "\n".join(line for line in told.splitlines() if line.startswith(("#", "Thread")))
        except subprocess.TimeoutExpired:
            pass
    states = []
    for thread in sorted(os.listdir(f"/proc/{pid}/task")):
        try:
            name = open(f"/proc/{pid}/task/{thread}/comm").read().strip()
            state = open(f"/proc/{pid}/task/{thread}/stat").read().rsplit(")", 1)[1].split()[0]
            states.append(f"{name}: {state}")
        except OSError:
            continue
    return "threads: " + ", ".join(states)


def judge(outcome, report, ending, reads_errors):
    status = outcome.status
    if outcome.findings:
        return
    if ending.kind == "kill" and status == -signal.SIGKILL:
        return
    for words in CRASHES:
        if words in outcome.errors:
            outcome.findings.append(f"it says \"{words}\"")
    # A signal before the command listens for it ends it, as any program.
    early = status == -ending.signal and ending.kind in ("signal", "twice")
    ends_by_signal = ending.kind == "twice" and status in (128 + ending.signal, -ending.signal)
    if status not in (0, 1, 2) and not early and not ends_by_signal:
        outcome.findings.append(f"its exit status is {status}")
    if status in (1, 2) and reads_errors and not outcome.errors.strip():
        outcome.findings.append(f"it fails with status {status} and no word")
    try:
        with open(report) as file:
            outcome.report = file.read()
        told = json.loads(outcome.report) if outcome.report else None
    except FileNotFoundError:
        told = None
    except ValueError as error:
        outcome.findings.append(f"its report is no JSON: {error}")
        told = None
    if told is not None:
        balance(told, outcome)
    elif status == 0:
        outcome.findings.append("it wrote no report")


def balance(report, outcome):
    """On every edge, and nothing is left where all streams came to their ends."""
    for edge in report.get("edges", []):
        name = f"{edge['from']} -> {edge['to']}"
        out = edge["popped"] + edge["dropped"] + edge["flushed"] + edge["held"]
        if edge["pushed"] != out:
            outcome.findings.append(f"{name}: pushed {edge['pushed']}, but popped, dropped, flushed and held are {out}")
        numbers = [value for value in edge.values() if isinstance(value, (int, float))]
        if any(value < 0 for value in numbers):
            outcome.findings.append(f"{name}: a count is negative")
        capacity = edge["capacity"].get("items")
        if capacity and edge["depth_max"] > capacity + 1:
            outcome.findings.append(f"{name}: {edge['depth_max']} items on an edge for {capacity}")


def compare(first, second, files_first, files_second):
    """Two runs under the virtual clock are equal to the byte."""
    findings = []
    if first.status != second.status:
        findings.append(f"two runs end differently: {first.status} and {second.status}")
    if first.report != second.report:
        findings.append("two runs write different reports")
    for name in sorted(files_first):
        if files_first[name] != files_second.get(name):
            findings.append(f"two runs write different files: {name}")
    return findings


def outputs(folder, place):
    """The files that a run wrote; the folder is as it was before."""
    found = {}
    keep = {"graph.json", *(os.path.basename(path) for path in place.inputs)}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name in keep or os.path.isdir(path):
            continue
        if os.path.isfile(path) and name not in ("report.json", "errors.txt"):
            with open(path, "rb") as file:
                found[name] = file.read()
        os.remove(path)
    return found
