import Foundation
import Glibc

/// UDP and TCP ports of the loopback for tests, never the same ones twice: not in this process, and not in another that
/// runs tests beside it.
public enum Ports {
    /// The first of four in a row, an even number. They belong to this process until it ends.
    ///
    /// Below those that the kernel gives to callers, 32,768 and above.
    public static func four() -> Int {
        let folder = "/tmp/sluice-test-ports.\(getuid())"
        mkdir(folder, 0o700)
        // Processes that begin together do not ask for the same ones in turn.
        let start = Int(getpid()) * 37
        for turn in 0..<2_500 {
            let first = 22_000 + 4 * ((start + turn) % 2_500)
            let descriptor = open("\(folder)/\(first)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { continue }
            // Held by this descriptor, which stays open.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0, (first..<first + 4).allSatisfy(isFree) { return first }
            close(descriptor)
        }
        return 22_000
    }

    /// One port; its three neighbours are free too.
    public static func one() -> Int { four() }

    /// Whether a process has bound that UDP port, on any address. The kernel is asked: a try would be in the way of a
    /// process that comes just then.
    public static func isBound(_ port: Int) -> Bool {
        let hex = String(port, radix: 16, uppercase: true)
        let local = ":" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        return ["/proc/net/udp", "/proc/net/udp6"].contains { table in
            let lines = text(table).split(separator: "\n")
            return lines.contains { $0.split(separator: " ").dropFirst().first?.hasSuffix(local) == true }
        }
    }

    private static func isFree(_ port: Int) -> Bool {
        [SOCK_DGRAM, SOCK_STREAM].allSatisfy { kind in
            let descriptor = socket(AF_INET, Int32(kind.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
    }

    /// Read by hand: Foundation takes the first piece of such a file for the whole.
    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk.prefix(count) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
