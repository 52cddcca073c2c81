import CAVFilter
import CLibAV
import LibAV
import Sluice

/// libavfilter's bwdif for pictures of one layout: fields in, whole pictures out, each when the next picture is known.
/// One lane only.
final class FieldFilter {
    /// How pictures become whole ones.
    struct Options: Equatable {
        /// One picture for each field, so twice as many.
        var everyField = false
        /// Those that say they are whole too.
        var all = false
        /// The field that was taken first; nil where each picture says it.
        var topFirst: Bool?
    }

    private var graph: UnsafeMutablePointer<AVFilterGraph>?
    private let source: UnsafeMutablePointer<AVFilterContext>
    private let sink: UnsafeMutablePointer<AVFilterContext>
    private let scratch: UnsafeMutablePointer<AVFrame>
    /// Pictures that went in.
    private var count: Int64 = 0

    /// `layout` is i420. Throws where libavfilter refuses it.
    init(_ layout: VideoLayout, _ options: Options) throws {
        LibAVLog.silence()
        guard let graph = avfilter_graph_alloc(), let scratch = av_frame_alloc() else {
            throw AVError(sluice_averror(ENOMEM))
        }
        self.graph = graph
        self.scratch = scratch
        // One thread: the graph's lane.
        graph.pointee.nb_threads = 1
        let parity = options.topFirst.map { $0 ? "tff" : "bff" } ?? "auto"
        let filter =
            "mode=\(options.everyField ? "send_field" : "send_frame"):parity=\(parity):"
            + "deint=\(options.all ? "all" : "interlaced")"
        let input =
            "video_size=\(layout.width)x\(layout.height):pix_fmt=\(AV_PIX_FMT_YUV420P.rawValue):time_base=1/1000:"
            + "pixel_aspect=1/1"
        do {
            let made = try [("buffer", input), ("bwdif", filter), ("buffersink", "")].map {
                try FieldFilter.add($0.0, $0.1, to: graph)
            }
            (source, sink) = (made[0], made[2])
            for (from, to) in zip(made, made.dropFirst()) { try AVError.check(avfilter_link(from, 0, to, 0)) }
            try AVError.check(avfilter_graph_config(graph, nil))
        } catch {
            FieldFilter.free(graph, scratch)
            throw NodeError("libavfilter's bwdif does not take pictures of \(layout): \(error)")
        }
    }

    private static func add(
        _ name: String, _ options: String, to graph: UnsafeMutablePointer<AVFilterGraph>
    ) throws -> UnsafeMutablePointer<AVFilterContext> {
        var made: UnsafeMutablePointer<AVFilterContext>?
        guard let filter = avfilter_get_by_name(name) else { throw NodeError("this libavfilter has no \(name)") }
        try AVError.check(avfilter_graph_create_filter(&made, filter, name, options, nil, graph))
        return made!
    }

    private static func free(_ graph: UnsafeMutablePointer<AVFilterGraph>, _ frame: UnsafeMutablePointer<AVFrame>) {
        var (graph, frame) = (Optional(graph), Optional(frame))
        av_frame_free(&frame)
        avfilter_graph_free(&graph)
    }

    deinit { if let graph { FieldFilter.free(graph, scratch) } }

    /// Takes the picture where it lies; it lives until the filter lets it go. Pictures are numbered from 0 on.
    func push(_ frame: VideoFrame) throws {
        try frame.lend(to: scratch)
        // Numbers are exact; the filter's times count halves.
        scratch.pointee.pts = count * 2
        count += 1
        let flags = frame.header.flags
        scratch.pointee.interlaced_frame = flags.contains(.interlaced) ? 1 : 0
        scratch.pointee.top_field_first = flags.contains(.bottomFieldFirst) ? 0 : 1
        let code = av_buffersrc_add_frame(source, scratch)
        av_frame_unref(scratch)
        try AVError.check(code)
    }

    /// No picture follows.
    func end() throws { try AVError.check(av_buffersrc_add_frame(source, nil)) }

    /// The next picture, of the picture of that number, and whether it is made of its second field.
    func pull(_ format: MediaFormat) throws -> (frame: VideoFrame, number: Int64, isSecond: Bool)? {
        let code = av_buffersink_get_frame(sink, scratch)
        if code == AVError.again || code == AVError.endOfFile { return nil }
        try AVError.check(code)
        let time = scratch.pointee.pts
        guard let frame = VideoFrame(moving: scratch, format: format) else {
            av_frame_unref(scratch)
            throw NodeError("libavfilter's bwdif gave a picture of another layout than \(format)")
        }
        return (frame, time / 4, time % 4 != 0)
    }
}
