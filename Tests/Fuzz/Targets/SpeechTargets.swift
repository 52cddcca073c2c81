import Sluice

@testable import SpeechPlugin

let speechTargets = [
    FuzzTarget("speech-model", "A ggml file that is said to be Whisper's", longest: 8_192, run: model),
    FuzzTarget(
        "speech-replies", "Replies of RTZR, Deepgram and vosk-server", longest: 8_192, run: speechReplies),
]

/// The mel filters, which are numbers of any value, stand for themselves behind byte 56.
private func model(_ bytes: UnsafeRawBufferPointer) {
    let filters: Int64 = 80 * 201 * 4
    let (head, rest) = (Array(bytes.prefix(56)), Array(bytes.dropFirst(56)))
    let size = Int64(head.count) + (head.count == 56 ? filters + Int64(rest.count) : 0)
    var reads = 0
    let found = try? ModelFile(ofFileOf: size) { offset, count in
        reads += 1
        mustHold(offset >= 0 && offset <= size && count >= 0, "reads at \(offset) of \(size)")
        return (offset..<min(size, offset + Int64(count))).map { place in
            if place < 56 { return head[Int(place)] }
            return place < 56 + filters ? 0 : rest[Int(place - 56 - filters)]
        }
    }
    mustHold(reads <= 4_096, "\(reads) reads for \(bytes.count) bytes")
    if let found {
        mustHold(found.tensors == 11 + 15 * found.audioLayers + 24 * found.textLayers, "all tensors are there")
    }
}
