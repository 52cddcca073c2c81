import Sluice

/// Where a demuxer's packets and findings go, inside `feed`.
public protocol TSDemuxerClient: AnyObject {
    /// `packet` has times, flags, duration where it is known, and `captured`; the rest of the header is left open.
    func take(_ packet: Packet, of track: TSTrack)
    /// The program map came, or another one did: what is read, and what is left out, in words.
    func noteStreams(_ kinds: [TSStreamKind], leftOut: [String])
}

/// Takes a transport stream apart as it comes, without waiting for anything: a picture is handed on with the transport
/// packet that ends it. Of one program it reads the first video and the first audio stream that it knows.
///
/// libavformat's demuxer reads from a source that blocks. Where a read says "later" it gives up the picture that it has
/// begun. So it would need a thread for each connection. It also waits for the next picture where a PES packet does not
/// say its length.
public final class TSDemuxer {
    /// Set before `feed`; called inside it.
    public weak var client: (any TSDemuxerClient)?
    /// Transport packets read.
    public private(set) var packets = 0
    /// Transport packets that were scrambled and passed over.
    public private(set) var scrambled = 0
    /// Bytes between transport packets.
    public private(set) var strayBytes = 0
    /// Transport packets that are missing by their counters.
    public var lost: Int { elementaryStreams.reduce(0) { $0 + $1.lost } + lostEarlier }
    /// Units of which a part is missing.
    public var damaged: Int { elementaryStreams.reduce(0) { $0 + $1.damaged } + damagedEarlier }

    private var programs = TSSection()
    private var map = TSSection()
    private let wantedProgram: Int
    /// The program that is read.
    private var program: TSPrograms.Program?
    private var otherPrograms: [Int] = []
    private var known: TSProgramMap?
    private var elementaryStreams: [TSElementaryStream] = []
    private var unwrapper = TimestampUnwrapper()
    private var lostEarlier = 0
    private var damagedEarlier = 0
    /// The rest of a datagram that does not end with a transport packet.
    private var rest: [UInt8] = []

    /// Program maps that were another than the one before.
    public private(set) var mapChanges = 0
    private let unitLimit: Int
    private var mapTimes: (since: Instant, count: Int)?

    /// A stranger's new maps are looked at so often a second at most: each makes parsers and memory anew.
    private static let mapsPerSecond = 8

    /// - Parameters:
    ///   - unitLimit: bytes that a picture or a packet of audio may have; a longer one is lost.
    ///   - program: the number of the program that is read; 0: the first one.
    public init(unitLimit: Int = PESAssembler.usualLimit, program: Int = 0) {
        (self.unitLimit, wantedProgram) = (unitLimit, program)
    }

    /// Bytes as they come, at most some datagrams.
    public func feed(_ bytes: UnsafeRawBufferPointer, at now: Instant) {
        guard rest.isEmpty else {
            let all = rest + bytes
            rest = []
            all.withUnsafeBytes { cut($0, now) }
            return
        }
        cut(bytes, now)
    }

    private func cut(_ bytes: UnsafeRawBufferPointer, _ now: Instant) {
        var index = 0
        while index < bytes.count {
            // A lone sync byte in other data is common: the next one, where there is room for it, has to be there too.
            guard bytes[index] == TSPacket.sync,
                index + TSPacket.size >= bytes.count || bytes[index + TSPacket.size] == TSPacket.sync
            else {
                strayBytes += 1
                index += 1
                continue
            }
            guard index + TSPacket.size <= bytes.count else {
                rest = Array(bytes[index...])
                return
            }
            let packet = TSPacket(UnsafeRawBufferPointer(rebasing: bytes[index..<index + TSPacket.size]))
            index += TSPacket.size
            guard let packet else { continue }
            packets += 1
            take(packet, now)
        }
    }

    private func take(_ packet: TSPacket, _ now: Instant) {
        if let elementary = elementaryStreams.first(where: { $0.pid == packet.pid }) {
            guard !packet.isScrambled else {
                scrambled += 1
                return
            }
            elementary.feed(packet, at: now, &unwrapper) { client?.take($0, of: elementary.kind.track) }
        } else if packet.pid == 0 {
            for section in programs.feed(packet) { if let found = TSPrograms(section) { choose(found) } }
        } else if packet.pid == program?.mapPID {
            for section in map.feed(packet) {
                guard let found = TSProgramMap(section), found.number == program?.number, found != known else {
                    continue
                }
                mapChanges += 1
                guard mayLookAtMap(now) else { return }
                known = found
                use(found)
            }
        }
    }

    /// The program that is wanted, or the first one, which then is kept as long as it is there.
    private func choose(_ found: TSPrograms) {
        let wanted = wantedProgram > 0 ? wantedProgram : program?.number
        let isGone = wantedProgram == 0 && found.isWhole
        guard
            let next = found.programs.first(where: { $0.number == wanted })
                ?? (program == nil && wantedProgram == 0 || isGone ? found.programs.first : nil)
        else {
            if wantedProgram > 0, program == nil, found.isWhole { tellMissing(found) }
            return
        }
        otherPrograms = found.programs.map(\.number).filter { $0 != next.number }
        guard next != program else { return }
        program = next
        map = TSSection()
    }

    private func tellMissing(_ found: TSPrograms) {
        let numbers = found.programs.map(\.number)
        guard numbers != otherPrograms else { return }
        otherPrograms = numbers
        client?.noteStreams([], leftOut: numbers.map { "program \($0)" })
    }

    private func mayLookAtMap(_ now: Instant) -> Bool {
        let (since, count) = mapTimes ?? (now, 0)
        let isOver = now - since >= .milliseconds(1_000)
        mapTimes = isOver ? (now, 1) : (since, count + 1)
        return isOver || count < TSDemuxer.mapsPerSecond
    }

    private func use(_ map: TSProgramMap) {
        var fresh: [TSElementaryStream] = []
        var leftOut: [String] = []
        for stream in map.streams {
            guard let kind = TSStreamKind(stream) else {
                leftOut.append("type 0x\(String(stream.type, radix: 16))")
                continue
            }
            guard !fresh.contains(where: { $0.kind.track == kind.track }) else {
                leftOut.append("a second \(kind.track.name) stream (\(kind.name))")
                continue
            }
            // A stream that stays where it is goes on.
            if let elementary = elementaryStreams.first(where: { $0.pid == stream.pid && $0.kind == kind }) {
                fresh.append(elementary)
            } else if let elementary = TSElementaryStream(pid: stream.pid, kind, unitLimit: unitLimit) {
                fresh.append(elementary)
            } else {
                leftOut.append(kind.name)
            }
        }
        for elementary in elementaryStreams where !fresh.contains(where: { $0 === elementary }) {
            lostEarlier += elementary.lost
            damagedEarlier += elementary.damaged
        }
        elementaryStreams = fresh
        leftOut += otherPrograms.map { "program \($0)" }
        client?.noteStreams(fresh.map(\.kind), leftOut: leftOut)
    }

    /// The connection ended: what is whole goes out.
    public func finish() {
        for elementary in elementaryStreams {
            elementary.finish(&unwrapper) { client?.take($0, of: elementary.kind.track) }
        }
        rest = []
    }
}
