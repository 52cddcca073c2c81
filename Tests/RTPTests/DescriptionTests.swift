import Bitstream
import RTP
import TestSupport
import Testing

@Suite struct DescriptionTests {
    private let text = """
        v=0\r
        o=- 0 0 IN IP4 127.0.0.1\r
        s=No Name\r
        c=IN IP4 127.0.0.1\r
        t=0 0\r
        a=tool:libavformat 59.27.100\r
        m=video 5004 RTP/AVP 96\r
        b=AS:3000\r
        a=rtpmap:96 H264/90000\r
        a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAH9kAUAW7ARAAAAMAEAAAAwPI8YMkgA==,aMuDyyA=; profile-level-id=42C01F\r
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^31\r
        m=audio 5006 RTP/AVP 0 97\r
        c=IN IP6 ::1\r
        a=rtpmap:97 opus/48000/2\r
        a=rtcp:6000 IN IP4 127.0.0.1\r
        a=ssrc:1234 cname:someone@somewhere\r
        a=ssrc:1234 msid:a b\r
        """

    @Test func aDescriptionByFFmpegIsRead() throws {
        let description = try SessionDescription(parsing: text)
        #expect(description.media.count == 2 && description.address == "127.0.0.1")
        let (video, audio) = (description.media[0], description.media[1])
        #expect(video.payloads[0]["Packetization-Mode"] == "1" && video.payloads[0].clockRate == 90_000)
        #expect(video.payloads[0]["profile-level-id"] == "42C01F")
        #expect(video.crypto.first?.key == (0..<30).map { UInt8($0) } && video.rtcpPort == nil)
        #expect(description.address(of: audio) == "::1" && audio.rtcpPort == 6_000)
        #expect(audio.payloads.map(\.encodingName) == ["PCMU", "opus"] && audio.payloads[1].channels == 2)
        #expect(audio.sources == [1_234] && audio.cname == "someone@somewhere")
        let sets = try #require(video.payloads[0]["sprop-parameter-sets"]).split(separator: ",").map {
            Base64.decode($0)!
        }
        let sps = try #require(SequenceParameterSet(sets[0]))
        #expect(sps.width == 1_280 && sps.height == 720 && sps.profileLevelID == "42c01f")
    }

    @Test func attributesWithoutAFieldOfTheirOwnAreKeptThroughReadingAndWriting() throws {
        // As an offer of Chromium's has them, cut short.
        let offer = """
            v=0\r
            o=- 4611 0 IN IP4 127.0.0.1\r
            s=-\r
            t=0 0\r
            a=group:BUNDLE 0\r
            a=extmap-allow-mixed\r
            a=source-filter: incl IN IP4 * 192.0.2.1\r
            m=audio 9 UDP/TLS/RTP/SAVPF 111\r
            c=IN IP4 0.0.0.0\r
            a=rtcp:9 IN IP4 0.0.0.0\r
            a=ice-ufrag:u1Gn\r
            a=fingerprint:sha-256 19:E2:1C:3B\r
            a=mid:0\r
            a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r
            a=sendrecv\r
            a=rtcp-mux\r
            a=rtpmap:111 opus/48000/2\r
            a=rtcp-fb:111 transport-cc\r
            a=fmtp:111 minptime=10;useinbandfec=1\r
            a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6\r
            a=ssrc:3570614608 msid:lgsCFqt9kN2fVKw5wg3NKqGdATQoltEwOdMS 35429d94\r
            a=x-empty:\r

            """
        let read = try SessionDescription(parsing: offer)
        #expect(read.attributes.contains("extmap-allow-mixed") && read.attributes["group"] == "BUNDLE 0")
        let audio = try #require(read.media.first)
        #expect(audio.attributes["mid"] == "0" && audio.attributes["fingerprint"] == "sha-256 19:E2:1C:3B")
        #expect(audio.attributes.contains("sendrecv") && audio.attributes["sendrecv"] == nil)
        #expect(audio.attributes["x-empty"] == "" && audio.rtcpAddress == "0.0.0.0")
        #expect(audio.cname == "4TOk42mSjXCkVIa6" && audio.attributes.values(of: "ssrc").count == 1)
        #expect(read.includedSenders(of: audio) == ["192.0.2.1"])
        let written = read.description
        #expect(try SessionDescription(parsing: written) == read)
        // Nothing got lost on the way, whatever its place.
        let lines = { (text: String) in Set(text.split(separator: "\r\n").filter { $0.hasPrefix("a=") }) }
        #expect(lines(written) == lines(offer))
    }

    @Test func whatIsWrittenIsReadAlike() throws {
        var video = SessionDescription.Media(kind: "video", port: 5_004, profile: "RTP/SAVP")
        video.payloads = [
            .init(
                type: 96, encodingName: "H264", clockRate: 90_000,
                parameters: [.init("packetization-mode", "1"), .init("sprop-parameter-sets", "Z0I=,aMs=")])
        ]
        video.crypto = [CryptoAttribute(suite: .aesGCM128, key: (0..<28).map { UInt8($0) })]
        (video.sources, video.cname, video.frameRate, video.isMultiplexed) = ([7], "me", 29.97, true)
        var audio = SessionDescription.Media(kind: "audio", port: 5_006)
        audio.payloads = [.init(type: 97, encodingName: "opus", clockRate: 48_000, channels: 2)]
        audio.rtcpPort = 5_010
        let description = SessionDescription(name: "Sluice", id: 99, address: "2001:db8::1", media: [video, audio])
        #expect(try SessionDescription(parsing: description.description) == description)
        #expect(description.description.contains("a=framerate:29.97\r\n"))
    }

    @Test(arguments: [
        ("", 1, "empty"), ("hello", 1, "a letter"), ("v=1", 1, "v=0"), ("s=x", 1, "v=0"),
        ("v=0\nm=video", 2, "m="), ("v=0\nm=video 70000 RTP/AVP 96", 2, "m="), ("v=0\nc=IN IP4", 2, "c="),
        ("v=0\nm=video 1 RTP/AVP 96\na=rtpmap:96 VP8", 3, "rtpmap"),
        ("v=0\nm=video 1 RTP/AVP 96\na=rtpmap:300 VP8/90000", 3, "rtpmap"),
        ("v=0\nm=video 1 RTP/AVP 96\na=rtcp:0", 3, "rtcp"), ("v=0\n=", 2, "a letter"),
        ("{\"nodes\":{}}", 1, "a letter"),
    ]) func whatIsWrongIsSaidWithItsLine(_ text: String, line: Int, words: String) {
        do {
            _ = try SessionDescription(parsing: text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.line == line && error.what.contains(words), "\(error)")
        }
    }

    @Test(arguments: [
        ("1 AES_CM_128_HMAC_SHA1_80 inline:AAEC", "3 bytes"), ("1 F8_128_HMAC_SHA1_80 inline:AAEC", "F8"),
        ("1 AES_CM_128_HMAC_SHA1_80 AAEC", "inline"), ("AES_CM_128_HMAC_SHA1_80", "TAG"),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:????", "base 64"),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^20|1:4", "MKI"),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd UNENCRYPTED_SRTP", "UNENC"),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:AAEC;inline:AAEC", "several"),
    ]) func aKeyThatCannotBeUsedIsRefusedWithoutRepeatingIt(_ value: String, words: String) {
        do {
            _ = try CryptoAttribute(value)
            Issue.record("\(value) was taken")
        } catch { #expect("\(error)".contains(words) && !"\(error)".contains("AAECAwQF"), "\(error)") }
    }

    @Test func brokenDescriptionsNeverCrash() {
        var random = Dice(seed: 5)
        let bytes = Array(text.utf8)
        for _ in 0..<1_000 {
            var broken = bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: broken[Int.random(in: 0..<broken.count, using: &random)] = .random(in: 0...127, using: &random)
                case 1: broken.remove(at: Int.random(in: 0..<broken.count, using: &random))
                default:
                    broken.insert(contentsOf: broken.prefix(20), at: Int.random(in: 0..<broken.count, using: &random))
                }
            }
            if let parsed = try? SessionDescription(parsing: String(decoding: broken, as: UTF8.self)) {
                for media in parsed.media {
                    for payload in media.payloads {
                        let sets = (payload["sprop-parameter-sets"] ?? "").split(separator: ",")
                        for set in sets.compactMap({ Base64.decode($0) }) { _ = SequenceParameterSet(set) }
                    }
                }
            }
        }
        for _ in 0..<10_000 {
            let bytes =
                [0x67]
                + (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = SequenceParameterSet(bytes)
            _ = AVCConfiguration([1] + bytes)
        }
    }
}
