import Bitstream
import Sluice

/// One RTP packet as the jitter buffer hands it on: in order, with what is missing before it.
public struct OrderedPacket {
    /// Good for the call that hands the packet on.
    public var payload: UnsafeRawBufferPointer
    /// Unwrapped, in units of the media clock.
    public var timestamp: Int64
    /// The marker bit.
    public var isMarked: Bool
    /// Packets before it that never came.
    public var lost: Int
    /// When it came, on the graph's clock.
    public var arrival: Instant
    /// How media lie in the payload; nil for that of the packets before.
    public var format: PayloadFormat?

    /// `timestamp` unwrapped, in units of the media clock.
    public init(
        payload: UnsafeRawBufferPointer, timestamp: Int64, isMarked: Bool, lost: Int, arrival: Instant,
        format: PayloadFormat? = nil
    ) {
        self.format = format
        self.payload = payload
        self.timestamp = timestamp
        self.isMarked = isMarked
        self.lost = lost
        self.arrival = arrival
    }
}

/// A frame that came out whole. `bytes` last for the call that hands it out.
public struct ReceivedFrame {
    /// A coded frame: an access unit with start codes for H.264.
    public var bytes: UnsafeRawBufferPointer
    /// Unwrapped, in units of the media clock.
    public var timestamp: Int64
    /// Decoding can begin here.
    public var isKeyframe: Bool
    /// Of video: frames before it are missing. Audio tells that by its timestamps, so that a decoder conceals the hole.
    public var isDiscontinuous: Bool
    /// When its first packet came.
    public var arrival: Instant
    /// Samples of audio, 0 for video.
    public var samples: Int
    /// Samples before it for which the sender sent nothing, as there was silence (DTX); 0 where packets were lost. Of
    /// audio.
    public var silenceBefore = 0
    /// The sender says that it is silent from here on: a packet of Opus without sound (RFC 6716, section 3.1). Of
    /// audio.
    public var isSilence = false
    /// How it lay in its packets.
    public var format: PayloadFormat
}

/// Puts frames together out of packets in order. Pure; any bytes may come.
///
/// Packets of Opus and G.711 are frames. Of AAC a packet has several frames, or a part of one (`AACDepacketizer`). A
/// frame of video ends where another timestamp follows, or with a marker that can be believed (`PictureEnds`). One that
/// lacks a packet, or whose pieces do not fit, is dropped, and so is everything behind it until a keyframe that came
/// whole: `needsKeyframe`.
public struct Depacketizer {
    /// How media lie in the payloads, of the last packet.
    public private(set) var format: PayloadFormat
    /// Nothing can be handed out before a keyframe.
    public private(set) var needsKeyframe: Bool
    /// Frames of video, and units of AAC in several packets, that were begun but dropped.
    public private(set) var damagedFrames = 0
    /// Whole frames that were dropped because they depend on lost ones.
    public private(set) var framesBeforeKeyframe = 0
    /// Payloads that are not what the format says.
    public private(set) var malformedPackets = 0

    private var h264 = H264Depacketizer()
    private var aac = AACDepacketizer()
    private var ends = PictureEnds()
    private var isOpen = false
    private var isDamaged = false
    /// Of the picture that is open, or was last.
    private var timestamp: Int64 = 0
    private var arrival = Instant(nanoseconds: 0)
    private var lacksFrames = false
    /// The packet before the next is missing, or there was none.
    private var isAfterHole = true
    /// Packets of the picture that is open.
    private var packets = 0
    /// Behind the last frame of audio.
    private var audioEnd: Int64?
    private var lostAudio = 0
    private let assembly: ByteAssembly

    /// `largestFrame` in bytes: a frame that grows beyond it is dropped.
    public init(_ format: PayloadFormat, largestFrame: Int = 8 << 20) {
        self.format = format
        assembly = ByteAssembly(most: largestFrame)
        needsKeyframe = format.isVideo
    }

    /// Takes the next packet and hands out what it completes: two frames of video at most.
    public mutating func push(_ packet: OrderedPacket, _ emit: (ReceivedFrame) -> Void) {
        // Empty payloads keep a path open (RFC 6263); they are no media.
        guard !packet.payload.isEmpty || packet.lost > 0 else { return }
        if let other = packet.format, other != format, !packet.payload.isEmpty { change(to: other, emit) }
        switch format {
        case .h264, .vp8: pushVideo(packet, emit)
        case .aac(let framing): pushAAC(packet, framing, emit)
        case .opus, .pcmu, .pcma: pushAudio(packet, emit)
        }
    }

    /// Nothing follows: hands out the picture that is open, unless a marker is missing that would have ended it.
    public mutating func drain(_ emit: (ReceivedFrame) -> Void) {
        damagedFrames += aac.drop(assembly)
        guard isOpen else { return }
        if ends.areBelieved == true { isDamaged = true }
        finish(emit)
    }

    /// The sender has changed its codec.
    private mutating func change(to other: PayloadFormat, _ emit: (ReceivedFrame) -> Void) {
        drain(emit)
        format = other
        restart()
    }

    /// The source is another from here on: what was begun is dropped.
    public mutating func restart() {
        if isOpen { damagedFrames += 1 }
        damagedFrames += aac.drop(assembly)
        aac = AACDepacketizer()
        (isOpen, packets) = (false, 0)
        needsKeyframe = format.isVideo
        (lacksFrames, isAfterHole) = (true, true)
        ends = PictureEnds()
        h264 = H264Depacketizer()
        assembly.removeAll()
        (audioEnd, lostAudio) = (nil, 0)
    }

    private mutating func pushAudio(_ packet: OrderedPacket, _ emit: (ReceivedFrame) -> Void) {
        lostAudio += packet.lost
        guard !packet.payload.isEmpty else { return }
        let samples = format == .opus ? OpusPacket.samples(packet.payload) : packet.payload.count
        guard let samples else {
            malformedPackets += 1
            return
        }
        var frame = ReceivedFrame(
            bytes: packet.payload, timestamp: packet.timestamp, isKeyframe: true, isDiscontinuous: false,
            arrival: packet.arrival, samples: samples, format: format)
        if lostAudio == 0, let audioEnd { frame.silenceBefore = max(0, Int(clamping: packet.timestamp &- audioEnd)) }
        frame.isSilence = format == .opus && packet.payload.count <= Depacketizer.longestSilence
        (audioEnd, lostAudio) = (packet.timestamp &+ Int64(samples), 0)
        emit(frame)
    }

    /// libopus gives so many bytes or fewer where there is nothing to send (`opus_encode`).
    private static let longestSilence = 2

    private mutating func pushAAC(
        _ packet: OrderedPacket, _ framing: AACFraming, _ emit: (ReceivedFrame) -> Void
    ) {
        let format = format
        let faults = aac.push(packet, framing, assembly) { unit in
            emit(
                ReceivedFrame(
                    bytes: unit.bytes, timestamp: unit.timestamp, isKeyframe: true, isDiscontinuous: false,
                    arrival: unit.arrival, samples: framing.duration, format: format))
        }
        damagedFrames += faults.damaged
        if faults.isMalformed { malformedPackets += 1 }
    }

    // MARK: Video

    private mutating func pushVideo(_ packet: OrderedPacket, _ emit: (ReceivedFrame) -> Void) {
        if packet.lost > 0 { noteLoss(before: packet, emit) }
        guard !packet.payload.isEmpty else { return }
        let isOfSame = packet.timestamp == timestamp
        if isOpen {
            if !isOfSame || isNext(packet.payload) {
                ends.end(isKeyframe: !isDamaged && isKeyframe)
                finish(emit)
            } else {
                ends.goOn()
                isAfterHole = false
            }
        } else if isOfSame, packets > 0, ends.areBelieved == true, packet.lost == 0, goesOn(packet.payload) {
            // A marker had ended its picture, and half of it has gone on.
            ends.refute()
            (needsKeyframe, lacksFrames, isAfterHole) = (true, true, true)
        }
        if !isOpen { open(packet) }
        packets += 1
        if !isDamaged { append(packet.payload) }
        let parts = isDamaged ? 0 : format == .vp8 ? packets : h264.slices
        if isDamaged || format == .vp8 || h264.mayEnd, ends.note(isMarked: packet.isMarked, parts: parts) {
            finish(emit)
        }
    }

    /// The lost packets belonged to the picture that is open, to those between, or to the beginning of this one.
    private mutating func noteLoss(before packet: OrderedPacket, _ emit: (ReceivedFrame) -> Void) {
        if isOpen {
            let isOver = packet.payload.isEmpty || packet.timestamp != timestamp
            if isOver, ends.isMarked, ends.areBelieved != false { finish(emit) } else { isDamaged = true }
        }
        (needsKeyframe, lacksFrames, isAfterHole) = (true, true, true)
    }

    private var isKeyframe: Bool { format == .vp8 ? VP8Frame.isKeyframe(assembly.bytes) : h264.hasKeyframe }

    /// Another picture begins with it, of the same time as the one that is open.
    private func isNext(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard ends.isMarked else { return false }
        return format == .vp8 ? VP8Descriptor(payload)?.beginsFrame ?? false : h264.beginsPicture(payload)
    }

    /// It continues a picture of which something has come.
    private func goesOn(_ payload: UnsafeRawBufferPointer) -> Bool {
        if format == .vp8 { return !(VP8Descriptor(payload)?.beginsFrame ?? true) }
        return h264.holdsSlice(payload) && !h264.beginsPicture(payload)
    }

    private mutating func open(_ packet: OrderedPacket) {
        (isOpen, isDamaged) = (true, false)
        (timestamp, arrival, packets) = (packet.timestamp, packet.arrival, 0)
        ends.begin()
        h264.begin()
        let begins =
            format == .vp8 ? VP8Descriptor(packet.payload)?.beginsFrame ?? false : h264.mayBegin(packet.payload)
        // Without a loss before it the first packet of a timestamp is the frame's first whatever it says.
        if !begins && (isAfterHole || format == .vp8) { isDamaged = true }
        isAfterHole = false
    }

    private mutating func append(_ payload: UnsafeRawBufferPointer) {
        let fits: Bool
        if format == .vp8 {
            if let descriptor = VP8Descriptor(payload) {
                fits = assembly.append(payload.part(descriptor.size..<payload.count))
            } else {
                fits = false
            }
        } else {
            fits = h264.append(payload, to: assembly)
        }
        guard !fits else { return }
        malformedPackets += 1
        isDamaged = true
    }

    private mutating func finish(_ emit: (ReceivedFrame) -> Void) {
        isOpen = false
        // Parameter sets and messages make no picture: they belong to the next one, whatever its timestamp.
        if format == .h264, !isDamaged, h264.isWhole, h264.slices == 0 { return }
        let isWhole = !isDamaged && assembly.count > 0 && (format == .vp8 || h264.isWhole)
        guard isWhole else {
            assembly.removeAll()
            damagedFrames += 1
            (needsKeyframe, lacksFrames) = (true, true)
            return
        }
        let end = format == .h264 ? h264.tail ?? assembly.count : assembly.count
        defer { assembly.keep(from: end) }
        let isKeyframe = isKeyframe
        guard isKeyframe || !needsKeyframe else {
            framesBeforeKeyframe += 1
            lacksFrames = true
            return
        }
        emit(
            ReceivedFrame(
                bytes: assembly.bytes(before: end), timestamp: timestamp, isKeyframe: isKeyframe,
                isDiscontinuous: lacksFrames, arrival: arrival, samples: 0, format: format))
        (needsKeyframe, lacksFrames) = (false, false)
    }
}
