import Foundation
import G711
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import G711Plugin

@Suite struct G711Tests {
    private let format = TestMedia.audio(.s16, rate: 8_000, channels: 1)

    /// Every sample that there is, in frames of 160.
    private var everySample: [AudioFrame] {
        TestMedia.pcm(format, samples: 160, count: 410) { Double(max(-32_768, min(32_767, $0 - 32_768))) / 32_767 }
    }

    @Test(arguments: [("mulaw", MuLaw.samples), ("alaw", ALaw.samples)])
    func everyCodeIsDecodedAsLibavcodecDoes(law: (name: String, samples: [Int16])) throws {
        let codes = (0...255).map { UInt8($0) }
        let theirs = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", law.name, "-ar", "8000", "-ac", "1", "-i", "pipe:0", "-f", "s16le",
                "pipe:1",
            ],
            feeding: codes)
        #expect(
            law.samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] } == theirs)
    }

    @Test(arguments: [("ulaw", MuLaw.codes), ("alaw", ALaw.codes)])
    func everySampleIsEncodedAsPythonDoes(law: (name: String, codes: [UInt8])) throws {
        let samples = (Int(Int16.min)...Int(Int16.max)).flatMap { value in
            [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
        }
        let program = """
            import sys, warnings
            warnings.simplefilter("ignore")
            import audioop
            sys.stdout.buffer.write(audioop.lin2\(law.name)(sys.stdin.buffer.read(), 2))
            """
        let theirs = try FFmpeg.run(["/usr/bin/python3", "-c", program], feeding: samples)
        let ours = (Int(Int16.min)...Int(Int16.max)).map { law.codes[($0 & 0xffff) >> 2] }
        #expect(ours == theirs)
        #expect(MuLaw.codes[0] == 0xff && ALaw.codes[0] == 0xd5)
    }

    @Test func whatWasEncodedComesBackWithItsTimes() throws {
        try comesBack(.pcmu, PCMUEncoder.self, PCMUDecoder.self)
        try comesBack(.pcma, PCMAEncoder.self, PCMADecoder.self)
    }

    private func comesBack<Encoder: Node, Decoder: Node>(
        _ codec: MediaFormat.Codec, _ encoder: Encoder.Type, _ decoder: Decoder.Type
    ) throws {
        let encoded = try NodeBench(encoder).run(everySample).packets
        #expect(encoded.allSatisfy { $0.count == 160 && $0.header.duration == .milliseconds(20) })
        #expect(encoded[0].format.codec == codec)
        let decoded = try NodeBench(decoder).run(encoded).audio
        #expect(decoded.map(\.header.pts) == everySample.map(\.header.pts))
        let (before, after) = (everySample.flatMap { Array($0.s16) }, decoded.flatMap { Array($0.s16) })
        // 4 bits within each octave.
        #expect(zip(before, after).allSatisfy { abs(Int($0) - Int($1)) <= max(16, abs(Int($0)) / 16) })
    }
}
