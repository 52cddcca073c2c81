import Glibc

/// The present time as `Date` has it (RFC 9110, section 5.6.7), made once a second.
struct DateLine {
    private var second: time_t = -1
    private var made = ""

    mutating func text() -> String { text(time(nil)) }

    mutating func text(_ now: time_t) -> String {
        guard now != second else { return made }
        var now = now
        var parts = tm()
        gmtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(two).joined(separator: ":")
        made =
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1_900) \(time) GMT"
        second = now
        return made
    }
}
