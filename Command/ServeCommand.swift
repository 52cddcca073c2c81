@_spi(Host) import Sluice

/// Runs a graph as a service: it is started again where it fails, until the process is asked to end.
enum ServeCommand: Subcommand {
    static let help = Help(
        name: "serve", summary: "Runs a graph as a service, and starts it again where it fails", operands: "GRAPH",
        options: [
            .init(name: "--set", value: "name=value", help: "a parameter of the graph", repeats: true),
            .init(name: "--quiet", value: nil, help: "say warnings and errors alone"),
            .init(name: "--log", value: "text|json", help: "json: say each line as a JSON object on standard error"),
            .init(name: "--stop-deadline", value: "5s", help: "how long the graph may stand still while it stops"),
            Help.pluginPath,
        ],
        details: """
            A graph that fails is started again after 1 s, then 2, 4 and so on up to 30 s. Once it has run for a minute
            it begins with 1 s anew. Input that is wrong at the first start, and a graph that comes to its end by
            itself, end the process. SIGTERM and Ctrl-C let media that are under way come out, as with run.
            "sluice serve GRAPH --help" tells the parameters of that graph.
            Exit status: 0 stopped or finished, 1 the first start failed, 2 the input was wrong.
            """,
        example: "sluice serve room --set listen=0.0.0.0:8889 --set media=0.0.0.0:8189 --set record=tapes")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let operand = try arguments.operand()
        var options = RunOptions()
        options.stopDeadline = try arguments.interval("--stop-deadline") ?? options.stopDeadline
        let catalog = try Surroundings.catalog(arguments)
        options.catalog = catalog
        let log: RunWatcher.Log = try arguments.choice("--log") ?? .text
        let plan = try RunCommand.load(operand, catalog, arguments)
        let watcher = RunWatcher(plan, options, isQuiet: !arguments.all("--quiet").isEmpty, log: log)
        watcher.warn(plan.warnings)
        let termination = TerminationWatch(Console.catchTermination())
        defer { termination.end() }
        options.onStart = { watcher.begin($0) }
        options.onEvent = { watcher.note($0) }
        let host = Host(catalog: catalog)
        defer { host.close() }
        do { return try serve(plan, host, options, watcher, termination) } catch  where watcher.fail(error) {
            return Main.status(after: error)
        }
    }

    private static func serve(
        _ plan: GraphPlan, _ host: Host, _ options: RunOptions, _ watcher: RunWatcher, _ termination: TerminationWatch
    ) throws -> Int32 {
        var pauses = RestartPauses()
        while true {
            let run = try host.run(plan, options: options)
            guard termination.follow(run) else { return 0 }
            do {
                let outcome = try run.execute()
                watcher.end(outcome, run.progress)
                guard outcome == .failed, !termination.isAsked else { return 0 }
            } catch  where pauses.hasBegun || Main.status(after: error) != 2 {
                if !watcher.fail(error) { Console.say(printable("\(error)\n")) }
                guard !termination.isAsked else { return 0 }
            }
            let pause = pauses.next(afterRunning: run.progress.elapsed)
            Console.say("\(plan.name) starts again in \(decimal(pause.seconds, places: 0)) s\n")
            if termination.wait(pause) { return 0 }
        }
    }
}

/// The pauses before a graph that has failed is started again: 1 s, then twice as long each time, 30 s at most. Pure.
struct RestartPauses {
    static let least = Interval.seconds(1)
    static let most = Interval.seconds(30)
    /// One that has run for so long begins with the least pause anew.
    static let settled = Interval.seconds(60)

    private var pause: Interval?

    /// It has failed before.
    var hasBegun: Bool { pause != nil }

    mutating func next(afterRunning time: Interval) -> Interval {
        let next: Interval
        if let pause, time < RestartPauses.settled {
            next = min(pause * 2, RestartPauses.most)
        } else {
            next = RestartPauses.least
        }
        pause = next
        return next
    }
}
