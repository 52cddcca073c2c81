/// The entry of every plugin, the project's own as a stranger's.
///
///     @_cdecl("sluice_plugin")
///     public func plugin(_ registry: UnsafeMutableRawPointer) {
///         Plugin.open(registry) { $0.register(Gain.self) }
///     }
///
/// Swift has no stable ABI on Linux, so a plugin fits only the engine that it was built against. `open` is compiled
/// into the plugin and calls a function whose name carries that engine's stamp (`abi-stamp` generates it). A plugin
/// that another engine loads lacks that symbol. The dynamic linker refuses it before any of its code runs.
public enum Plugin {
    /// Registers what `body` names with the engine that loaded the plugin.
    @_alwaysEmitIntoClient
    public static func open(_ registry: UnsafeMutableRawPointer, _ body: (NodeRegistry) -> Void) {
        body(Plugin.registry(at: registry))
    }
}
