import LibAV
import Sluice

/// One input of `record`: its format in the present file, and what of it waits for a file.
final class RecordedStream {
    let input: Input<MediaItem>
    /// Among the streams of the present file; nil where it is not in it.
    private(set) var number: Int?
    /// As the present file has it.
    private(set) var format: MediaFormat?
    /// Items that no file has taken yet, oldest first.
    private(set) var held: [MediaItem] = []
    private(set) var heldBytes = 0
    /// The format with which a file can begin, of what is held; nil while nothing is.
    private var told: MediaFormat?
    /// Packets that came before one that tells all of the format.
    private(set) var undecodable = 0
    /// Of the last item that the present file took: the same object needs no look.
    private var known: MediaFormat?

    init(_ input: Input<MediaItem>) { self.input = input }

    var name: String { input.name }
    /// Nothing of it is left, and nothing follows.
    var isOver: Bool { held.isEmpty && input.isEnded }

    func hold(_ item: MediaItem) {
        if told == nil {
            let format = (item as? Packet).map { item.format.configured(by: $0) } ?? item.format
            // The first keyframe says what only packets say, or nothing does.
            guard !format.lacksConfiguration || item.header.flags.contains(.keyframe) else {
                undecodable += 1
                return
            }
            told = format
        }
        held.append(item)
        heldBytes += item.byteCount
    }

    func release() -> [MediaItem] {
        defer { (held, heldBytes, told) = ([], 0, nil) }
        return held
    }

    /// Media time from the first item that waits to the last.
    var heldTime: MediaTime {
        guard let first = held.first?.decodingTime, let last = held.last?.decodingTime, first.isKnown, last.isKnown
        else { return .zero }
        return last - first
    }

    /// The format with which a file can begin. nil while it is not known, or lacks what only a packet tells.
    var formatForAFile: MediaFormat? {
        if let told { return told }
        if number != nil { return format }
        guard let announced = input.format, !announced.lacksConfiguration else { return nil }
        return announced
    }

    /// The present file begins with this stream as number `number`, in this format.
    func begin(_ number: Int, _ format: MediaFormat) { (self.number, self.format, known) = (number, format, nil) }

    /// The present file is without it.
    func leave() { (number, format, known) = (nil, nil, nil) }

    /// The present file takes the item as it is.
    func fits(_ item: MediaItem, _ container: Container) -> Bool {
        guard number != nil, let format else { return false }
        if known === item.format { return true }
        guard container.goesOn(with: item, in: format) else { return false }
        known = item.format
        return true
    }
}
