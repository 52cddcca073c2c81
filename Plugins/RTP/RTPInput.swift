import Bitstream
import Glibc
import Net
import RTP
import Sluice

/// Receives RTP or SRTP as a session description tells, puts packets in order, and gives frames that came whole.
///
/// Audio that is missing is a hole between timestamps, which `opus-decoder` fills. Of video, what depends on something
/// that is missing is left out until the next keyframe, for which the sender is asked where it sends reports.
public final class RTPInput: Node {
    public static let descriptor = NodeDescriptor(
        "rtp-input", summary: "Receives RTP or SRTP as a session description (SDP) tells", traits: .live,
        example: #""in": { "type": "rtp-input", "sdp": "stream.sdp" }"#)

    let video = Output<Packet>("video", .codedVideo([.h264, .vp8]), optional: true)
    let audio = Output<Packet>("audio", .codedAudio([.opus, .aac, .pcmu, .pcma]), optional: true)
    let keyframe = RequestInput("keyframe", help: "Asks the sender for a keyframe.")

    @Parameter("sdp", help: "The file with the sender's session description (SDP).") var path: String
    @Parameter(
        "bind", default: "",
        help: "The address where it listens. Empty takes the description's, if this machine has it.")
    var bindAddress: String
    @Parameter(
        "sender", default: "",
        help: "The address that media come from. Empty takes the description's. any lets every address in.")
    var sender: String
    @Parameter(
        "takeover_ms", default: 2_000, range: 0...3_600_000,
        help: "The silence after which another sender may take over, in ms. "
            + "0 never lets one. With SRTP the key decides.")
    var takeover: Int
    @Parameter(
        "max_width", default: PictureLimit.usualSide, range: 16...16_384,
        help: "The widest video that is taken, in pixels. Wider video is left out.")
    var maxWidth: Int
    @Parameter(
        "max_height", default: PictureLimit.usualSide, range: 16...16_384,
        help: "The highest video that is taken, in pixels. Higher video is left out.")
    var maxHeight: Int
    @Parameter(
        "max_pixels", default: PictureLimit.usualPixels, range: 256...268_435_456,
        help: "The most pixels of a picture that is taken. The default is the most of H.264's level 6.2, 8192x4352."
    )
    var maxPixels: Int
    @Parameter(
        "max_frame_kb", default: 8_192, range: 64...65_536,
        help: "The largest coded frame that is taken, in KiB. A larger one is left out.")
    var largestFrame: Int
    @Parameter(
        "max_buffer_kb", default: 16_384, range: 64...1_048_576,
        help: "The most memory of the packets that wait, in KiB.")
    var mostBuffered: Int
    @Parameter(
        "hold_ms", default: 10_000, range: 0...600_000,
        help: "The longest wait of frames while the next node is busy, in ms. Then the oldest are left out.")
    var hold: Int
    @Parameter(
        "hold_kb", default: 65_536, range: 64...1_048_576, help: "The most memory of the frames that wait, in KiB.")
    var mostHeld: Int
    @Parameter(
        "jitter_ms", default: 60, range: 0...10_000,
        help: "The longest wait for a missing packet in ms. With timed it is the delay.")
    var jitter: Double
    @Parameter(
        "release", default: .early,
        help: "The time when frames go on: early, as soon as they are whole; "
            + "timed, at even intervals, jitter_ms late.")
    var release: Release
    @Parameter("on_end", default: .finish, help: "Finishes when the sender says goodbye, or waits for the next one.")
    var onEnd: OnEnd
    @Parameter(
        "timeout_ms", default: 0, range: 0...3_600_000,
        help: "The time without a packet that counts as the end, in ms. 0 waits forever.")
    var timeout: Int
    @Parameter(
        "report_interval_ms", default: 1_000, range: 100...60_000,
        help: "The mean time between two receiver reports in ms.")
    var reportInterval: Int

    enum Release: String, CaseIterable, ParameterValue.Convertible { case early, timed }
    enum OnEnd: String, CaseIterable, ParameterValue.Convertible { case finish, wait }

    private var context: NodeContext!
    // Only the node's lane gets here, so exclusivity need not be checked at run time.
    @exclusivity(unchecked) private var streams: [InputStream] = []
    @exclusivity(unchecked) private var polled: [pollfd] = []
    private var isDrained = false
    @exclusivity(unchecked) private var timeline = ReceiveTimeline(clockRates: [], reference: 0)
    private var timer: ReportTimer!
    private var wall: WallClock!
    private var began = Instant(nanoseconds: 0)
    private var cname = ""
    /// Where it listens, while that is looked for, and for which media.
    private var lookup: AddressLookup?
    private var wanted: [(output: Output<Packet>, media: InputMedia)] = []
    /// Larger than any packet of the formats here on a path without jumbo frames; Opus at its largest fits too.
    private let batch = DatagramBatch(capacity: 32, room: 9_216)

    private var delay: Interval { Interval(nanoseconds: Int64((jitter * 1e6).rounded())) }

    public init() {}

    // MARK: Opening

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        began = context.now
        guard video.isConnected || audio.isConnected else {
            throw NodeError("nothing is received: neither video nor audio is connected", isInputError: true)
        }
        let description = try readDescription(path)
        for output in [video, audio] where output.isConnected {
            guard let media = try InputMedia(output.name, in: description, of: path) else {
                output.markAbsent()
                continue
            }
            wanted.append((output, media))
            output.latency = .init(min: release == .timed ? delay : .zero, max: delay)
        }
        guard !wanted.isEmpty else {
            throw NodeError(
                "\(path) describes nothing that is connected",
                advice: "Connect the medium that it has, or name another file.",
                isInputError: true)
        }
        if timeout == 0 && onEnd == .wait { context.runsUntilStopped() }
        let lookup = AddressLookup(
            wanted.map { .init(host(of: $0.media), port: $0.media.port) }, context, isInputError: true,
            resolver: try context.service(NameResolver.self) ?? .system)
        self.lookup = lookup
        context.isWaiting(for: lookup.awaited)
        if lookup.awaited == nil { _ = try goOnLookingUp(context.now) }
    }

    /// False while the addresses are looked for.
    private func goOnLookingUp(_ now: Instant) throws -> Bool {
        guard let lookup else { return true }
        guard let found = try lookup.take()?.get() else { return false }
        self.lookup = nil
        try begin(at: found, now)
        return true
    }

    /// Opens everything, now that it is known where to listen: an address for each medium.
    private func begin(at addresses: [SocketAddress], _ now: Instant) throws {
        began = now
        for ((output, media), address) in zip(wanted, addresses) {
            let stream = try InputStream(
                media, try sockets(media, address), index: streams.count, output: output,
                try settings(of: media), limit: PictureLimit(width: maxWidth, height: maxHeight, pixels: maxPixels),
                hold: (.milliseconds(Int64(hold)), mostHeld << 10),
                context)
            streams.append(stream)
        }
        timeline = ReceiveTimeline(
            clockRates: streams.map { $0.media.format.clockRate },
            reference: streams.firstIndex { !$0.media.format.isVideo } ?? 0)
        var random = SystemRandomNumberGenerator()
        cname = "sluice-" + String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)
        wall = WallClock(unixNanoseconds: SystemClock.unixNanoseconds, at: now)
        timer = ReportTimer(interval: .milliseconds(Int64(reportInterval)), ssrc: UInt32.random(in: 0 ... .max))
        for stream in streams {
            let sockets =
                stream.sockets.isMultiplexed ? [stream.sockets.rtp] : [stream.sockets.rtp, stream.sockets.control]
            for socket in sockets { polled.append(pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)) }
        }
        for entry in polled { try context.watch(entry.fd, for: .readable) }
        let places = streams.map { $0.sockets.rtp.local.description }.joined(separator: " and ")
        context.log(.info, "listens at \(places)")
        context.isWaiting(for: "packets at \(places)")
        context.wake(at: nextLook(now))
    }

    private func settings(of media: InputMedia) throws -> StreamReceiver.Settings {
        var settings = StreamReceiver.Settings(
            format: media.format, payloadType: media.payload.type, delay: delay,
            release: release == .timed ? .timed : .early,
            sources: try media.allowed(sender: sender, of: path))
        (settings.others, settings.keys) = (media.formats, media.keys)
        settings.sources.silence = .milliseconds(Int64(takeover))
        settings.asksAgain = media.feedback != .none
        settings.transportSequence =
            media.feedback == .arrivals ? media.extensions.id(of: .transportSequence) : nil
        settings.captureTime = media.extensions.id(of: .absoluteCaptureTime)
        settings.largestFrame = largestFrame << 10
        settings.mostBytes = mostBuffered << 10
        return settings
    }

    private func sockets(_ media: InputMedia, _ address: SocketAddress) throws -> RTPSocketPair {
        let rtp = try bind(media, address)
        guard let port = media.controlPort else { return RTPSocketPair(rtp: rtp, control: rtp) }
        return RTPSocketPair(rtp: rtp, control: try bind(media, address.at(port: port)))
    }

    /// The address that the graph names, else the description's.
    private func host(of media: InputMedia) -> String {
        bindAddress.isEmpty ? media.address ?? "0.0.0.0" : bindAddress
    }

    /// At that address, or at all where the description names another machine's.
    private func bind(_ media: InputMedia, _ address: SocketAddress) throws -> UDPSocket {
        guard !address.isMulticast else {
            throw NodeError(
                "\(path) names the multicast address \(host(of: media)), which rtp-input does not join",
                advice: "Let the sender send to this machine.", isInputError: true)
        }
        do { return try UDPSocket(boundTo: address) } catch {
            guard error.code == EADDRNOTAVAIL, bindAddress.isEmpty else { throw refusal(media, address, error) }
        }
        let every = address.anywhere
        do { return try UDPSocket(boundTo: every) } catch { throw refusal(media, every, error) }
    }

    private func refusal(_ media: InputMedia, _ address: SocketAddress, _ fault: SocketFault) -> NodeError {
        switch fault.code {
        case EADDRINUSE:
            NodeError(
                "\(media.kind): \(address) is taken by another program",
                advice: "Stop it (ss -lunp shows whose it is), or let the sender's description name another port.",
                isInputError: true)
        case EADDRNOTAVAIL:
            NodeError(
                "\(media.kind): \(address) is no address of this machine",
                advice: "Leave \"bind\" out, or name one that `ip address` shows.", isInputError: true)
        default: NodeError("\(media.kind): cannot listen at \(address): \(fault.text)", isInputError: true)
        }
    }

    // MARK: Receiving

    public func process(now: Instant) throws {
        guard try goOnLookingUp(now) else { return }
        for stream in streams { stream.epoch = context.epoch }
        try read(now)
        for stream in streams {
            stream.release(&timeline, now: now)
            tell(stream)
        }
        report(now)
        if isOver(now) { return end() }
        context.wake(at: nextLook(now))
    }

    private func read(_ now: Instant) throws {
        guard poll(&polled, nfds_t(polled.count), 0) > 0 else { return }
        for stream in streams {
            if isReadable(stream.sockets.rtp) { try stream.read(batch, &timeline, now: now) }
            if !stream.sockets.isMultiplexed, isReadable(stream.sockets.control) {
                stream.readControl(batch, &timeline, now: now)
            }
        }
    }

    private func isReadable(_ socket: UDPSocket) -> Bool {
        polled.contains { $0.fd == socket.descriptor && $0.revents != 0 }
    }

    private func report(_ now: Instant) {
        let isAsked = keyframe.take()
        let isDue = timer.take(now: now)
        for stream in streams {
            let asks = stream.asksKeyframe(now: now, isAsked: isAsked)
            let feedback = stream.feedback(now: now)
            if isDue || asks || !feedback.isEmpty {
                stream.sendReport(cname: cname, now: now, asksKeyframe: asks, feedback)
            }
            stream.noteCaptureTime(wall)
        }
    }

    /// The next time at which something is to be done though nothing comes.
    private func nextLook(_ now: Instant) -> Instant {
        var next = timer.due ?? now + .milliseconds(Int64(reportInterval))
        for stream in streams {
            if let deadline = stream.receiver.deadline { next = min(next, deadline) }
            if let due = stream.keyframeDue { next = min(next, due) }
            if let due = stream.feedbackDue { next = min(next, due) }
        }
        if let over { next = min(next, over) }
        if timeout > 0 { next = min(next, lastArrival + .milliseconds(Int64(timeout))) }
        return next
    }

    // MARK: Saying

    private func tell(_ stream: InputStream) {
        let (name, metrics) = (stream.name, stream.metrics)
        /// Each fact of a stream is said once, and counted from then on.
        func say(
            _ fact: InputStream.Fact, if isThere: Bool, as level: EventLog.Level = .warning,
            _ words: @autoclosure () -> String
        ) {
            guard isThere, stream.said.insert(fact).inserted else { return }
            context.log(level, "\(name): \(words())")
        }
        if let peer = stream.peer, !stream.said.contains(.source) {
            context.isWaiting(for: nil)
            let encrypted = stream.media.crypto == nil ? "" : ", encrypted"
            say(.source, if: true, as: .info, "\(stream.media.payload.encodingName) from \(peer)\(encrypted)")
        }
        say(
            .key, if: metrics.notAuthentic.count > 0,
            "packets that the key in \(path) does not fit: is the sender's another? Counted as \(name)_not_authentic")
        say(
            .foreign, if: metrics.foreign.count > 0,
            "datagrams at \(stream.sockets.rtp.local) that are no RTP of \(stream.media.types): counted as \(name)_foreign"
        )
        if let stranger = stream.stranger {
            say(
                .stranger, if: true,
                "packets from \(stranger), but \(stream.rightful(path)): left out, counted as \(name)_strangers. Set \"sender\": \"any\" if they are meant"
            )
        }
        say(.loss, if: metrics.lost.count > 0, "packets are missing; counted as \(name)_lost")
        say(
            .malformed, if: metrics.malformed.count > 0,
            "packets whose payload is not what \(path) says: left out, counted as \(name)_malformed_packets")
        say(
            .dropped, if: metrics.dropped.count > 0,
            "frames are left out, since the node behind takes none for longer than hold_ms (\(hold)) or hold_kb (\(mostHeld)) allows; counted as \(name)_dropped"
        )
        say(
            .leap, if: metrics.leaps.count > 0,
            "timestamps leap though nothing is missing: media go on where they came; counted as \(name)_time_leaps")
        say(
            .other, if: metrics.otherTypes.count > 0, as: .info,
            "packets of other payload types come among those of \(stream.media.types), such as keys or comfort noise; counted as \(name)_other_types"
        )
    }

    // MARK: The end

    /// A sender that waits until the one before has been silent for `takeover_ms` has come too.
    private var lastArrival: Instant {
        streams.reduce(began) { max($0, $1.lastArrival ?? began, $1.receiver.followerHeard ?? began) }
    }

    /// When all that have begun have said goodbye and what was on its way has had its time; nil while one goes on. A
    /// stream that has not begun when the others end will not.
    private var over: Instant? {
        guard onEnd == .finish else { return nil }
        var latest: Instant?
        for stream in streams {
            if let since = stream.overSince {
                latest = max(latest ?? since, since)
            } else if stream.lastArrival != nil {
                return nil
            }
        }
        return latest.map { $0 + delay }
    }

    private func isOver(_ now: Instant) -> Bool {
        if let over, now >= over { return true }
        return timeout > 0 && now >= lastArrival + .milliseconds(Int64(timeout))
    }

    private func end() {
        if streams.allSatisfy({ $0.lastArrival == nil }) {
            context.log(.warning, "nothing came within \(timeout) ms")
        } else if over == nil {
            context.log(.info, "nothing came for \(timeout) ms: that is the end")
        }
        context.finish()
    }

    public func finish(now: Instant) throws -> Bool {
        for stream in streams { stream.handOn() }
        guard !isDrained else { return !streams.contains { !$0.isEmpty } }
        isDrained = true
        // All that has come until now belongs to it.
        try read(now)
        for entry in polled { context.unwatch(entry.fd) }
        for stream in streams {
            stream.drain(&timeline)
            stream.sendReport(cname: cname, now: now, farewell: true)
            let (name, metrics) = (stream.name, stream.metrics)
            context.log(
                .info,
                "\(name): \(metrics.packets.count) packets, \(metrics.lost.count) lost, \(metrics.late.count) late, \(metrics.frames.count) frames"
            )
        }
        context.isWaiting(for: nil)
        return !streams.contains { !$0.isEmpty }
    }

    public func close() { (streams, lookup) = ([], nil) }
}
