import Sluice

/// The request in a caller's stream id: `NAME`, `publish:NAME` and `read:NAME` as MediaMTX spells them, or
/// `#!::r=NAME,m=publish` (libsrt, "SRT Access Control Guidelines").
struct StreamID: Equatable {
    var name: String
    /// nil where it says neither.
    var direction: Direction?

    enum Direction: String { case publish, read }

    init(name: String, direction: Direction?) { (self.name, self.direction) = (name, direction) }

    /// nil where it begins as the third form and does not go on so, or asks for both directions.
    init?(_ text: String) {
        if text.hasPrefix("#!::") {
            (name, direction) = ("", nil)
            for pair in text.dropFirst(4).split(separator: ",") {
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard sides.count == 2 else { return nil }
                switch (sides[0], sides[1]) {
                case ("r", let value): name = String(value)
                case ("m", "publish"): direction = .publish
                case ("m", "request"): direction = .read
                case ("m", _): return nil
                default: break
                }
            }
            return
        }
        // A user's name and password follow a second colon.
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        if parts.count > 1, let direction = Direction(rawValue: String(parts[0])) {
            (name, self.direction) = (String(parts[1]), direction)
        } else {
            (name, direction) = (text, nil)
        }
    }

    /// For messages: only what is sure to be no password, and cut. A stream id that cannot be read is not shown at all,
    /// and of one whose name holds a colon or a question mark, as other servers' credentials do, the part before it.
    static func shown(_ text: String) -> String {
        guard !text.isEmpty else { return "no stream id" }
        guard let id = StreamID(text) else { return "a stream id that cannot be read" }
        guard !id.name.isEmpty else { return "a stream id without a name" }
        let open = id.name.prefix { $0 != ":" && $0 != "?" && $0 != "," && $0 != "=" }
        let clean = String(String.UnicodeScalarView(open.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }))
        let isCut = clean.count > 64 || open.count < id.name.count
        return "\"\(clean.prefix(64))\(isCut ? "…" : "")\""
    }
}
