import Sluice
import Testing

@testable import SRTPlugin

@Suite("An SRT address") struct SRTAddressTests {
    @Test func itsPartsAreFound() throws {
        let plain = try SRTAddress("srt://media.example:9000")
        #expect(plain.host == "media.example" && plain.port == 9_000 && plain.latencyMilliseconds == nil)
        let full = try SRTAddress(
            "srt://[2001:db8::1]:8890?streamid=publish:demo&latency=80&passphrase=correct%20horse&pbkeylen=32&mode=caller"
        )
        #expect(full.host == "2001:db8::1" && full.peer == "srt://[2001:db8::1]:8890")
        #expect(full.streamID == "publish:demo" && full.latencyMilliseconds == 80)
        #expect(full.passphrase == "correct horse" && full.keyLength == 32)
        #expect(try SRTAddress("srt://h:1?streamid=#!::r=live/a,m=publish").streamID == "#!::r=live/a,m=publish")
    }

    @Test func withoutAHostItListens() throws {
        #expect(try SRTAddress("srt://:9000").mode == .listener)
        #expect(try SRTAddress("srt://0.0.0.0:9000?mode=listener").mode == .listener)
        #expect(try SRTAddress("srt://h:9000").mode == .caller)
        #expect(try SRTAddress("srt://h:9000?mode=rendezvous").mode == .rendezvous)
    }

    @Test(arguments: [
        ("http://h:1", "does not begin with srt://"), ("srt://h", "no port"),
        ("srt://h:0", "the port"), ("srt://h:65536", "the port"), ("srt://h:x", "the port"),
        ("srt://::1:9000", "brackets"),
        ("srt://h:1?latency=-1", "latency"), ("srt://h:1?latency=120000000", "microseconds"),
        ("srt://h:1?latency=99999999999999999999", "latency"), ("srt://h:1?mode=both", "mode is none of"),
        ("srt://:1?mode=caller", "needs a host"), ("srt://:1?mode=rendezvous", "needs a host"),
        ("srt://h:1?pbkeylen=7", "pbkeylen"), ("srt://h:1?speed=1", "\"speed\" is no option"),
        ("srt://h:1/live/a", "streamid"), ("srt://h:1?transtype=file", "only live"),
        ("srt://h:1?rcvlatency=x", "rcvlatency"),
        ("srt://h:1?connect_timeout=0", "connect_timeout"),
        ("srt://h:1?streamid=%4", "%"),
        ("srt://h:1?streamid=%zz", "%"), ("srt://h:1?streamid=%ff", "%"), ("", "srt://"), ("srt://", "no port"),
    ])
    func whatIsWrongIsSaid(_ url: String, _ words: String) {
        do {
            _ = try SRTAddress(url)
            Issue.record("\(url) was taken")
        } catch {
            #expect("\(error)".contains(words), "\(url): \(error)")
        }
    }

    /// As users of ffmpeg, OBS, VLC, GStreamer and libsrt's tools write them.
    @Test func urlsOfOtherToolsAreUnderstood() throws {
        let ffmpeg = try SRTAddress("srt://h:1?mode=caller&transtype=live&latency=200000&pkt_size=1316&srt_streamid=a")
        #expect(ffmpeg.latencyMilliseconds == 200 && ffmpeg.streamID == "a")
        #expect(ffmpeg.notes.count == 2 && ffmpeg.notes.contains { $0.contains("200 ms") })
        #expect(ffmpeg.notes.contains("pkt_size means nothing here and is passed over"))
        let libsrt = try SRTAddress(
            "srt://h:1/?mode=client&rcvlatency=80&peerlatency=120&tlpktdrop=1&maxbw=-1&lossmaxttl=20")
        #expect(libsrt.mode == .caller && libsrt.latencyMilliseconds == 120)
        #expect(libsrt.notes == ["tlpktdrop, maxbw, lossmaxttl mean nothing here and are passed over"])
        let vlc = try SRTAddress("srt://@:9000?mode=server&pbkeylen=0")
        #expect(vlc.mode == .listener && vlc.host.isEmpty && vlc.port == 9_000 && vlc.notes.isEmpty)
        let timed = try SRTAddress("srt://h:1?timeout=5000000&connect_timeout=700&localaddr=127.0.0.1")
        #expect(timed.connectTimeoutMilliseconds == 700 && timed.adapter == "127.0.0.1")
        #expect(try timed.options(SRTOptions()).connectTimeoutMilliseconds == 700)
    }

    @Test func noMessageRepeatsAPassphrase() {
        do { _ = try SRTAddress("srt://h:1?passphrase=secretsecret&x=1") } catch {
            #expect(!"\(error)".contains("secret"))
        }
    }
}
