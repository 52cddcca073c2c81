import Bitstream
import RTP
import Sluice

let payloadTargets = [
    FuzzTarget("h264", "Payloads of H.264 in RTP") { depacketize($0, .h264) },
    FuzzTarget("vp8", "Payloads of VP8 in RTP") { depacketize($0, .vp8) },
    FuzzTarget("opus", "Payloads of Opus in RTP") { depacketize($0, .opus) },
    FuzzTarget("aac", "Payloads of AAC in RTP, with headers of any kind", run: aac),
    FuzzTarget("h264-sets", "Parameter sets of H.264 and the boxes that hold them", longest: 1_024, run: parameterSets),
    FuzzTarget("audio-headers", "Headers before Opus and AAC", longest: 64, run: audioHeaders),
    FuzzTarget("latm", "AAC in LATM, element by element", longest: 2_048, run: latm),
]

/// Each piece has a byte before it: marker, new timestamp, packets lost before it.
private func depacketize(_ bytes: UnsafeRawBufferPointer, _ format: PayloadFormat) {
    var input = FuzzInput(bytes)
    depacketize(&input, format)
}

/// First what the headers of units are, in ten bytes; all 0 for the usual ones.
private func aac(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    var framing = AACFraming(clockRate: 48_000)
    let told = (0..<10).map { _ in Int(input.byte()) }
    if told.contains(where: { $0 > 0 }) {
        let bits = told.map { $0 % 33 }
        (framing.sizeLength, framing.indexLength, framing.indexDeltaLength) = (bits[0], bits[1], bits[2])
        (framing.ctsDeltaLength, framing.dtsDeltaLength, framing.stateLength) = (bits[3], bits[4], bits[5])
        (framing.auxiliarySizeLength, framing.tellsRandomAccess) = (bits[6], told[7] & 1 != 0)
        (framing.constantSize, framing.duration) = (told[8], 1 + told[9] << 12)
        if framing.sizeLength == 0 { framing.constantSize += 1 }
    }
    depacketize(&input, .aac(framing))
}

private func depacketize(_ input: inout FuzzInput, _ format: PayloadFormat) {
    var depacketizer = Depacketizer(format)
    var timestamp: Int64 = 0
    while !input.isEmpty {
        let flags = input.byte()
        if flags & 2 != 0 { timestamp += 3_000 }
        if flags & 0x40 != 0 { depacketizer.restart() }
        let packet = OrderedPacket(
            payload: input.piece(), timestamp: timestamp, isMarked: flags & 1 != 0, lost: Int(flags >> 2 & 3),
            arrival: Instant(nanoseconds: timestamp))
        depacketizer.push(packet) { check($0, of: format) }
    }
}

private func parameterSets(_ bytes: UnsafeRawBufferPointer) {
    let all = Array(bytes)
    if let set = SequenceParameterSet(all) { check(set) }
    if let set = SequenceParameterSet([NALUnits.sps] + all) { check(set) }
    for unit in AVCConfiguration.parameterSets(of: all) { mustHold(unit.count <= all.count, "a set lies inside") }
    var units: [Range<Int>] = []
    for size in [1, 2, 4] { NALUnits.splitByLength(bytes, lengthSize: size, into: &units) }
    NALUnits.splitByStartCode(bytes, into: &units)
    mustHold(units.allSatisfy { !$0.isEmpty && $0.upperBound <= bytes.count }, "units lie inside")
}

private func latm(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    var reader = LATMReader()
    while !input.isEmpty {
        let element = input.piece()
        _ = reader.read(element) { frame, configuration in
            mustHold(!frame.isEmpty && frame.count <= element.count, "a frame lies inside")
            mustHold(configuration.rate > 0 && (1...64).contains(configuration.channels), "\(configuration)")
            mustHold(configuration.samples > 0 && !configuration.bytes.isEmpty, "\(configuration)")
        }
    }
}

private func audioHeaders(_ bytes: UnsafeRawBufferPointer) {
    for told in [AudioSpecificConfig(Array(bytes)), AudioSpecificConfig(adts: bytes)] {
        guard let told else { continue }
        mustHold(told.rate > 0 && (1...64).contains(told.channels) && told.samples > 0, "\(told)")
        mustHold(AudioSpecificConfig(told.bytes) == told, "read again")
    }
    if let header = ADTSHeader(bytes) { mustHold(header.rate > 0 && header.channels > 0 && header.samples > 0, "AAC") }
    if let head = OpusHead(Array(bytes)) { mustHold(OpusHead(head.bytes) == head, "written and read again") }
    guard let packet = OpusPacket(bytes) else { return }
    mustHold((1...OpusPacket.longest).contains(packet.samples), "\(packet.samples) samples")
    withUnsafeTemporaryAllocation(byteCount: OpusPacket.silentBytes, alignment: 1) { room in
        let empty = UnsafeRawBufferPointer(rebasing: room[..<packet.writeEmpty(room)])
        mustHold(OpusPacket.samples(empty) == packet.samples, "an empty packet is as long")
        let count = OpusPacket.writeSilent(samples: packet.samples, isStereo: packet.contents & 4 != 0, room)
        let silent = OpusPacket.samples(UnsafeRawBufferPointer(rebasing: room[..<count]))
        mustHold(silent == packet.samples, "a silent packet is as long")
    }
}
