/// One thing that watching a run has found.
struct Remark: Equatable {
    let level: EventLog.Level
    let node: String
    let what: String
}

/// Seconds with one decimal, of nanoseconds.
func seconds(_ nanoseconds: Int64) -> String { decimal(Double(nanoseconds) / 1e9, places: 1) }
