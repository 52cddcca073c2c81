import Glibc

/// Where the library and the models are looked for: the directories of `SLUICE_SPEECH_PATH`, then the plugin's own,
/// `speech` in it, and `.build/speech` of a checkout, where `tools/setup --speech` puts them.
enum SpeechPlaces {
    static let variable = "SLUICE_SPEECH_PATH"
    static let advice =
        "Run tools/setup --speech, which builds it, or set \(variable) to the directory that has it."

    static func directories(path: String?, plugin: String?) -> [String] {
        let given = (path ?? "").split(separator: ":").map(String.init)
        guard let plugin else { return given }
        return given + [plugin, "\(plugin)/speech", "\(plugin)/../../speech"]
    }

    static var directories: [String] {
        directories(path: getenv(variable).map { String(cString: $0) }, plugin: plugin)
    }

    /// The first of those that has the file.
    static func find(_ name: String, in directories: [String] = directories) -> String? {
        directories.map { "\($0)/\(name)" }.first { access($0, R_OK) == 0 }
    }

    /// The directory of the file that this code is loaded from.
    private static var plugin: String? {
        let here: @convention(c) () -> Void = {}
        let address = UInt(bitPattern: unsafeBitCast(here, to: UnsafeRawPointer.self))
        let file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var (text, part) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while text.count < 1 << 24 {
            let count = read(file, &part, part.count)
            guard count > 0 else { break }
            text += part.prefix(count)
        }
        return directory(of: address, in: String(decoding: text, as: UTF8.self))
    }

    /// The directory of the file that is mapped at an address, by the text of /proc/self/maps (proc(5)).
    static func directory(of address: UInt, in maps: String) -> String? {
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6 else { continue }
            let range = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard range.count == 2, range[0] <= address, address < range[1] else { continue }
            let path = String(fields[5].drop { $0 == " " })
            return path.lastIndex(of: "/").map { String(path[..<$0]) }
        }
        return nil
    }
}
