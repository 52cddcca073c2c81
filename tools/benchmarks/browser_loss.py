"""Sound and pictures of `viewer` through a link that loses packets, and what the browser made up.

Loss is at random, both ways. Bits are those of the sound's RTP that came, a packet, beside a link that loses nothing.
"""
import time

from browser_link import Link
from browser_stage import WHEP
from measure import Failed, Spread
from result import Figure
from webrtc_servers import MEDIA

FRONT = MEDIA + 100

BEGIN = """
(async () => {
  window.call = await watch("%s/viewer", { change: through(%d) });
  while (!((await counts(call.pc)).video?.framesDecoded > 30)) await rest(50);
  await rest(%d);
  window.before = await counts(call.pc);
})()
"""
END = "counts(call.pc).then(after => ({ before, after }))"


def once(stage, seconds, **link):
    """The counts of so many seconds behind a link of this kind. The first five seconds are left out: nobody knows of the loss."""
    with stage.serve("viewer", video_kbps=800), Link(stage.workshop, stage.address, [FRONT], MEDIA) as between:
        between.both(**link)
        stage.chromium.fresh()
        stage.chromium.ask(BEGIN % (WHEP, FRONT, 5000))
        time.sleep(seconds)
        found = stage.chromium.ask(END)
        stage.chromium.ask("call.leave()")
    audio, video = (
        {name: value - found["before"][kind].get(name, 0) for name, value in found["after"][kind].items()
         if isinstance(value, (int, float)) and not isinstance(value, bool)} for kind in ("audio", "video"))
    if audio["packetsReceived"] < 10 * seconds:
        raise Failed(f"{audio['packetsReceived']} packets of sound came in {seconds} s")
    samples = audio["totalSamplesReceived"]
    return {
        "concealed": 100 * audio["concealedSamples"] / samples,
        "size": (audio["bytesReceived"] + audio["headerBytesReceived"]) / audio["packetsReceived"],
        "lost": 100 * audio["packetsLost"] / (audio["packetsLost"] + audio["packetsReceived"]),
        "freezes": video["freezeCount"] * 60 / seconds, "frozen": video["totalFreezesDuration"] * 1000,
        "shown": video["framesDecoded"] / seconds}


def figures(stage):
    seconds = stage.seconds(60)
    ways = {
        "none": dict(delay_ms=50), "5 % at 100 ms": dict(delay_ms=50, loss=0.05),
        "3 % at 20 ms, jitter 5 ms": dict(delay_ms=20, jitter_ms=5, loss=0.03)}
    found = {way: [] for way in ways}
    for _ in range(min(stage.options.rounds, 3)):
        for way, link in ways.items():
            found[way].append(once(stage, max(10, seconds // 4) if way == "none" else seconds, **link))

    def spread(way, key):
        return Spread([one[key] for one in found[way]])
    worst, other = list(ways)[1:]
    bits = Spread([one["size"] / bare["size"] for one, bare in zip(found[worst], found["none"])])
    return [
        Figure("5 % loss, round trip 100 ms: sound made up", "%", spread(worst, "concealed"), 0.5,
               {"no loss": spread("none", "concealed")}),
        Figure("the same: bits of a packet of sound, as many times as without loss", "", bits, 2),
        Figure("the same: loss of sound that the browser counts", "%", spread(worst, "lost")),
        Figure("the same: freezes of the picture", "a minute", spread(worst, "freezes")),
        Figure("3 % loss, 20 ms each way, 5 ms jitter: freezes of the picture", "a minute", spread(other, "freezes"), 1),
        Figure("the same: frozen in all", "ms", spread(other, "frozen")),
        Figure("the same: pictures", "a second", spread(other, "shown")),
        Figure("the same: sound made up", "%", spread(other, "concealed"))]
