@_spi(Host) import Sluice

enum RunCommand: Subcommand {
    static let help = Help(
        name: "run", summary: "Runs a graph to its end", operands: "GRAPH",
        options: [
            .init(name: "--set", value: "name=value", help: "a parameter of the graph", repeats: true),
            .init(name: "--for", value: "10s", help: "stop after so much graph time (500ms, 10s, 2m, 1h)"),
            .init(
                name: "--clock", value: "system|virtual",
                help: "virtual: as fast as possible, equal runs give equal bytes"),
            .init(
                name: "--report", value: "FILE", help: "write what was counted as JSON at the end, also of a failure"),
            .init(name: "--quiet", value: nil, help: "say warnings and errors alone"),
            .init(name: "--log", value: "text|json", help: "json: say each line as a JSON object on standard error"),
            .init(name: "--stop-deadline", value: "5s", help: "how long the graph may stand still while it stops"),
            Help.pluginPath,
        ],
        details: """
            Ctrl-C stops the sources and lets media that are under way come out. A second one, half a second later, ends
            at once. SIGTERM and the end of the terminal do the same.
            "sluice run GRAPH --help" tells the parameters of that graph.
            Exit status: 0 ran and finished, 1 the run failed, 2 the input was wrong.
            """,
        example: "sluice run demo --set output=talk.webm --for 10s --report report.json")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let operand = try arguments.operand()
        var options = RunOptions()
        options.clock = try arguments.choice("--clock") ?? .system
        options.duration = try arguments.interval("--for")
        options.stopDeadline = try arguments.interval("--stop-deadline") ?? options.stopDeadline
        let catalog = try Surroundings.catalog(arguments)
        options.catalog = catalog
        let log: RunWatcher.Log = try arguments.choice("--log") ?? .text
        let plan = try load(operand, catalog, arguments)
        let watcher = RunWatcher(plan, options, isQuiet: !arguments.all("--quiet").isEmpty, log: log)
        watcher.warn(plan.warnings)
        do { return try run(plan, catalog, options, watcher, arguments) } catch  where watcher.fail(error) {
            return Main.status(after: error)
        }
    }

    private static func run(
        _ plan: GraphPlan, _ catalog: PluginCatalog, _ given: RunOptions, _ watcher: RunWatcher, _ arguments: Arguments
    ) throws -> Int32 {
        var options = given
        let host = Host(catalog: catalog)
        defer { host.close() }
        let reportPath = arguments.value("--report")

        let signals = Console.catchTermination()
        options.onStart = { watcher.begin($0) }
        options.onEvent = { watcher.note($0) }
        if watcher.hasLine { options.onTick = { watcher.look($0.progress) } }
        let run = try host.run(plan, options: options)
        guard let reportPath else { return try execute(run, watcher, signals) }
        var report = try OutputFile(reportPath, for: "--report", arguments)
        let status: Int32
        do { status = try execute(run, watcher, signals) } catch {
            do { try report.write(run.report) } catch { if !watcher.fail(error) { Console.say("\(error)\n") } }
            throw error
        }
        try report.write(run.report)
        return status
    }

    static func execute(_ run: GraphRun, _ watcher: RunWatcher, _ signals: Int32) throws -> Int32 {
        let termination = TerminationWatch(signals)
        defer { termination.end() }
        _ = termination.follow(run)
        let outcome = try run.execute()
        watcher.end(outcome, run.progress)
        return outcome == .failed ? 1 : 0
    }

    static func load(
        _ operand: String, _ catalog: PluginCatalog, _ arguments: Arguments
    ) throws -> GraphPlan {
        let sources = try Surroundings.sources(arguments, missing: .isError)
        do throws(GraphError) {
            let path = try Surroundings.graphs.path(of: operand)
            return try GraphLoader.load(path: path, catalog: catalog, sources: sources)
        } catch {
            Surroundings.say(catalog.refusedUnseen)
            throw error
        }
    }
}
