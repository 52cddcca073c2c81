@_spi(Host) import Sluice

/// For builds: writes the manifest beside each plugin, loading it once.
enum ManifestCommand: Subcommand {
    static let help = Help(
        name: "manifest", summary: "Writes the manifests of the plugins in DIR, loading each once", operands: "DIR…",
        example: "sluice manifest .build/release", isHidden: true)

    static func run(_ arguments: Arguments) throws -> Int32 {
        if arguments.operands.isEmpty { throw arguments.error("DIR is missing.") }
        var status: Int32 = 0
        for directory in arguments.operands {
            guard Surroundings.isDirectory(directory) else {
                throw arguments.error("there is no directory \(directory).")
            }
            for path in PluginFile.all(in: directory) {
                guard let refusal = PluginFile(path: path).writeManifest() else { continue }
                Console.say("\(refusal.plugin): \(refusal.reason). \(refusal.advice)\n")
                status = 1
            }
        }
        return status
    }
}
