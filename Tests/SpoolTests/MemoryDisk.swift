import Synchronization

@testable import Spool

/// A disk in memory, which may be full, and which a killed process may leave at any of its calls.
final class MemoryDisk: SpoolDisk {
    struct State: Sendable {
        var files: [String: [UInt8]] = [:]
        var folders: Set<String> = []
        var locks: Set<String> = []
        /// In bytes of all files; nil where it has no end.
        var most: Int?
        /// Calls that change something until the process is killed: the last of them is half done.
        var left = Int.max
        /// Calls that changed something.
        var calls = 0
    }

    static let killed = DiskFault(-1, "the process was killed")
    let state = Mutex(State())

    /// Another process finds what this one has left.
    func restarted() -> MemoryDisk {
        let next = MemoryDisk()
        let (files, folders) = state.withLock { ($0.files, $0.folders) }
        next.state.withLock { ($0.files, $0.folders) = (files, folders) }
        return next
    }

    var files: [String: [UInt8]] {
        get { state.withLock { $0.files } }
        set { state.withLock { $0.files = newValue } }
    }

    /// `half` is done where the process is killed in the middle of it.
    private func change(
        _ whole: (inout State) throws(DiskFault) -> Void, half: (inout State) -> Void = { _ in }
    ) throws(DiskFault) {
        try state.withLock { (state) throws(DiskFault) in
            state.calls += 1
            guard state.left > 0 else { throw MemoryDisk.killed }
            state.left -= 1
            guard state.left > 0 else {
                half(&state)
                throw MemoryDisk.killed
            }
            try whole(&state)
        }
    }

    func names(in folder: String) -> [String] {
        let prefix = folder.isEmpty ? "" : folder + "/"
        return state.withLock { state in
            let all = Array(state.files.keys) + Array(state.folders)
            return Array(
                Set(
                    all.filter { $0.hasPrefix(prefix) }.compactMap {
                        $0.dropFirst(prefix.count).split(separator: "/").first.map(String.init)
                    }))
        }
    }

    func makeFolder(_ path: String) throws(DiskFault) { try change { $0.folders.insert(path) } }

    func read(_ path: String, most: Int) throws(DiskFault) -> [UInt8] {
        guard let bytes = files[path] else { throw DiskFault(2, "there is no \(path)") }
        return Array(bytes.prefix(most))
    }

    func size(_ path: String) -> Int? { files[path]?.count }

    func append(_ bytes: [UInt8], to path: String) throws(DiskFault) {
        try change(
            { (state) throws(DiskFault) in
                let used = state.files.values.reduce(0) { $0 + $1.count }
                let room = max(0, (state.most ?? .max) - used)
                state.files[path, default: []] += bytes.prefix(room)
                guard room >= bytes.count else { throw DiskFault(28, "there is no room") }
            }, half: { $0.files[path, default: []] += bytes.prefix(bytes.count / 2) })
    }

    func write(_ bytes: [UInt8], to path: String, at offset: Int) throws(DiskFault) {
        try change { state in
            var file = state.files[path] ?? []
            if file.count < offset + bytes.count {
                file += [UInt8](repeating: 0, count: offset + bytes.count - file.count)
            }
            file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            state.files[path] = file
        }
    }

    func cut(_ path: String, to size: Int) throws(DiskFault) {
        try change { $0.files[path] = $0.files[path].map { Array($0.prefix(size)) } }
    }

    func sync(_ path: String) throws(DiskFault) { try change { _ in } }

    func rename(_ path: String, to other: String) throws(DiskFault) {
        try change { state in
            state.files[other] = state.files.removeValue(forKey: path)
        }
    }

    func remove(_ path: String) throws(DiskFault) { try change { $0.files[path] = nil } }

    func lock(_ path: String) -> Bool { state.withLock { $0.locks.insert(path).inserted } }
    func unlock(_ path: String) { state.withLock { _ = $0.locks.remove(path) } }
}
