import Sluice

/// Spreads a transport's packets over time, so that a picture does not fill the link's queue in front of the sound.
///
/// They leave at 2.5 × the estimate before feedback has come, and at 1.1 × the estimate then. Packets that take 40 ms
/// at that rate leave together, and the next when those are paid for: a timer for each packet costs more than it gives.
/// Sound leaves at once, never behind a picture, and what is sent again leaves before pictures; both count. Nothing
/// waits for long: the rate is raised so far that all that waits has left after `patience`, and stays so until nothing
/// waits.
///
/// While a probe runs the packets of it leave one by one at its rate, padding where media lack.
public struct PacketPacer<Item> {
    /// The content of a packet, the most urgent first.
    public enum Kind: Int, Sendable, CaseIterable {
        case sound, repair, picture
    }

    /// The next to leave.
    public enum Turn {
        /// A packet that was added.
        case packet(Item, isProbe: Bool)
        /// A packet of the probe for which no media wait: one that went out before, or padding, of so many bytes at
        /// most. It is told by `leave(bytes:at:)`; where that was not, there is none, and `next` ends the probe.
        case padding(most: Int)
    }

    private struct Waiting {
        var item: Item
        var bytes: Int
    }

    private struct Line {
        var packets: [Waiting] = []
        var head = 0
        var isEmpty: Bool { head == packets.count }

        mutating func take() -> Waiting {
            let first = packets[head]
            head += 1
            if head == packets.count {
                packets.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 256, head * 2 >= packets.count {
                packets.removeFirst(head)
                head = 0
            }
            return first
        }
    }

    private var (sound, repair, pictures) = (Line(), Line(), Line())
    private var estimate: Int
    private var isInformed = false
    private let patience: Interval
    /// When all that has left is paid for.
    private var paid: Instant
    /// A window has been used up: the next begins when it is paid for.
    private var isFull = false
    private var probe: (bitsPerSecond: Int, bytes: Int, packets: Int)?
    /// Padding was asked for, and nothing has left since.
    private var isOwed = false
    /// Bits a second, so that all that waits leaves in time.
    private var raised = 0.0
    /// Bytes that wait.
    public private(set) var waitingBytes = 0

    /// Packets for so long at the rate leave together.
    public static var window: Interval { .milliseconds(40) }
    static var mostPadding: Int { 1_200 }

    /// `estimate` in bits a second. All that waits has left after `patience`.
    public init(estimate: Int, patience: Interval = .milliseconds(250), now: Instant) {
        (self.estimate, self.patience, paid) = (max(1, estimate), max(patience, .milliseconds(1)), now)
    }

    /// The estimate, in bits a second, and whether feedback has come.
    public mutating func follow(estimate: Int, isInformed: Bool) {
        (self.estimate, self.isInformed) = (max(1, estimate), isInformed)
    }

    /// Bits a second at which packets leave.
    public var bitsPerSecond: Int {
        let usual = Double(estimate) * (isInformed ? 1.1 : 2.5)
        return Int(min(max(usual, raised), 1e12))
    }

    /// How long what waits will take.
    public var waiting: Interval { .seconds(Double(waitingBytes) * 8 / Double(bitsPerSecond)) }

    /// A packet of `bytes` in all is to leave.
    public mutating func add(_ item: Item, bytes: Int, _ kind: Kind, at now: Instant) {
        let packet = Waiting(item: item, bytes: max(0, bytes))
        switch kind {
        case .sound: sound.packets.append(packet)
        case .repair: repair.packets.append(packet)
        case .picture: pictures.packets.append(packet)
        }
        waitingBytes += packet.bytes
        raised = max(raised, Double(waitingBytes) * 8 / patience.seconds)
    }

    /// Begins with `probe`; the one before ends.
    public mutating func begin(_ probe: Probe, at now: Instant) {
        self.probe = (max(1, probe.bitsPerSecond), probe.bytes, probe.packets)
        (paid, isFull, isOwed) = (now, false, false)
    }

    /// The probe is over.
    public mutating func endProbe() { (probe, isOwed) = (nil, false) }

    /// A probe runs.
    public var isProbing: Bool { probe != nil }

    /// A packet of `bytes` that did not wait here leaves `now`. It counts, in the probe that runs too: then true.
    public mutating func leave(bytes: Int, at now: Instant) -> Bool {
        let isProbe = probe != nil
        isOwed = false
        pay(max(0, bytes), now)
        if !isProbe { isFull = isFull || paid - now >= PacketPacer.window }
        return isProbe
    }

    /// All of a picture of `bytes` may leave `now`, and counts: nothing waits, no probe runs, and what has left since
    /// the window began is no more than one. Its packets need not be added then.
    public mutating func passes(bytes: Int, at now: Instant) -> Bool {
        guard waitingBytes == 0, probe == nil, !isFull || paid <= now else { return false }
        let end = max(paid, now) + .seconds(Double(max(0, bytes)) * 8 / Double(bitsPerSecond))
        guard end - now <= PacketPacer.window else { return false }
        (paid, isFull) = (end, false)
        return true
    }

    /// The next to leave `now`; call it until it gives nil.
    public mutating func next(now: Instant) -> Turn? {
        // There was none: to ask for it again would never end.
        if isOwed { endProbe() }
        if !sound.isEmpty { return leave(sound.take(), now) }
        if probe != nil {
            guard paid <= now else { return nil }
            if !repair.isEmpty { return leave(repair.take(), now) }
            if !pictures.isEmpty { return leave(pictures.take(), now) }
            isOwed = true
            return .padding(most: PacketPacer.mostPadding)
        }
        guard !repair.isEmpty || !pictures.isEmpty else { return nil }
        if isFull, paid > now { return nil }
        isFull = false
        defer { isFull = paid - now >= PacketPacer.window }
        return repair.isEmpty ? leave(pictures.take(), now) : leave(repair.take(), now)
    }

    private mutating func leave(_ packet: Waiting, _ now: Instant) -> Turn {
        let isProbe = probe != nil
        pay(packet.bytes, now)
        waitingBytes -= packet.bytes
        if waitingBytes == 0 { raised = 0 }
        return .packet(packet.item, isProbe: isProbe)
    }

    private mutating func pay(_ bytes: Int, _ now: Instant) {
        let rate = probe?.bitsPerSecond ?? bitsPerSecond
        paid = max(paid, now) + .seconds(Double(bytes) * 8 / Double(rate))
        guard let running = probe else { return }
        let left = (bytes: running.bytes - bytes, packets: running.packets - 1)
        probe = left.bytes > 0 || left.packets > 0 ? (running.bitsPerSecond, left.bytes, left.packets) : nil
        // A probe leaves no debt to the media.
        if probe == nil { paid = now }
    }

    /// When `next` has something; nil where nothing waits.
    public var due: Instant? {
        if !sound.isEmpty { return Instant(nanoseconds: .min) }
        if probe != nil { return paid }
        guard !repair.isEmpty || !pictures.isEmpty else { return nil }
        return isFull ? paid : Instant(nanoseconds: .min)
    }
}
