import Glibc
import Net
import Sluice

/// A port at which many callers are received at a time: finds its address, listens, lets in whom its `Admission` lets
/// in, and says who was refused. On the node's lane.
final class Reception {
    let admission: Admission
    private let options: SRTOptions
    private let backlog: Int
    private let shown: String
    /// For whom it waits, as `context.isWaiting(for:)` tells: `callers`.
    private let guests: String
    private let context: NodeContext
    private var lookup: AddressLookup?
    private var listener: SRTListener?
    private var refusals: RefusalReporter
    /// When `step` is to be called again whatever happens.
    private(set) var due = Instant.distantFuture

    /// A connection that was let in.
    struct Guest {
        let socket: SRTSocket
        let caller: SRTListener.Caller
        let place: Admission.Place
        /// It replaces the one that held its key.
        let isTakeOver: Bool
    }

    /// - Parameter guests: words for those who call: `callers`.
    init(
        _ settings: LinkSettings, _ rules: Admission.Rules, guests: String, _ metrics: LinkMetrics,
        _ context: NodeContext
    ) throws {
        self.context = context
        self.guests = guests
        admission = Admission(rules)
        refusals = RefusalReporter(admission, metrics, context)
        var options = settings.options
        options.latencyMilliseconds = settings.rule.choice(settings.rule.givenRoundTrip, .given).milliseconds
        self.options = options
        backlog = max(32, min(rules.most, 1_024))
        shown = settings.address.peer
        lookup = AddressLookup(
            [.init(settings.address.host, port: Int(settings.address.port))], context,
            resolver: try context.service(NameResolver.self) ?? .system)
        try listen()
    }

    /// Where it listens; before that is known, as the graph says it.
    var name: String { listener?.address.description ?? shown }

    /// When the address is known: at once where it stands in digits.
    private func listen() throws {
        guard let found = try lookup?.takeAll()?.get().first else {
            return context.isWaiting(for: "the address of \(shown)")
        }
        lookup = nil
        guard let address = found.first(where: { $0.family == AF_INET }) ?? found.first else { return }
        let made = try SRTListener(
            at: address, options, backlog: backlog, admission: admission, wakes: context.handle)
        SRTPoller.shared.watch(made.handle, context.handle)
        listener = made
        context.log(.info, "listens at \(made.address)")
        context.isWaiting(for: "\(guests) at \(name)")
    }

    func step(_ now: Instant, _ admit: (Guest) -> Void) throws {
        due = .distantFuture
        if lookup != nil { try listen() }
        guard let listener else { return }
        while let (socket, caller) = listener.accept() {
            switch admission.enter(caller) {
            case .refused(let reason): refusals.refused(caller, reason, now)
            case .place(let place, let isTakeOver):
                admit(Guest(socket: socket, caller: caller, place: place, isTakeOver: isTakeOver))
            }
        }
        due = refusals.tell(now)
    }

    func close(_ now: Instant) {
        if let listener { SRTPoller.shared.unwatch(listener.handle) }
        listener = nil
        refusals.tellRest(now, atEnd: true)
        context.isWaiting(for: nil)
    }
}
