import CLibAV
import Glibc
import LibAV
import MPEGTS
import Sluice
import SourceTime

/// A media file through libavformat: demuxed, and decoded where asked. Times begin at 0, or where the earlier of both
/// streams begins; damaged packets are counted and skipped.
final class MediaFile: SourceMedia {
    private let reader: MediaFileReader
    private var context: UnsafeMutablePointer<AVFormatContext>?
    private var io: UnsafeMutablePointer<AVIOContext>?
    private var tracks: [MediaFileTrack?] = [nil, nil]
    private let packet: UnsafeMutablePointer<AVPacket>
    private var isAtEnd = false
    /// Nothing can be read of it.
    private var failure: NodeError?
    private var timeline: SourceTimeline
    private var isTellingOrder = false
    private var leaps = 0
    /// It has begun again: what is wrong with it was told.
    private var isRepeated = false
    private let leapCounter: Metric.Counter
    private let warn: (String) -> Void

    /// `wanted` are the tracks that the graph uses; the others are not read. `names` choose among several of a kind;
    /// `note` gets a sentence where there was a choice, and where pictures are turned. `warn` gets one sentence for
    /// each kind of damage, and for what pictures lose.
    init(
        _ reader: MediaFileReader, decode: Bool, turns: Bool = true, options: Decoder.Options, wanted: [Track],
        damaged: Metric.Counter, names: [Track: String] = [:], leaps: Metric.Counter,
        note: (String) -> Void = { _ in }, warn: @escaping (String) -> Void
    ) throws {
        LibAVLog.silence()
        self.reader = reader
        (self.warn, leapCounter) = (warn, leaps)
        let opened = try MediaFile.open(reader)
        context = opened.context
        io = opened.io
        if String(cString: opened.context.pointee.iformat.pointee.name) != "mpegts" { reader.forgetMaps() }
        // Not before: a file that does not open runs no deinit.
        packet = av_packet_alloc()
        timeline = MediaFile.timeline(opened.context)
        var start = MediaTime.none
        for (track, kind) in [(Track.video, AVMEDIA_TYPE_VIDEO), (.audio, AVMEDIA_TYPE_AUDIO)] {
            let choice = TrackChoice(track, in: opened.context)
            guard let stream = try stream(kind, choice, names[track] ?? "") else { continue }
            let begins = MediaTime(stream.pointee.start_time, stream.pointee.time_base)
            if begins.isKnown && (!start.isKnown || begins < start) { start = begins }
            guard wanted.contains(track) else { continue }
            if let words = choice.words(taking: stream.pointee.index) { note("\"\(reader.path)\": \(words)") }
            let rate = av_guess_frame_rate(context, stream, nil)
            do {
                tracks[track.rawValue] = try MediaFileTrack(
                    stream, frameRate: rate, decode: decode, turns: turns,
                    isSpliced: MediaFile.isSpliced(opened.context),
                    options: options, damaged: damaged,
                    note: { note("\"\(reader.path)\": \($0)") },
                    warn: { [path = reader.path] in warn("\"\(path)\": \($0)") })
            } catch let error as NodeError {
                throw NodeError(
                    "\"\(reader.path)\": \(error.message)", advice: error.advice, isInputError: error.isInputError)
            }
        }
        discardOthers()
        tellOrder(decode)
        for track in tracks { track?.start = start.isKnown ? start : .zero }
    }

    deinit {
        closeContext()
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&packet)
    }

    func format(_ track: Track) -> MediaFormat? { tracks[track.rawValue]?.format }

    func next(_ track: Track) throws -> Pull {
        guard let wanted = tracks[track.rawValue] else { return .end }
        let other = tracks[1 - track.rawValue]
        while true {
            if let item = try wanted.take() { return .item(item) }
            if isAtEnd {
                guard try !wanted.drain() else { continue }
                if let failure { throw failure }
                if !reader.wasStopped { wanted.noteEnd() }
                return .end
            }
            if let other, other.isFull { return .later }
            read()
        }
    }

    /// One packet into the queue of its track.
    private func read() {
        let code = av_read_frame(context, packet)
        guard code >= 0 else {
            isAtEnd = true
            noteEnd(code)
            return
        }
        for case let track? in tracks where track.index == packet.pointee.stream_index {
            if let change = reader.maps?.change(of: track.pid, at: packet.pointee.pos) {
                av_packet_unref(packet)
                (isAtEnd, failure) = (true, refusal(of: change, track))
                return
            }
            place(packet, of: track)
            track.append(packet)
            return
        }
        av_packet_unref(packet)
    }

    /// libavformat hands on the packets of the new codec as if they were of the old one.
    private func refusal(of change: TSMapWatch.Change, _ track: MediaFileTrack) -> NodeError {
        let seconds = track.readUntil.isKnown ? track.readUntil.seconds.fixed(2) : "0"
        let name = track.format.kind.isAudio ? "audio" : "video"
        return NodeError(
            "\"\(reader.path)\": its \(name) changes from \(change.before) to \(change.after) at \(seconds) s: it ends there",
            advice: "Cut the file there, and play its parts one after the other.", isInputError: true)
    }

    // MARK: Times

    private static func timeline(_ context: UnsafeMutablePointer<AVFormatContext>) -> SourceTimeline {
        SourceTimeline(isSpliced(context) ? .spliced : .written)
    }

    /// Its times may leap, and its streams change.
    private static func isSpliced(_ context: UnsafeMutablePointer<AVFormatContext>) -> Bool {
        context.pointee.iformat.pointee.flags & AVFMT_TS_DISCONT != 0
    }

    /// Times that leap go on where they were. All streams move together.
    private func place(_ packet: UnsafeMutablePointer<AVPacket>, of track: MediaFileTrack) {
        let base = track.timeBase
        let pts = MediaTime(packet.pointee.pts, base)
        let dts = MediaTime(packet.pointee.dts, base)
        // Demuxers leave the first ones of a stream out. Presentation times say nothing of the order.
        guard dts.isKnown else { return move(packet, by: timeline.offset(of: Int(track.index)), base) }
        let length = packet.pointee.duration > 0 ? MediaTime(packet.pointee.duration, base) : .none
        let placed = timeline.place(Int(track.index), dts: dts, pts: pts, duration: length)
        move(packet, by: placed.offset, base)
        guard let leap = placed.leap else { return }
        leaps += 1
        leapCounter.add()
        if leaps <= MediaFile.leapsTold && !isRepeated { warn("\"\(reader.path)\": \(leap.words(since: track.start))") }
    }

    private func move(_ packet: UnsafeMutablePointer<AVPacket>, by offset: MediaTime, _ base: AVRational) {
        let units = offset.units(of: base)
        if packet.pointee.pts != sluice_no_pts() { packet.pointee.pts &+= units }
        if packet.pointee.dts != sluice_no_pts() { packet.pointee.dts &+= units }
    }

    private static let leapsTold = 3

    /// Says once why the media end earlier than their header told.
    private func noteEnd(_ code: Int32) {
        guard !reader.wasStopped, !isRepeated else { return }
        if leaps > MediaFile.leapsTold {
            warn("\"\(reader.path)\": times leap \(leaps - MediaFile.leapsTold) times more")
        }
        let end = tracks.compactMap { $0?.readUntil }.filter(\.isKnown).max() ?? .zero
        let seconds = end.seconds.fixed(2)
        if reader.failure != 0 {
            warn("reading \"\(reader.path)\" failed at \(seconds) s: \(errorText(reader.failure))")
        } else if code != AVError.endOfFile, !tracks.contains(where: { $0?.readUntil.isKnown == true }) {
            failure = MediaFile.refusal(ofMedia: reader, AVError.text(code), container)
        } else if code != AVError.endOfFile {
            warn("\"\(reader.path)\" is damaged at \(seconds) s (\(AVError.text(code))): it ends there")
        } else if let samples = reader.samples, samples.isCut {
            let (told, there) = (FileSink.size(samples.told), FileSink.size(samples.there))
            warn(
                "\"\(reader.path)\" ends at \(seconds) s: its header tells \(told) of samples, and \(there) are there: it is truncated"
            )
        } else if leaps == 0, let told = toldDuration {
            // Matroska's writers do not agree on whether a duration begins at 0 or with the first packet.
            let since = max(.zero, tracks.compactMap { $0?.start }.min() ?? .zero)
            guard (end + since).seconds < told.seconds - 1 else { return }
            warn(
                "\"\(reader.path)\" ends at \(seconds) s, though its header tells \(told.seconds.fixed(2)) s: it is truncated"
            )
        }
    }

    /// As libavformat calls it.
    private var container: String {
        context.flatMap { $0.pointee.iformat.map { String(cString: $0.pointee.name) } } ?? ""
    }

    /// The header can be read, and not a single packet.
    private static func refusal(ofMedia reader: MediaFileReader, _ reason: String, _ container: String) -> NodeError {
        guard !reader.isRegular, container.hasPrefix("mov,") else {
            return NodeError(
                "\"\(reader.path)\" has a header, and none of its media can be read: \(reason)",
                advice: "It may be damaged or truncated. `ffprobe` tells more.", isInputError: true)
        }
        // Its index came behind the media, which had gone by then.
        return NodeError(
            "\"\(reader.path)\" is an mp4 or mov file whose index stands at its end, "
                + "and no pipe goes back to the media",
            advice:
                "Open the file itself, or move its index to the front: ffmpeg -i FILE -c copy -movflags +faststart OUT.",
            isInputError: true)
    }

    /// How long the streams that are read are by the header; nil where it does not tell. That of the whole file is of
    /// no use where streams are left out: one of those may be the longest.
    private var toldDuration: MediaTime? {
        guard let context, context.pointee.duration_estimation_method != AVFMT_DURATION_FROM_BITRATE else { return nil }
        let streams = (0..<Int(context.pointee.nb_streams)).compactMap { context.pointee.streams[$0] }
        guard streams.contains(where: { $0.pointee.discard == AVDISCARD_ALL }) else {
            guard context.pointee.duration != sluice_no_pts() else { return nil }
            return MediaTime(context.pointee.duration, AVRational(num: 1, den: 1_000_000))
        }
        return streams.filter { $0.pointee.discard != AVDISCARD_ALL && $0.pointee.duration != sluice_no_pts() }
            .map { MediaTime($0.pointee.duration, $0.pointee.time_base) }.max()
    }

    func skip(_ track: Track, to time: MediaTime) -> Int {
        guard let wanted = tracks[track.rawValue] else { return 0 }
        let other = tracks[1 - track.rawValue]
        var left = 0
        while true {
            let (dropped, isThere) = wanted.skip(to: time)
            left += dropped
            if isThere || isAtEnd { return left }
            if let other, other.isFull { return left }
            read()
        }
    }

    /// Opens the file anew: not every container knows where its first packet is, and to search by time misses those
    /// before the first picture that is shown.
    func restart() throws -> Bool {
        guard reader.isRegular, reader.seek(0, SEEK_SET) == 0 else { return false }
        closeContext()
        let opened = try MediaFile.open(reader)
        (context, io) = opened
        timeline = MediaFile.timeline(opened.context)
        guard tracks.allSatisfy({ $0.map { $0.isOf(opened.context) } ?? true }) else { return false }
        discardOthers()
        if isTellingOrder { context?.pointee.flags |= AVFMT_FLAG_GENPTS }
        for track in tracks { track?.restart() }
        (isAtEnd, isRepeated) = (false, true)
        return true
    }

    /// Where packets are handed on, libavformat finds presentation times that the container lacks: those of B-frames
    /// are their decoding times, and other pictures are shown when the next of their kind is decoded. This is not so
    /// in H.264 and HEVC (`DisplayOrder`).
    private func tellOrder(_ decode: Bool) {
        let isNumbered = tracks.contains { $0?.format.codec == .h264 || $0?.format.codec == MediaFormat.Codec("hevc") }
        guard !decode && !isNumbered else { return }
        isTellingOrder = true
        context?.pointee.flags |= AVFMT_FLAG_GENPTS
    }

    private func discardOthers() {
        for index in 0..<Int(context?.pointee.nb_streams ?? 0) {
            let stream = context!.pointee.streams[index]!
            if !tracks.contains(where: { $0?.index == stream.pointee.index }) { stream.pointee.discard = AVDISCARD_ALL }
        }
    }

    private func closeContext() {
        avformat_close_input(&context)
        if let io {
            av_free(io.pointee.buffer)
            avio_context_free(&self.io)
        }
    }

    // MARK: Opening

    private static func open(
        _ reader: MediaFileReader
    ) throws -> (context: UnsafeMutablePointer<AVFormatContext>, io: UnsafeMutablePointer<AVIOContext>) {
        let size: Int32 = 65_536
        let seek: (@convention(c) (UnsafeMutableRawPointer?, Int64, Int32) -> Int64)? = { opaque, offset, whence in
            let reader = Unmanaged<MediaFileReader>.fromOpaque(opaque!).takeUnretainedValue()
            return whence == sluice_seek_size() ? reader.size : reader.seek(offset, whence & ~sluice_seek_force())
        }
        let io = avio_alloc_context(
            av_malloc(Int(size)), size, 0, Unmanaged.passUnretained(reader).toOpaque(),
            { opaque, bytes, count in
                let reader = Unmanaged<MediaFileReader>.fromOpaque(opaque!).takeUnretainedValue()
                let got = reader.read(bytes!, Int(count))
                if got > 0 { return Int32(got) }
                if got == 0 { return AVError.endOfFile }
                return reader.wasStopped ? AVError.exit : sluice_averror(reader.failure)
            }, nil, reader.isRegular ? seek : nil)!
        var context = avformat_alloc_context()
        context!.pointee.pb = io
        sluice_open_nothing_else(context)
        var format: UnsafePointer<AVInputFormat>?
        var code = av_probe_input_buffer2(io, &format, reader.path, nil, 0, 0)
        var name: String { format.map { String(cString: $0.pointee.name) } ?? "" }
        // By its ending a picture is taken for one of numbered files; by its bytes it is itself.
        if name == "image2" {
            format = nil
            code = av_probe_input_buffer2(io, &format, "", nil, 0, 0)
        }
        let isWanted = MediaFormats.holdTheirMedia(name)
        if code >= 0 && isWanted {
            var options: OpaquePointer?
            // For what a demuxer opens in its turn.
            av_dict_set(&options, "protocol_whitelist", "none", 0)
            av_dict_set(&options, "format_whitelist", MediaFormats.list, 0)
            code = avformat_open_input(&context, reader.path, format, &options)
            av_dict_free(&options)
            if code >= 0 { code = avformat_find_stream_info(context, nil) }
        } else {
            avformat_free_context(context)
            context = nil
        }
        guard code >= 0, let context else {
            avformat_close_input(&context)
            var io: UnsafeMutablePointer<AVIOContext>? = io
            av_free(io!.pointee.buffer)
            avio_context_free(&io)
            throw code >= 0 && !isWanted ? MediaFormats.refusal(of: name, reader.path) : refusal(reader, code)
        }
        return (context, io)
    }

    private static func refusal(_ reader: MediaFileReader, _ code: Int32) -> NodeError {
        if reader.wasStopped && reader.bytesRead == 0 {
            return NodeError(
                "nobody wrote to \"\(reader.path)\" before the graph stopped", advice: "Start the writer first.")
        }
        if reader.wasStopped {
            return NodeError("the graph stopped before \"\(reader.path)\" had told what media it holds")
        }
        if reader.bytesRead == 0 && reader.failure == 0 {
            let what = reader.isRegular ? "it is empty" : "its writer closed it without writing"
            return NodeError("cannot read \"\(reader.path)\": \(what)", isInputError: true)
        }
        return NodeError(
            "\"\(reader.path)\" is no media file that libavformat knows: \(AVError.text(code))",
            advice: "It may be truncated, or another kind of file. `ffprobe` tells more.", isInputError: true)
    }

    /// The stream that is named, or else the one that a player would choose.
    private func stream(
        _ kind: AVMediaType, _ choice: TrackChoice, _ name: String
    ) throws -> UnsafeMutablePointer<AVStream>? {
        guard !name.isEmpty else { return best(kind) }
        guard let found = choice.find(name) else { throw choice.refusal(of: name, path: reader.path) }
        return context?.pointee.streams[Int(found.index)]
    }

    /// The stream that a player would choose; a cover picture is no video.
    private func best(_ kind: AVMediaType) -> UnsafeMutablePointer<AVStream>? {
        let index = av_find_best_stream(context, kind, -1, -1, nil, 0)
        guard index >= 0, let stream = context?.pointee.streams[Int(index)] else { return nil }
        return stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC != 0 ? nil : stream
    }
}

extension Double {
    /// With so many digits behind the point, for sentences.
    func fixed(_ digits: Int) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        guard isFinite, magnitude < 1e12 else { return "\(self)" }
        let value = Int((self * Double(scale)).rounded())
        let fraction = String(value.magnitude % UInt(scale))
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return (value < 0 ? "-" : "") + "\(value.magnitude / UInt(scale))" + (digits > 0 ? "." + zeros + fraction : "")
    }
}
