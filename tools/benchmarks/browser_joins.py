"""From the POST of a viewer until the first picture is drawn, at different times of a group of pictures of two seconds."""
import time

from browser_narrow import Sender
from browser_stage import WHEP, percentile
from measure import Spread
from result import Figure

SRT = 8890

JOIN = """
(async () => {
  const call = await watch("%s");
  await pictures(call.video, 1);
  const first = performance.now() - call.posted;
  await pictures(call.video, 3);
  const { video } = await counts(call.pc);
  await call.leave();
  return { first, lost: video.packetsLost, freezes: video.freezeCount };
})()
"""


def joins(stage, url, count=20):
    stage.chromium.fresh()
    stage.chromium.ask(JOIN % url)
    time.sleep(4)
    found = []
    for turn in range(count):
        time.sleep(0.3 + (turn * 0.618 % 1) * 2)
        found.append(stage.chromium.ask(JOIN % url))
    return found


def figures(stage):
    found = {"encoded here": [], "passed through from SRT": []}
    for _ in range(min(stage.options.rounds, 2)):
        with stage.serve("viewer"):
            found["encoded here"].append(joins(stage, f"{WHEP}/viewer"))
        with stage.serve("srt-viewer", **{"from": f"srt://127.0.0.1:{SRT}", "latency_ms": 20}), Sender(stage):
            found["passed through from SRT"].append(joins(stage, f"{WHEP}/demo"))
    made = []
    for way, rounds in found.items():
        firsts = [[join["first"] for join in joined] for joined in rounds]
        made += [
            Figure(f"first picture drawn from the POST, {way}, median of 20", "ms",
                   Spread([percentile(one, 0.5) for one in firsts]), 250),
            Figure("the same, worst", "ms", Spread([max(one) for one in firsts]), 500),
            Figure("the same: freezes and lost packets", "",
                   Spread([sum(join["freezes"] + join["lost"] for join in joined) for joined in rounds]), 0)]
    return made
