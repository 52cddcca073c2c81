/// Capacity, overflow and epoch of an edge.
extension SessionPlanner {
    func planEdge(_ edge: ResolvedEdge) -> EdgePlan? {
        let document = edge.document
        let label = edge.label
        func resolve(
            _ json: JSONValue?, _ type: ParameterValue.Kind, _ key: String, _ range: ClosedRange<Double>? = nil
        ) -> ParameterValue? {
            json.flatMap { scope.resolve($0, as: type, range: range, label: "\(label): \(key)", bag) }?.value
        }
        let items = resolve(document.items, .integer, "items", EdgePolicy.Capacity.itemRange).flatMap(Int.init)
        let milliseconds = resolve(document.milliseconds, .integer, "ms", EdgePolicy.Capacity.millisecondRange).flatMap(
            Int.init)
        let bytes = resolve(document.bytes, .integer, "bytes", EdgePolicy.Capacity.byteRange).flatMap(Int.init)
        let overflow = resolve(document.overflow, .choice(EdgePolicy.Overflow.allCases.map(\.rawValue)), "overflow")
            .flatMap(String.init).flatMap(EdgePolicy.Overflow.init)
        let epoch = resolve(document.epoch, .choice(EdgePolicy.Epoch.allCases.map(\.rawValue)), "epoch")
            .flatMap(String.init).flatMap(EdgePolicy.Epoch.init)
        let isOptional = resolve(document.optional, .boolean, "optional").flatMap(Bool.init)
        let shares = edge.source.spec?.descriptor.traits.contains(.shares) == true
        if let overflow, let position = document.overflow?.position {
            check(overflow, at: position, edge, shares: shares)
        }
        let buffer = edge.input.buffer
        let policy =
            overflow
            ?? .standard(for: edge.carried, fromSharing: shares || buffer != nil, isLossless: edge.source.isLossless)
        let isBounded = document.items != nil || document.milliseconds != nil || document.bytes != nil
        let standard = !isBounded && policy == .block && edge.isPictureChain ? EdgePolicy.Capacity.pictures : .standard
        var plan = EdgePlan(
            from: edge.from, to: edge.to,
            capacity: .init(
                givenItems: items, givenMilliseconds: milliseconds, givenBytes: bytes, else: buffer ?? standard),
            overflow: policy, epoch: epoch ?? .flush, isOptional: isOptional ?? false, position: document.position)
        plan.isOverflowStandard = document.overflow == nil
        plan.formats = edge.carried
        return plan
    }

    private func check(_ overflow: EdgePolicy.Overflow, at position: SourcePosition, _ edge: ResolvedEdge, shares: Bool)
    {
        if overflow == .block, shares, !edge.source.isLossless {
            bag.error(
                position,
                "\(edge.label): \"block\" would let one slow reader hold \(edge.from.node) and all its others.",
                advice:
                    "Use \"\(EdgePolicy.Overflow.standard(for: edge.carried, fromSharing: true, isLossless: false).rawValue)\","
                    + " or give \(edge.from.node) \"lossless\": true, and the slowest governs.")
        }
        if overflow == .dropOldest || overflow == .dropNewest, edge.carried.hasDependentPackets == true {
            bag.error(
                position,
                "\(edge.label): \"\(overflow.rawValue)\" would lose packets that later ones depend on (\(edge.carried)).",
                advice: "Use \"block\" or \"drop-to-keyframe\".")
        }
        if overflow == .dropToKeyframe, edge.carried.patterns.allSatisfy({ !$0.kind.isCoded }) {
            bag.error(
                position, "\(edge.label): \"drop-to-keyframe\" is for packets, and this edge carries \(edge.carried).",
                advice: "Use \"drop-oldest\".")
        }
    }
}

extension ResolvedEdge {
    /// Only raw pictures pass, and the consumer waits for nothing else meanwhile.
    fileprivate var isPictureChain: Bool {
        !carried.patterns.isEmpty && carried.patterns.allSatisfy { $0.kind == .rawVideo }
            && target.spec?.inputs.count == 1
    }
}

extension EdgePolicy.Capacity {
    static let itemRange = 1.0...65536.0
    static let millisecondRange = 1.0...600_000.0

    static let byteRange = 1.0...1_099_511_627_776.0

    /// A bound that stands alone governs: the others are lifted out of its way, yet stay bounds. With `ms` alone there
    /// is room for an item every 2 ms (16 to 4096 items). With `items` alone an item may last 1 s (500 ms to 60 s).
    /// With `bytes` alone it is 4096 items and 60 s. The bound of bytes is the standard one, or that of `standard`,
    /// unless it is given: memory is bounded also where items have no duration.
    public init(
        givenItems: Int?, givenMilliseconds: Int?, givenBytes: Int? = nil,
        else standard: EdgePolicy.Capacity = .standard
    ) {
        let bytes = givenBytes ?? standard.bytes
        switch (givenItems, givenMilliseconds) {
        case (let items?, let milliseconds?): self.init(items: items, milliseconds: milliseconds, bytes: bytes)
        case (let items?, nil):
            self.init(items: items, milliseconds: min(max(items * 1000, 500), 60_000), bytes: bytes)
        case (nil, let milliseconds?):
            self.init(items: min(max(milliseconds / 2, 16), 4096), milliseconds: milliseconds, bytes: bytes)
        case (nil, nil):
            self = givenBytes == nil ? standard : .init(items: 4096, milliseconds: 60_000, bytes: bytes)
        }
    }
}

extension EdgePolicy.Overflow {
    /// The policy of an edge whose file says nothing: `block`. Out of a node that shares without `lossless` it is
    /// `drop-oldest` for media whose items stand alone, and `drop-to-keyframe` where coded video may pass.
    public static func standard(for formats: FormatSet, fromSharing: Bool, isLossless: Bool) -> EdgePolicy.Overflow {
        if !fromSharing || isLossless { return .block }
        return formats.patterns.contains(where: \.kind.hasDependentPackets) ? .dropToKeyframe : .dropOldest
    }
}
