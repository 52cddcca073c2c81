"""A connection of `avatar` that goes another way: ICE begins anew, all begins anew, or UDP is blocked and TCP takes over.

Pictures count from the page's message on; of a restart the longest time between two pictures. The link in front of the
server passes on what it gets until it is blocked. Chromium tries TCP in a restart only once it has had nothing by UDP for
2.5 s, and at once in a new connection. The page of `avatar` asks for one when nothing has come for a second.
"""
import sys
import threading
import time

from browser_interruption import HEIGHT, RATE, WIDTH, media
from browser_link import Link
from browser_stage import PEER, percentile
from engine import ROOT
from measure import Spread
from result import Figure
from webrtc_servers import HTTP, MEDIA

sys.path.insert(0, str(ROOT / "docs" / "examples"))
from av_segments import AVSegments  # noqa: E402

FRONT = MEDIA + 100

BEGIN = """
(async () => {
  window.call = await converse("%s/avatar", { change: through(%d, true) });
  await pictures(call.video, 30);
})()
"""
#: `turn` does it; ms to the first picture behind it, the longest time between two, ms of sound made up.
CHANGE = """
(async () => {
  const turn = async () => { %s };
  const old = call.pc, before = await counts(old), started = performance.now();
  let last = started, longest = 0, first = 0, over = false;
  const follow = video => video.requestVideoFrameCallback(function next() {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) video.requestVideoFrameCallback(next);
  });
  follow(call.video);
  await turn();
  await pictures(call.video, 1);
  first = performance.now() - started;
  await rest(1500);
  over = true;
  longest = Math.max(longest, performance.now() - last);
  const after = await counts(call.pc), isNew = call.pc !== old;
  const more = (kind, name) => after[kind][name] - (isNew ? 0 : before[kind][name]);
  return { first, longest, isNew, freezes: more("video", "freezeCount"),
    concealed: (more("audio", "concealedSamples") - more("audio", "silentConcealedSamples")) / 48 };
})()
"""
RESTART = """
const offers = call.offers;
call.say({ type: "renegotiate", ice_restart: true });
while (call.offers === offers) await rest(2);
"""
RESET = """
const offers = call.offers;
call.say({ type: "media_reset" });
while (call.offers === offers) await rest(2);
"""
#: The next offers are taken without UDP.
BY_TCP = "call.change = withoutUDP;"
#: The graph's own page behind the link, and the longest time without a picture once UDP is blocked.
LEAD = """
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return set.call(this, { type, sdp: sdp.replace(/^(a=candidate:\\S+ \\d+ udp \\d+ \\S+) \\d+/gim, "$1 %d") });
};
"""
OWN_PAGE = """
(async () => {
  const rest = time => new Promise(next => setTimeout(next, time)), shown = [];
  video.requestVideoFrameCallback(function next() { shown.push(performance.now()); video.requestVideoFrameCallback(next); });
  while (shown.length < 80) await rest(20);
  window.longest = async () => {
    const before = shown.length;
    await rest(6000);
    return Math.max(...shown.slice(before).map((at, place) => at - shown[before + place - 1]));
  };
})()
"""


def talk(avatar, over):
    turn, number = media(500), 0
    while not over.is_set():
        number += 1
        try:
            avatar.send_segment(
                video=turn[0], audio=turn[1], width=WIDTH, height=HEIGHT, sample_rate=RATE, epoch=1, segment_seq=number, timeout=0.5)
        except (TimeoutError, OSError):
            number -= 1


def once(stage, count):
    socket, page, over = stage.workshop.path / "avatar.sock", stage.chromium, threading.Event()
    with stage.serve("avatar", socket=socket, microphone="false"), AVSegments(str(socket)) as avatar, Link(
            stage.workshop, stage.address, [FRONT], MEDIA) as between:
        between.both()
        talker = threading.Thread(target=talk, args=[avatar, over], daemon=True)
        talker.start()
        try:
            page.fresh()
            page.ask(BEGIN % (PEER, FRONT))
            found = {"restart": [page.ask(CHANGE % RESTART) for _ in range(count)]}
            found["reset"] = [page.ask(CHANGE % RESET) for _ in range(count)]
            for way, turn in (("tcp", RESET), ("left", RESTART + "await rest(3500);")):
                found[way] = []
                for _ in range(max(2, count // 2)):
                    page.fresh()
                    page.ask(BEGIN % (PEER, FRONT))
                    page.ask("rest(1500)")
                    between.ask("block")
                    found[way].append(page.ask(CHANGE % (BY_TCP + turn)))
                    between.ask("open")
            found["page"] = [own_page(page, between) for _ in range(max(2, count // 2))]
        finally:
            over.set()
            talker.join(2)
    return found


def own_page(page, between):
    """ms without a picture in the page that the graph serves."""
    script = page.call("Page.addScriptToEvaluateOnNewDocument", source=LEAD % FRONT)["identifier"]
    page.open(f"http://127.0.0.1:{HTTP}/")
    page.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    page.ask(OWN_PAGE)
    time.sleep(1.5)
    between.ask("block")
    found = page.ask("longest()")
    between.ask("open")
    return {"without": found}


def figures(stage):
    count = 4 if stage.options.quick else 10
    rounds = [once(stage, count) for _ in range(min(stage.options.rounds, 2))]

    def spread(way, key, part):
        each = [[one[key] for one in found[way]] for found in rounds]
        return Spread(sum(each, [])) if part == 0.5 else Spread([percentile(values, part) for values in each])
    return [
        Figure(f"ICE restart, {count} times: freezes", "", spread("restart", "freezes", 1), 0),
        Figure("the same: longest time between two pictures, worst", "ms", spread("restart", "longest", 1), 500),
        Figure("the same: sound made up, worst", "ms", spread("restart", "concealed", 1), 60),
        Figure("media_reset: first picture, median", "ms", spread("reset", "first", 0.5), 500),
        Figure("the same, worst", "ms", spread("reset", "first", 1), 500),
        Figure("UDP blocked, a new connection by TCP: first picture, median", "ms", spread("tcp", "first", 0.5), 500),
        Figure("the same, worst", "ms", spread("tcp", "first", 1), 500),
        Figure("UDP blocked, ICE restart: without a picture", "ms", spread("left", "longest", 0.5)),
        Figure("UDP blocked, the graph's own page: without a picture", "ms", spread("page", "without", 0.5))]
