import Sluice

/// Receives MPEG-TS over SRT and hands on its first video and its first audio stream, each packet as soon as its last byte
/// is there. Times are the sender's. After a loss, and at the start, video begins with a keyframe.
public final class SRTInput: Node {
    public static let descriptor = NodeDescriptor(
        "srt-input", summary: "Receives MPEG-TS over SRT", work: .blocking, traits: .live,
        example: #""in": { "type": "srt-input", "url": "srt://:8890", "streamid": "camera" }"#)

    let video = Output<Packet>("video", .codedVideo(SRTOutput.videoCodecs), optional: true)
    let audio = Output<Packet>("audio", .codedAudio(SRTOutput.audioCodecs), optional: true)

    @Parameter("url", help: "srt://:PORT to listen, srt://HOST:PORT to call, &mode=rendezvous to meet") var url: String
    @Parameter(
        "latency_ms", default: 120, range: 1...60_000,
        help: "time for retransmission; the peer's counts if it is larger")
    var latency: Int
    @Parameter(
        "latency.rtt_multiple", default: 0, range: 0...100,
        help:
            "instead of latency_ms: so many round trips, measured before the first connection and by each for the next")
    var roundTrips: Double
    @Parameter("latency.min_ms", default: 20, range: 1...60_000, help: "at least that") var least: Int
    @Parameter("latency.max_ms", default: 1_000, range: 1...60_000, help: "at most that") var most: Int
    @Parameter(
        "rtt_ms", default: 0, range: 0...60_000, help: "the round trip of the first connection; 0 measures it")
    var roundTrip: Double
    @Parameter(
        "streamid", default: "", help: "what is asked for, or what callers have to name; one in the url counts first")
    var streamID: String
    @Parameter("passphrase", default: "", help: "10 to 79 bytes; encrypts with AES; one in the url counts first")
    var passphrase: String
    @Parameter(
        "key_length", default: 0, range: 0...32, help: "of AES: 16, 24 or 32 bytes; 0 is 16, or what the peer wants")
    var keyLength: Int
    @Parameter("connect_timeout_ms", default: 3_000, range: 100...600_000, help: "how long one call lasts")
    var timeout: Int
    @Parameter(
        "reconnect", default: true, help: "false: a call that fails is an error, and a connection's end is the end")
    var reconnects: Bool
    @Parameter(
        "second_caller", default: SecondCaller.takeOver,
        help: "as a listener: a second publisher takes over or is refused")
    var secondCaller: SecondCaller

    private var context: NodeContext!
    private var link: SRTLink!
    private var receiver: TSReceiver!
    private var statistics: SRTStatistics!
    private var nextStatistics = Instant(nanoseconds: 0)

    /// The connection has ended and is read to its end.
    private var drainsUntil: Instant?

    private static let drainLook = Interval.milliseconds(5)
    static let statisticsPeriod = Interval.milliseconds(500)

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        let settings = try LinkSettings(
            LinkSettings.Given(
                url: url, latencyMilliseconds: latency, roundTrips: roundTrips, leastMilliseconds: least,
                mostMilliseconds: most, roundTripMilliseconds: roundTrip, streamID: streamID, passphrase: passphrase,
                keyLength: keyLength, connectTimeoutMilliseconds: timeout))
        context.runsUntilStopped()
        receiver = TSReceiver(context, video: video, audio: audio)
        statistics = SRTStatistics(context)
        link = try SRTLink(
            settings, direction: .read, takesOver: secondCaller == .takeOver, reconnects: reconnects, context: context)
    }

    public func process(now: Instant) throws {
        while context.mailbox.next() != nil {}
        switch try link.step(now) {
        case .up: receiver.begin(link.address.peer, now)
        case .replaced:
            endConnection()
            receiver.begin(link.address.peer, now)
        case .nothing: break
        }
        var due = link.due
        if let socket = link.socket {
            due = min(due, try receive(from: socket, now))
        }
        if due < .distantFuture { context.wake(at: due) }
    }

    /// When there is something to do next that no event tells.
    private func receive(from socket: SRTSocket, _ now: Instant) throws -> Instant {
        let result = receiver.receive(from: socket, now)
        if now >= nextStatistics {
            note()
            nextStatistics = now + SRTInput.statisticsPeriod
        }
        guard result == .ended else { return nextStatistics }
        // What libsrt holds back for the latency can be read after the end, each datagram at its time.
        let until =
            drainsUntil ?? now + .milliseconds(Int64(socket.receiveLatencyMilliseconds)) + SRTInput.drainLook * 2
        drainsUntil = until
        guard now >= until else { return now + SRTInput.drainLook }
        note()
        endConnection()
        guard reconnects else {
            context.finish()
            return .distantFuture
        }
        try link.drop("ended the connection", now)
        return .distantFuture
    }

    private func endConnection() {
        receiver.end()
        drainsUntil = nil
        statistics.nextConnection()
    }

    private func note() {
        if let all = link.socket?.statistics { statistics.note(all) }
        receiver.note()
    }

    public func finish(now: Instant) throws -> Bool {
        note()
        link.close(now)
        return true
    }

    public func interrupt() {}

    public func close() {
        link?.close(context.now)
        link = nil
        receiver = nil
    }
}
