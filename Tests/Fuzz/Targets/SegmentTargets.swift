import Sluice

@testable import SegmentsPlugin

let segmentTargets = [
    FuzzTarget("segments", "A peer of av-segments: segments and messages", longest: 16_384, run: peer),
    FuzzTarget("segment-json", "The JSON of segments and messages", longest: 1_024, run: messages),
]

/// The same bytes in one piece and in many mean the same.
private func peer(_ bytes: UnsafeRawBufferPointer) {
    var whole = Reader()
    whole.read(bytes)
    var cut = Reader()
    var input = FuzzInput(bytes)
    input.pieces(seed: bytes.first ?? 0) { cut.read($0) }
    mustHold(whole.said == cut.said, "\(whole.said) in one piece, \(cut.said) in many")
}

private struct Reader {
    private let receiver = SegmentReceiver(mostMemory: 1 << 20)
    private var rules = EpochRules(session: 1)
    private var isBroken = false
    var said: [String] = []

    mutating func read(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !isBroken {
            switch receiver.next(&rest, hasRoom: true, rules: &rules) {
            case .needsBytes:
                mustHold(rest.isEmpty, "all bytes are used where more are needed")
                _ = receiver.unfinished
                return
            case .held: mustHold(false, "nothing is held where there is room")
            case .segment(let segment):
                let frames = (0..<segment.header.frameCount).filter { segment.takeFrame($0) != nil }.count
                said.append("segment \(segment.epoch) \(frames) \(segment.audio?.sampleCount ?? 0)")
            case .stale(let epoch): said.append("stale \(epoch)")
            case .refused(let what): said.append("refused \(what)")
            case .broken(let what):
                said.append("broken \(what)")
                isBroken = true
            case .message(let message):
                said.append("\(message)")
                if case .interrupt(let epoch) = message.action, let target = rules.target(ofInterruptionTo: epoch) {
                    _ = rules.raise(to: target)
                    receiver.abandonStale(rules)
                }
            }
        }
    }
}

private func messages(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let count = Int(input.byte()) | Int(input.byte()) << 8
    let json = Array(input.rest)
    do throws(ProtocolError) { _ = try ControlMessage(json) } catch { mustHold(!error.text.isEmpty, "a reason") }
    // The payload's size has to fit; one message says it.
    for payload in [0, count] {
        do throws(ProtocolError) {
            let header = try SegmentHeader(json, payloadCount: payload)
            mustHold(header.memory >= 0 && header.playedFrames <= header.frameCount, "counts")
            mustHold(header.playedSamples <= header.sampleCount && header.plannedDuration >= .zero, "counts")
            _ = header.isCut
        } catch { mustHold(!error.text.isEmpty, "a reason") }
    }
}
