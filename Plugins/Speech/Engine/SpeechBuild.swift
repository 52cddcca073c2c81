import Glibc

/// The builds of libsluicespeech.so: `plain` runs everywhere, `avx2` ten times as fast on most x86-64 CPUs.
enum SpeechBuild: String, CaseIterable, Sendable {
    case avx2, plain

    var file: String { "libsluicespeech-\(rawValue).so" }

    /// Those that this CPU runs, the fastest first. `facts` is the text of /proc/cpuinfo: its first line of flags
    /// counts.
    static func usable(_ facts: String) -> [SpeechBuild] {
        let line = facts.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
        let flags = Set(line.split(separator: " "))
        let isFast = ["avx2", "fma", "f16c", "bmi2"].allSatisfy { flags.contains($0[...]) }
        return isFast ? [.avx2, .plain] : [.plain]
    }

    /// Of this machine. Where the system does not tell, the plain one.
    static var usable: [SpeechBuild] {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let file = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [.plain] }
        defer { close(file) }
        let count = read(file, &bytes, bytes.count)
        return usable(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
    }
}
