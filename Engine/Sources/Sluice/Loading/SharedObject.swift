import Glibc

/// The facts in a shared library's ELF tables, read without loading it (System V ABI, chapters 4 and 5): the libraries
/// it needs, and of a plugin the engine and sanitizer it was built with. Nothing in the file is trusted.
struct SharedObject {
    /// DT_NEEDED: `libopus.so.0`.
    private(set) var needed: [String] = []
    /// DT_RUNPATH or DT_RPATH, `$ORIGIN` not filled in.
    private(set) var runPath: [String] = []
    /// The stamp of the engine that it needs.
    private(set) var stamp: String?
    /// It holds an engine itself instead of needing one.
    private(set) var holdsEngine = false
    private(set) var sanitizer: Sanitizer?

    enum Sanitizer: String, CaseIterable {
        case thread, address

        var symbol: String { self == .thread ? "__tsan_init" : "__asan_init" }

        /// Of the process that asks.
        static let current = allCases.first { dlsym(nil, $0.symbol) != nil }
    }

    /// A clause without a full stop: why it cannot be read.
    struct Problem: Error { let reason: String }

    init(path: String) throws(Problem) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(reason: "it cannot be read: \(errorText(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0,
            let start = mmap(nil, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
        else { throw Problem(reason: "it is not a shared library") }
        defer { munmap(start, status.st_size) }
        try read(ELFTables(UnsafeRawBufferPointer(start: start, count: status.st_size)))
    }

    private mutating func read(_ file: ELFTables) throws(Problem) {
        guard file.isLibrary else { throw Problem(reason: "it is not a shared library") }
        guard file.isForThisMachine else { throw Problem(reason: "it is built for another processor") }
        file.dynamicEntries { tag, text in
            switch tag {
            case 1: needed.append(text)
            case 15, 29: runPath += text.split(separator: ":").map(String.init)
            default: break
            }
        }
        file.dynamicSymbols { name, isUndefined in
            if let stamp = SharedObject.stamp(inSymbol: name) {
                if isUndefined { self.stamp = stamp } else { holdsEngine = true }
            } else if isUndefined, let found = Sanitizer.allCases.first(where: { name == $0.symbol }) {
                sanitizer = found
            }
        }
    }

    /// The stamp in the mangled name of the engine's anchor; nil for other symbols.
    static func stamp(inSymbol name: String) -> String? {
        let marker = Array("sluice_abi_".utf8)
        let bytes = Array(name.utf8)
        guard bytes.count > marker.count + 16,
            let start = bytes.indices.dropLast(marker.count + 15).first(where: { bytes[$0...].starts(with: marker) })
        else { return nil }
        let rest = bytes[(start + marker.count)...]
        guard rest.prefix(16).allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }) else { return nil }
        let isDebug = rest.dropFirst(16).starts(with: "_debug".utf8)
        return String(decoding: rest.prefix(isDebug ? 22 : 16), as: UTF8.self)
    }
}

/// The tables of a 64-bit little-endian ELF file, every access inside its bounds.
private struct ELFTables {
    private let bytes: UnsafeRawBufferPointer
    private var sections: [Section] = []

    private struct Section {
        let type: UInt32
        let offset: Int
        let size: Int
        let link: Int
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        let table = position(at: 0x28)
        let (size, count) = (Int(load(UInt16.self, 0x3A)), Int(load(UInt16.self, 0x3C)))
        guard isLibrary, size >= 64 else { return }
        sections = (0..<count).map { index in
            let at = table + index * size
            return Section(
                type: load(UInt32.self, at + 4), offset: position(at: at + 24), size: position(at: at + 32),
                link: Int(load(UInt32.self, at + 40)))
        }
    }

    /// ET_DYN, 64 bits, little-endian.
    var isLibrary: Bool {
        load(UInt32.self, 0) == 0x464C_457F && load(UInt16.self, 4) == 0x0102 && load(UInt16.self, 16) == 3
    }

    var isForThisMachine: Bool {
        #if arch(arm64)
            load(UInt16.self, 18) == 183
        #else
            load(UInt16.self, 18) == 62
        #endif
    }

    /// Tag and text of each entry of `.dynamic`; the text means something only for tags that name one.
    func dynamicEntries(_ body: (Int64, String) -> Void) {
        forEachEntry(of: 6, size: 16) { at, strings in
            let tag = load(Int64.self, at)
            if [1, 15, 29].contains(tag) { body(tag, text(strings, position(at: at + 8))) }
        }
    }

    func dynamicSymbols(_ body: (String, _ isUndefined: Bool) -> Void) {
        forEachEntry(of: 11, size: 24) { at, strings in
            body(text(strings, Int(load(UInt32.self, at))), load(UInt16.self, at + 6) == 0)
        }
    }

    private func forEachEntry(of type: UInt32, size: Int, _ body: (_ at: Int, _ strings: Section) -> Void) {
        for section in sections where section.type == type && sections.indices.contains(section.link) {
            guard section.offset <= bytes.count, section.size <= bytes.count - section.offset else { continue }
            for index in 0..<(section.size / size) { body(section.offset + index * size, sections[section.link]) }
        }
    }

    private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, _ offset: Int) -> Number {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Number>.size else { return 0 }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    /// An offset or a size; what cannot be one lies behind the end. Sums of two of them do not overflow.
    private func position(at offset: Int) -> Int { Int(min(load(UInt64.self, offset), 1 << 60)) }

    private func text(_ strings: Section, _ offset: Int) -> String {
        let start = strings.offset + offset
        guard start < bytes.count else { return "" }
        return String(decoding: bytes[start...].prefix { $0 != 0 }, as: UTF8.self)
    }
}
