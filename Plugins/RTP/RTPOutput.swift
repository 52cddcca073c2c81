import Geometry
import Glibc
import Net
import Pacing
import RTP
import Sluice

/// Sends packets as RTP or SRTP, each at once or a picture's evenly over its interval, with sender reports by which
/// receivers keep lips and audio in step, and writes the session description that they need.
public final class RTPOutput: Node {
    public static let descriptor = NodeDescriptor(
        "rtp-output", summary: "Sends packets as RTP or SRTP and writes the session description (SDP)", traits: .live,
        example: #""out": { "type": "rtp-output", "host": "192.0.2.7", "sdp": "stream.sdp" }"#)

    let video = Input<Packet>("video", .codedVideo([.h264, .vp8]), optional: true)
    let audio = Input<Packet>(
        "audio",
        .codedAudio([.opus], channels: [1, 2]) | .codedAudio([.aac])
            | .codedAudio([.pcmu, .pcma], rates: [8_000], channels: [1]), optional: true)
    let keyframe = RequestOutput("keyframe", help: "Asks for a keyframe when a receiver has lost the picture.")

    @Parameter("host", default: "127.0.0.1", help: "The address or name where packets go.") var host: String
    @Parameter(
        "video_port", default: 5_004, range: 1...65_535, help: "The port for video. Its reports go to the next one.")
    var videoPort: Int
    @Parameter(
        "audio_port", default: 5_006, range: 1...65_535, help: "The port for audio. Its reports go to the next one.")
    var audioPort: Int
    @Parameter("rtcp_mux", default: false, help: "Sends reports to the port of their media (RFC 5761).")
    var isMultiplexed: Bool
    @Parameter("sdp", default: "", help: "The file for the session description (SDP). With SRTP it holds the key.")
    var path: String
    @Parameter(
        "mtu", default: 1_200, range: 256...65_000, help: "The most bytes of a datagram, without IP and UDP headers.")
    var mtu: Int
    @Parameter(
        "spread_rate", default: 0, range: 0...100,
        help: "The speed at which a picture's packets leave, 1 or more. "
            + "1 spreads them over its whole interval. 0 sends them at once.")
    var spreadRate: Double
    @Parameter(
        "burst_ms", default: 0, range: 0...1_000,
        help: "The span in ms in which the packets of a picture leave together.") var burst: Double
    @Parameter("encryption", default: .none, help: "The encryption (SRTP), or none.") var encryption: Encryption
    @Parameter(
        "key", default: "", help: "The SRTP master key and salt in base 64, for every medium. Empty makes random ones.")
    var key: String
    @Parameter(
        "feedback", default: .none,
        help: "The reports that receivers may send: none, lost packets, "
            + "which are sent again, or also the arrival of packets."
    )
    var feedback: Feedback
    @Parameter(
        "retransmit_ms", default: 500, range: 0...5_000,
        help: "The time for which packets are kept to be sent again, in ms, with feedback.")
    var kept: Int
    @Parameter(
        "capture_time", default: false, help: "Adds the time of capture of their media to packets (abs-capture-time).")
    var tellsCaptureTime: Bool
    @Parameter(
        "report_interval_ms", default: 1_000, range: 100...60_000,
        help: "The mean time between two sender reports in ms.")
    var reportInterval: Int
    @Parameter(
        "max_wait_ms", default: 2_000, range: 0...60_000,
        help: "The longest wait of the session description for a silent stream, in ms.") var maxWait: Int

    private var context: NodeContext!
    private var streams: [(input: Input<Packet>, stream: OutputStream)] = []
    private var description: OutputDescription!
    private var timeline = SendTimeline()
    private var timer: ReportTimer!
    private var wall: WallClock!
    private var cname = ""
    /// Where packets go, while it is looked for.
    private var lookup: AddressLookup?
    /// Addresses of `host` that are to be tried for each medium, where nobody listens at the present one.
    private var places: [String: [SocketAddress]] = [:]
    private var writable: Int32?
    private var gathering = Gathering(patience: .zero)
    private var isTold = false
    private var losses = Losses()
    /// When the picture that is on its way goes on.
    private var goesOnAt: Instant?
    /// When a description goes out that lacks a stream.
    private var tellsAt: Instant?

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard video.isConnected || audio.isConnected else {
            throw NodeError("nothing is sent: neither video nor audio is connected", isInputError: true)
        }
        try checkPorts()
        var random = SystemRandomNumberGenerator()
        cname = "sluice-" + String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)
        wall = WallClock(unixNanoseconds: SystemClock.unixNanoseconds, at: context.now)
        gathering = Gathering(patience: .milliseconds(Int64(maxWait)))
        let lookup = AddressLookup(
            [.init(host, port: videoPort)], context, isInputError: true,
            resolver: try context.service(NameResolver.self) ?? .system)
        self.lookup = lookup
        context.isWaiting(for: lookup.awaited)
        if lookup.awaited == nil { _ = try goOnLookingUp() }
    }

    /// False while the address is looked for. Media wait on their edges meanwhile.
    private func goOnLookingUp() throws -> Bool {
        guard let lookup else { return true }
        guard let found = try lookup.takeAll()?.get().first, let first = found.first else { return false }
        self.lookup = nil
        context.isWaiting(for: nil)
        // A name may have addresses of a kind that this machine has no way to: IPv6 mostly.
        let open = found.filter { (try? UDPSocket(connectedTo: $0)) != nil }
        try begin(at: open.first ?? first)
        // The last one is the first again: there it stays where nobody listens anywhere.
        if open.count > 1 { for (_, stream) in streams { places[stream.name] = Array(open.dropFirst()) + [open[0]] } }
        return true
    }

    /// The graph stops before the address is known: nobody waits for it.
    private func giveUpLookingUp() {
        for input in [video, audio] where input.isConnected { while input.next() != nil {} }
    }

    /// Opens everything, now that it is known where packets go.
    private func begin(at address: SocketAddress) throws {
        var random = SystemRandomNumberGenerator()
        guard !address.isMulticast else {
            throw NodeError(
                "\(host) is a multicast address, which rtp-output does not send to",
                advice: "Name one receiver; a relay in front serves several.", isInputError: true)
        }
        description = OutputDescription(
            path: path, address: address.parts.host, cname: cname, isMultiplexed: isMultiplexed,
            id: UInt64.random(in: 1...0x7fff_ffff, using: &random))
        for input in [video, audio].filter(\.isConnected) {
            let name = input.name
            let port = input === video ? videoPort : audioPort
            let crypto = try encryption.suite.map { CryptoAttribute(suite: $0, key: try masterKey(key, for: $0)) }
            let spread = input === video && spreadRate > 0
            let stream = try OutputStream(
                name, try sockets(address, port, name), mtu: mtu, crypto: crypto, avoiding: streams.first?.stream.ssrc,
                extensions: extensions, keeping: feedback == .none ? .zero : .milliseconds(Int64(kept)),
                spread: spread ? VideoSpread(rate: spreadRate, burst: .seconds(burst / 1e3)) : nil, context)
            streams.append((input, stream))
            description.add(kind: name, port: port, crypto: crypto, ssrc: stream.ssrc, feedback, extensions)
            if let format = input.format { try open(stream, format) }
        }
        timer = ReportTimer(interval: .milliseconds(Int64(reportInterval)), ssrc: streams.first?.stream.ssrc ?? 0)
        try tell(now: context.now)
        for (_, stream) in streams { try context.watch(stream.media.control.descriptor, for: .readable) }
    }

    private var extensions: ExtensionMap {
        ExtensionMap(
            (feedback == .arrivals ? [.init(1, .transportSequence)] : [])
                + (tellsCaptureTime ? [.init(2, .absoluteCaptureTime)] : []))
    }

    private func checkPorts() throws {
        guard video.isConnected, audio.isConnected else { return }
        let used = isMultiplexed ? [videoPort, audioPort] : [videoPort, videoPort + 1, audioPort, audioPort + 1]
        guard Set(used).count == used.count, used.allSatisfy({ $0 <= 65_535 }) else {
            throw NodeError(
                "video_port \(videoPort) and audio_port \(audioPort) collide",
                advice: "Leave two ports for each medium, one for its reports, or set \"rtcp_mux\": true.",
                isInputError: true)
        }
    }

    private func sockets(_ address: SocketAddress, _ port: Int, _ name: String) throws -> RTPSocketPair {
        do {
            let rtp = try UDPSocket(connectedTo: address.at(port: port))
            guard !isMultiplexed else { return RTPSocketPair(rtp: rtp, control: rtp) }
            return RTPSocketPair(rtp: rtp, control: try UDPSocket(connectedTo: address.at(port: port + 1)))
        } catch {
            throw NodeError(
                "\(name): no way to \(host) port \(port): \(error.text)", advice: "Check the address, and the network.",
                isInputError: true)
        }
    }

    // MARK: Formats

    /// `first` is the packet that is to be sent: of some streams only that tells what receivers must know.
    private func open(_ stream: OutputStream, _ format: MediaFormat, first: Packet? = nil) throws {
        guard
            case .known(let payload, let configuration)? = try SentConfiguration(format, first: first, of: stream.name)
        else {
            stream.awaitsConfiguration = true
            return
        }
        if let video = format.video {
            let sink = payload == .vp8 ? "VP8 in RTP" : "this stream in RTP"
            losses.tell(video.untold(by: sink, turn: true, shownIn: format.statedPixelAspect), context)
        }
        let type = try description.set(format, payload, configuration, of: stream.name)
        stream.open(payload, payloadType: type, configuration: configuration)
    }

    /// Writes the description when all that it needs is known, or a part of it has been for `max_wait_ms`.
    private func tell(now: Instant) throws {
        let missing = description.missing
        if !missing.isEmpty {
            guard !isTold, description.knowsSomething else { return description.forgetChange() }
            if case .wait(let until) = gathering.look(now, isComplete: false) {
                tellsAt = until
                return
            }
            context.log(
                .warning, "\(missing.joined(separator: " and ")) sent nothing for \(maxWait) ms: \(path) is without")
        }
        (isTold, tellsAt) = (true, nil)
        if let written = try description.write() { context.log(.info, written) }
    }

    // MARK: Sending

    public func process(now: Instant) throws {
        guard try goOnLookingUp() else {
            if context.isStopping { giveUpLookingUp() }
            return
        }
        if description.isChanged || tellsAt != nil { try tell(now: now) }
        if context.reasons.contains(.descriptor) {
            for (_, stream) in streams { stream.readReports(wall, now: now) }
        }
        for (_, stream) in streams where stream.keyframes.take(now: now) { keyframe.send() }
        if try send(now) { report(now) }
        var next = min(timer.due ?? .distantFuture, tellsAt ?? .distantFuture, goesOnAt ?? .distantFuture)
        for (_, stream) in streams { if let due = stream.keyframes.due { next = min(next, due) } }
        if next < .distantFuture { context.wake(at: next) }
    }

    /// Everything that waits. False where a socket's buffer is full: its packets wait, and the inputs with them.
    private func send(_ now: Instant) throws -> Bool {
        while true {
            goesOnAt = nil
            for (input, stream) in streams where stream.isBusy {
                switch stream.pump(now: now, hurries: input.depth > 0) {
                case .done: break
                case .waits(let until): goesOnAt = min(goesOnAt ?? until, until)
                case .blocked:
                    try waitForRoom(of: stream)
                    return false
                }
                try goOnElsewhere(stream)
                sayError(of: stream)
            }
            unwatchRoom()
            guard let (index, packet) = next() else { return true }
            let (input, stream) = streams[index]
            if input.formatChanged || stream.sender == nil || stream.awaitsConfiguration {
                try open(stream, packet.format, first: packet)
            }
            guard stream.takes(packet) else {
                sayUntaken(by: stream)
                continue
            }
            if description.isChanged { try tell(now: now) }
            description.note(packet, of: stream.name)
            let place = timeline.place(packet.header, now: now)
            let captured = tellsCaptureTime ? wall.ntp(at: packet.header.captured) : nil
            stream.begin(packet, at: place.time, captured: captured, followsSilence: place.beginsSegment, now: now)
        }
    }

    /// The older of both heads: nothing is waited for.
    private func next() -> (Int, Packet)? {
        var oldest: (index: Int, time: MediaTime)?
        for index in streams.indices where !streams[index].stream.isBusy {
            guard let head = streams[index].input.peek() else { continue }
            if oldest.map({ head.header.dts < $0.time }) ?? true { oldest = (index, head.header.dts) }
        }
        guard let oldest, let packet = streams[oldest.index].input.next() else { return nil }
        return (oldest.index, packet)
    }

    private func waitForRoom(of stream: OutputStream) throws {
        guard writable == nil else { return }
        writable = stream.media.rtp.descriptor
        // A shared port is watched for reports already.
        if stream.media.isMultiplexed { context.unwatch(stream.media.rtp.descriptor) }
        try context.watch(
            stream.media.rtp.descriptor, for: stream.media.isMultiplexed ? [.readable, .writable] : .writable)
    }

    private func unwatchRoom() {
        guard let descriptor = writable else { return }
        writable = nil
        context.unwatch(descriptor)
        if isMultiplexed { try? context.watch(descriptor, for: .readable) }
    }

    private var saidRefused = false
    private var saidError = false
    private var saidUntaken = false

    private func sayUntaken(by stream: OutputStream) {
        stream.metrics.unsent.add()
        guard !saidUntaken else { return }
        saidUntaken = true
        context.log(
            .warning,
            "\(stream.name): AAC that tells its configuration neither in its format nor in one ADTS header in front of each frame is left out; counted as \(stream.name)_unsent"
        )
    }

    /// Where nobody listens at one address of a name, the next one is tried, each once.
    private func goOnElsewhere(_ stream: OutputStream) throws {
        guard stream.isRefused else { return }
        stream.isRefused = false
        guard let next = places[stream.name]?.first else { return }
        places[stream.name]?.removeFirst()
        unwatchRoom()
        context.unwatch(stream.media.control.descriptor)
        stream.media = try sockets(next, stream.name == video.name ? videoPort : audioPort, stream.name)
        try context.watch(stream.media.control.descriptor, for: .readable)
        if stream.name == video.name { keyframe.send() }
        context.log(
            .info, "\(stream.name): nobody listens there: goes on to \(next.parts.host), another address of \(host)")
    }

    private func sayError(of stream: OutputStream) {
        let code = stream.takeError()
        if code != 0, !saidError {
            saidError = true
            context.log(
                .warning,
                "\(stream.name): the kernel does not take datagrams for \(host) (\(errorText(code))); counted as \(stream.name)_unsent"
            )
        }
        if stream.metrics.refused.count > 0, places[stream.name]?.isEmpty ?? true, !saidRefused {
            saidRefused = true
            context.log(
                .warning,
                "nobody listens for \(stream.name) at \(host) just now; sending goes on, counted as \(stream.name)_refused"
            )
        }
    }

    // MARK: Reports

    private func report(_ now: Instant, farewell: Bool = false) {
        guard let time = timeline.time(at: now) else { return }
        if farewell || timer.take(now: now) {
            for (_, stream) in streams {
                stream.sendReport(wall.ntp(at: now), at: time, cname: cname, farewell: farewell)
            }
        }
    }

    public func finish(now: Instant) throws -> Bool {
        guard try goOnLookingUp() else {
            guard context.isStopping else { return false }
            context.log(.warning, "the graph stopped before \(lookup?.awaited ?? host) was found: nothing was sent")
            context.isWaiting(for: nil)
            return true
        }
        guard try send(now) else { return false }
        if let goesOnAt {
            context.wake(at: goesOnAt)
            return false
        }
        report(now, farewell: true)
        let sent = streams.map { "\($0.stream.metrics.packets.count) packets of \($0.stream.name)" }
        context.log(.info, "sent \(sent.joined(separator: " and ")) to \(host)")
        return true
    }

    public func close() { (streams, lookup) = ([], nil) }
}
