import Glibc

/// The files that a process has mapped.
///
/// Read by hand: the kernel hands /proc/…/maps out in pieces, and Foundation takes the first for the whole.
public func mappedFiles(of process: Int32 = getpid()) -> Set<String> {
    guard let file = fopen("/proc/\(process)/maps", "r") else { return [] }
    defer { fclose(file) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { text += chunk.prefix(count) }
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
    return Set(lines.compactMap { line in line.firstIndex(of: "/").map { String(line[$0...]) } })
}
