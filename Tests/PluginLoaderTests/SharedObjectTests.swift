import Foundation
import TestSupport
import Testing

@testable @_spi(Host) import Sluice

@Suite struct SharedObjectTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test(arguments: ["", "not a library", "\u{7F}ELF", "#!/bin/sh\nexit 1\n"])
    func whatIsNoLibraryIsRefused(text: String) throws {
        try scratch.write("libOddPlugin.so", text)
        let refused = PluginCatalog(directories: [scratch.url.path]).refused
        #expect(refused.map(\.reason) == ["it is not a shared library"])
    }

    @Test func aDirectoryThatIsNamedLikeAPluginIsRefused() throws {
        try FileManager.default.createDirectory(
            at: scratch.url.appendingPathComponent("libOddPlugin.so"), withIntermediateDirectories: true)
        #expect(PluginCatalog(directories: [scratch.url.path]).refused.count == 1)
    }

    @Test func aLibraryThatIsNoPluginIsRefused() throws {
        _ = try scratch.copy("libSluice.so", as: "libOddPlugin.so")
        let refused = PluginCatalog(directories: [scratch.url.path]).refused
        #expect(refused.map(\.reason) == ["it holds an engine of its own"])
    }

    /// Truncated and damaged files: the tables are read without a trap, whatever they say.
    @Test func damagedTablesAreReadWithoutATrap() throws {
        let original = try Data(contentsOf: Built.file("libBenchPlugin.so"))
        let file = scratch.url.appendingPathComponent("damaged.so")
        var generator = SplitMix(state: 7)
        for round in 0..<300 {
            var data = original
            if round % 3 == 0 { data = data.prefix(Int(generator.next() % UInt64(data.count))) }
            // The header, and the section table at the end.
            for _ in 0..<8 where data.count > 4096 {
                let spot = Int(generator.next() % 2048)
                data[generator.next() % 2 == 0 ? spot % 64 : data.count - 1 - spot] = UInt8(
                    truncatingIfNeeded: generator.next())
            }
            try data.write(to: file)
            _ = try? SharedObject(path: file.path)
        }
    }

    @Test func theStampIsReadFromTheSymbolThatCarriesIt() {
        #expect(
            SharedObject.stamp(inSymbol: "$s6Sluice33sluice_abi_432e54805601d442_debugyAA12NodeRegistryCSvF")
                == "432e54805601d442_debug")
        #expect(
            SharedObject.stamp(inSymbol: "$s6Sluice27sluice_abi_432e54805601d442yAA12NodeRegistryCSvF")
                == "432e54805601d442")
        #expect(SharedObject.stamp(inSymbol: "$s6Sluice10sluice_abi_") == nil)
        #expect(SharedObject.stamp(inSymbol: "sluice_abi_432e54805601d44") == nil)
        #expect(SharedObject.stamp(inSymbol: "") == nil)
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
