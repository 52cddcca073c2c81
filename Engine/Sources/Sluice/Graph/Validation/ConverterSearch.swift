/// The shortest chain of node types that turns one set of formats into another, three at most.
///
/// A node that does not say what rate or how many channels come out gives those that went in, unless it has a parameter
/// for them. So a chain is found that really leads there: AAC of 44,100 Hz needs an `audio-convert` before Opus.
struct ConverterSearch {
    private let known: [Converter]
    private static let longest = 3

    init(_ catalog: any NodeCatalog) { known = catalog.types.compactMap { Converter($0, catalog) } }

    struct Step {
        let type: String
        /// Parameters that it needs: `"sample_rate": 48000`; empty where it needs none.
        let settings: String
    }

    private struct Path {
        var converters: [Converter] = []
        var formats: [FormatSet]
        var rank = 0
    }

    func path(from given: FormatSet, to taken: FormatSet) -> [Step]? {
        var paths = [Path(formats: [given])]
        for _ in 0..<ConverterSearch.longest {
            var longer: [Path] = []
            for path in paths {
                guard let formats = path.formats.last else { continue }
                for one in known where !path.converters.contains(where: { $0.type == one.type }) {
                    let passed = one.passing(formats)
                    guard !passed.isEmpty else { continue }
                    longer.append(
                        Path(
                            converters: path.converters + [one], formats: path.formats + [passed],
                            rank: path.rank + one.rank(formats, passed)))
                }
            }
            let there = longer.filter { !($0.formats.last?.intersection(taken).isEmpty ?? true) }
            if let best = there.min(by: { $0.rank < $1.rank }) { return steps(of: best, to: taken) }
            paths = longer
        }
        return nil
    }

    private func steps(of path: Path, to taken: FormatSet) -> [Step] {
        path.converters.enumerated().map { index, one in
            let next = index + 1 < path.converters.count ? path.converters[index + 1].input : taken
            return Step(type: one.type, settings: one.settings(from: path.formats[index], to: next))
        }
    }
}

/// A node type that changes formats: one input, one output that does not follow it, nothing that must be given.
private struct Converter {
    let type: String
    let input: FormatSet
    private let output: FormatSet
    private let parameters: Set<String>

    init?(_ type: String, _ catalog: any NodeCatalog) {
        guard let spec = catalog.spec(for: type), spec.inputs.count == 1, spec.outputs.count == 1,
            spec.outputs[0].follows == nil, !spec.descriptor.traits.contains(.shares), spec.role != .bench,
            spec.parameters.allSatisfy({ $0.defaultValue != nil })
        else { return nil }
        let state = NodeState(
            name: type, position: SourcePosition(line: 0, column: 0), spec: spec,
            values: Dictionary(
                spec.parameters.compactMap { parameter in parameter.defaultValue.map { (parameter.name, $0) } },
                uniquingKeysWith: { first, _ in first }))
        self.type = type
        (input, output) = (state.declared(spec.inputs[0]), state.declared(spec.outputs[0]))
        parameters = Set(spec.parameters.map(\.name))
    }

    /// The formats that come out where `formats` go in.
    func passing(_ formats: FormatSet) -> FormatSet {
        FormatSet(
            formats.intersection(input).patterns.flatMap { taken in
                output.patterns.map { given in
                    guard given.kind.isAudio, taken.kind.isAudio else { return given }
                    var given = given
                    if given.rates == nil, !parameters.contains("sample_rate") { given.rates = taken.rates }
                    if given.channels == nil, !parameters.contains("channels") { given.channels = taken.channels }
                    return given
                }
            })
    }

    /// Lower is better: one that takes all that may come, one that says which codecs it takes, the name that says what
    /// is done; then the first in the alphabet.
    func rank(_ given: FormatSet, _ passed: FormatSet) -> Int {
        let takesAll = given.patterns.allSatisfy { one in
            input.patterns.contains { mine in
                mine.kind == one.kind
                    && (mine.codecs == nil || one.codecs.map { Set($0).isSubset(of: mine.codecs ?? []) } ?? false)
            }
        }
        let isOpen = given.patterns.contains(where: \.kind.isCoded) && input.patterns.contains { $0.codecs == nil }
        let (fromCoded, toCoded) = (
            given.patterns.contains(where: \.kind.isCoded), passed.patterns.contains(where: \.kind.isCoded)
        )
        let word = fromCoded == toCoded ? "convert" : toCoded ? "encoder" : "decoder"
        return (takesAll ? 0 : 4) + (isOpen ? 1 : 0) + (type.contains(word) ? 0 : 2)
    }

    /// The parameters without which it would change nothing.
    func settings(from given: FormatSet, to taken: FormatSet) -> String {
        func wanted(_ parameter: String, _ values: (FormatSet.Pattern) -> [Int]?, _ usual: Int) -> String? {
            guard parameters.contains(parameter) else { return nil }
            let have = given.patterns.map(values)
            let want = taken.patterns.filter(\.kind.isAudio).map(values)
            guard !want.isEmpty, !want.contains(where: { $0 == nil }), !have.contains(where: { $0 == nil }) else {
                return nil
            }
            let (had, fits) = (have.flatMap { $0 ?? [] }, want.flatMap { $0 ?? [] })
            guard !had.isEmpty, !had.contains(where: fits.contains), let first = fits.first else { return nil }
            return "\(quoted(parameter)): \(fits.contains(usual) ? usual : first)"
        }
        return [wanted("sample_rate", \.rates, 48_000), wanted("channels", \.channels, 2)].compactMap { $0 }
            .joined(separator: " and ")
    }
}
