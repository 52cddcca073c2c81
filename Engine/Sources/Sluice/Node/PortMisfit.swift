extension PortSpec {
    /// Why a port of `type` cannot have these formats; nil where it can. An item's format tells its class, so a port
    /// that takes formats of another class would read items as what they are not.
    func misfit(_ port: String, _ type: MediaItem.Type) -> String? {
        let carried = Set(type.possibleFormats.patterns.map(\.kind))
        let foreign = ([formats] + variants.map(\.formats)).flatMap(\.patterns).filter { !carried.contains($0.kind) }
        guard !foreign.isEmpty else { return nil }
        return
            "port \"\(name)\" is \(port)<\(type)>, which carries \(type.possibleFormats), and declares \(FormatSet(foreign)). "
            + "Declare the class of those media, or formats that \(type) has."
    }
}
