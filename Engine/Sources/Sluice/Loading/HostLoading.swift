@_spi(Host) extension Host {
    /// A host that brings in the plugins of `catalog` as graphs name them.
    public convenience init(
        catalog: PluginCatalog, declared: [ServicePlan] = [],
        say: @escaping @Sendable (EventLog.Level, String) -> Void = { level, text in
            Console.say("\(level.rawValue): \(text)\n")
        }
    ) {
        let registry = NodeRegistry()
        let loader = PluginLoader()
        self.init(registry: registry, declared: declared, say: say) { [unowned registry] plan in
            try loader.load(
                plan.allNodes.map(\.spec.type), services: (plan.services + declared).map(\.spec.name), from: catalog,
                into: registry)
        }
    }
}
