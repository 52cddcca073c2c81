import Sluice

/// Cuts a stream of PCM into frames of one length, to the sample. Each sample is copied once, from the item it came in
/// to the frame it leaves in; what is left of an item stays in it.
struct FrameFiller {
    /// Length of a frame in nanoseconds.
    let frame: Interval
    private var pool = Pool<AudioFrame>()
    private var item: AudioFrame?
    /// Samples of `item` that were used.
    private var used = 0
    private var filling: AudioFrame?
    private var filled = 0
    private(set) var format: MediaFormat?
    private var frameSamples = 0
    /// Where the samples of the frame that is being filled came from.
    private var captured = Instant(nanoseconds: 0)
    private var epoch: UInt32 = 0
    private(set) var sourceClock: UInt16 = 0

    init(frame: Interval) { self.frame = frame }

    /// Samples that `frame` lasts. Throws where that is no whole number.
    static func samples(of frame: Interval, at layout: AudioLayout) throws -> Int {
        let product = frame.nanoseconds.multipliedReportingOverflow(by: Int64(layout.rate))
        guard !product.overflow, product.partialValue % 1_000_000_000 == 0, product.partialValue > 0 else {
            throw NodeError(
                "a frame of \(decimal(frame.milliseconds, places: 3)) ms is no whole number of samples at \(layout.rate) Hz",
                advice: "Choose another frame_ms (10 and 20 fit the usual rates) or put audio-convert before it.",
                isInputError: true)
        }
        return Int(product.partialValue / 1_000_000_000)
    }

    /// Wants another item before a frame is complete.
    var wantsItem: Bool { item == nil && !isComplete }
    var isComplete: Bool { filling != nil && filled == frameSamples }
    /// Holds no sample.
    var isEmpty: Bool { item == nil && filled == 0 }

    /// Takes an item; `wantsItem` is true.
    mutating func add(_ new: AudioFrame) throws {
        guard new.sampleCount > 0 else { return }
        item = new
        used = 0
        try fill()
    }

    /// Goes on with what is left of the last item.
    mutating func fill() throws {
        guard let item, !isComplete else { return }
        if filling == nil {
            if format !== item.format { try take(item.format) }
            filling = pool.take(item.format, sampleCount: frameSamples)
            filled = 0
            captured = item.header.captured
            sourceClock = item.header.sourceClock
        } else if filling!.format !== item.format, filling!.layout != item.layout {
            // Another format: what was there of the old one becomes a frame of its own.
            pad()
            return
        }
        guard let filling else { return }
        let count = min(frameSamples - filled, item.sampleCount - used)
        let size = item.layout.bytesPerSample
        (filling.buffer.bytes + filled * size).copyMemory(
            from: item.buffer.bytes + used * size, byteCount: count * size)
        epoch = max(epoch, item.header.epoch)
        filled += count
        used += count
        if used == item.sampleCount { self.item = nil }
    }

    /// Completes a frame that was begun with silence.
    mutating func pad() {
        guard let filling else { return }
        let size = filling.layout.bytesPerSample
        zero(filling.buffer.bytes + filled * size, (frameSamples - filled) * size)
        filled = frameSamples
    }

    /// The complete frame.
    mutating func take() -> AudioFrame? {
        guard isComplete, let frame = filling else { return nil }
        frame.header.captured = captured
        frame.header.epoch = epoch
        filling = nil
        filled = 0
        epoch = 0
        return frame
    }

    /// A frame of silence in the present format, beside the one that is being filled.
    mutating func silence() -> AudioFrame? {
        guard let format else { return nil }
        let frame = pool.take(format, sampleCount: frameSamples)
        zero(frame.buffer.bytes, frame.header.byteCount)
        return frame
    }

    /// Lets go of samples older than `current`: they were taken before the epoch rose.
    mutating func flush(before current: UInt32) {
        if let stale = item?.header.epoch, stale != 0, stale < current { item = nil }
        if filled > 0, epoch != 0, epoch < current {
            filling = nil
            filled = 0
            epoch = 0
        }
    }

    private mutating func take(_ new: MediaFormat) throws {
        frameSamples = try FrameFiller.samples(of: frame, at: new.audio!)
        format = new
    }

    private func zero(_ bytes: UnsafeMutableRawPointer, _ count: Int) {
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }
}
