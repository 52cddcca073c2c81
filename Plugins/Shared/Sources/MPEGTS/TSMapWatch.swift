import Sluice

/// Watches the program maps in the bytes of a transport stream that another demuxer takes apart: which codec a PID
/// carries, and from which byte on. libavformat keeps the codec that a PID had at first, whatever a later map says, and
/// hands on the packets of the next one as if they were of it.
public struct TSMapWatch: Sendable {
    /// A PID whose codec is another than at first.
    public struct Change: Equatable, Sendable {
        /// In messages: `h264`, `MPEG audio`.
        public var before: String
        /// In messages.
        public var after: String
    }

    private struct Entry {
        var offset: Int64
        var kind: TSStreamKind
    }

    /// For each PID the codecs that it carries, from which byte on.
    private var entries: [Int: [Entry]] = [:]
    private var programs = TSSection()
    private var maps: [Int: TSSection] = [:]
    /// The beginning of a transport packet, and where it stands.
    private var rest: [UInt8] = []
    private var next: Int64 = 0

    /// A hostile stream's maps and PIDs are looked at up to so many.
    private static let mostMaps = 64
    private static let mostEntries = 256

    /// Nothing is known.
    public init() {}

    /// Bytes that stand at `offset` in the stream. They need not follow the ones before.
    public mutating func feed(_ bytes: UnsafeRawBufferPointer, at offset: Int64) {
        if offset != next {
            (rest, programs) = ([], TSSection())
            for pid in maps.keys { maps[pid] = TSSection() }
        }
        next = offset + Int64(bytes.count)
        guard rest.isEmpty else {
            let (all, begin) = (rest + bytes, offset - Int64(rest.count))
            rest = []
            return all.withUnsafeBytes { cut($0, begin) }
        }
        cut(bytes, offset)
    }

    /// The codec of the PID at `offset`, where it is another than the PID's first one; nil where it is that.
    public func change(of pid: Int, at offset: Int64) -> Change? {
        guard let all = entries[pid], let first = all.first, let present = all.last(where: { $0.offset <= offset }),
            !TSMapWatch.isSame(first.kind, present.kind)
        else { return nil }
        return Change(before: first.kind.name, after: present.kind.name)
    }

    private mutating func cut(_ bytes: UnsafeRawBufferPointer, _ offset: Int64) {
        var index = 0
        while index < bytes.count {
            let end = index + TSPacket.size
            guard bytes[index] == TSPacket.sync, end >= bytes.count || bytes[end] == TSPacket.sync else {
                index += 1
                continue
            }
            guard end <= bytes.count else {
                rest = Array(bytes[index...])
                return
            }
            let pid = Int(bytes[index + 1] & 0x1f) << 8 | Int(bytes[index + 2])
            if pid == 0 || maps[pid] != nil, let packet = TSPacket(.init(rebasing: bytes[index..<end])) {
                take(packet, offset + Int64(index))
            }
            index = end
        }
    }

    private mutating func take(_ packet: TSPacket, _ offset: Int64) {
        guard packet.pid > 0 else {
            for case let found? in programs.feed(packet).map(TSPrograms.init) {
                for program in found.programs where maps[program.mapPID] == nil && maps.count < TSMapWatch.mostMaps {
                    maps[program.mapPID] = TSSection()
                }
            }
            return
        }
        for case let map? in maps[packet.pid]?.feed(packet).map(TSProgramMap.init) ?? [] {
            for stream in map.streams { if let kind = TSStreamKind(stream) { note(kind, of: stream.pid, offset) } }
        }
    }

    private mutating func note(_ kind: TSStreamKind, of pid: Int, _ offset: Int64) {
        guard var all = entries[pid] ?? (entries.count < TSMapWatch.mostEntries ? [] : nil) else { return }
        let place = all.firstIndex { $0.offset > offset } ?? all.count
        if place > 0, TSMapWatch.isSame(all[place - 1].kind, kind) { return }
        if place < all.count, TSMapWatch.isSame(all[place].kind, kind) {
            all[place].offset = offset
        } else if all.count < TSMapWatch.mostEntries {
            all.insert(Entry(offset: offset, kind: kind), at: place)
        }
        entries[pid] = all
    }

    private static func isSame(_ one: TSStreamKind, _ other: TSStreamKind) -> Bool {
        one.codec == other.codec && one.isLATM == other.isLATM
    }
}
