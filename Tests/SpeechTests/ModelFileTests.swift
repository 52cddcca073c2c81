import Testing

@testable import SpeechPlugin

@Suite struct ModelFileTests {
    /// The frame of a tiny.en: right sizes, three words, and tensors of one number each.
    static func model(tensors: Int = 11 + 15 * 4 + 24 * 4, sizes change: (inout [Int32]) -> Void = { _ in }) -> [UInt8]
    {
        var sizes: [Int32] = [51_864, 1_500, 384, 6, 4, 448, 384, 6, 4, 80, 1]
        change(&sizes)
        var bytes: [UInt8] = []
        func put(_ number: Int32) { withUnsafeBytes(of: number.littleEndian) { bytes += Array($0) } }
        put(0x6767_6d6c)
        for size in sizes { put(size) }
        put(80)
        put(201)
        bytes += [UInt8](repeating: 0, count: 80 * 201 * 4)
        put(3)
        for word in ["a", "", "bc"] {
            put(Int32(word.utf8.count))
            bytes += Array(word.utf8)
        }
        for _ in 0..<tensors {
            put(1)
            put(4)
            put(0)
            put(1)
            bytes += Array("name".utf8) + [0, 0, 0, 0]
        }
        return bytes
    }

    static func look(_ bytes: [UInt8]) throws(ModelFile.Fault) -> ModelFile {
        try ModelFile(ofFileOf: Int64(bytes.count)) { offset, count in
            Array(bytes.dropFirst(Int(offset)).prefix(count))
        }
    }

    @Test func aWholeModelIsTaken() throws {
        let model = try Self.look(Self.model())
        #expect(model.tensors == 167 && !model.isMultilingual)
    }

    @Test func aFileCutAnywhereIsRefusedAndSaysWhere() {
        let whole = Self.model()
        for count in Array(stride(from: 4, to: 64_500, by: 997)) + Array(whole.count - 4_000..<whole.count) {
            #expect(throws: ModelFile.Fault.self, "cut to \(count)") { try Self.look(Array(whole.prefix(count))) }
        }
        #expect { try Self.look(Array(whole.dropLast(1))) } throws: {
            ($0 as? ModelFile.Fault)?.words
                == "it is cut short, after \(whole.count - 1) bytes: it ends within tensor 167"
        }
        #expect { try Self.look(Self.model(tensors: 100)) } throws: {
            ($0 as? ModelFile.Fault)?.words.contains("100 of 167 tensors") == true
        }
    }

    @Test func aFileOfAnotherKindIsRefused() {
        for bytes in [Array("RIFF....WAVEfmt ".utf8), Array("GGUF".utf8) + [3, 0, 0, 0], [0x50, 0x4b, 3, 4], []] {
            #expect(throws: ModelFile.Fault.self) { try Self.look(bytes) }
        }
        // silero's own model begins alike.
        #expect { try Self.look(Self.model { $0[2] = 128 }) } throws: {
            ($0 as? ModelFile.Fault)?.words.contains("none of Whisper's") == true
        }
    }

    @Test(arguments: 0..<11) func aSizeThatNoWhisperHasIsRefused(index: Int) {
        for value: Int32 in [-1, 0x7fff_ffff] {
            #expect(throws: ModelFile.Fault.self) { try Self.look(Self.model { $0[index] = value }) }
        }
    }

    @Test func theBuildGoesByTheFlagsOfTheCPU() {
        #expect(SpeechBuild.usable("processor : 0\nflags\t\t: fpu sse2 avx avx2 bmi2 f16c fma\n") == [.avx2, .plain])
        #expect(SpeechBuild.usable("processor : 0\nflags\t\t: fpu sse2 avx f16c fma\n") == [.plain])
        #expect(SpeechBuild.usable("Features : neon\n") == [.plain])
        #expect(SpeechBuild.usable("") == [.plain])
    }

    @Test func theLibraryIsLookedForInThePathThenBesideThePlugin() {
        #expect(
            SpeechPlaces.directories(path: "/a:/b", plugin: "/p") == ["/a", "/b", "/p", "/p/speech", "/p/../../speech"])
        #expect(SpeechPlaces.directories(path: nil, plugin: nil) == [])
        #expect { try SpeechLibrary.open([.plain], in: ["/nowhere"]) } throws: {
            "\($0)".contains("libsluicespeech-plain.so is not there, which hears speech")
                && "\($0)".contains("Run tools/setup --speech")
        }
    }

    @Test func aLibraryThatIsNoneIsRefused() {
        #expect { try SpeechLibrary.open([.plain], in: ["/nowhere", "/tmp"]) } throws: {
            "\($0)".contains("is not there")
        }
    }
}
