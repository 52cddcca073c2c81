import CongestionControl
import RTP
import Sluice

/// One sender of pictures and its receiver: an encoder that follows the estimate, the pacer, the controller, and a
/// receiver that tells every 62 ms when packets came.
public final class MediaFlow {
    public struct Settings: Sendable {
        /// It begins, and is over.
        public var from = 0.0
        public var to = Double.infinity
        /// It sends nothing meanwhile.
        public var pause = 0.0..<0.0
        /// The encoder's part of the estimate.
        public var share = 1.0
        /// The encoder's rate, whatever the estimate; nil where it follows.
        public var fixedRate: Double?
        /// The most that the encoder makes, in bits a second.
        public var most = 5_000_000.0
        /// Of the link in this direction; feedback goes by the other one.
        public var direction = 0
        public init() {}
    }

    public let settings: Settings
    /// The estimate, each time that it was looked at, every 62 ms.
    public private(set) var estimates: [(at: Double, rate: Double)] = []
    /// Bytes that came, in slots of 100 ms.
    public private(set) var arrived: [Int] = []
    public private(set) var decisions: [RateDecision] = []
    /// The most that a probe has proved.
    public private(set) var proved = 0.0

    var controller: CongestionController
    private var pacer: PacketPacer<Int>
    private var chance: Chance
    private var nextPicture: Double
    private var nextFeedback: Double
    private var nextTimer = Double.infinity
    private var isEnded = false
    private var sequence: UInt16
    private var recorder = ArrivalRecorder()
    private var incoming = Pending<UInt16>()
    private var told = Pending<TransportFeedback>()
    private var lastArrival = 0.0
    private var lastTold = 0.0

    static let feedbackInterval = 0.062
    static let pictureInterval = 1.0 / 30
    static let way = 0.05

    init(_ settings: Settings, seed: UInt64) {
        self.settings = settings
        chance = Chance(seed: seed)
        nextPicture = settings.from + chance.unit() * MediaFlow.pictureInterval
        nextFeedback = settings.from + chance.unit() * MediaFlow.feedbackInterval
        sequence = UInt16(truncatingIfNeeded: chance.next())
        let start = MediaFlow.instant(settings.from)
        controller = CongestionController(now: start)
        controller.wish(Int(settings.fixedRate ?? settings.most))
        pacer = PacketPacer(estimate: controller.bitsPerSecond, now: start)
    }

    static func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }
    private static func seconds(_ instant: Instant) -> Double { Double(instant.nanoseconds) / 1e9 }

    /// When it does something next.
    var next: Double {
        min(min(nextPicture, nextTimer), min(nextFeedback, told.first ?? .infinity))
    }

    func run(at time: Double, _ world: inout World) {
        while let at = told.first, at <= time { learn(told.take(), at) }
        if nextFeedback <= time { tell(time, &world) }
        if nextPicture <= time {
            encode(time)
            nextTimer = time
        }
        if nextTimer <= time { act(time, &world) }
    }

    private func encode(_ time: Double) {
        nextPicture = time + MediaFlow.pictureInterval
        if time >= settings.to {
            (isEnded, nextPicture) = (true, .infinity)
            return
        }
        guard !settings.pause.contains(time) else { return }
        let target = settings.fixedRate ?? min(Double(controller.bitsPerSecond) * settings.share, settings.most)
        var bytes = Int(target * MediaFlow.pictureInterval / 8 * (0.8 + 0.4 * chance.unit()))
        while bytes > 0 {
            let size = max(100, min(bytes, 1_200))
            pacer.add(size, bytes: size, .picture, at: MediaFlow.instant(time))
            bytes -= 1_200
        }
    }

    /// Sends what may be sent.
    private func act(_ time: Double, _ world: inout World) {
        let now = MediaFlow.instant(time)
        if !isEnded, !settings.pause.contains(time), let probe = controller.run(now: now) {
            pacer.begin(probe, at: now)
        }
        pacer.follow(estimate: controller.bitsPerSecond, isInformed: controller.isInformed)
        while let turn = pacer.next(now: now) {
            switch turn {
            case .packet(let bytes, let isProbe): send(bytes, isProbe, time, &world)
            case .padding(let bytes): send(bytes, pacer.leave(bytes: bytes, at: now), time, &world)
            }
        }
        for decision in controller.takeDecisions() {
            if case .proved(let rate, _) = decision.cause { proved = max(proved, Double(rate)) }
            decisions.append(decision)
        }
        nextTimer = .infinity
        if let due = pacer.due { nextTimer = max(time + 1e-6, MediaFlow.seconds(due) + 1e-9) }
        if !isEnded, !settings.pause.contains(time), let due = controller.due {
            nextTimer = min(nextTimer, max(time + 0.001, MediaFlow.seconds(due) + 1e-9))
        }
    }

    private func send(_ bytes: Int, _ isProbe: Bool, _ time: Double, _ world: inout World) {
        controller.noteSent(sequence, bytes: bytes, at: MediaFlow.instant(time), isProbe: isProbe)
        if let left = world.pass(bytes: bytes, settings.direction, at: time) {
            // Late by up to the jitter, and never before the packet in front.
            lastArrival = max(lastArrival, left + MediaFlow.way + chance.jitter(upTo: world.jitter))
            incoming.add(sequence, at: lastArrival)
            let slot = Int(lastArrival * 10)
            while arrived.count <= slot { arrived.append(0) }
            arrived[slot] += bytes
        }
        sequence &+= 1
    }

    private func tell(_ time: Double, _ world: inout World) {
        nextFeedback = time + MediaFlow.feedbackInterval
        // The receiver's clock is another.
        while let at = incoming.first, at <= time { recorder.note(incoming.take(), at: MediaFlow.instant(at + 1_000)) }
        estimates.append((time, Double(controller.bitsPerSecond)))
        for feedback in recorder.take(sender: 1, media: 2) {
            guard let left = world.pass(bytes: 80, 1 - settings.direction, at: time) else { continue }
            lastTold = max(lastTold, left + MediaFlow.way + chance.jitter(upTo: world.jitter))
            told.add(feedback, at: lastTold)
        }
    }

    private func learn(_ feedback: TransportFeedback, _ time: Double) {
        controller.take(feedback, at: MediaFlow.instant(time))
        nextTimer = min(nextTimer, time)
    }

    /// Bits a second that came between two times.
    public func rate(from: Double, to: Double) -> Double {
        let (first, last) = (Int((from * 10).rounded()), Int((to * 10).rounded()))
        guard last > first else { return 0 }
        var sum = 0
        for slot in first..<last where slot < arrived.count { sum += arrived[slot] }
        return Double(sum) * 8 / (to - from)
    }

    /// The estimate at a time.
    public func estimate(at time: Double) -> Double { estimates.last { $0.at <= time }?.rate ?? 0 }
}

/// Values that come at given times, in their order.
struct Pending<Value> {
    private var values: [(at: Double, value: Value)] = []
    private var head = 0

    var first: Double? { head < values.count ? values[head].at : nil }

    mutating func add(_ value: Value, at time: Double) { values.append((time, value)) }

    mutating func take() -> Value {
        defer {
            head += 1
            if head >= 512 {
                values.removeFirst(head)
                head = 0
            }
        }
        return values[head].value
    }
}
