import CLibAV
import Glibc
import LibAV
import SampleTime
import Sluice

/// One file in progress: its muxer, its streams, and how much of it is whole.
final class MediaRecording {
    let sink: FileSink
    private let container: Container
    private let muxer: Muxer
    private let formats: [MediaFormat]
    private var isBegun: [Bool]
    /// Of a stream of raw audio in a container without times.
    private var placement: SamplePlacement?
    private var start = MediaTime.none
    private var end = MediaTime.none
    /// Bytes of the file after the last write that succeeded.
    private var whole: Int64 = 0

    var path: String { sink.path }
    /// Timestamps that did not rise and were changed.
    var corrected: Int { muxer.corrected }
    /// Seconds of silence that was put into holes, and of samples that overlapped others and were left out.
    var silence: Double { placement?.silence.seconds ?? 0 }
    var cut: Double { placement?.cut.seconds ?? 0 }
    var leaps: Int { placement?.leaps ?? 0 }

    /// Writes the header. `first` is the earliest time at which something is shown or heard; `isPart`: whatever it is,
    /// the file begins with it.
    /// Throws `NodeError` where the container refuses a format, or the file takes nothing.
    init(
        _ container: Container, _ sink: FileSink, _ formats: [MediaFormat], first: MediaTime, isPart: Bool = false
    ) throws {
        self.container = container
        self.sink = sink
        self.formats = formats
        isBegun = Array(repeating: false, count: formats.count)
        muxer = try Muxer(container: container.muxer, options: container.options, to: sink)
        for format in formats {
            do { try muxer.add(format) } catch {
                throw NodeError("\(container.rawValue) refuses \(format): \(error)", isInputError: true)
            }
        }
        // Small times are kept, so that encoder delay (a negative start) stays what it is; others begin at 0.
        if first.isKnown, isPart || abs(first.ticks / MediaTime.ticksPerSecond) >= 1 { muxer.offset = first }
        if container == .wav { placement = SamplePlacement(from: muxer.offset) }
        do { try muxer.open() } catch {
            if muxer.sinkError != 0 { throw failure(error) }
            if let one = formats.first(where: { !container.takes($0) }) {
                throw container.refusal(one, path: sink.path)
            }
            let all = formats.map(\.description).joined(separator: " and ")
            throw NodeError("\(container.rawValue) refuses \(all): \(error)", isInputError: true)
        }
        whole = sink.bytesWritten
    }

    /// Writes an item of the stream of that number. Returns why the container does not take this packet, if it takes
    /// others of the stream. Throws `NodeError` where the file takes no more.
    func write(_ item: MediaItem, stream: Int) throws -> AVError? {
        do {
            if let packet = item as? Packet {
                try muxer.write(packet, stream: stream)
            } else if let samples = item as? AudioFrame {
                try write(samples, stream)
            }
        } catch {
            // Damaged, or malformed: lost alone, unless nothing of the stream was ever right.
            guard muxer.sinkError == 0, isBegun[stream] else { throw failure(error) }
            return error
        }
        isBegun[stream] = true
        whole = sink.bytesWritten
        let time = item.header.pts.isKnown ? item.header.pts : item.decodingTime
        let until = time + (item.header.duration.isKnown ? item.header.duration : .zero)
        let heard = placement == nil ? time : max(time, muxer.offset)
        if !start.isKnown || heard < start { start = heard }
        if !end.isKnown || until > end { end = until }
        return nil
    }

    private func write(_ samples: AudioFrame, _ stream: Int) throws(AVError) {
        guard let place = placement?.place(samples.sampleCount, at: samples.header.pts, rate: samples.layout.rate)
        else { return try muxer.write(samples, stream: stream) }
        try writeSilence(place.silence, like: samples, stream)
        guard place.cut < samples.sampleCount else { return }
        try muxer.write(place.cut == 0 ? samples : samples.dropping(place.cut), stream: stream)
    }

    private func writeSilence(_ count: Int, like samples: AudioFrame, _ stream: Int) throws(AVError) {
        var left = count
        while left > 0 {
            let count = min(left, samples.layout.rate)
            try muxer.write(samples.silence(count), stream: stream)
            left -= count
        }
    }

    /// The next file begins with `item`: the hole before it is this one's. Throws `NodeError` where the file takes no
    /// more.
    func fill(before item: MediaItem, stream: Int) throws {
        guard let samples = item as? AudioFrame,
            let place = placement?.place(0, at: samples.header.pts, rate: samples.layout.rate)
        else { return }
        do { try writeSilence(place.silence, like: samples, stream) } catch { throw failure(error) }
        whole = sink.bytesWritten
    }

    /// Writes the container's end and gives the file back. Throws `NodeError` where the file has no room.
    func finish() throws {
        do { try muxer.finish() } catch { throw failure(error) }
        let code = sink.close()
        guard code == 0 else { throw NodeError("writing \"\(path)\" failed: \(errorText(code))") }
    }

    /// `out.mkv: 3.02 s, 812 kB`.
    var summary: String {
        let seconds = start.isKnown ? (end - start).seconds : 0
        return "\(path): \(seconds.fixed(2)) s, \(FileSink.size(sink.bytesWritten))"
    }

    /// The file ends with the last packet, cluster or fragment that is whole.
    private func failure(_ error: AVError) -> NodeError {
        if muxer.sinkError != 0 { sink.cut(to: whole) }
        let text = "writing \"\(path)\" failed after \(FileSink.size(sink.bytesWritten)): \(error)"
        guard muxer.sinkError != 0 else { return NodeError(text) }
        var advice = muxer.sinkError == ENOSPC || muxer.sinkError == EDQUOT ? ["Free some space."] : []
        if whole > 0 { advice.append("The file stays playable as far as it was written.") }
        return NodeError(text, advice: advice.joined(separator: " "))
    }
}

extension MediaItem {
    /// Its decoding time, or its presentation time where it has no other.
    var decodingTime: MediaTime { header.dts.isKnown ? header.dts : header.pts }
}
