/// Checks and plans the `lanes` section.
struct LanePlanner {
    /// More CPUs than the kernel counts.
    static let maximumCPU = 8_191

    private let document: GraphDocument
    private let scope: ParameterScope
    private let bag: DiagnosticBag

    init(_ document: GraphDocument, _ scope: ParameterScope, _ bag: DiagnosticBag) {
        self.document = document
        self.scope = scope
        self.bag = bag
    }

    func plan(_ root: SessionPlan) -> [String: LanePlan] {
        checkPools(root)
        guard !document.lanes.isEmpty else { return [:] }
        let (names, isComplete) = laneNames(root)
        var result: [String: LanePlan] = [:]
        for lane in document.lanes {
            if isComplete, !names.contains(lane.name) {
                bag.error(
                    lane.position, "no node runs on lane \(quoted(lane.name)).",
                    advice: suggestion(for: lane.name, in: names, listing: "The lanes are"))
                continue
            }
            result[lane.name] = plan(lane)
        }
        return result
    }

    /// A pool has one size wherever it is named, and is no lane.
    private func checkPools(_ root: SessionPlan) {
        let nodes = root.allNodes
        var pools: [String: NodePlan] = [:]
        for node in nodes {
            guard let pool = node.pool else { continue }
            guard let first = pools[pool.name], let other = first.pool else {
                pools[pool.name] = node
                continue
            }
            guard other.lanes != pool.lanes else { continue }
            bag.error(
                node.position,
                "node \(quoted(node.name)): pool \(quoted(pool.name)) has \(pool.lanes) lanes here, and \(other.lanes) at node \(quoted(first.name)) in line \(first.position.line).",
                advice: "Give both the same number.")
        }
        for node in nodes {
            guard let lane = node.lane, let pool = pools[lane] else { continue }
            bag.error(
                node.position,
                "node \(quoted(node.name)): lane \(quoted(lane)) is the pool of node \(quoted(pool.name)).",
                advice:
                    "Write \"lane\": { \"pool\": \(quoted(lane)), \"lanes\": \(pool.pool?.lanes ?? 1) }, or name another lane."
            )
        }
    }

    private func plan(_ lane: LaneDocument) -> LanePlan {
        let label = "lane \(quoted(lane.name))"
        var plan = LanePlan()
        func value(_ json: JSONValue?, _ key: String, _ type: ParameterValue.Kind, _ range: ClosedRange<Double>? = nil)
            -> ParameterValue?
        {
            json.flatMap { scope.resolve($0, as: type, range: range, label: "\(label): \(key)", bag)?.value }
        }
        if let json = lane.cpus, case .string(let text)? = value(json, "cpus", .string) {
            if let cpus = LanePlanner.cpus(text) {
                plan.cpus = cpus
            } else {
                bag.error(
                    json.position, "\(label): cpus takes numbers and ranges of CPUs, found \(quoted(text)).",
                    advice: "Write \"cpus\": \"0,2-3\".")
            }
        }
        plan.nice = value(lane.nice, "nice", .integer, -20...19).flatMap(Int.init)
        plan.priority = value(lane.priority, "priority", .integer, 1...99).flatMap(Int.init)
        plan.locksMemory = value(lane.lockMemory, "lock_memory", .boolean) == .boolean(true)
        plan.pipeBytes = value(lane.pipeSize, "pipe_kib", .integer, 4...1_048_576).flatMap(Int.init).map { $0 << 10 }
        if lane.nice != nil, let priority = lane.priority {
            bag.error(
                priority.position, "\(label) has both nice and priority.",
                advice: "Real-time threads have no nice value: keep one of them.")
        }
        return plan
    }

    /// `0,2-3`; nil where it is something else.
    static func cpus(_ text: String) -> [Int]? {
        var result: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { number($0) }
            guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], first <= last else {
                return nil
            }
            result.formUnion(first...last)
        }
        return result.sorted()
    }

    private static func number(_ text: Substring) -> Int? {
        let digits = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        guard !digits.isEmpty, digits.count <= 5, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int(String(digits)).flatMap { $0 <= maximumCPU ? $0 : nil }
    }

    /// Every lane and pool that nodes run on, and whether all names are known.
    private func laneNames(_ root: SessionPlan) -> (Set<String>, Bool) {
        var names: Set<String> = []
        func add(_ plan: SessionPlan, _ prefix: String) {
            for node in plan.nodes {
                let own = node.spec.descriptor.work == .light ? "main" : prefix + node.name
                names.insert(node.pool?.name ?? node.lane ?? own)
            }
            for template in plan.templatesInOrder { add(template.outline, prefix + template.name + "/") }
        }
        add(root, "")
        // A node that could not be planned, or whose lane a parameter gives, may run on any.
        var isOpen = false
        var written = 0
        func look(_ body: SessionDocument) {
            written += body.nodes.count
            let texts = body.nodes.flatMap { [$0.lane?.string, $0.lane?["pool"]?.string] }
            if texts.contains(where: { $0?.contains("${") == true }) { isOpen = true }
            for template in body.templates { look(template.body) }
        }
        look(document.body)
        return (names, !isOpen && root.allNodes.count == written)
    }
}
