/// The facts known of a plugin without loading it. It lies beside the plugin: `GainPlugin.manifest.json` beside
/// `libGainPlugin.so`.
struct PluginManifest: Equatable, Sendable {
    /// The plugin's file as it was when this was written; another one makes the manifest stale.
    var file: FileMark
    /// The stamp of the engine that it was built against.
    var stamp: String
    var libraries: [NeededLibrary]
    var types: [NodeSpec]
    var services: [ServiceSpec]

    /// Rises when older readers would misread what is written.
    static let version = 1

    /// `/a/GainPlugin.manifest.json` of `/a/libGainPlugin.so`.
    static func path(besidePlugin path: String) -> String {
        directoryName(of: path) + "/" + fileName(of: path).dropFirst(3).dropLast(3) + ".manifest.json"
    }

    /// nil where there is none, or none that can be read: the plugin is then looked at itself.
    init?(besidePlugin path: String) {
        let path = PluginManifest.path(besidePlugin: path)
        guard let bytes = try? GraphFiles.system.read(path), let json = try? JSONValue.parse(bytes, file: path) else {
            return nil
        }
        self.init(json)
    }

    init(file: FileMark, stamp: String, libraries: [NeededLibrary], types: [NodeSpec], services: [ServiceSpec] = []) {
        self.file = file
        self.stamp = stamp
        self.libraries = libraries
        self.types = types
        self.services = services
    }
}

/// Size and time of change of a file: enough to see that it is another one.
struct FileMark: Equatable, Sendable {
    var size: Int
    /// Nanoseconds since 1970.
    var modified: Int
}
