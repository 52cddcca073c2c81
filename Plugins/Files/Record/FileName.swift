import Glibc
import Sluice

/// The name of a recording's files. With segments it may hold strftime's conversions: each file has the time at which
/// it begins. Pure, but for the time zone.
struct FileName: Equatable {
    private let path: String
    /// It has conversions, so that each file has a name of its own.
    let isTimed: Bool

    /// The conversions that a name may hold, each of which makes no `/`.
    static let conversions = "YymdjHIMSpaAbBGVuwsFTzZ"
    private static let mostBytes = 4_096

    /// A name that is taken as it stands.
    init(_ path: String) { (self.path, isTimed) = (path, false) }

    /// A name with conversions. Throws `NodeError` where one is not known: a name that is half replaced helps nobody.
    init(timed path: String) throws {
        self.path = path
        isTimed = path.contains("%")
        var rest = path[...]
        while let percent = rest.firstIndex(of: "%") {
            rest = rest[rest.index(after: percent)...]
            let letter = rest.first
            guard let letter, letter == "%" || FileName.conversions.contains(letter) else {
                throw NodeError(
                    "\"\(path)\": \"%\(letter.map(String.init) ?? "")\" is no conversion that names of files take",
                    advice: "Take %Y-%m-%d, %H%M%S and others of strftime's, or %% for a percent sign.",
                    isInputError: true)
            }
            rest = rest.dropFirst()
        }
    }

    /// The name of a file that begins `seconds` after the beginning of 1970, in local time, or in UTC.
    func text(at seconds: Int, isUTC: Bool = false) -> String { isTimed ? expanded(path, seconds, isUTC) : path }

    /// The directories whose names hold conversions, outermost first: those may have to be made.
    func folders(at seconds: Int, isUTC: Bool = false) -> [String] {
        guard isTimed else { return [] }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.indices.dropLast().filter { parts[$0].contains("%") }.map {
            expanded(parts[...$0].joined(separator: "/"), seconds, isUTC)
        }
    }

    private func expanded(_ text: String, _ seconds: Int, _ isUTC: Bool) -> String {
        var moment = time_t(seconds)
        var parts = tm()
        if isUTC { gmtime_r(&moment, &parts) } else { localtime_r(&moment, &parts) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: FileName.mostBytes) { room in
            guard let start = room.baseAddress else { return "" }
            let count = strftime(start, room.count, text, &parts)
            return String(decoding: room[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
