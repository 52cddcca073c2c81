@_spi(Host) import Sluice

enum LatencyCommand: Subcommand {
    static let help = Help(
        name: "latency", summary: "Tells where the milliseconds of a picture go in a graph", operands: "GRAPH",
        options: [
            .init(name: "--set", value: "name=value", help: "a parameter of the graph", repeats: true),
            .init(name: "--for", value: "10s", help: "how long the graph runs (500ms, 10s, 2m, 1h)"),
            .init(name: "-o", value: "FILE", help: "draw the figures to FILE, an SVG picture"),
            Help.pluginPath,
        ],
        details: """
            Runs the graph and follows each picture from its capture through every node and lane, by the number burnt
            into it. The test pattern has such numbers. A graph that sends pictures and receives them too is measured
            glass to glass, with its encoders, muxers, SRT and decoders apart. The first second is not counted. Probes at
            both ends of each edge add about 0.02 ms a node.
            """,
        example: "sluice latency loopback --set latency_ms=20 -o latency.svg")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let operand = try arguments.operand()
        var options = RunOptions()
        options.duration = try arguments.interval("--for") ?? .seconds(10)
        let path = try arguments.svg("-o")
        let catalog = try Surroundings.catalog(arguments)
        options.catalog = catalog
        let plan = try RunCommand.load(operand, catalog, arguments)
        for warning in plan.warnings { Console.say("\(warning)\n") }
        let host = Host(catalog: catalog)
        defer { host.close() }
        let trace = LatencyTrace()
        options.latencyTrace = trace
        let signals = Console.catchTermination()
        let watcher = RunWatcher(plan, options)
        options.onEvent = { watcher.note($0) }
        let run = try host.run(plan, options: options)
        guard let path else { return try measure(run, trace, watcher, signals) { _ in } }
        var file = try OutputFile(path, for: "-o", arguments)
        return try measure(run, trace, watcher, signals) { try file.write($0.svg(title: "Latency of \(plan.name)")) }
    }

    private static func measure(
        _ run: GraphRun, _ trace: LatencyTrace, _ watcher: RunWatcher, _ signals: Int32,
        draw: (LatencyAnalysis) throws -> Void
    ) throws -> Int32 {
        let status = try RunCommand.execute(run, watcher, signals)
        guard let analysis = LatencyAnalysis(trace) else {
            throw NodeError(
                "no picture with a number came through for longer than a second",
                advice:
                    "Use the test pattern (\"open\": \"pattern\") or pictures that carry such numbers, and run longer with --for."
            )
        }
        Console.answer(analysis.table)
        try draw(analysis)
        return status
    }
}
