import Bitstream
import Sluice

/// One elementary stream on its way from transport packets to the engine's packets.
final class TSElementaryStream {
    let pid: Int
    let kind: TSStreamKind
    private var assembler: PESAssembler
    private let parser: ElementaryParser?
    private var pool = Pool<Packet>()
    private var format: MediaFormat?
    /// Where the next frame of audio begins that has no time of its own.
    private var expected = MediaTime.none
    private var pictures = PictureTimes()

    var lost: Int { assembler.lost }
    var damaged: Int { assembler.damaged + misread + pictures.lost }
    private var misread = 0
    private var latm = LATMReader()
    /// When the last unit of audio was there, and whether one was.
    private var began = Instant(nanoseconds: 0)
    private var isBegun = false
    /// The last time that a unit of audio has said, and frames whose own is not known while none was.
    private var known = MediaTime.none
    private var untimed = 0
    private static let mostUntimed = 8

    /// nil where libavcodec cannot read the codec.
    init?(pid: Int, _ kind: TSStreamKind, unitLimit: Int) {
        self.pid = pid
        self.kind = kind
        let framing = kind.isLATM ? MediaFormat.Codec("aac_latm") : kind.codec
        parser = kind.codec == .opus ? nil : ElementaryParser(framing, isVideo: kind.track == .video)
        guard kind.codec == .opus || parser != nil else { return nil }
        assembler = PESAssembler(limit: unitLimit)
    }

    // Not called where `init` gives nil: there is no memory then.
    deinit { assembler.release() }

    func feed(
        _ packet: TSPacket, at now: Instant, _ times: inout TimestampUnwrapper, _ body: (Packet) -> Void
    ) {
        assembler.feed(packet, at: now) { take(&$0, $1, &times, body) }
    }

    func finish(_ times: inout TimestampUnwrapper, _ body: (Packet) -> Void) {
        assembler.finish { take(&$0, $1, &times, body) }
        pictures.finish(body)
        // The last frame of codecs whose frames the next header ends.
        if kind.track == .audio, kind.codec != .opus, isBegun {
            take(UnsafeRawBufferPointer(start: nil, count: 0), at: nil, [], body)
        }
    }

    private func take(
        _ assembler: inout PESAssembler, _ unit: PESAssembler.Unit, _ times: inout TimestampUnwrapper,
        _ body: (Packet) -> Void
    ) {
        let flags: MediaItem.Header.Flags = assembler.hasGap ? .discontinuity : []
        assembler.noteGapTold()
        let dts = unit.dts.map { times.unwrap($0) }
        let pts = unit.pts.map { times.unwrap($0) } ?? dts
        if kind.track == .video {
            guard let (packet, found) = picture(assembler.bytes) else { return }
            packet.header.captured = unit.began
            packet.header.flags.formUnion(flags)
            let picture = PictureTimes.Picture(
                dts: dts, pts: pts, number: found.number, unit: found.unit, nominal: found.duration,
                isKeyframe: found.isKeyframe, hasGap: flags.contains(.discontinuity))
            pictures.take(packet, picture, body)
            return
        }
        (began, isBegun) = (unit.began, true)
        if let pts { known = pts }
        take(assembler.bytes, at: pts, flags, body)
    }

    /// Audio. A frame that begins in a packet of another time than the one that ends it has that one's.
    private func take(
        _ bytes: UnsafeRawBufferPointer, at time: MediaTime?, _ flags: MediaItem.Header.Flags, _ body: (Packet) -> Void
    ) {
        var flags = flags
        audio(bytes, at: time) { packet, told in
            // The stream was joined behind the last time that it has said. The parser of MPEG audio does not tell the
            // time of its first two frames.
            untimed = told == nil && !expected.isKnown ? untimed + 1 : 0
            let time = told ?? (untimed > TSElementaryStream.mostUntimed ? known : expected)
            guard time.isKnown else {
                misread += 1
                return
            }
            packet.header.pts = time
            packet.header.dts = time
            packet.header.captured = began
            packet.header.flags = [.keyframe, flags]
            flags = []
            expected = packet.header.duration.isKnown ? time + packet.header.duration : time
            body(packet)
        }
    }

    // MARK: Video

    /// nil before the first parameter sets: without its size nobody could name the stream's format.
    private func picture(_ bytes: UnsafeRawBufferPointer) -> (Packet, ElementaryParser.Picture)? {
        // The parser reads behind the end, so it looks at the packet, which is padded. The first format stands in.
        let packet = pool.take(format ?? TSElementaryStream.unknown, count: bytes.count)
        packet.mutableBytes.copyMemory(from: bytes)
        let found = parser!.picture(packet.bytes)
        let layout = VideoLayout(
            width: found.width, height: found.height,
            pixelAspect: found.pixelAspect ?? format?.video?.pixelAspect ?? .square)
        if found.width > 0, found.height > 0, format?.video != layout {
            format = MediaFormat(codec: kind.codec, video: layout)
        }
        guard let format else { return nil }
        packet.format = format
        if found.isKeyframe { packet.header.flags.insert(.keyframe) }
        return (packet, found)
    }

    private static let unknown = MediaFormat(codec: .h264, video: VideoLayout(width: 0, height: 0))

    // MARK: Audio

    private func audio(
        _ bytes: UnsafeRawBufferPointer, at time: MediaTime?, _ body: (Packet, _ time: MediaTime?) -> Void
    ) {
        guard !kind.isLATM else {
            parser!.frames(bytes, at: time) { element in
                var time = element.time
                let isRead = latm.read(element.bytes) {
                    body(packet($0, of: $1), time)
                    time = nil
                }
                if !isRead { misread += 1 }
            }
            return
        }
        guard kind.codec == .opus else {
            parser!.frames(bytes, at: time) { frame in
                guard frame.rate > 0, frame.channels > 0 else {
                    misread += 1
                    return
                }
                let length = frame.samples > 0 ? MediaTime(Int64(frame.samples), timescale: Int64(frame.rate)) : .none
                body(packet(frame.bytes, frame.codec, rate: frame.rate, channels: frame.channels, length), frame.time)
            }
            return
        }
        var time = time
        let isRead = forEachOpusUnit(bytes) { unit in
            let length =
                OpusPacket.samples(unit).map { MediaTime(Int64($0), timescale: Int64(OpusPacket.rate)) } ?? .none
            body(packet(unit, .opus, rate: 48_000, channels: kind.channels, length), time)
            time = nil
        }
        if !isRead { misread += 1 }
    }

    private func packet(_ frame: UnsafeRawBufferPointer, of stream: AudioSpecificConfig) -> Packet {
        let length = MediaTime(Int64(stream.samples), timescale: Int64(stream.rate))
        return packet(frame, .aac, rate: stream.rate, channels: stream.channels, length, configuration: stream.bytes)
    }

    private func packet(
        _ bytes: UnsafeRawBufferPointer, _ codec: MediaFormat.Codec, rate: Int, channels: Int, _ length: MediaTime,
        configuration: [UInt8] = []
    ) -> Packet {
        if format?.codec != codec || format?.audio?.rate != rate || format?.audio?.channels != channels
            || kind.isLATM && format?.configuration != configuration
        {
            let layout = AudioLayout(nil, rate: rate, channels: channels)
            let head = codec == .opus ? OpusHead(channels: channels).bytes : configuration
            format = MediaFormat(codec: codec, audio: layout, configuration: head)
        }
        let packet = pool.take(format!, count: bytes.count)
        packet.mutableBytes.copyMemory(from: bytes)
        packet.header.duration = length
        return packet
    }
}
