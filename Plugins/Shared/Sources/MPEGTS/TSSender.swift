import Bitstream
import LibAV
import Sluice

/// Packets of one or two streams to MPEG-TS, each written and flushed as it comes: nothing is held for its own stream
/// or for the other one. Times are kept as they are; streams that begin before 0, as Opus does by its encoder's delay,
/// are moved by what is missing, once and for all connections.
public final class TSSender {
    private let sink: any ByteSink
    private var muxer: Muxer
    private var formats: [(track: TSTrack, format: MediaFormat)] = []

    /// Writes the tables. Throws where MPEG-TS does not take a format.
    public init(_ streams: [(track: TSTrack, format: MediaFormat)], offset: MediaTime, to sink: any ByteSink) throws {
        self.sink = sink
        // The length of a video PES packet lets a receiver hand a picture on without waiting for the next one.
        muxer = try Muxer(container: "mpegts", options: ["omit_video_pes_length": "0"], to: sink)
        muxer.writesThrough = true
        muxer.offset = offset
        for (_, format) in streams {
            do { try muxer.add(format) } catch {
                throw NodeError("MPEG-TS refuses \(format): \(error)", isInputError: true)
            }
        }
        formats = streams
        do { try muxer.open() } catch { throw NodeError("MPEG-TS refuses its streams: \(error)") }
    }

    /// In the order of the streams.
    public var tracks: [TSTrack] { formats.map(\.track) }

    /// Whether a receiver that read the tables before can read packets of `format`: pictures carry their size with
    /// them.
    public func goesOn(with format: MediaFormat, of track: TSTrack) -> Bool {
        guard let known = formats.first(where: { $0.track == track })?.format else { return false }
        return known.codec == format.codec && known.audio == format.audio
    }

    /// Throws what the muxer says; a broken sink shows in the sink.
    public func write(_ packet: Packet, of track: TSTrack) throws(AVError) {
        guard let stream = formats.firstIndex(where: { $0.track == track }) else { return }
        try muxer.write(packet, stream: stream)
    }

    /// The tables stand before the next packet again, for a reader who begins there.
    public func repeatTables() { muxer.repeatTables() }

    /// Writes what is held and ends the stream. Throws what the muxer says.
    public func finish() throws(AVError) { try muxer.finish() }

    /// The time that becomes 0 of the transport stream, chosen from the first packets: the earliest time that may come,
    /// if that is before 0.
    public static func offset(_ heads: [Packet], _ formats: [MediaFormat]) -> MediaTime {
        let first = heads.map { $0.header.dts.isKnown ? $0.header.dts : $0.header.pts }.filter(\.isKnown).min()
        guard let first else { return .zero }
        // Audio may come later than a picture of the same instant and begin before it by its encoder's delay.
        let delay = formats.compactMap(\.opusDelay).max() ?? .zero
        let earliest = first.ticks > 0 ? first - delay : min(first, .zero - delay)
        return min(.zero, earliest)
    }
}

extension MediaFormat {
    /// By how much Opus begins before its media: the pre-skip of its identification header (RFC 7845, section 5.1).
    var opusDelay: MediaTime? {
        guard codec == .opus, let head = OpusHead(configuration) else { return nil }
        return MediaTime(Int64(head.preSkip), timescale: Int64(OpusPacket.rate))
    }
}
