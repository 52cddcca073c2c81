@_spi(Host) import Sluice
import Testing

@testable import RawPlugin

/// Files with a header where raw media are wanted.
extension RawSuite {
    @Suite struct HeaderTests {
        private func kind(_ bytes: [UInt8]) -> String? { bytes.withUnsafeBytes { RawHeader.kind(of: $0) } }

        @Test func headersAreKnownAndMediaAreNot() {
            for (text, wanted) in [
                ("RIFF\0\0\0\0WAVE", "a WAV file"), ("RF64\0\0\0\0WAVE", "a WAV file"),
                ("RIFF\0\0\0\0AVI ", "an AVI file"),
                ("FORM\0\0\0\0AIFF", "an AIFF file"), ("fLaC\0\0\0\u{22}", "a FLAC file"), ("OggS\0", "an Ogg file"),
                ("\0\0\0\u{20}ftypisom", "an MP4 file"), ("YUV4MPEG2 W64", "a YUV4MPEG2 stream (y4m)"),
            ] { #expect(kind(Array(text.utf8)) == wanted, "\(text)") }
            #expect(kind([0x1a, 0x45, 0xdf, 0xa3, 0x9f]) == "a Matroska file")
            #expect(kind([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) == "a PNG picture")
            for bytes in [
                [], [0x52], Array("RIFF".utf8), Array("RIFF\0\0\0\0CDXA".utf8), Array(repeating: 0xff, count: 12),
            ] {
                #expect(kind(bytes) == nil, "\(bytes)")
            }
        }

        @Test func aWavIsRefusedWhereItsHeaderWouldBePlayed() throws {
            let rig = try Rig()
            rig.make(
                [
                    (
                        RawAudioSource.self,
                        ["path": .string(rig.write("in", Array("RIFF\u{24}\0\0\0WAVEfmt ".utf8) + noise(9_000)))],
                        RawAudioOutput.self, ["path": .string(rig.path("out"))]
                    )
                ], clock: .virtual)
            let result = try rig.execute()
            #expect(result.outcome == .failed)
            #expect(
                result.events.contains {
                    $0.contains("begins with the header of a WAV file")
                        && $0.contains("Let the node \"source\" open it")
                }, "\(result.events)")
            #expect(rig.read("out").isEmpty)
        }
    }
}
