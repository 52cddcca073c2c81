/// The door that every plugin comes through, the project's own as a stranger's.
///
///     @_cdecl("sluice_plugin")
///     public func plugin(_ door: UnsafeMutableRawPointer) {
///         Plugin.open(door) { $0.register(Gain.self) }
///     }
public enum Plugin {
    /// Registers what `body` names with the engine that loaded the plugin.
    public static func open(_ door: UnsafeMutableRawPointer, _ body: (NodeRegistry) -> Void) {
        body(Unmanaged<NodeRegistry>.fromOpaque(door).takeUnretainedValue())
    }
}
