#!/usr/bin/env python3
"""Writes Tests/Fuzz/Seeds anew: python3 tools/fuzzing/seeds.py [DIRECTORY-OF-A-BUILD]

The output of encoders and muxers comes from Debian's ffmpeg; the rest is written here by hand, from the specifications.
Fuzzing begins with small inputs, so each is as short as it can be. The directory, .build/debug unless it is given, has
the manifests that are seeds too.
"""

import base64
import json
import os
import shutil
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS = os.path.join(ROOT, "Tests", "Fuzz", "Seeds")


def seed(target, name, data):
    folder = os.path.join(SEEDS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def ffmpeg(*words):
    exact = ["-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    command = ["ffmpeg", "-v", "error", "-fflags", "+bitexact", *words, *exact, "pipe:1"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


PICTURES = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=0.4,format=yuv420p"]
AUDIO = ["-f", "lavfi", "-i", "sine=r=48000:d=0.4"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "2", "-crf", "45"]


def json_seeds(build):
    one = {
        "nodes": {"in": {"type": "rtp-input", "sdp": "x.sdp"}, "out": {"type": "null-sink"}},
        "edges": ["in.audio -> out"]}
    shared = {
        "$schema": "./graph.schema.json", "summary": "s",
        "parameters": {
            "count": {"type": "integer", "default": 2, "range": [1, 9], "help": "h"},
            "key": {"secret": True, "env": "KEY", "default": ""}},
        "nodes": {
            "in": {"type": "srt-input", "url": "srt://:9000", "latency_ms": 30, "on_error": "restart"},
            "relay": {"type": "relay", "begin": "now", "lane": "main"}},
        "edges": [{
            "from": "in.audio", "to": "relay", "capacity": {"items": 4, "ms": 100}, "epoch": "keep", "optional": True}],
        "templates": {"viewer": {
            "parameters": {"tag": {"default": "${count}"}},
            "nodes": {"meter": {"type": "meter", "lane": {"name": "x", "priority": 5}}, "out": {"type": "null-sink"}},
            "edges": [{"from": "$parent.relay", "to": "meter", "overflow": "drop-to-keyframe"}, "meter -> out"]}},
        "start": [{"template": "viewer", "count": "${count}"}]}
    controls = {
        "nodes": {
            "in": {"type": "av-segments", "socket": "/x"}, "pacer": {"type": "pacer", "frame_ms": 20},
            "out": {"type": "rtp-output", "audio_port": 5004, "sdp": "x.sdp"}},
        "edges": ["in.audio -> pacer.in -> out.audio"],
        "controls": [
            "out.keyframe -> in.keyframe", {"from": "out.estimate_kbps", "to": "pacer.frame_ms", "join": "min"}]}
    nested = {
        "nodes": {"r": {"type": "relay"}, "in": {"type": "rtp-input", "sdp": "x"}},
        "edges": ["in.video -> r"],
        "templates": {"room": {
            "nodes": {"r": {"type": "relay"}}, "edges": ["$parent.r -> r"],
            "templates": {"viewer": {"nodes": {"n": {"type": "null-sink"}}, "edges": ["$parent.r -> n"]}},
            "start": [{"template": "viewer"}]}},
        "start": [{"template": "room", "count": 2}]}
    for name, value in (("one", one), ("shared", shared), ("controls", controls), ("nested", nested)):
        seed("graph", name, json.dumps(value))
        seed("json", name, json.dumps(value, indent=1))
    seed("graph", "wrong", '{"nodes":{"a":{"type":"realy"}},"edges":["a->b",{"from":"a"}],"x":1}')
    seed("json", "values", r'[null,true,-0,1e5,0.1,9223372036854775807,-1.5E-7,"\u00e9\ud83d\ude00\n\\",{"":[]},{}]')
    for name in ("Flow", "SRT"):
        path = os.path.join(build, name + "Plugin.manifest.json")
        text = json.load(open(path))
        text.update(size=1, modified_ns=2, engine="e")
        seed("manifest", name.lower(), json.dumps(text)[:16384])


def transport_streams():
    forms = {
        "h264-opus": [*PICTURES, *AUDIO, *H264, "-c:a", "libopus", "-b:a", "8k"],
        "h264-aac": [*PICTURES, *AUDIO, *H264, "-c:a", "aac", "-b:a", "16k"],
        "mpeg2-mp2": [*PICTURES, *AUDIO, "-c:v", "mpeg2video", "-b:v", "50k", "-c:a", "mp2", "-b:a", "32k"],
        "hevc": [*PICTURES, "-c:v", "libx265", "-x265-params", "log-level=none", "-preset", "ultrafast", "-crf", "50"],
        "opus": [*AUDIO, "-c:a", "libopus", "-b:a", "8k"],
    }
    for name, words in forms.items():
        packets = ffmpeg(*words, "-f", "mpegts")
        packets = [packets[at:at + 188] for at in range(0, len(packets) - 187, 188)]
        seed("ts", name, b"\x06\x00" + b"".join(packets[:48]))
        tables = [packet for packet in packets if pid(packet) in (0, 0x1000)]
        seed("ts-section", name, b"\x01" + b"".join(tables[:2]))
        for table in tables[:2]:
            start = 5 + table[4]
            length = 3 + ((table[start + 1] & 15) << 8 | table[start + 2])
            seed("ts-section", f"{name}-{pid(table)}", b"\x00" + table[start:start + length - 4])
        for stream in (0x100, 0x101):
            part = [packet for packet in packets if pid(packet) == stream][:24]
            if part:
                seed("pes", f"{name}-{stream:x}", b"".join(part))
    seed("ts-opus", "two", b"\x7f\xe0\x03\xf8\x01\x02" + b"\x7f\xe0\xff\x02" + b"\xfc" + bytes(256))
    seed("ts-opus", "trimmed", b"\x7f\xfc\x04\x00\x10\x00\x20\x01\x00\xfb\x02\x01\x02")
    bits = ffmpeg(*PICTURES, *H264, "-bsf:v", "h264_mp4toannexb", "-f", "h264")
    high = ffmpeg(*PICTURES, "-c:v", "libx264", "-preset", "slow", "-profile:v", "high", "-frames:v", "1", "-f", "h264")
    for name, data in (("baseline", bits), ("high", high)):
        units = [unit for unit in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
        sets = [unit.rstrip(b"\0") for unit in units if unit[0] & 31 in (7, 8)][:2]
        seed("h264-sets", name, sets[0])
        seed("h264-sets", name + "-annexb", b"".join(b"\0\0\0\1" + unit for unit in sets))
        box = b"\1" + sets[0][1:4] + b"\xff\xe1" + struct.pack(">H", len(sets[0])) + sets[0]
        seed("h264-sets", name + "-avcc", box + b"\1" + struct.pack(">H", len(sets[1])) + sets[1])
        if name == "baseline":
            payloads(units)


def pid(packet):
    return (packet[1] & 31) << 8 | packet[2]


def piece(flags, data):
    return bytes([flags]) + struct.pack("<H", len(data)) + data


def payloads(units):
    """H.264 as single units, STAP-A and FU-A (RFC 6184); VP8 (RFC 7741); Opus."""
    small = [unit.rstrip(b"\0")[:300] for unit in units[:6]]
    seed("h264", "single", b"".join(piece(2 if unit[0] & 31 in (7, 1) else 1, unit) for unit in small))
    aggregate = b"\x78" + b"".join(struct.pack(">H", len(unit)) + unit for unit in small[:3])
    seed("h264", "aggregate", piece(3, aggregate))
    unit = max(small, key=len)
    parts = [unit[1:][at:at + 60] for at in range(0, len(unit) - 1, 60)]
    fragments = b""
    for index, part in enumerate(parts):
        first, last = index == 0, index == len(parts) - 1
        header = bytes([unit[0] & 0xe0 | 28, (0x80 if first else 0) | (0x40 if last else 0) | unit[0] & 31])
        fragments += piece((2 if first else 0) | (1 if last else 0), header + part)
    seed("h264", "fragments", piece(2, small[0]) + fragments)
    seed("h264", "lost", piece(2, small[0]) + fragments[:80] + piece(4, small[-1]))
    key = bytes.fromhex("1000009d012a40003000") + bytes(range(40))
    seed("vp8", "frame", piece(3, b"\x10" + key) + piece(3, b"\x10\x11" + bytes(20)))
    seed("vp8", "extended", piece(2, b"\x90\xf0\x81\x23\x05\x60" + key) + piece(1, b"\x80\x80\x12" + bytes(30)))
    for table in (0x08, 0x78, 0xfb, 0xfc):
        seed("opus", f"table-{table:02x}", piece(2, bytes([table, 3]) + bytes(20)) + piece(6, bytes([table, 0x42, 0])))
        seed("audio-headers", f"opus-{table:02x}", bytes([table, 3, 1, 2]))
    seed("audio-headers", "aac", bytes.fromhex("fff14c800d7ffc0021"))
    seed("audio-headers", "aac-config", bytes.fromhex("131056e598"))
    seed("audio-headers", "head", b"OpusHead\1\2\x38\1\x80\xbb\0\0\0\0\0")
    for rate, channels in ((48_000, 2), (22_050, 1)):
        stream = ffmpeg(
            "-f", "lavfi", "-i", f"sine=r={rate}:d=0.1", "-ac", str(channels), "-c:a", "aac", "-b:a", "32k",
            "-f", "latm")
        elements = b""
        while len(stream) > 3:
            length = 3 + ((stream[1] & 0x1f) << 8 | stream[2])
            elements += struct.pack("<H", length) + stream[:length]
            stream = stream[length:]
        seed("latm", f"aac-{rate}", elements)
    datagrams = b""
    for number in (1, 2, 4, 3, 5):
        packet = struct.pack(">BBHII", 0x80, 0xe0, number, number * 3000, 7) + small[min(number, len(small)) - 1][:200]
        datagrams += bytes([20, len(packet) - 1]) + packet
    seed("rtp", "h264", b"\x00" + datagrams)
    seed("rtp", "timed", b"\x04" + datagrams)
    audio = b""
    for number in (65534, 65535, 0, 1, 9):
        packet = struct.pack(">BBHII", 0x80, 0x60, number, number * 960 & 0xffffffff, 9) + b"\xfc" + bytes(20)
        audio += bytes([20, len(packet) - 1]) + packet
    seed("rtp", "opus", b"\x02" + audio)
    seed("rtp", "unknown-source", b"\x0a" + audio + audio.replace(struct.pack(">I", 9), struct.pack(">I", 10)))
    picture = struct.pack(">BBHII", 0x80, 0xe0, 1, 3000, 7) + b"\x10" + key
    seed("rtp", "vp8", b"\x01" + bytes([20, len(picture) - 1]) + picture)


def aac():
    """AAC as RFC 3640 has it: what the headers of units are, then packets."""
    def packet(sizes, data):
        return struct.pack(">H", 16 * len(sizes)) + b"".join(struct.pack(">H", size << 3) for size in sizes) + data

    usual = bytes(10)
    one, two = packet([20], bytes(20)), packet([7, 9], bytes(16))
    pieces = [packet([90], bytes(30))] * 3
    seed("aac", "whole", usual + piece(3, one) + piece(3, two) + piece(3, one))
    seed("aac", "pieces", usual + piece(3, one) + piece(2, pieces[0]) + piece(0, pieces[1]) + piece(1, pieces[2]))
    seed("aac", "lost", usual + piece(2, pieces[0]) + piece(5, pieces[2]) + piece(3, one))
    seed("aac", "interleaved", usual + piece(3, b"\0\x20\0\x38\0\x49" + bytes(16)))
    # Sizes of 6 bits; times, states and data for others; units of 8 bytes.
    seed("aac", "short", bytes([6, 2, 2, 0, 0, 0, 0, 0, 0, 1]) + piece(3, b"\0\x10\x0c\x08" + bytes(5)))
    seed("aac", "all", bytes([13, 3, 3, 8, 8, 4, 8, 1, 0, 1]) + piece(3, b"\0\x27\0\x28\x84\x82\0\x08\0" + bytes(5)))
    seed("aac", "constant", bytes([0, 0, 0, 0, 0, 0, 0, 0, 7, 1]) + piece(3, bytes(24)) + piece(2, bytes(5)))


def rtp():
    fixed = struct.pack(">BBHII", 0x80, 0xe0, 1, 2, 3)
    seed("rtp-header", "plain", fixed + b"payload")
    whole = struct.pack(">BBHII", 0xb2, 0x60, 0xffff, 0xffffffff, 3) + struct.pack(">II", 4, 5)
    extension = struct.pack(">HH", 0xbede, 2) + b"\x10\xff\x22\x01\x02\x03\x00\x00"
    seed("rtp-header", "extended", whole + extension + b"media" + b"\0\0\3")
    block = struct.pack(">IIIIII", 1, 0x05ffffff, 3, 4, 5, 6)
    report = struct.pack(">BBHIQIII", 0x81, 200, 12, 1, 1 << 40, 2, 3, 4) + block
    receiver = struct.pack(">BBHI", 0x81, 201, 7, 1) + block
    names = struct.pack(">BBHI", 0x81, 202, 3, 1) + b"\x01\x04abcd" + b"\0\0"
    bye = struct.pack(">BBHI", 0x81, 203, 1, 1)
    loss = struct.pack(">BBHII", 0x81, 206, 2, 1, 2)
    intra = struct.pack(">BBHIIIBBH", 0x84, 206, 4, 1, 0, 2, 9, 0, 0)
    nack = struct.pack(">BBHIIHH", 0x81, 205, 3, 1, 2, 7, 0xffff)
    transport = struct.pack(">BBHIIHHI", 0x8f, 205, 5, 1, 2, 10, 4, 0x01020300) + b"\x20\x04\x08\x10"
    remb = struct.pack(">BBHII", 0x8f, 206, 5, 1, 0) + b"REMB\x01\x0b\xff\xff" + struct.pack(">I", 9)
    application = struct.pack(">BBHI", 0x80, 204, 2, 1) + b"name"
    padded = struct.pack(">BBHI", 0xa1, 203, 2, 1) + b"\0\0\0\4"
    parts = {
        "sender": report, "receiver": receiver, "names": names, "bye": bye, "loss": loss, "intra": intra, "nack": nack,
        "transport": transport, "remb": remb, "application": application, "padded": padded}
    for name, data in parts.items():
        seed("rtcp", name, data)
    seed("rtcp", "compound", report + names + loss + bye)


def congestion():
    """A byte that says whether there is transport-cc, then steps; see CongestionTargets.swift."""
    def piece(data):
        return struct.pack("<H", len(data)) + data

    def told(base, reference, number, arrivals):
        body = struct.pack(">IIHHI", 1, 2, base & 0xffff, len(arrivals), reference << 8 | number)
        body += struct.pack(">H", 0x2000 | len(arrivals)) + bytes(arrivals)
        body += bytes(-len(body) % 4)
        return struct.pack(">BBH", 0x8f, 205, len(body) // 4) + body

    remb = struct.pack(">BBHII", 0x8f, 206, 4, 1, 0) + b"REMB\0" + b"\xff\xff\xff"
    report = struct.pack(">BBHI", 0x81, 201, 7, 1) + struct.pack(">IIIIII", 9, 0x40000010, 100, 5, 6, 7)
    # Five packets leave, and come 10 ms later, 4 ms apart.
    steps = b"".join(
        b"\x4c\x05" + b"\x40" + piece(told(65_500 + 5 * i, 1 + i, i, [0, 16, 16, 16, 16])) for i in range(30))
    seed("congestion", "steady", b"\x01" + b"\x02\xff\x10" + steps)
    seed("congestion", "queue", b"\x01" + b"".join(
        b"\x4c\x05" + b"\x40" + piece(told(65_500 + 5 * i, 1 + i, i, [i, 40, 60, 80, 100])) for i in range(30)))
    lies = b"\x4c\x1f" + b"\x09\x20\x01\x02\x06\x04\xff\x80\x7f\x01\x02" * 6
    seed("congestion", "lies", b"\x01" + lies + b"\x03\xff" + lies)
    seed("congestion", "remb", b"\x00" + b"\x4c\x05" + b"\x40" + piece(remb) + b"\x40" + piece(report + remb))


def repairs():
    def opus(index):
        return b"\xf8" + bytes((place * 7 + index) & 255 for place in range(20))

    def carrying(index, distances):
        earlier = [distance for distance in distances if distance <= index]
        heads = b"".join(struct.pack(">I", 0x80000000 | 111 << 24 | distance * 960 << 10 | 21) for distance in earlier)
        return heads + b"\x6f" + b"".join(opus(index - distance) for distance in earlier) + opus(index)

    def vp8(number, key=False):
        return struct.pack(">BBH", 0x90, 0x80, 0x8000 | number) + (b"\x10" if key else b"\x11") + bytes(40)

    def packet(word, data):
        return bytes([word, len(data)]) + data

    # One packet is missing, each fourth, or none.
    seed("red", "one-deep", b"".join(packet(0x45 if i == 5 else 0x44, carrying(i, [1])) for i in range(10)))
    seed("red", "deep", b"".join(packet(0x46 if i == 5 else 0x44, carrying(i, [3, 2, 1])) for i in range(8)))
    seed("red", "far", b"".join(packet(0x44 if i % 4 else 0x45, carrying(i, [2])) for i in range(10)))
    seed("red", "plain", b"".join(packet(0xc4, opus(i)) for i in range(6)))
    cut = [carrying(4, [1])[:20], b"\xef\xff\xff\xff\x6f", b"", b"\xef"]
    seed("red", "cut", b"".join(packet(0x44, data) for data in cut))
    first = packet(0x43, vp8(1, True))
    repaired = packet(0x04, vp8(3)) + packet(0x81, b"\0\0" + vp8(2)) + packet(0x03, vp8(4))
    seed("rtx", "repaired", b"\x00" + first + repaired)
    probes = [packet(0x80, b""), packet(0x80, b"\1"), packet(0x90, b"\xff\xff\1"), packet(0xa0, b"\0\0\1")]
    seed("rtx", "probes", b"\x08" + first + b"".join(probes))
    units = [packet(0x43, b"\x65\x88\1\2"), packet(0x44, b"\x41\x88\1"), packet(0xc1, b"\0\0\x41\x88\1")]
    seed("rtx", "h264", b"\x03" + b"".join(units))


def descriptions():
    key = base64.b64encode(bytes(range(30))).decode()
    sets = base64.b64encode(bytes.fromhex("6742c01eda0507e8400000030040000003000ca3c58ba8")).decode()
    video = f"""v=0
o=- 0 1 IN IP4 127.0.0.1
s=s
c=IN IP4 224.1.1.1/16
t=0 0
m=video 5004 RTP/SAVP 96 97
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; profile-level-id=42c01e;sprop-parameter-sets={sets},aM48gA==
a=rtpmap:97 VP8/90000
a=framerate:29.97
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^31|1:4
a=ssrc:1 cname:me
a=rtcp-mux
"""
    audio = "v=0\ns=-\nm=audio 5006/2 RTP/AVP 97 0\na=rtpmap:97 opus/48000/2\na=fmtp:97 sprop-stereo=0\n"
    audio += "a=rtcp:5009 IN IP4 1.2.3.4\n"
    web = audio + "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\na=mid:0\na=rtcp-fb:97 transport-cc\na=sendonly\n"
    aac = "v=0\nm=audio 5006 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/2\na=fmtp:97 streamtype=5;mode=AAC-hbr;"
    aac += "sizelength=13;indexlength=3;indexdeltalength=3;config=119056E500; constantDuration=1024\n"
    texts = {"video": video, "audio": audio, "web": web, "lines": audio.replace("\n", "\r\n"), "aac": aac}
    for name, text in texts.items():
        seed("sdp", name, text)


def addresses():
    for name, text in {
        "name": "cam", "publish": "publish:cam:user:password", "read": "read:cam",
        "control": "#!::r=cam,m=publish,u=me", "request": "#!::m=request,r=a/b,x", "odd": "#!::",
        "unicode": "publish:\u00e9\U0001f600"}.items():
        seed("srt-stream-id", name, text)
    for name, text in {
        "caller": "srt://127.0.0.1:9000?streamid=publish%3Acam&latency=30&passphrase=0123456789&pbkeylen=16",
        "listener": "srt://:9000", "six": "srt://[::1]:9000?mode=rendezvous&adapter=127.0.0.1",
        "hash": "srt://h:1?streamid=#!::r=a,m=request", "broken": "srt://h:1?passphrase=%zz"}.items():
        seed("srt-url", name, text)


def message(kind, fields, payload=b""):
    text = json.dumps(fields).encode() if isinstance(fields, dict) else fields
    return b"AVS1" + struct.pack("<III", kind, len(text), len(payload)) + text + payload


def segments():
    messages = [
        {"type": "interrupt", "epoch": 7}, {"type": "interrupt"}, {"type": "fence", "id": "a"},
        {"type": "drain", "timeout_ms": 5, "id": 3}, {"type": "calibration", "on": True},
        {"type": "microphone", "on": False, "at_ms": 1.5},
        {"type": "av_sync_feedback", "turn_seq": 1, "excess_video_lag_ms": 2.5, "likely": "video_late_audio_leads"}]
    picture = {"epoch": 3, "segment_seq": 1, "video_frames": 2, "width": 16, "height": 8, "fps": 29.97}
    audio = {
        "audio_samples": 96, "sample_rate": 48000, "channels": 2, "media_start_ms": 40, "duration_ms": 2,
        "trace_label": "t"}
    pictures = message(2, picture, bytes(2 * 16 * 8 * 3 // 2))
    pcm = message(2, audio, bytes(96 * 4))
    both = {**picture, **audio, "pixel_format": "rgb24", "user_final_at": 1.7e12}
    all_of_it = message(2, both, bytes(2 * 16 * 8 * 3 + 96 * 4))
    seed("segments", "pictures", pictures + message(1, messages[0]) + pcm)
    seed("segments", "both", all_of_it + message(1, messages[2]) + pictures)
    seed("segments", "messages", b"".join(message(1, fields) for fields in messages))
    seed("segments", "refused", message(1, {"type": "x"}) + message(2, {"epoch": 1}) + message(3, b"") + b"AVS2")
    for index, fields in enumerate(messages):
        seed("segment-json", f"message-{index}", b"\0\0" + json.dumps(fields).encode())
    seed("segment-json", "pictures", struct.pack("<H", 2 * 16 * 8 * 3 // 2) + json.dumps(picture).encode())
    seed("segment-json", "audio", struct.pack("<H", 96 * 4) + json.dumps(audio).encode())
    seed("segment-json", "both", struct.pack("<H", 2 * 16 * 8 * 3 + 96 * 4) + json.dumps(both).encode())


def twilio():
    """A call as Twilio tells it, what may be wrong with one, and webhooks."""
    def event(name, body=None, **more):
        return json.dumps({"event": name, **({name: body} if body is not None else {}), **more}).encode()

    def media(chunk, timestamp, count=160, **more):
        payload = base64.b64encode(bytes(index & 0xff for index in range(count))).decode()
        body = {"track": "inbound", "chunk": str(chunk), "timestamp": str(timestamp), "payload": payload, **more}
        return event("media", body, streamSid="MZ1", sequenceNumber=str(chunk + 1))

    connected = event("connected", protocol="Call", version="1.0.0")
    form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    start = event("start", {
        "streamSid": "MZ1", "callSid": "CA1", "accountSid": "AC1", "tracks": ["inbound"], "mediaFormat": form,
        "customParameters": {"who": "Ada"}}, streamSid="MZ1", sequenceNumber="1")
    stop = event("stop", {"callSid": "CA1"}, streamSid="MZ1")
    call = [connected, start]
    for name, step, words in (
            ("call", 2, call + [media(1, 5), media(2, 25), event("dtmf", {"digit": "5"}), event("mark", {"name": "a"}), stop]),
            ("order", 1, call + [media(2, 25, 8), media(1, 5, 8), media(4, 65, 8), media(4, 65, 8), media(9, 165, 8)]),
            ("missing", 9, call + [media(1, 5, 8), media(4, 65, 8), media(5, 85, 8), media(3, 45, 8)]),
            ("times", 2, call + [media(1, 5, 8), media(2, 900, 8), media(3, 90000, 8), media(4, 0, 8), media(5, 10**14, 8)]),
            ("numbers", 2, call + [media(1, 5, 8), media(10**9, 25, 8), media(1, 45, 8)] + [media(2, 65, 1)] * 8),
            ("unnumbered", 2, call + [event("media", {"payload": "/w=="}), event("media", {"payload": "/w==", "chunk": 2})]),
            ("refused", 2, [connected, start.replace(b"8000", b"16000")]),
            ("backwards", 2, [start, connected, media(1, 5, 8)]),
            ("wrong", 2, call + [b"{", b"[]", b"null", b'{"event":7}', event("media", []), event("media", {"payload": "%"}),
                                 event("dtmf", {"digit": "55"}), event("mark", {}), connected, start]),
            ("silent", 31, [connected])):
        seed("twilio", name, bytes([step]) + b"\n".join(words))
    seed("twilio-voice", "call", b"a.example\n\nCallSid=CA1&From=%2B14155550100&To=%2B14155550101")
    seed("twilio-voice", "query", b"a.example:443\na=1&b=2\nCallSid=CA1")
    seed("twilio-voice", "odd", b"[::1]:8889\n\n&&=a&b&%zz=%&%ff=1&a=+")
    seed("twilio-voice", "host", b'a"><Say>b</Say>\n\na=b')


def signalling():
    def talk(name, choice, *lines):
        words = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        seed("signalling", name, bytes([choice]) + b"\n".join(words))

    ready, reset = {"type": "webrtc_ready", "microphone": True}, {"type": "media_reset"}
    answer = {"type": "webrtc_answer", "sdp": "v=0\r\n"}
    candidate = {"type": "ice_candidate", "generation": 1, "sdpMid": "0"}
    talk(
        "call", 7, ready, {**answer, "generation": 1},
        {**candidate, "candidate": "candidate:1 1 udp 2113937151 x.local 50000 typ host"},
        {**candidate, "candidate": None}, {"type": "stats", "audio_target_ms": 40.5, "freezes": 0, "lost_packets": 3},
        {"type": "av_sync_feedback", "turn_seq": 7, "excess_video_lag_ms": 130, "likely": "video_late_audio_leads"},
        {"type": "renegotiate", "microphone": False, "ice_restart": True}, answer, reset, {**answer, "generation": 2})
    talk("disorder", 3, answer, reset, ready, ready, {"type": "renegotiate"}, {**answer, "generation": 9},
         {"type": "error", "what": "no codec"})
    talk("halves", 5, b'{"type":"webrtc_rea', b'dy"}', b"{", b"[]", {"type": 5}, {**ready, "microphone": "yes"}, b"\xff\0")
    talk("resets", 1, ready, *[reset, answer] * 12)


def captures():
    def datagram(number):
        return struct.pack(">BBHII", 0x80, 0x60, number, number * 960, 7) + b"\xfc" + bytes(8)

    def udp(data):
        return struct.pack(">HHHH", 1000, 5004, 8 + len(data), 0) + data

    def four(data):
        here = b"\x7f\0\0\1"
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, 17, 0, here, here) + data

    def six(data):
        return struct.pack(">IHBB16s16s", 6 << 28, len(data), 17, 64, bytes(15) + b"\1", bytes(15) + b"\1") + data

    ethernet = bytes(12) + b"\x08\0"
    frames = [ethernet + four(udp(datagram(number))) for number in range(12)]
    for name, link, wrap in (("ethernet", 1, lambda data: ethernet + four(data)), ("raw-six", 101, six)):
        body = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
        for number in range(12):
            frame = wrap(udp(datagram(number)))
            body += struct.pack("<IIII", 1, number * 20000, len(frame), len(frame)) + frame
        seed("pcap", name, body)
    section = struct.pack("<IIIHHqI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 1, 0, 65535, 20)
    blocks = b""
    for number, frame in enumerate(frames):
        padded = frame + bytes(-len(frame) % 4)
        size = 32 + len(padded)
        blocks += struct.pack("<IIIIIII", 6, size, 0, 0, number * 20000, len(frame), len(frame)) + padded
        blocks += struct.pack("<I", size)
    seed("pcap", "pcapng", section + interface + blocks)
    links = {
        "null": (0, b"\2\0\0\0"), "ethernet": (1, ethernet), "raw": (2, b""), "sll": (6, bytes(16)),
        "sll2": (7, bytes(20))}
    for name, (index, head) in links.items():
        seed("pcap-frame", name, bytes([index]) + head + four(udp(datagram(1))))
    seed("pcap-frame", "six", b"\x02" + six(udp(datagram(1))))
    seed("pcap-frame", "vlan", b"\x01" + bytes(12) + b"\x81\0\0\5\x08\0" + four(udp(datagram(1))))


def frame(first, payload, mask=b"\1\2\3\4"):
    """A client's WebSocket frame (RFC 6455, section 5.2)."""
    count = len(payload)
    if count < 126:
        length = bytes([0x80 | count])
    elif count < 65536:
        length = b"\xfe" + struct.pack(">H", count)
    else:
        length = b"\xff" + struct.pack(">Q", count)
    return bytes([first]) + length + mask + bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))


def http():
    post = "POST /a/b HTTP/1.1\nHost: a\nContent-Type: application/sdp\nContent-Length: 3\n\nv=0"
    chunks = "3;x=y\nabc\nA\n0123456789\n0\nX: y\n\n"
    upgrade = (
        "GET /ws HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: a, bearer.b\n\n")
    requests = {
        "get": "GET /a/b?c=d HTTP/1.1\nHost: a\nAccept: */*\nIf-None-Match: \"1\"\n\n",
        "post": post + "GET /a/b HTTP/1.1\nHost: a\n\n",
        "chunked": "PATCH /a/%20b HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nIf-Match: \"1\"\n\n" + chunks
        + "OPTIONS * HTTP/1.1\nHost: a\n\n",
        "expect": "POST /a/b HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 2\n\nhi",
        "options": "OPTIONS /a/b HTTP/1.1\nHost: a\nOrigin: https://b\nAccess-Control-Request-Method: POST\n\n",
        "absolute": "GET http://a/b/c HTTP/1.1\nHost: a\nConnection: close\n\n",
        "old": "\nGET /a/b HTTP/1.0\n\n",
        "upgrade": upgrade}
    for number, (name, text) in enumerate(requests.items()):
        data = text.replace("\n", "\r\n").encode()
        seed("http", name, bytes([number]) + data + (frame(0x81, b"hi") if name == "upgrade" else b""))
    fragments = frame(1, b"a") + frame(0x89, b"p") + frame(0, "\u00e9".encode()) + frame(0x80, b"c")
    frames = {
        "text": frame(0x81, b"hello"), "fragments": fragments,
        "close": frame(0x81, b"x") + frame(0x88, b"\3\xe8bye"), "long": frame(0x81, b"x" * 300) + frame(0x8a, b""),
        "longest": frame(0x81, b"y" * 65536), "unmasked": b"\x81\1a"}
    for number, (name, data) in enumerate(frames.items()):
        seed("websocket", name, bytes([number]) + data)


def dtls():
    """Datagrams of DTLS 1.2 (RFC 6347) for a session that has come so far: its role and stage, then time and piece."""
    def record(kind, data, epoch=0, number=0, version=0xfefd):
        return struct.pack(">BHHHIH", kind, version, epoch, 0, number, len(data)) + data

    def handshake(kind, body, number=0, offset=0, count=None, sequence=0):
        part = body[offset:offset + (len(body) if count is None else count)]
        sizes = len(body).to_bytes(3, "big"), offset.to_bytes(3, "big"), len(part).to_bytes(3, "big")
        data = bytes([kind]) + sizes[0] + struct.pack(">H", number) + sizes[1] + sizes[2] + part
        return record(22, data, number=sequence)

    def extension(kind, data):
        return struct.pack(">HH", kind, len(data)) + data

    def sent(*datagrams):
        return b"".join(bytes([2]) + struct.pack("<H", len(datagram)) + datagram for datagram in datagrams)

    extensions = extension(10, b"\0\2\0\x17") + extension(11, b"\1\0") + extension(13, b"\0\4\4\3\x08\4")
    extensions += extension(14, b"\0\4\0\7\0\1\0") + extension(23, b"")
    hello = b"\xfe\xfd" + bytes(range(32)) + b"\0\0" + b"\0\2\xc0\x2b" + b"\1\0"
    hello += struct.pack(">H", len(extensions)) + extensions
    whole = handshake(1, hello)
    pieces = [handshake(1, hello, offset=at, count=40, sequence=at // 40) for at in range(0, len(hello), 40)]
    client, server = b"\x00", b"\x01"
    seed("dtls", "hello", server + sent(whole))
    seed("dtls", "hello-pieces", server + sent(*reversed(pieces)) + sent(*pieces))
    seed("dtls", "hello-records", server + sent(b"".join(pieces)))
    seed("dtls", "hello-again", b"\x03" + sent(whole, whole))
    seed("dtls", "verify", client + sent(handshake(3, b"\xfe\xff\x14" + bytes(20))))
    server_hello = b"\xfe\xfd" + bytes(32) + b"\0\xc0\x2b\0" + struct.pack(">H", 9) + extension(14, b"\0\2\0\7\0")
    flight = handshake(2, server_hello) + handshake(11, b"\0\0\0", 1, sequence=1) + handshake(14, b"", 2, sequence=2)
    seed("dtls", "server-flight", client + sent(flight))
    seed("dtls", "request", client + sent(handshake(0, b"")))
    for stage in range(5):
        for role in range(2):
            choice = bytes([stage << 1 | role])
            finished = record(20, b"\1", number=9) + record(22, bytes(40), epoch=1)
            seed("dtls", f"finished-{stage}-{role}", choice + sent(finished))
            seed("dtls", f"alert-{stage}-{role}", choice + sent(record(21, b"\2\x28", number=8)))
    seed("dtls", "warning", b"\x02" + sent(record(21, b"\1\0", number=7)) * 3)
    seed("dtls", "data", b"\x08" + sent(record(23, bytes(60), epoch=1, number=5)))
    seed("dtls", "cut", server + sent(whole[:60], whole[:13], whole[:5], b"", whole + b"\x16"))
    seed("dtls", "huge", server + sent(whole[:14] + b"\xff\xff\xff" + whole[17:]))


def speech():
    """Models of one number a tensor: the mel filters are left out, which the target puts in. Replies of providers."""
    sizes = [51864, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1]
    words = b"".join(struct.pack("<i", len(word)) + word for word in (b"a", b"", b"bc"))

    def model(sizes, tensors, vocabulary=struct.pack("<i", 3) + words):
        head = struct.pack("<12i", 0x67676D6C, *sizes) + struct.pack("<2i", 80, 201)
        return head + vocabulary + struct.pack("<4i", 1, 1, 0, 1).join([b""] + [b"n" + bytes(4)] * tensors)

    seed("speech-model", "whole", model(sizes, 167))
    seed("speech-model", "cut", model(sizes, 167)[:-3])
    seed("speech-model", "few", model(sizes, 9))
    seed("speech-model", "many", model(sizes, 170))
    seed("speech-model", "no-words", model(sizes, 2, struct.pack("<i", 0)))
    seed("speech-model", "long-word", model(sizes, 2, struct.pack("<2i", 1, 1 << 30)))
    seed("speech-model", "silero", model([128] * 11, 2))
    seed("speech-model", "quantized", model(sizes[:-1] + [2007], 0) + struct.pack("<5i", 2, 1, 8, 32, 2) + b"n" + bytes(68))
    # Behind the provider's number, and where utterances end, replies in lines.
    rtzr = [
        {"seq": 0, "start_at": 0, "duration": 150, "final": False, "alternatives": [{"text": "a", "confidence": 0.5}]},
        {"seq": 1, "start_at": 0, "duration": 350, "final": True, "alternatives": [{"text": "a b", "confidence": 0.5,
         "words": [{"text": "a", "start_at": 0, "duration": 100}, {"text": "b", "start_at": 120, "duration": 90}]}]},
        {"type": "error", "code": "E500", "message": "m"}]
    deepgram = [{"type": "Results", "start": 0.1, "duration": 0.3, "is_final": final, "speech_final": over,
                 "from_finalize": asked, "channel": {"alternatives": [{"transcript": "a", "confidence": 0.5, "words": [
                     {"word": "a", "start": 0.1, "end": 0.2, "confidence": 0.5, "punctuated_word": "A."}]}]}}
                for final, over, asked in ((False, False, False), (True, False, False), (True, True, True))]
    vosk = [{"partial": "a"}, {"partial": ""}, {"text": "a", "result": [
        {"conf": 1.0, "start": 0.1, "end": 0.2, "word": "a"}]}, {"text": ""}]
    for number, (name, replies) in enumerate((("rtzr", rtzr), ("deepgram", deepgram), ("vosk", vosk))):
        lines = [json.dumps(reply, separators=(",", ":")).encode() for reply in replies]
        seed("speech-replies", name, bytes([number]) + b"\n".join(lines))
        seed("speech-replies", name + "-ended", bytes([3 * 20 + number]) + b"\n".join(lines * 2))
    words = [{"word": "a", "start": 0.1, "end": 0.2}]
    whole = {"task": "transcribe", "language": "english", "duration": 2, "text": "a", "words": words, "segments": [
        {"id": 0, "start": 0, "end": 2, "text": "a", "avg_logprob": -0.2, "words": words}]}
    seed("speech-replies", "openai", b"\3" + json.dumps(whole).encode())
    seed("speech-replies", "openai-segments", b"\3" + json.dumps({**whole, "words": []}).encode())
    seed("speech-replies", "openai-text", b"\3" + json.dumps({"text": "a b"}).encode())
    seed("speech-replies", "twice", bytes([12]) + b"\n".join([json.dumps(rtzr[1]).encode()] * 3))
    seed("speech-model", "huge", model(sizes, 0) + struct.pack("<6i", 3, 1, 0, 1 << 20, 1 << 20, 1 << 20) + b"n")


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".build", "debug")
    shutil.rmtree(SEEDS, ignore_errors=True)
    json_seeds(build)
    transport_streams()
    aac()
    rtp()
    congestion()
    repairs()
    descriptions()
    addresses()
    segments()
    speech()
    signalling()
    twilio()
    captures()
    http()
    dtls()
    count = sum(len(files) for _, _, files in os.walk(SEEDS))
    print(f"wrote {count} seeds in {SEEDS}")


if __name__ == "__main__":
    main()
