/// Among more names nothing is searched: a broken file of any size is answered at once.
private let maximumCandidates = 300

/// The candidate that was probably meant, nil when none is near: a few typing errors, or the unit left out
/// (`frame` for `frame_ms`) or wrong (`bitrate_bps` for `bitrate_kbps`).
func nearest(to word: String, in candidates: some Collection<String>) -> String? {
    guard word.utf8.count <= 64, candidates.count <= maximumCandidates else { return nil }
    let lower = String(word.lowercased().map { $0 == "_" ? "-" : $0 })
    var best: (distance: Int, candidate: String)?
    for candidate in candidates where candidate.utf8.count <= 64 {
        let other = String(candidate.lowercased().map { $0 == "_" ? "-" : $0 })
        var distance = editDistance(Array(lower), Array(other))
        let shorter = min(lower.count, other.count)
        if distance > max(1, shorter / 3) || distance >= shorter {
            let base = withoutUnit(other)
            guard !base.isEmpty, lower == base || withoutUnit(lower) == base else { continue }
            distance = 3
        }
        if best.map({ (distance, candidate) < ($0.distance, $0.candidate) }) ?? true { best = (distance, candidate) }
    }
    return best?.candidate
}

/// Spelling help for words that are not in a graph file.
@_spi(Host) public enum Spelling {
    /// `Did you mean "x"?`, or `Known graphs: a, b.`, or nothing.
    public static func suggestion(for word: String, in candidates: [String], listing noun: String) -> String {
        Sluice.suggestion(for: word, in: candidates, listing: noun)
    }
}

/// `Did you mean "x"?`, or what there is to choose from, or nothing.
func suggestion(for word: String, in candidates: some Collection<String>, listing noun: String) -> String {
    if let nearest = nearest(to: word, in: candidates) { return "Did you mean \(quoted(nearest))?" }
    guard !candidates.isEmpty, candidates.count <= maximumCandidates else { return "" }
    let shown = candidates.sorted().prefix(12).joined(separator: ", ")
    return "\(noun): \(shown)\(candidates.count > 12 ? ", …" : "")."
}

func abbreviated(_ text: String) -> String { text.count > 60 ? text.prefix(57) + "..." : text }

private func withoutUnit(_ name: String) -> String {
    name.split(separator: "-").dropLast().map(String.init).joined(separator: "-")
}

/// Damerau-Levenshtein (adjacent transpositions count as one).
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
            row.append(cost)
        }
        before = previous
        previous = row
    }
    return previous[b.count]
}
