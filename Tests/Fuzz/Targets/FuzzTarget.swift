import Sluice

/// A parser that sees bytes from outside, and what holds of it whatever the bytes are. `tools/fuzz` runs it under
/// libFuzzer, `ReplayTests` over the seeds and the found cases.
///
/// A run ends the process where something does not hold: so libFuzzer sees it, and a test run says where.
struct FuzzTarget: Sendable {
    let name: String
    let summary: String
    /// The longest input that is worth trying, in bytes.
    let longest: Int
    let run: @Sendable (UnsafeRawBufferPointer) -> Void

    init(
        _ name: String, _ summary: String, longest: Int = 4_096,
        run: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) {
        self.name = name
        self.summary = summary
        self.longest = longest
        self.run = run
    }

    static let all =
        jsonTargets + transportStreamTargets + rtpTargets + payloadTargets + descriptionTargets + addressTargets
        + captureTargets + congestionTargets + dtlsTargets + httpTargets + iceTargets + negotiationTargets
        + repairTargets
        + segmentTargets + signallingTargets + speechTargets + twilioTargets
}

/// Ends the process where `holds` is false.
func mustHold(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fatalError("does not hold: \(what())") }
}

/// An input taken apart from its front: numbers that steer a target, and the bytes that it feeds.
struct FuzzInput {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isEmpty: Bool { rest.isEmpty }

    /// 0 behind the end.
    mutating func byte() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    /// A piece whose length of two bytes, little endian, stands before it; what is left where that is less.
    mutating func piece() -> UnsafeRawBufferPointer {
        let count = Int(byte()) | Int(byte()) << 8
        return take(count)
    }

    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        return piece
    }

    /// The rest in pieces of lengths that come from a generator, for parsers that must not mind where a read ends.
    mutating func pieces(seed: UInt8, _ body: (UnsafeRawBufferPointer) -> Void) {
        var state = UInt64(seed) &+ 1
        while !isEmpty {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            body(take(1 + Int(state >> 33) % 400))
        }
    }
}
