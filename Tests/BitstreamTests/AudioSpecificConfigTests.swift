import Bitstream
import Testing

@Suite struct AudioSpecificConfigTests {
    struct Case: Sendable {
        var bytes: [UInt8]
        var rate: Int
        var channels: Int
        var samples: Int
        var isSpectral = false
        var isParametric = false
    }

    @Test(arguments: [
        Case(bytes: [0x11, 0x90], rate: 48_000, channels: 2, samples: 1_024),
        Case(bytes: [0x12, 0x08], rate: 44_100, channels: 1, samples: 1_024),
        // frameLengthFlag.
        Case(bytes: [0x11, 0x94], rate: 48_000, channels: 2, samples: 960),
        // As ffmpeg writes it: the words behind say that there is no SBR.
        Case(bytes: [0x11, 0x90, 0x56, 0xe5, 0x00], rate: 48_000, channels: 2, samples: 1_024),
        // The words behind tell SBR from 24 to 48 kHz.
        Case(bytes: [0x13, 0x10, 0x56, 0xe5, 0x98], rate: 48_000, channels: 2, samples: 2_048, isSpectral: true),
        // The same in front (object type 5), and with parametric stereo (29).
        Case(bytes: [0x2b, 0x11, 0x88, 0x00], rate: 48_000, channels: 2, samples: 2_048, isSpectral: true),
        Case(
            bytes: [0xeb, 0x09, 0x88, 0x00], rate: 48_000, channels: 2, samples: 2_048, isSpectral: true,
            isParametric: true),
        // A rate in 24 bits: 50 kHz.
        Case(bytes: [0x17, 0x80, 0x61, 0xa8, 0x10], rate: 50_000, channels: 2, samples: 1_024),
    ]) func whatADecoderHearsIsTold(_ one: Case) throws {
        let found = try #require(AudioSpecificConfig(one.bytes))
        #expect(found.rate == one.rate && found.channels == one.channels && found.samples == one.samples)
        #expect(found.isSpectral == one.isSpectral && found.isParametric == one.isParametric)
        #expect(found.bytes == one.bytes && found.objectType == 2)
    }

    @Test func whatIsNoAACIsNone() {
        for bytes in [[], [0x11], [0xf8, 0xe8, 0x50, 0x00], [0x16, 0x90], [0x11, 0x80]] as [[UInt8]] {
            #expect(AudioSpecificConfig(bytes) == nil, "\(bytes)")
        }
    }

    @Test func anADTSHeaderTellsIt() throws {
        func config(_ bytes: [UInt8]) -> AudioSpecificConfig? {
            bytes.withUnsafeBytes { AudioSpecificConfig(adts: $0) }
        }
        #expect(config([0xff, 0xf1, 0x4c, 0x80, 0x01, 0x7f, 0xfc, 0x21])?.bytes == [0x11, 0x90])
        #expect(config([0xff, 0xf1, 0x50, 0x40, 0x01, 0x7f, 0xfc, 0x21])?.bytes == [0x12, 0x08])
        #expect(config([0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c, 0x00, 0x00]) == nil)
    }
}
