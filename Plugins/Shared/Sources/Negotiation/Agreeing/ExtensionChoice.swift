import RTP

/// The header extensions of a section that are of use here, each in the directions that both sides allow.
struct ExtensionChoice: Equatable {
    /// Lines of our description, with a direction where it is not the section's.
    var lines = ExtensionMap()
    /// Those that packets of ours may have.
    var sending = ExtensionMap()
    /// Those that packets of the peer's may have.
    var receiving = ExtensionMap()

    /// In which directions an extension is of use, seen from our side.
    static func use(of name: HeaderExtension, _ kind: MediaKind?) -> MediaDirection {
        switch name {
        case .mediaID, .absoluteSendTime, .transportSequence: .both
        case .audioLevel: kind == .audio ? .both : .none
        case .playoutDelay: .send
        default: .none
        }
    }

    /// Of those that the peer describes. `direction` is that of the section, seen from our side. Directions are those
    /// of RFC 8285, section 5.
    init(of described: ExtensionMap, _ kind: MediaKind?, _ direction: MediaDirection) {
        var (lines, sending, receiving): ([ExtensionMap.Entry], [ExtensionMap.Entry], [ExtensionMap.Entry]) = (
            [], [], []
        )
        for entry in described.entries {
            let told = entry.direction.map { MediaDirection(rawValue: $0) ?? MediaDirection.none }
            let allowed = (told ?? .both).reversed.and(direction).and(ExtensionChoice.use(of: entry.name, kind))
            guard allowed != .none else { continue }
            let isPlain = told == nil && allowed == direction
            lines.append(.init(entry.id, entry.name, direction: isPlain ? nil : allowed.rawValue))
            if allowed.sends { sending.append(.init(entry.id, entry.name)) }
            if allowed.receives { receiving.append(.init(entry.id, entry.name)) }
        }
        (self.lines, self.sending, self.receiving) = (
            ExtensionMap(lines), ExtensionMap(sending), ExtensionMap(receiving)
        )
    }
}
