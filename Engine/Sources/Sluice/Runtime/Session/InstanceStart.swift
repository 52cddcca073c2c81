import Synchronization

/// Starting instances of templates while the graph runs.
///
/// The supervisor decides and a builder prepares. Then the supervisor gives the instance its place, or has it taken
/// back where nobody wants it any more. In virtual time all of that happens at once on the one thread.
extension GraphRun {
    /// From any thread. The template is looked for in `session`, then in those that hold it.
    func startInstance(
        _ template: String, _ parameters: [String: ParameterValue], resource: (any Sendable)?,
        after predecessor: NodeContext.Instance?, from session: Session
    ) -> NodeContext.Instance {
        let handle = NodeContext.Instance { [weak self] in self?.supervisor.post($0) }
        guard starts.enter() else {
            handle.over()
            return handle
        }
        let request = StartRequest(
            template: template, parameters: parameters, resource: resource, session: session, handle: handle)
        supervisor.post { [self] in
            if let predecessor { predecessor.then { [weak self] in self?.begin(request) } } else { begin(request) }
        }
        return handle
    }

    private func begin(_ request: StartRequest) {
        guard !isStopping, !request.handle.isStopped else { return settle(request) }
        guard let (holder, plan) = request.session.holder(of: request.template) else {
            log(.error, node: request.template, "the graph has no template \"\(request.template)\"")
            return settle(request)
        }
        guard !holder.isDone, !holder.isDraining else { return settle(request) }
        let place = InstancePlace(plan, of: request.template, in: holder)
        holder.expect()
        let job: @Sendable () -> Void = { [self] in
            let isWanted = !isStopping && !request.handle.isStopped
            let result = Result {
                try isWanted ? build(place, request.parameters, resource: request.resource) : []
            }
            supervisor.post { [self] in finish(request, result, in: holder) }
        }
        if isVirtual {
            let result = Result { try build(place, request.parameters, resource: request.resource) }
            return finish(request, result, in: holder)
        }
        do { try builders.submit(job) } catch { finish(request, .failure(error), in: holder) }
    }

    /// The instance takes its place. Where it has none any more it is given back first: the next one may want the same
    /// file or port.
    private func finish(_ request: StartRequest, _ result: Result<[Session], any Error>, in holder: Session) {
        switch result {
        case .failure(let error):
            log(.error, node: request.template, "\(error)")
            settle(request, in: holder)
        case .success(let sessions):
            guard let first = sessions.first else { return settle(request, in: holder) }
            guard !isStopping, !isOver, !request.handle.isStopped, !holder.isDone, !holder.isDraining else {
                let takeBack: @Sendable () -> Void = { [self] in
                    for session in sessions.reversed() { session.takeBack() }
                    supervisor.post { [self] in settle(request, in: holder) }
                }
                if isVirtual { return takeBack() }
                do { try builders.submit(takeBack) } catch { takeBack() }
                return
            }
            starts.leave()
            for session in sessions { session.attach() }
            for session in sessions { session.start() }
            first.handle = request.handle
            request.handle.built(first.name) { [weak first] in first?.drain() }
            holder.expectNoLonger()
        }
    }

    /// It never will run.
    private func settle(_ request: StartRequest, in holder: Session? = nil) {
        starts.leave()
        request.handle.over()
        holder?.expectNoLonger()
    }

    /// The instance, and those that start with it, parents first; empty where nothing is left of it. Throws with
    /// everything taken back. On any thread.
    func build(
        _ place: InstancePlace, _ parameters: [String: ParameterValue], resource: (any Sendable)?
    ) throws -> [Session] {
        let given = parameters.merging(["instance": .integer(place.number)]) { given, _ in given }
        let plan = try place.plan.instance(given)
        guard
            let session = try Assembly(self).build(
                plan, name: place.name, parent: place.holder, template: place.path, resource: resource)
        else { return [] }
        return try startWith(session, plan)
    }

    /// The session and what its plan starts with it. Throws with everything taken back, the session too.
    func startWith(_ session: Session, _ plan: SessionPlan) throws -> [Session] {
        var built = [session]
        do {
            for start in plan.start {
                guard let template = plan.templates[start.template] else {
                    throw NodeError(
                        "\"start\" names the template \"\(start.template)\", which is not there", isInputError: true)
                }
                for _ in 0..<max(0, start.count) {
                    let place = InstancePlace(template, of: start.template, in: session)
                    built += try build(place, start.parameters, resource: nil)
                }
            }
        } catch {
            for session in built.reversed() { session.takeBack() }
            throw error
        }
        return built
    }
}

/// One call of `NodeContext.start`.
private struct StartRequest: Sendable {
    let template: String
    let parameters: [String: ParameterValue]
    let resource: (any Sendable)?
    let session: Session
    let handle: NodeContext.Instance
}

/// Where an instance is going to be: under its holder, with a number of its own.
struct InstancePlace: Sendable {
    let plan: TemplatePlan
    let holder: Session
    let number: Int
    /// `room.1/viewer.3`
    let name: String
    /// `room/viewer`
    let path: String

    /// On the supervisor, or on the thread that builds the holder.
    init(_ plan: TemplatePlan, of template: String, in holder: Session) {
        self.plan = plan
        self.holder = holder
        number = holder.nextNumber(of: template)
        name = holder.qualified("\(template).\(number)")
        path = (holder.template.map { $0 + "/" } ?? "") + template
    }
}

/// How many instances wait to be built. A graph that is asked for more than it can build refuses, and says so once for
/// all that it refuses until it has caught up.
final class PendingStarts: Sendable {
    private struct State {
        var waiting = 0
        var refused = 0
    }

    private let limit: Int
    private let state = Mutex(State())
    private let say: @Sendable (String) -> Void

    init(limit: Int, say: @escaping @Sendable (String) -> Void) {
        self.limit = limit
        self.say = say
    }

    /// From any thread. False where the instance is refused.
    func enter() -> Bool {
        let (isAllowed, isFirst) = state.withLock { state in
            guard state.waiting >= limit else {
                state.waiting += 1
                return (true, false)
            }
            state.refused += 1
            return (false, state.refused == 1)
        }
        if isFirst {
            say("\(limit) instances wait to be started, which is the most; more are refused until half of them run")
        }
        return isAllowed
    }

    func leave() {
        let refused: Int = state.withLock { state in
            state.waiting -= 1
            guard state.waiting <= limit / 2 else { return 0 }
            defer { state.refused = 0 }
            return state.refused
        }
        if refused > 0 { say("\(refused) instance\(refused == 1 ? " was" : "s were") refused, and starts go on") }
    }
}
