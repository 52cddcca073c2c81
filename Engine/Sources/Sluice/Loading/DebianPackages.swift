/// Which Debian package holds a file, from dpkg's own lists.
enum DebianPackages {
    /// The libraries that every Debian machine with Swift has.
    static let alwaysThere: Set = ["libc6", "libgcc-s1", "libstdc++6"]

    private static let lists = "/var/lib/dpkg/info"

    /// The package of each of these paths that one owns. Only library packages are looked at.
    static func owners(of paths: Set<String>) -> [String: String] {
        var wanted: [String: String] = [:]
        for path in paths where path.hasPrefix("/") {
            wanted[path] = path
            // /lib is a link to /usr/lib, and packages may list either.
            wanted[path.hasPrefix("/usr/") ? String(path.dropFirst(4)) : "/usr" + path] = path
        }
        guard !wanted.isEmpty else { return [:] }
        var owners: [String: String] = [:]
        for list in GraphFiles.system.list(lists) where list.hasPrefix("lib") && list.hasSuffix(".list") {
            guard let bytes = try? GraphFiles.system.read(lists + "/" + list) else { continue }
            for line in bytes.split(separator: 0x0A) where line.contains(0x2E) {
                guard let path = wanted[String(decoding: line, as: UTF8.self)] else { continue }
                owners[path] = String(list.dropLast(5).prefix { $0 != ":" })
            }
        }
        return owners
    }

    /// The name that Debian Policy 8.1 gives the package of a library: `libopus.so.0` is in libopus0, and with a hyphen
    /// after a digit, `libsrtp2.so.1` in libsrtp2-1. Packages may depart from it.
    static func conventionalName(of library: String) -> String {
        guard let (stem, version) = split(library), let last = stem.last else { return "" }
        let name = (stem + (last.isNumber ? "-" : "") + version).lowercased()
        return String(name.map { $0 == "_" ? "-" : $0 })
    }

    private static func split(_ library: String) -> (String, String)? {
        let parts = library.split(separator: ".", omittingEmptySubsequences: false)
        guard let index = parts.firstIndex(of: "so"), index > 0, index + 1 < parts.count else { return nil }
        return (parts[..<index].joined(separator: "."), parts[(index + 1)...].joined(separator: "."))
    }
}
