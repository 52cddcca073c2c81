import CCoroutine
import Synchronization

/// Runs a small concurrent program through every interleaving of its accesses to shared words.
///
/// The program is ordinary code over `ExplorerWord`: what the engine compiles over `HardwareWord` runs here unchanged.
/// Each thread is a coroutine that stops before every access; the explorer decides who goes on. One execution follows
/// one schedule from the beginning; a depth-first search over schedules re-executes until none is left.
///
/// **Memory.** Under `.sequential` an access takes effect at once. Under `.storeBuffers` every thread has a first-in
/// first-out buffer. Its plain stores wait there, invisible to the others, until they are let through at any later
/// moment. A compare-and-swap, an exchange or a fence waits until the buffer is empty. That is x86's model (Owens,
/// Sarkar, Sewell: "A better x86 memory model: x86-TSO", 2009), under which a missing fence shows.
///
/// **Reduction.** Two accesses are dependent if they are of one word and one of them writes. Schedules that differ only
/// in the order of independent accesses end alike, so one of each class suffices: dynamic partial-order reduction
/// by source sets and sleep sets (Abdulla, Aronsson, Jonsson, Sagonas, POPL 2014). `.everySchedule` switches it off.
///
/// **Findings.** A check that fails in a thread or at the end, a thread that waits when nobody is left to wake it, an
/// access to a word that was freed. The schedule that led there is part of the failure.
public final class Explorer {
    /// When a plain store becomes visible to other threads: at once, or later as on x86.
    public enum Memory: Sendable { case sequential, storeBuffers }
    /// Which schedules are run: one of each class that ends alike, or every one.
    public enum Reduction: Sendable { case partialOrder, everySchedule }

    /// The findings of one exploration.
    public struct Result: Sendable {
        /// Executions that ran to their end, each another class of schedules.
        public internal(set) var schedules = 0
        /// Executions broken off because everything that could follow had been explored.
        public internal(set) var redundant = 0
        /// Steps of the longest schedule.
        public internal(set) var longest = 0
        /// The first failure and the schedule that led to it; the search ends there.
        public internal(set) var failure: String?
        /// False if the limit of executions was reached first.
        public internal(set) var isComplete = true
    }

    /// - Parameters:
    ///   - limit: executions after which the search gives up.
    ///   - program: sets the words up and names the threads; called for each execution.
    public static func explore(
        memory: Memory = .sequential, reduction: Reduction = .partialOrder, limit: Int = 20_000_000,
        _ program: (Explorer) -> Void
    ) -> Result {
        turn.withLock { _ in
            let explorer = Explorer(memory, reduction)
            current = explorer
            defer { current = nil }
            return explorer.search(limit, program)
        }
    }

    private static let turn = Mutex<Void>(())
    /// The exploration that words belong to. One runs at a time.
    nonisolated(unsafe) static var current: Explorer!

    // MARK: The program's side

    /// A thread of the program.
    public func thread(_ name: String, _ body: @escaping () -> Void) {
        threads.append(Thread(name: name, body: body, coroutine: coroutineForThread()))
    }

    /// Runs when every thread has returned, on none.
    public func finally(_ body: @escaping () -> Void) { finalChecks.append(body) }

    /// The execution is wrong if `condition` does not hold.
    public func check(_ condition: Bool, _ what: @autoclosure () -> String) {
        if !condition && failure == nil { failure = what() }
    }

    // MARK: One execution

    struct Thread {
        let name: String
        let body: () -> Void
        let coroutine: OpaquePointer
        var next = Access(kind: .local, cell: -1)
        var isDone = false
        /// Stores that the others do not see yet, oldest first, with the clock of the moment they were made.
        var buffer: [(cell: Int, value: Int, clock: [Int32])] = []
    }

    struct Access {
        enum Kind { case local, read, write, await, drain }
        var kind: Kind
        var cell: Int
        /// Waits until the own buffer is empty: a compare-and-swap, a fence.
        var isOrdered = false

        func depends(on other: Access) -> Bool {
            cell == other.cell && cell >= 0 && (kind == .write || other.kind == .write)
        }
    }

    /// An execution that is longer than this is taken for one that never ends.
    private static let stepLimit = 5_000

    let memory: Memory
    let reduction: Reduction
    var threads: [Thread] = []
    private var finalChecks: [() -> Void] = []
    private var coroutines: [OpaquePointer] = []
    /// The thread whose coroutine runs now; −1 outside.
    private var running = -1
    var failure: String?
    /// Words by number; a freed one is kept so that a late access is seen.
    private var cells: [Int] = []
    private var freed: [Bool] = []
    private var anyFreed = false

    var schedule = Schedule()
    var result = Result()

    private init(_ memory: Memory, _ reduction: Reduction) {
        self.memory = memory
        self.reduction = reduction
    }

    deinit { for coroutine in coroutines { coroutine_destroy(coroutine) } }

    private func coroutineForThread() -> OpaquePointer {
        while coroutines.count <= threads.count { coroutines.append(coroutine_create()) }
        return coroutines[threads.count]
    }

    private func search(_ limit: Int, _ program: (Explorer) -> Void) -> Result {
        repeat {
            execute(program)
            if result.failure != nil { break }
            if result.schedules + result.redundant >= limit {
                result.isComplete = false
                break
            }
        } while schedule.backtrack(reduction)
        return result
    }

    private func execute(_ program: (Explorer) -> Void) {
        threads.removeAll(keepingCapacity: true)
        finalChecks.removeAll(keepingCapacity: true)
        cells.removeAll(keepingCapacity: true)
        freed.removeAll(keepingCapacity: true)
        anyFreed = false
        failure = nil
        program(self)
        for index in threads.indices {
            coroutine_prepare(threads[index].coroutine, explorerThreadBody, nil)
        }
        schedule.begin(threads: threads.count)
        var isRedundant = false
        var steps = 0
        while failure == nil {
            let enabled = enabledSet()
            if enabled == 0 {
                if !threads.allSatisfy(\.isDone) { failure = stuckDescription() }
                break
            }
            guard let chosen = isRedundant ? enabled.trailingZeroBitCount : schedule.choose(self, enabled) else {
                // Everything from here on is known; the rest runs off in any order, so that nothing is left on a stack.
                isRedundant = true
                continue
            }
            step(chosen)
            steps += 1
            if steps > Explorer.stepLimit { check(false, "goes on for ever") }
        }
        if failure == nil { for check in finalChecks { check() } }
        if isRedundant { result.redundant += 1 } else { result.schedules += 1 }
        result.longest = max(result.longest, schedule.depth)
        if let failure { result.failure = failure + "\nschedule: " + schedule.description(threads.map(\.name)) }
    }

    /// Bit t: thread t can go on; bit count + t: the oldest store of thread t can be let through.
    private func enabledSet() -> UInt64 {
        var set: UInt64 = 0
        for index in threads.indices {
            if !threads[index].buffer.isEmpty { set |= 1 << UInt64(threads.count + index) }
            if threads[index].isDone { continue }
            if canGo(index) { set |= 1 << UInt64(index) }
        }
        return set
    }

    private func canGo(_ index: Int) -> Bool {
        let next = threads[index].next
        if next.isOrdered && !threads[index].buffer.isEmpty { return false }
        if next.kind == .await { return cells[next.cell] != 0 }
        return true
    }

    /// The step that an actor of `enabledSet` would take.
    func access(of actor: Int) -> Access {
        if actor < threads.count { return threads[actor].next }
        guard let first = threads[actor - threads.count].buffer.first else { return Access(kind: .local, cell: -1) }
        return Access(kind: .write, cell: first.cell)
    }

    private func step(_ actor: Int) {
        if actor >= threads.count {
            let store = threads[actor - threads.count].buffer.removeFirst()
            cells[store.cell] = store.value
            return
        }
        running = actor
        coroutine_resume(threads[actor].coroutine)
        running = -1
    }

    fileprivate func runBody() {
        let index = running
        threads[index].body()
        threads[index].isDone = true
    }

    private func stuckDescription() -> String {
        "waits for ever: " + threads.filter { !$0.isDone }.map(\.name).joined(separator: ", ")
    }

    // MARK: The words' side

    func makeCell(_ value: Int) -> Int {
        cells.append(value)
        freed.append(false)
        return cells.count - 1
    }

    /// The words made since `first` are gone: a thread that touches one from now on fails.
    public func free(from first: Int, to end: Int) {
        for cell in first..<end { freed[cell] = true }
        anyFreed = true
    }

    /// How many words were made so far.
    public var wordCount: Int { cells.count }

    /// Gives the others the chance to go first.
    private func pause(_ kind: Access.Kind, _ cell: Int, ordered: Bool = false) {
        threads[running].next = Access(kind: kind, cell: cell, isOrdered: ordered)
        coroutine_yield(threads[running].coroutine)
        if anyFreed && cell >= 0 && freed[cell] {
            check(false, "\(threads[running].name) touches a word that was freed")
        }
    }

    func load(_ cell: Int) -> Int {
        guard running >= 0 else { return cells[cell] }
        pause(.read, cell)
        // A thread sees its own stores before the others do.
        return threads[running].buffer.last { $0.cell == cell }?.value ?? cells[cell]
    }

    func store(_ cell: Int, _ value: Int) {
        guard running >= 0 else {
            cells[cell] = value
            return
        }
        if memory == .storeBuffers {
            threads[running].buffer.append((cell, value, reduction == .partialOrder ? schedule.clock(of: running) : []))
            return
        }
        pause(.write, cell)
        cells[cell] = value
    }

    /// Changes a word in one step that the whole machine sees; returns what it was.
    func update(_ cell: Int, _ change: (Int) -> Int) -> Int {
        if running >= 0 { pause(.write, cell, ordered: memory == .storeBuffers) }
        let old = cells[cell]
        cells[cell] = change(old)
        return old
    }

    func fence() {
        guard running >= 0, memory == .storeBuffers, !threads[running].buffer.isEmpty else { return }
        pause(.drain, -1, ordered: true)
    }

    /// Stops the thread until the word is not 0.
    func awaitNonzero(_ cell: Int) {
        pause(.await, cell, ordered: memory == .storeBuffers)
    }
}

private func explorerThreadBody(_ context: UnsafeMutableRawPointer?) { Explorer.current.runBody() }
