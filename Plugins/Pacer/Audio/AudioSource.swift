import Pacing
import Sluice

/// The item that samples are taken from, and the concealment around it. Each sample is copied once, from the item it
/// came in to where it is wanted.
final class AudioSource {
    let layout: AudioLayout
    let concealer: Concealer
    private var item: AudioFrame?
    /// The items heard last, held instead of copied: what is repeated where some are missing.
    private var heard: [AudioFrame] = []
    /// Samples of the last of them that were heard.
    private var heardEnd = 0
    private let historySamples: Int
    /// An item of another format: what is under way ends first.
    var waiting: AudioFrame?

    // Of the frame that is being filled.
    private(set) var captured: Instant?
    private(set) var epoch: UInt32?
    private(set) var concealed = 0
    private(set) var isSilent = true
    private(set) var sourceClock: UInt16 = 0
    /// Of the last item that samples were taken from.
    private var lastEpoch: UInt32 = 0

    init(_ layout: AudioLayout) {
        self.layout = layout
        concealer = Concealer(layout)
        historySamples = Int(Double(layout.rate) * Concealer.historySeconds)
        heard.reserveCapacity(8)
    }

    private func hear(_ item: AudioFrame, until end: Int) {
        heardEnd = end
        if let last = heard.last, last === item { return }
        heard.append(item)
        var behind = heard.dropFirst().reduce(0) { $0 + $1.sampleCount } - item.sampleCount
        while heard.count > 1, behind >= historySamples {
            heard.removeFirst()
            behind -= heard[0].sampleCount
        }
    }

    /// Tells the concealer what was heard last.
    func recall() {
        concealer.forget()
        for (index, frame) in heard.enumerated() {
            concealer.remember(frame.buffer.bytes, index == heard.count - 1 ? heardEnd : frame.sampleCount)
        }
    }

    private func seam() {
        if !concealer.isOpen { recall() }
        concealer.seam()
    }

    func beginFrame() {
        captured = nil
        epoch = nil
        concealed = 0
        isSilent = true
    }

    func isOther(than format: MediaFormat) -> Bool { waiting.map { $0.layout != format.audio! } ?? false }

    /// Up to `wanted` samples; nil where an item has to be placed first.
    func take(into target: UnsafeMutableRawPointer, wanted: Int, _ pacing: inout AudioPacing) -> Int? {
        switch pacing.intake.next(wanted, now: pacing.grid.next) {
        case .wantsItem: return nil
        case .made(let count): return make(target, count, &pacing)
        case .media(let offset, let count):
            guard let item else { return nil }
            let size = layout.bytesPerSample
            target.copyMemory(from: item.buffer.bytes + offset * size, byteCount: count * size)
            concealer.pass(target, count)
            pacing.intake.advance(media: count)
            hear(item, until: offset + count)
            note(item)
            if !pacing.intake.hasItem { self.item = nil }
            return count
        }
    }

    private func note(_ item: AudioFrame) {
        if captured == nil { captured = item.header.captured }
        epoch = max(epoch ?? 0, item.header.epoch)
        lastEpoch = item.header.epoch
        sourceClock = item.header.sourceClock
        isSilent = false
    }

    /// Makes up `count` samples and counts nothing.
    func conceal(_ target: UnsafeMutableRawPointer, _ count: Int, isEnd: Bool = false) {
        if !concealer.isOpen { recall() }
        concealer.make(target, count, isEnd: isEnd)
    }

    /// Makes up `count` samples, concealment first and silence then.
    func make(
        _ target: UnsafeMutableRawPointer, _ count: Int, _ pacing: inout AudioPacing, isEnd: Bool = false
    ) -> Int {
        conceal(target, count, isEnd: isEnd)
        let left = Int(max(0, pacing.intake.longestConcealed - pacing.intake.madeInRow))
        let covered = min(count, left)
        if covered > 0 {
            concealed += covered
            isSilent = false
        }
        pacing.intake.advance(made: count)
        return count
    }

    func place(
        _ new: AudioFrame, arrival: Instant, isAnew: Bool, isLoss: Bool, _ pacing: inout AudioPacing
    ) -> SampleIntake.Placement {
        item = new
        let placement = pacing.place(
            new.header.pts, count: new.sampleCount, arrival: arrival, isAnew: isAnew, isLoss: isLoss)
        switch placement {
        case .follows where !isLoss: break
        case .hole: break
        default: if lastEpoch != 0 || pacing.intake.position > 0 { seam() }
        }
        return placement
    }

    /// Leaves out up to `count` samples of the item in hand, and returns how many; the seam is blended.
    func skip(_ count: Int, _ pacing: inout AudioPacing) -> Int {
        let skipped = pacing.intake.skip(count)
        guard skipped > 0 else { return 0 }
        seam()
        if !pacing.intake.hasItem { item = nil }
        return skipped
    }

    /// The audio in hand, or heard last, was taken before the epoch rose to `current`.
    func isStale(_ current: UInt32) -> Bool {
        let oldest = item?.header.epoch ?? lastEpoch
        return oldest != 0 && oldest < current
    }

    func drop() {
        item = nil
        if let other = waiting, other.header.epoch != 0 { waiting = nil }
    }
}
