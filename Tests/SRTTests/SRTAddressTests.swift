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

    @Test func noMessageRepeatsAPassphrase() {
        do { _ = try SRTAddress("srt://h:1?passphrase=secretsecret&x=1") } catch {
            #expect(!"\(error)".contains("secret"))
        }
    }
}
