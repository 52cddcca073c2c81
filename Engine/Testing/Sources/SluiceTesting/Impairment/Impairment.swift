import Sluice

/// The effects of a bad network on a stream, from a seed: the same in every run.
///
/// An item first waits for the line, if its rate is limited: items leave one behind the other, and one that would wait
/// longer than `queue` is lost, as at a full router. Then it is lost by chance, or takes `delay` and a part of
/// `jitter`, each part as likely as another. Items keep their order, so that one that is late makes those behind it
/// late too, except `reorder` of them, by chance: these come `reorderBy` later, and others overtake them.
///
/// Pure: the time is an argument.
public struct Impairment: Sendable {
    /// A bad network in numbers.
    public struct Settings: Equatable, Sendable {
        /// Equal seeds give equal fates.
        public var seed: UInt64
        /// Of every item.
        public var delay: Interval
        /// The most that is added to `delay`.
        public var jitter: Interval
        /// Of the items, 0…1.
        public var loss: Double
        /// Of the items, 0…1.
        public var reorder: Double
        /// How much later an item comes that others overtake.
        public var reorderBy: Interval
        /// Bits a second in thousands; 0 is not limited.
        public var kilobits: Int
        /// How long an item may wait for the line.
        public var queue: Interval

        /// A network that changes nothing, but for what is given.
        public init(
            seed: UInt64 = 1, delay: Interval = .zero, jitter: Interval = .zero, loss: Double = 0, reorder: Double = 0,
            reorderBy: Interval = .milliseconds(30), kilobits: Int = 0, queue: Interval = .milliseconds(200)
        ) {
            self.seed = seed
            self.delay = delay
            self.jitter = jitter
            self.loss = loss
            self.reorder = reorder
            self.reorderBy = reorderBy
            self.kilobits = kilobits
            self.queue = queue
        }
    }

    /// As given.
    public let settings: Settings
    /// Lost by chance.
    public private(set) var lost = 0
    /// Lost because the line was busy for too long.
    public private(set) var overflowed = 0
    /// Items that others overtook.
    public private(set) var reordered = 0
    private var random: SeededRandom
    private var lineFree = Instant(nanoseconds: .min)
    private var last = Instant(nanoseconds: .min)

    /// Begins at the seed.
    public init(_ settings: Settings) {
        self.settings = settings
        random = SeededRandom(seed: settings.seed)
    }

    /// When an item of this size that is sent now arrives; nil if it never does.
    public mutating func arrival(of bytes: Int, at now: Instant) -> Instant? {
        // Drawn for every item, so that one that is lost does not change the fate of those behind it.
        let (loss, part, order) = (random.unit(), random.unit(), random.unit())
        var sent = now
        if settings.kilobits > 0 {
            let begins = max(now, lineFree)
            guard begins - now <= settings.queue else {
                overflowed += 1
                return nil
            }
            let length = rescale(Int64(max(0, bytes)), from: Int64(settings.kilobits), to: 8_000_000)
            lineFree = begins + Interval(nanoseconds: length)
            sent = lineFree
        }
        guard loss >= settings.loss else {
            lost += 1
            return nil
        }
        let jitter = Interval(nanoseconds: Int64(Double(settings.jitter.nanoseconds) * part))
        let arrives = max(last, sent + settings.delay + jitter)
        guard order >= settings.reorder else {
            reordered += 1
            return arrives + settings.reorderBy
        }
        last = arrives
        return arrives
    }
}

/// Numbers that are the same in every run: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Equal seeds give equal numbers.
    public init(seed: UInt64) { state = seed }

    /// 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// In 0..<1.
    public mutating func unit() -> Double { Double(next() >> 11) / Double(UInt64(1) << 53) }
}
