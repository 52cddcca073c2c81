import Bitstream
import RTP
import Testing

@Suite struct AACDescriptionTests {
    private func payload(_ name: String, _ parameters: String) throws -> SessionDescription.Payload {
        let text = "v=0\nm=audio 5006 RTP/AVP 97\na=rtpmap:97 \(name)\na=fmtp:97 \(parameters)\n"
        return try #require(try SessionDescription(parsing: text).media.first?.payloads.first)
    }

    @Test func aDescriptionByFFmpegIsRead() throws {
        let told = try payload(
            "MPEG4-GENERIC/48000/2",
            "profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=119056E500")
        #expect(PayloadFormat(encodingName: told.encodingName)?.codec == .aac)
        #expect(try AACFraming(told) == AACFraming(clockRate: 48_000))
        let configuration = try AACFraming.configuration(of: told)
        #expect(configuration.bytes == [0x11, 0x90, 0x56, 0xe5, 0x00] && configuration.channels == 2)
    }

    @Test func whatIsToldCountsAndTheRestIsTheModes() throws {
        let told = try AACFraming(
            payload(
                "mpeg4-generic/44100/2",
                "streamType=5; mode=\"aac-LBR\"; config=\"1210\"; SizeLength=7; constantDuration=1024; maxDisplacement=0"
            ))
        #expect(told.sizeLength == 7 && told.indexLength == 2 && told.indexDeltaLength == 2)
        let other = try AACFraming(
            payload(
                "mpeg4-generic/44100/2",
                "mode=generic; config=1210; constantSize=100; CTSDeltaLength=8; DTSDeltaLength=9; "
                    + "randomAccessIndication=1; streamStateIndication=4; auxiliaryDataSizeLength=5"))
        #expect(other.constantSize == 100 && other.sizeLength == 0 && other.indexLength == 0)
        #expect(other.ctsDeltaLength == 8 && other.dtsDeltaLength == 9 && other.stateLength == 4)
        #expect(other.tellsRandomAccess && other.auxiliarySizeLength == 5)
    }

    /// A unit lasts by the clock of the packets, whatever rate is heard.
    @Test(arguments: [
        ("48000/2", "1190", 1_024), ("48000/2", "1194", 960), ("24000/2", "2b118800", 1_024),
        ("48000/2", "2b118800", 2_048), ("48000/2", "131056e598", 2_048), ("90000/2", "1190", 1_920),
    ]) func aUnitLastsByTheClock(_ rate: String, config: String, duration: Int) throws {
        let told = try payload("mpeg4-generic/\(rate)", "mode=AAC-hbr;config=\(config)")
        #expect(try AACFraming(told).duration == duration)
    }

    @Test(arguments: [
        ("48000/2", "mode=AAC-hbr", "without its configuration"),
        ("48000/2", "mode=AAC-hbr;config=", "without its configuration"),
        ("48000/2", "mode=AAC-hbr;config=119", "no bytes in hexadecimal digits"),
        ("48000/2", "mode=AAC-hbr;config=+1-1", "no bytes in hexadecimal digits"),
        ("48000/2", "mode=AAC-hbr;config=f8e85000", "none of AAC-LC"),
        ("48000/2", "mode=CELP-cbr;config=1190", "in the mode CELP-cbr"),
        ("48000/2", "config=1190", "without sizeLength and constantSize"),
        ("48000/2", "mode=AAC-hbr;config=1190;sizelength=33", "with sizeLength=33"),
        ("48000/2", "mode=AAC-hbr;config=1190;indexlength=x", "with indexLength=x"),
        ("48000/2", "mode=AAC-hbr;config=1190;streamtype=4", "as stream type 4"),
        ("48000/2", "mode=AAC-hbr;config=1190;maxDisplacement=5", "interleaved (maxDisplacement=5)"),
        ("48000/2", "mode=AAC-hbr;config=1190;constantDuration=0", "with constantDuration=0"),
        ("1000000/2", "mode=AAC-hbr;config=1190", "at 1000000 Hz"),
    ]) func whatCannotBeReceivedIsSaid(_ rate: String, parameters: String, words: String) throws {
        let told = try payload("mpeg4-generic/\(rate)", parameters)
        #expect { try AACFraming(told) } throws: { ($0 as? AACFraming.Fault)?.what.contains(words) ?? false }
    }

    @Test(
        arguments: [
            ([0x11, 0x90], "41"), ([0x13, 0x10], "40"), ([0x11, 0xb0], "42"), ([0x2b, 0x11, 0x88, 0x00], "44"),
            ([0xeb, 0x09, 0x88, 0x00], "48"), ([0x09, 0x90], "254"),
        ] as [([UInt8], String)]) func whatIsWrittenIsReadAlike(_ bytes: [UInt8], level: String) throws
    {
        let configuration = try #require(AudioSpecificConfig(bytes))
        var media = SessionDescription.Media(kind: "audio", port: 5_006)
        media.payloads = [
            .init(
                type: 97, encodingName: "mpeg4-generic", clockRate: configuration.rate,
                channels: configuration.channels, parameters: AACFraming.parameters(of: configuration))
        ]
        let text = SessionDescription(media: [media]).description
        let told = try #require(try SessionDescription(parsing: text).media.first?.payloads.first)
        #expect(try AACFraming(told) == AACFraming(configuration))
        #expect(try AACFraming.configuration(of: told) == configuration)
        #expect(told["streamtype"] == "5" && told["mode"] == "AAC-hbr" && told["profile-level-id"] == level)
    }
}
