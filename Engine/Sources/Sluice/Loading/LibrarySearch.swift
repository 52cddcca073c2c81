import Glibc

/// Finds shared libraries where the dynamic linker would (ld.so(8)), without loading them.
enum LibrarySearch {
    #if arch(arm64)
        private static let multiarch = "aarch64-linux-gnu"
    #else
        private static let multiarch = "x86_64-linux-gnu"
    #endif

    private static let standard = [
        "/lib/\(multiarch)", "/usr/lib/\(multiarch)", "/usr/local/lib", "/usr/local/lib/\(multiarch)", "/lib",
        "/usr/lib",
        "/lib64", "/usr/lib64",
    ]

    /// Where `name` lies for a library in `directory` with this run path; nil if it is nowhere.
    static func path(of name: String, runPath: [String] = [], in directory: String = "") -> String? {
        if name.contains("/") { return exists(name) ? name : nil }
        let own = runPath.map { replaceOrigin(in: $0, with: directory) }
        for folder in environment + own + standard where exists(folder + "/" + name) { return folder + "/" + name }
        return nil
    }

    /// Asks the dynamic linker itself, which also knows /etc/ld.so.conf; slow, as it loads the library.
    static func canLoad(_ name: String) -> Bool { dlopen(name, RTLD_LAZY | RTLD_LOCAL) != nil }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static var environment: [String] {
        guard let value = getenv("LD_LIBRARY_PATH") else { return [] }
        return String(cString: value).split(separator: ":").map(String.init)
    }

    private static func replaceOrigin(in folder: String, with directory: String) -> String {
        for word in ["$ORIGIN", "${ORIGIN}"] where folder.hasPrefix(word) {
            return directory + folder.dropFirst(word.count)
        }
        return folder
    }
}

/// A library that a plugin needs and that may be missing.
struct NeededLibrary: Equatable, Sendable {
    /// `libopus.so.0`
    var name: String
    /// Where it was found when the manifest was written; empty if it was missing.
    var path: String
    /// The Debian package that holds it; empty if none is known.
    var package: String

    var isMissing: Bool {
        if !path.isEmpty && LibrarySearch.exists(path) { return false }
        return LibrarySearch.path(of: name) == nil && !LibrarySearch.canLoad(name)
    }

    /// All that the library at `path` needs besides what is always there: the engine, the Swift and the C runtime.
    /// Libraries that lie beside it are looked into, as no package system knows their needs.
    static func all(of object: SharedObject, at path: String) -> [NeededLibrary] {
        var found: [NeededLibrary] = []
        var seen: Set<String> = ["libSluice.so"]
        func visit(_ object: SharedObject, in directory: String) {
            for name in object.needed where seen.insert(name).inserted {
                guard let path = LibrarySearch.path(of: name, runPath: object.runPath, in: directory) else {
                    if !LibrarySearch.canLoad(name) {
                        found.append(
                            NeededLibrary(name: name, path: "", package: DebianPackages.conventionalName(of: name)))
                    }
                    continue
                }
                let folder = directoryName(of: path)
                if folder.hasSuffix("/swift/linux") { continue }
                if folder == directory {
                    if let inner = try? SharedObject(path: path) { visit(inner, in: folder) }
                } else {
                    found.append(NeededLibrary(name: name, path: path, package: ""))
                }
            }
        }
        visit(object, in: directoryName(of: path))
        let owners = DebianPackages.owners(of: Set(found.map(\.path)))
        return found.compactMap { library in
            var library = library
            if let owner = owners[library.path] { library.package = owner }
            return DebianPackages.alwaysThere.contains(library.package) ? nil : library
        }
    }
}

/// `/a/b` of `/a/b/c`; `.` where the path has no folder.
func directoryName(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

func fileName(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
