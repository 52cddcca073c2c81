import Foundation
import Sluice
import TestSupport

@testable import SegmentsPlugin

/// A stream of messages, as a peer writes it.
struct Take {
    var bytes: [UInt8] = []
    /// It ends within a message.
    var isCut = false

    /// Any kind of message, whatever it says.
    mutating func raw(_ kind: UInt8, _ json: String, payload: [UInt8] = []) {
        bytes += Array("AVS1".utf8) + [kind, 0, 0, 0]
        for count in [json.utf8.count, payload.count] {
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        }
        bytes += Array(json.utf8)
        bytes += payload
    }

    mutating func message(_ fields: [String: Any]) { raw(1, Take.json(fields)) }

    /// A segment of `frames` grey pictures of 64 x 48 and `samples` of a 440 Hz tone at 16 kHz, 25 pictures a second.
    mutating func segment(
        _ fields: [String: Any] = [:], frames: Int = 0, samples: Int = 0, width: Int = 64, height: Int = 48,
        rate: Int = 16_000
    ) {
        var all: [String: Any] = fields
        var payload: [UInt8] = []
        if frames > 0 {
            all.merge(["video_frames": frames, "width": width, "height": height]) { given, _ in given }
            for index in 0..<frames { payload += Take.picture(index, width, height) }
        }
        if samples > 0 {
            all.merge(["audio_samples": samples, "sample_rate": rate]) { given, _ in given }
            payload += Take.tone(samples, rate)
        }
        raw(2, Take.json(all), payload: payload)
    }

    static func json(_ fields: [String: Any]) -> String {
        // Sorted, so that the same take is the same bytes.
        let data = try! JSONSerialization.data(withJSONObject: fields, options: .sortedKeys)
        return String(decoding: data, as: UTF8.self)
    }

    static func picture(_ number: Int, _ width: Int, _ height: Int) -> [UInt8] {
        let luma = (0..<height).flatMap { y in (0..<width).map { UInt8(truncatingIfNeeded: $0 * 3 + y + number * 7) } }
        return luma + [UInt8](repeating: 128, count: 2 * ((width + 1) / 2) * ((height + 1) / 2))
    }

    static func tone(_ count: Int, _ rate: Int) -> [UInt8] {
        (0..<count).flatMap { index -> [UInt8] in
            let value = Int16(10_000 * sin(2 * .pi * 440 * Double(index) / Double(rate)))
            return [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
        }
    }

    func write(in scratch: Scratch, as name: String = "take.avs") throws -> String {
        let file = scratch.url.appending(path: name)
        try Data(bytes).write(to: file)
        return file.path
    }
}

/// The events that a receiver makes of bytes that come in the given pieces; segments are always taken.
func receive(_ bytes: [UInt8], pieces: [Int], rules: EpochRules = EpochRules(session: 1)) -> [String] {
    let receiver = SegmentReceiver(mostMemory: 1 << 24)
    var rules = rules
    var events: [String] = []
    bytes.withUnsafeBytes { all in
        var start = 0
        var index = 0
        while start < all.count {
            let end = min(all.count, start + max(1, pieces[index % pieces.count]))
            var piece = UnsafeRawBufferPointer(rebasing: all[start..<end])
            reading: while true {
                switch receiver.next(&piece, hasRoom: true, rules: &rules) {
                case .needsBytes: break reading
                case .held: events.append("held")
                case .segment(let segment): events.append(describe(segment))
                case .stale(let epoch): events.append("stale \(epoch)")
                case .message(let message): events.append("\(message.action)")
                case .refused(let what): events.append("refused: \(what)")
                case .broken(let what):
                    events.append("broken: \(what)")
                    return
                }
            }
            start = end
            index += 1
        }
    }
    if let unfinished = receiver.unfinished { events.append("unfinished \(unfinished)") }
    return events
}

/// Its fields and a sum over its media.
func describe(_ segment: Segment) -> String {
    var sum: UInt64 = 0
    for index in 0..<segment.header.frameCount {
        for byte in segment.takeFrame(index)?.packed ?? [] { sum = sum &* 31 &+ UInt64(byte) }
    }
    for byte in segment.audio.map({ Array($0.bytes) }) ?? [] { sum = sum &* 31 &+ UInt64(byte) }
    let header = segment.header
    return
        "segment \(segment.epoch)/\(header.sequence): \(header.frameCount) frames, \(header.sampleCount) samples, \(sum)"
}
