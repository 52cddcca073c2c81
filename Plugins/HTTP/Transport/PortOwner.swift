import Glibc

/// The process that listens at a TCP port, as far as the system tells it (proc(5)).
enum PortOwner {
    /// `mediamtx (process 4711)`; nil where it cannot be told, as for processes of other users.
    static func find(_ port: Int) -> String? {
        let inodes = Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap { listeners(text($0), at: port) })
        guard !inodes.isEmpty else { return nil }
        for process in names(in: "/proc") where process.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            for descriptor in names(in: "/proc/\(process)/fd") {
                guard let target = link("/proc/\(process)/fd/\(descriptor)"), inodes.contains(target) else { continue }
                let name = text("/proc/\(process)/comm").split(separator: "\n").first.map(String.init) ?? "a program"
                return "\(name) (process \(process))"
            }
        }
        return nil
    }

    /// `socket:[INODE]` of each socket in a table of the kernel's that listens at `port`.
    static func listeners(_ table: String, at port: Int) -> [String] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            // Local address, other address, state 0A (listening), then six more; the inode is the tenth.
            guard fields.count > 9, fields[3] == "0A", let local = fields[1].split(separator: ":").last,
                Int(local, radix: 16) == port
            else { return nil }
            return "socket:[\(fields[9])]"
        }
    }

    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk.prefix(count) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    private static func link(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { room in
            guard let base = room.bindMemory(to: CChar.self).baseAddress else { return nil }
            let count = readlink(path, base, room.count)
            return count < 0 ? nil : String(decoding: room.prefix(count), as: UTF8.self)
        }
    }
}
