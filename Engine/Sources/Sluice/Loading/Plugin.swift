/// The door that every plugin comes through, the project's own as a stranger's.
///
///     @_cdecl("sluice_plugin")
///     public func plugin(_ door: UnsafeMutableRawPointer) {
///         Plugin.open(door) { $0.register(Gain.self) }
///     }
///
/// Swift has no stable ABI on Linux, so a plugin fits only the engine that it was built against. `open` is compiled
/// into the plugin and calls a function whose name carries that engine's stamp (`abi-stamp` generates it): loaded by
/// another engine, the plugin lacks that symbol and the dynamic linker refuses it before any of its code runs.
public enum Plugin {
    /// Registers what `body` names with the engine that loaded the plugin.
    @_alwaysEmitIntoClient
    public static func open(_ door: UnsafeMutableRawPointer, _ body: (NodeRegistry) -> Void) {
        body(registry(behind: door))
    }
}
