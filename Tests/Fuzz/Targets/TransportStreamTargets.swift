import Bitstream
import Sluice

@testable import MPEGTS

let transportStreamTargets = [
    FuzzTarget("ts", "An MPEG transport stream: its packets and what they carry", longest: 188 * 64, run: stream),
    FuzzTarget("ts-section", "Program association and program map tables", longest: 188 * 8, run: sections),
    FuzzTarget("pes", "PES packets cut into transport packets", longest: 188 * 32, run: elementaryPackets),
    FuzzTarget("ts-opus", "The Opus packets in a PES packet", run: opusUnits),
]

/// A demuxer's events, in words that can be compared.
private final class Listener: TSDemuxerClient {
    var said: [String] = []

    func take(_ packet: Packet, of track: TSTrack) {
        let header = packet.header
        said.append("\(track) \(header.pts) \(header.dts) \(header.flags.rawValue) \(packet.count)")
        // Every byte that it says it has is there.
        _ = packet.bytes.reduce(UInt8(0)) { $0 ^ $1 }
    }
    func noteStreams(_ kinds: [TSStreamKind], leftOut: [String]) {
        said.append("\(kinds.map(\.codec.name)) \(leftOut)")
    }
}

/// In datagrams of one size, as senders cut them.
private func stream(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let size = 188 * (1 + Int(input.byte()) % 8) - (input.byte() == 0xff ? 1 : 0)
    let (listener, demuxer) = (Listener(), TSDemuxer())
    demuxer.client = listener
    var time: Int64 = 0
    while !input.isEmpty {
        time += 1_000_000
        demuxer.feed(input.take(size), at: Instant(nanoseconds: time))
    }
    demuxer.finish()
    mustHold(demuxer.packets <= bytes.count / 188, "\(demuxer.packets) packets in \(bytes.count) bytes")
}

/// The checksum is made here: no fuzzer finds it.
private func sections(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let isWhole = input.byte() & 1 == 0
    if isWhole {
        var section = Array(input.rest.prefix(1_024))
        while section.count < 8 { section.append(0) }
        read(section)
        return
    }
    var reader = TSSection()
    while !input.isEmpty {
        var packet = Array(input.take(TSPacket.size))
        while packet.count < TSPacket.size { packet.append(0xff) }
        packet[0] = TSPacket.sync
        packet[1] &= 0x7f
        packet.withUnsafeBytes { bytes in
            if let packet = TSPacket(bytes) { for section in reader.feed(packet) { read(section) } }
        }
    }
}

private func read(_ section: [UInt8]) {
    for program in TSPrograms(section)?.programs ?? [] {
        mustHold((0..<8_192).contains(program.mapPID), "PID \(program.mapPID)")
    }
    guard let map = TSProgramMap(section) else { return }
    for stream in map.streams {
        mustHold((0..<8_192).contains(stream.pid), "PID \(stream.pid)")
        _ = TSStreamKind(stream)
        for tag: UInt8 in [0x05, 0x0a, 0x7f] { _ = stream.descriptor(tag) }
    }
}

private func elementaryPackets(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    var assembler = PESAssembler()
    defer { assembler.release() }
    var (time, sum): (Int64, UInt8) = (0, 0)
    func take(_ assembler: inout PESAssembler, _ unit: PESAssembler.Unit) {
        for byte in assembler.bytes { sum ^= byte }
        for time in [unit.pts, unit.dts] { mustHold(time.map { (0..<1 << 33).contains($0) } ?? true, "33 bits") }
        if assembler.hasGap { assembler.noteGapTold() }
    }
    while !input.isEmpty {
        var packet = Array(input.take(TSPacket.size))
        while packet.count < TSPacket.size { packet.append(0) }
        packet[0] = TSPacket.sync
        packet[1] &= 0x7f
        time += 1_000_000
        packet.withUnsafeBytes { bytes in
            if let packet = TSPacket(bytes) { assembler.feed(packet, at: Instant(nanoseconds: time), take) }
        }
    }
    assembler.finish(take)
}

private func opusUnits(_ bytes: UnsafeRawBufferPointer) {
    var total = 0
    _ = forEachOpusUnit(bytes) { unit in
        total += unit.count
        _ = OpusPacket.samples(unit)
    }
    mustHold(total <= bytes.count, "\(total) bytes of Opus in \(bytes.count)")
}
