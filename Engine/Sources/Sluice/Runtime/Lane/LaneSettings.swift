import CSys

/// How a thread asks the system for what a lane is to be given; each returns 0 or errno.
struct LaneSystem: Sendable {
    var setCPUs: @Sendable ([Int]) -> Int32
    /// Those that the process may use.
    var allowedCPUs: @Sendable () -> [Int]
    var setNice: @Sendable (Int) -> Int32
    var setPriority: @Sendable (Int) -> Int32
    var lockMemory: @Sendable () -> Int32

    /// For the calling thread.
    static let kernel = LaneSystem(
        setCPUs: { cpus in
            let numbers = cpus.map { Int32($0) }
            return sys_set_affinity(numbers, Int32(numbers.count))
        },
        allowedCPUs: {
            var numbers = [Int32](repeating: 0, count: 8_192)
            let count = sys_process_affinity(&numbers, Int32(numbers.count))
            return numbers.prefix(Int(max(0, count))).map { Int($0) }
        },
        setNice: { sys_set_nice(Int32($0)) }, setPriority: { sys_set_fifo_priority(Int32($0)) },
        lockMemory: { sys_lock_memory() })
}

/// Something that the system did not give a lane.
enum LaneRefusal: Equatable {
    case cpus([Int], allowed: [Int], Int32)
    case nice(Int, Int32)
    case priority(Int, Int32)
    case memory(Int32)

    /// One line: what was asked, why not, and what to do.
    func sentence(lane: String) -> String {
        let head = "lane \(lane): "
        switch self {
        case .cpus(let asked, let allowed, let code):
            let left = asked.filter(allowed.contains)
            let outcome =
                left.isEmpty
                ? "refused (\(errorText(code))); it runs on any of \(LaneRefusal.ranges(allowed))"
                : "are not all there; it runs on \(LaneRefusal.ranges(left))"
            return head + "CPUs \(LaneRefusal.ranges(asked)) \(outcome). Name CPUs that this process may use."
        case .nice(let value, let code):
            return head
                + "nice \(value) refused (\(errorText(code))): it runs as any other thread. Run as root or raise nice in /etc/security/limits.conf."
        case .priority(let value, let code):
            return head
                + "real-time priority \(value) refused (\(errorText(code))): its timers may be late on a busy machine. Run as root or raise rtprio in /etc/security/limits.conf."
        case .memory(let code):
            return head
                + "locking memory refused (\(errorText(code))): pages may be written out. Run as root or set memlock to unlimited in /etc/security/limits.conf."
        }
    }

    /// `0-3,8`
    static func ranges(_ cpus: [Int]) -> String {
        var parts: [(Int, Int)] = []
        for cpu in cpus {
            if let last = parts.last, last.1 + 1 == cpu {
                parts[parts.count - 1].1 = cpu
            } else {
                parts.append((cpu, cpu))
            }
        }
        return parts.map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }.joined(separator: ",")
    }
}

extension LanePlan {
    /// Gives the calling thread what is planned; what the system refuses is left as it was and told.
    func apply(_ system: LaneSystem) -> [LaneRefusal] {
        var refusals: [LaneRefusal] = []
        if !cpus.isEmpty {
            // Asked before: afterwards the thread knows only its own.
            let allowed = system.allowedCPUs()
            let code = system.setCPUs(cpus)
            if code != 0 || !cpus.allSatisfy(allowed.contains) { refusals.append(.cpus(cpus, allowed: allowed, code)) }
        }
        if let nice {
            let code = system.setNice(nice)
            if code != 0 { refusals.append(.nice(nice, code)) }
        }
        if let priority {
            let code = system.setPriority(priority)
            if code != 0 { refusals.append(.priority(priority, code)) }
        }
        if locksMemory {
            let code = system.lockMemory()
            if code != 0 { refusals.append(.memory(code)) }
        }
        return refusals
    }
}
