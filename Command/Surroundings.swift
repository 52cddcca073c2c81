import Glibc
@_spi(Host) import Sluice

/// The surroundings of the command: the environment, plugins and graphs.
enum Surroundings {
    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Where this command lies.
    static let home: String = {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes {
            readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard count > 0 else { return "." }
        let path = String(decoding: buffer.prefix(count), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }()

    /// The plugins that can be used. Says which type is there twice.
    static func catalog(_ arguments: Arguments) throws(UsageError) -> PluginCatalog {
        let environment = (variable("SLUICE_PLUGIN_PATH") ?? "").split(separator: ":").map(String.init)
        for directory in environment where !isDirectory(directory) {
            Console.say("warning: SLUICE_PLUGIN_PATH names \(directory), which is no directory.\n")
        }
        let given = arguments.all("--plugin-path")
        for directory in given where !isDirectory(directory) {
            throw arguments.error("--plugin-path \(directory): there is no such directory.", "Check the path.")
        }
        let catalog = PluginCatalog(directories: [home] + environment + given)
        for sentence in catalog.duplicates { Console.say("warning: \(sentence)\n") }
        return catalog
    }

    static func say(_ refused: [Unavailability]) {
        for refusal in refused {
            Console.say("\(refusal.plugin) cannot be used: \(refusal.reason). \(refusal.advice)\n")
        }
    }

    static var graphs: GraphLocator {
        GraphLocator(
            searchPath: variable("SLUICE_GRAPH_PATH"), installed: [home + "/../../share/sluice/graphs"],
            list: GraphFiles.system.list)
    }

    /// Where the values of parameters come from, `--set` first.
    static func sources(
        _ arguments: Arguments, missing: ParameterSources.Missing
    ) throws(UsageError) -> ParameterSources {
        var overrides: [String: String] = [:]
        for word in arguments.all("--set") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw arguments.error("--set takes name=value, not \"\(word)\".")
            }
            if overrides.updateValue(parts[1], forKey: parts[0]) != nil {
                throw arguments.error("--set \(parts[0]) is given twice.")
            }
        }
        return ParameterSources(
            overrides: overrides, environment: { variable($0) }, readFile: GraphFiles.system.read, missing: missing)
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
