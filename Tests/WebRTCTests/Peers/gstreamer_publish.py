"""Publishes a test picture and a tone by WHIP with webrtcbin of GStreamer: gstreamer_publish.py WHIP CODEC SECONDS.

CODEC is VP8 or H264. The picture is 320x240, 30 a second.
"""
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

ENCODERS = {
    "VP8": "vp8enc deadline=1 target-bitrate=800000 keyframe-max-dist=60 ! rtpvp8pay pt=96 picture-id-mode=2",
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=60 "
            "! video/x-h264,profile=constrained-baseline ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency",
}


def main():
    endpoint, codec, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    Gst.init(None)
    pipeline = Gst.parse_launch(
        "webrtcbin name=peer bundle-policy=max-bundle "
        f"videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 ! {ENCODERS[codec]} "
        f"! application/x-rtp,media=video,encoding-name={codec},payload=96 ! peer. "
        "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay pt=111 "
        "! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! peer.")
    peer, loop, state = pipeline.get_by_name("peer"), GLib.MainLoop(), {"posted": False}

    def offered(promise, _):
        promise.wait()
        # The offer lives as long as the reply does.
        state["reply"] = promise.get_reply()
        if state["reply"].has_field("error"):
            raise RuntimeError(state["reply"].to_string())
        state["offer"] = state["reply"].get_value("offer")
        peer.emit("set-local-description", state["offer"], Gst.Promise.new())

    def negotiate(_):
        for index in range(2):
            transceiver = peer.emit("get-transceiver", index)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(offered, None))

    def gathered(*_):
        if peer.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE or state["posted"]:
            return
        state["posted"] = True
        text = peer.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(
            endpoint, data=text.encode(), method="POST", headers={"Content-Type": "application/sdp"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            state["session"] = endpoint.split("/whip")[0] + answer.headers["Location"]
            body = answer.read()
        _, message = GstSdp.SDPMessage.new_from_text(body.decode())
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        peer.emit("set-remote-description", answer, Gst.Promise.new())

    def connected(*_):
        if peer.get_property("connection-state") == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            GLib.timeout_add(int(seconds * 1000), loop.quit)

    peer.connect("on-negotiation-needed", negotiate)
    peer.connect("notify::ice-gathering-state", lambda *_: GLib.idle_add(gathered))
    peer.connect("notify::connection-state", connected)
    pipeline.set_state(Gst.State.PLAYING)
    GLib.timeout_add(20000, loop.quit)
    loop.run()
    shown = peer.get_property("connection-state").value_nick
    if "session" in state:
        urllib.request.urlopen(urllib.request.Request(state["session"], method="DELETE"), timeout=10)
    pipeline.set_state(Gst.State.NULL)
    print(f'{{"state": "{shown}"}}')


main()
