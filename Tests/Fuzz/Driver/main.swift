import CFuzzer
import Glibc

// tools/fuzz builds this with sanitizers: sluice-fuzz TARGET [what libFuzzer takes]…, or --list.

/// Chosen once, before libFuzzer begins to call.
nonisolated(unsafe) private var chosen: FuzzTarget?

private func start() -> Int32 {
    let words = CommandLine.arguments.dropFirst()
    guard let name = words.first, name != "--list" else {
        for target in FuzzTarget.all { print("\(target.name)\t\(target.longest)\t\(target.summary)") }
        return 0
    }
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        print("There is no target \"\(name)\"; --list tells which there are.")
        return 2
    }
    chosen = target
    var count = CommandLine.argc - 1
    // libFuzzer sees its own words alone.
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
    return LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in
        chosen?.run(UnsafeRawBufferPointer(start: bytes, count: size))
        return 0
    }
}

exit(start())
