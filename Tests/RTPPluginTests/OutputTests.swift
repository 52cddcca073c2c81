import FilesPlugin
import Foundation
import G711Plugin
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import RTPPlugin

/// Debian's ffmpeg and GStreamer open what rtp-output has written and receive what it sends. They are started when the
/// description is there, so they may miss what comes before the next keyframe.
@Suite("rtp-output", .serialized, .realPeers) struct OutputTests {
    /// The sender, and a receiver that is started when the description has been written.
    private func run(_ rig: Rig, _ graph: GraphBuilder, receiver: [String]) throws -> (sent: Rig.Ran, receiver: Process)
    {
        let sender = Rig.Beside(graph)
        try rig.wait(for: "the description") { FileManager.default.fileExists(atPath: rig.sdp) }
        let process = try rig.start(receiver)
        let sent = try sender.wait()
        process.waitUntilExit()
        return (sent, process)
    }

    // Of AES_CM_128_HMAC_SHA1_32 ffmpeg takes the reports' tag for 32 bits long (RFC 4568, section 6.2: 80).
    private static let encryptions = ["none", "AES_CM_128_HMAC_SHA1_80"]

    @Test(arguments: [Rig.Clip.h264, .vp8], encryptions) func ffmpegReceivesPictureAndAudio(
        _ clip: Rig.Clip, encryption: String
    )
        throws
    {
        let rig = try Rig()
        let (sent, receiver) = try run(
            rig, rig.sending(clip, ["encryption": .string(encryption)]),
            receiver: [
                "ffmpeg", "-y", "-v", "warning", "-protocol_whitelist", "file,udp,rtp,srtp,crypto", "-analyzeduration",
                "200000",
                "-i", rig.sdp, "-map", "0", "-c", "copy", "got.mkv",
            ])
        #expect(sent.outcome == .finished, "\(sent.report)")
        // It ends by the farewell.
        #expect(receiver.terminationStatus == 0, "\(rig.said())")
        let found = try rig.pictures(of: "got.mkv")
        #expect(Rig.isWhole(found), "\(found) \(rig.said())")
        #expect(try rig.samples(of: "got.mkv") > 48_000)
    }

    /// VP8 has no word for the shape of pixels, and here no container beside it.
    @Test func geometryThatCannotBeSaidIsWarnedOfOnce() throws {
        let rig = try Rig()
        let clip = rig.path("phone.mkv")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-i", try rig.clip(.vp8), "-t", "0.3", "-an", "-c", "copy", "-aspect", "64:27",
                clip,
            ], feeding: [])
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(clip), "decode": false, "pace": "live"])
        graph.node("out", RTPOutput.self, ["video_port": .integer(rig.port), "sdp": .string(rig.sdp)])
        graph.edge("source.video -> out.video")
        let ran = try Rig.run(graph)
        #expect(ran.outcome == .finished)
        let words = "pixels are to be shown 4:3, and VP8 in RTP cannot say so"
        #expect(ran.report.components(separatedBy: words).count == 2, "\(ran.report)")
    }

    @Test(arguments: [Rig.Clip.h264, .vp8]) func gstreamerReceivesWhatTheDescriptionTells(_ clip: Rig.Clip) throws {
        let rig = try Rig()
        let (depay, decoder) = clip == .h264 ? ("rtph264depay", "avdec_h264") : ("rtpvp8depay", "vp8dec")
        let (sent, _) = try run(
            rig, rig.sending(clip),
            receiver: [
                "sh", "-c",
                "exec gst-launch-1.0 -q -e filesrc location=stream.sdp ! sdpdemux name=d latency=50 d. ! \(depay) ! \(decoder) ! videoconvert ! video/x-raw,format=I420 ! filesink location=got.i420 d. ! rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE,channels=1,rate=48000 ! filesink location=got.s16",
            ])
        #expect(sent.outcome == .finished, "\(sent.report)")
        let raw = try [UInt8](Data(contentsOf: rig.folder.appending(path: "got.i420")))
        // Its decoder of H.264 shows grey before the first keyframe.
        let found = Array(numbers(raw, width: Rig.size.width, height: Rig.size.height).drop { $0 == nil })
        #expect(Rig.isWhole(found), "\(found) \(rig.said())")
        #expect(try Data(contentsOf: rig.folder.appending(path: "got.s16")).count > 96_000)
    }

    @Test(arguments: [
        ("AES_CM_128_HMAC_SHA1_80", "aes-128-icm", "hmac-sha1-80"), ("AEAD_AES_256_GCM", "aes-256-gcm", "null"),
    ])
    func gstreamerReceivesSRTP(_ suite: String, cipher: String, auth: String) throws {
        let rig = try Rig()
        let key = [UInt8](0..<(suite.hasPrefix("AEAD") ? 44 : 30))
        let sender = Rig.Beside(
            try rig.sending(
                .vp8, ["encryption": .string(suite), "key": .string(Data(key).base64EncodedString())], media: "video"))
        try rig.wait(for: "the description") { FileManager.default.fileExists(atPath: rig.sdp) }
        let hex = key.map { String(format: "%02x", $0) }.joined()
        // srtpdec wants to be told the source; the description does.
        let text = try String(contentsOfFile: rig.sdp, encoding: .utf8)
        let source = try #require(text.split(separator: "\r\n").first { $0.hasPrefix("a=ssrc:") }).dropFirst(7).prefix {
            $0 != " "
        }
        let caps =
            "application/x-srtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96,ssrc=(uint)\(source),srtp-key=(buffer)\(hex),srtp-cipher=\(cipher),srtp-auth=\(auth),srtcp-cipher=\(cipher),srtcp-auth=\(auth)"
        let receiver = try rig.start([
            "gst-launch-1.0", "-q", "-e", "udpsrc", "address=127.0.0.1", "port=\(rig.port)", "caps=\(caps)", "!",
            "srtpdec", "!",
            "rtpjitterbuffer", "latency=20", "!", "rtpvp8depay", "!", "vp8dec", "!", "videoconvert", "!",
            "video/x-raw,format=I420", "!", "filesink", "location=got.i420", "buffer-mode=2",
        ])
        let sent = try sender.wait()
        #expect(sent.outcome == .finished, "\(sent.report)")
        let file = rig.folder.appending(path: "got.i420").path
        func found() -> [Int?] {
            numbers(
                [UInt8]((try? Data(contentsOf: URL(filePath: file))) ?? Data()), width: Rig.size.width,
                height: Rig.size.height)
        }
        // The last picture sent leaves the jitter buffer 20 ms later.
        try? rig.wait(for: "the last picture") { found().last == Rig.size.frames - 1 }
        receiver.terminate()
        receiver.waitUntilExit()
        let pictures = Array(found().drop { $0 == nil })
        #expect(Rig.isWhole(pictures), "\(pictures) \(rig.said())")
    }

    @Test func ffmpegReceivesTelephony() throws {
        let rig = try Rig()
        var graph = GraphBuilder()
        graph.node(
            "source", Source.self,
            ["open": "tone", "sample_rate": 8_000, "channels": 1, "duration_s": 2, "pace": "live"])
        graph.node("pcmu", PCMUEncoder.self)
        graph.node("out", RTPOutput.self, ["audio_port": .integer(rig.audioPort), "sdp": .string(rig.sdp)])
        graph.edge("source.audio -> pcmu.in")
        graph.edge("pcmu.out -> out.audio")
        let (sent, receiver) = try run(
            rig, graph,
            receiver: [
                "ffmpeg", "-y", "-v", "warning", "-protocol_whitelist", "file,udp,rtp", "-analyzeduration", "100000",
                "-i", rig.sdp,
                "-c", "copy", "got.wav",
            ])
        #expect(sent.outcome == .finished && receiver.terminationStatus == 0, "\(rig.said())")
        #expect(try rig.samples(of: "got.wav") > 48_000)
        let text = try String(contentsOfFile: rig.sdp, encoding: .utf8)
        #expect(text.contains("m=audio \(rig.audioPort) RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"))
    }

    @Test func theDescriptionSaysWhatIsSentAndKeepsItsKeysToTheOwner() throws {
        let rig = try Rig()
        let sent = try Rig.run(rig.sending(.h264, ["encryption": "AEAD_AES_128_GCM", "rtcp_mux": true]))
        #expect(sent.outcome == .finished)
        let text = try String(contentsOfFile: rig.sdp, encoding: .utf8)
        for words in [
            "c=IN IP4 127.0.0.1\r\n", "m=video \(rig.port) RTP/SAVP 96\r\n", "a=rtpmap:96 H264/90000\r\n",
            "a=fmtp:96 packetization-mode=1;profile-level-id=42c0", "sprop-parameter-sets=", "a=framerate:30\r\n",
            "m=audio \(rig.audioPort) RTP/SAVP 97\r\n", "a=rtpmap:97 opus/48000/2\r\n", "sprop-stereo=1\r\n",
            "a=crypto:1 AEAD_AES_128_GCM inline:", "a=rtcp-mux\r\n", "cname:sluice-",
        ] {
            #expect(text.contains(words), "no \(words) in \(text)")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: rig.sdp)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // Two media, two keys; none is told elsewhere.
        let keys = text.split(separator: "\r\n").filter { $0.hasPrefix("a=crypto") }
        #expect(Set(keys).count == 2)
        #expect(keys.allSatisfy { !sent.report.contains($0.split(separator: "inline:")[1]) })
    }

    @Test(arguments: [false, true]) func whatLiesAtItsPlaceGetsNoKeys(isLink: Bool) throws {
        let rig = try Rig()
        let victim = rig.path("victim")
        try rig.scratch.write("victim", "mine")
        for path in [rig.sdp, rig.sdp + ".part"] {
            if isLink {
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim)
            } else {
                #expect(
                    FileManager.default.createFile(
                        atPath: path, contents: Data(), attributes: [.posixPermissions: 0o666]))
            }
        }
        let sent = try Rig.run(rig.sending(.vp8, ["encryption": "AEAD_AES_128_GCM"], media: "video"))
        #expect(sent.outcome == .finished)
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "mine")
        let found = try FileManager.default.attributesOfItem(atPath: rig.sdp)
        #expect(found[.type] as? FileAttributeType == .typeRegular && found[.posixPermissions] as? Int == 0o600)
        #expect(try String(contentsOfFile: rig.sdp, encoding: .utf8).contains("a=crypto:1 AEAD_AES_128_GCM inline:"))
        // No half file stays.
        let files = try FileManager.default.contentsOfDirectory(atPath: rig.folder.path)
        #expect(files.filter { $0.hasSuffix(".part") } == ["stream.sdp.part"])
    }

    @Test func nobodyListeningIsCountedAndSaidOnceAndSendingGoesOn() throws {
        let rig = try Rig()
        let sent = try Rig.run(rig.sending(.vp8))
        #expect(sent.outcome == .finished)
        #expect(sent.metric("out", "video_refused") > 0)
        #expect(sent.report.components(separatedBy: "nobody listens").count == 2)
        #expect(sent.metric("out", "video_packets") > 60)
    }

    @Test func whatCannotWorkIsSaidBeforeAnythingRuns() throws {
        let rig = try Rig()
        func refusal(_ parameters: [String: ParameterValue]) throws -> String {
            let graph = try rig.sending(.vp8, parameters)
            do {
                let ran = try Rig.run(graph)
                return ran.outcome == .failed ? ran.report : "it ran"
            } catch { return "\(error)" }
        }
        #expect(
            try refusal(["host": "no-such-host.invalid"]).contains("cannot find host \\\"no-such-host.invalid\\\": "))
        #expect(try refusal(["host": "239.1.2.3"]).contains("is a multicast address"))
        #expect(try refusal(["audio_port": .integer(rig.port + 1)]).contains("collide"))
        #expect(
            try refusal(["sdp": "/nowhere/x.sdp"]).contains("cannot write /nowhere/x.sdp: No such file or directory"))
        let short = try refusal(["encryption": "AES_CM_128_HMAC_SHA1_80", "key": "AAEC"])
        #expect(short.contains("the key has 3 bytes; AES_CM_128_HMAC_SHA1_80 takes 30"))
        #expect(try refusal(["encryption": "AES_CM_128_HMAC_SHA1_80", "key": "*"]).contains("is no base 64"))
    }

    @Test func virtualTimeRefusesIt() throws {
        let rig = try Rig()
        #expect(throws: GraphError.self) { try GraphHarness(rig.sending(.vp8)) }
    }
}
