/// A number that a node type counts. Its unit stands in its name: `late_us`, `bytes`, `items_per_s`.
public struct Metric: Equatable, Sendable {
    /// How the values of several nodes become one.
    public enum Kind: String, Sendable, CaseIterable {
        /// Only rises while the node lives: of several nodes, the sum says something.
        case counter
        /// The present value.
        case gauge
        /// A distribution: median, 99th percentile, largest.
        case histogram
    }

    /// snake_case, its unit last.
    public var name: String
    /// A counter, a gauge or a histogram.
    public var kind: Kind
    /// A sentence or two, with a full stop.
    public var help: String

    /// `help` is a sentence.
    public init(_ name: String, _ kind: Kind, help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    /// A number that only rises.
    public static func counter(_ name: String, _ help: String) -> Metric { Metric(name, .counter, help: help) }
    /// A number that rises and falls.
    public static func gauge(_ name: String, _ help: String) -> Metric { Metric(name, .gauge, help: help) }
    /// Many numbers, of which the report shows median, 99th percentile and largest.
    public static func histogram(_ name: String, _ help: String) -> Metric {
        Metric(name, .histogram, help: help)
    }

    /// As people read it, by the last word of the name. A counter whose name ends in no unit counts what it names. nil
    /// for another kind of that sort, which is a mistake of its author.
    public var unit: String? {
        if name.hasSuffix("_per_s") { return "/s" }
        let last = name.split(separator: "_").last.map(String.init) ?? ""
        return Metric.units[last] ?? (kind == .counter ? "count" : nil)
    }

    private static let units = [
        "us": "µs", "ms": "ms", "s": "s", "bytes": "bytes", "kbps": "kb/s", "ppm": "ppm", "percent": "%",
        "dbfs": "dBFS", "packets": "packets", "frames": "frames", "samples": "samples", "pictures": "pictures",
        "items": "items", "total": "count",
    ]
}
