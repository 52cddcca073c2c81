import Foundation
import TestSupport
import Testing

@Suite struct CommandLineTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func sluice(_ arguments: String..., environment: [String: String] = [:]) throws -> CommandRun {
        try CommandRun(arguments, in: scratch.url, environment: environment)
    }

    private static let hop = """
        { "summary": "From a source to a sink.",
          "parameters": { "frames": { "type": "integer", "default": 100, "help": "The number." },
                          "rate": { "type": "number", "default": 0, "help": "The number of frames a second." } },
          "nodes": { "source": { "type": "bench-source", "frames": "${frames}", "rate_per_s": "${rate}" },
                     "pass": { "type": "bench-pass" }, "end": { "type": "null-sink" } },
          "edges": [ "source -> pass -> end" ] }
        """

    // MARK: Words that are not understood

    @Test(arguments: [
        (["rnu"], "sluice: there is no command \"rnu\".\n  Did you mean \"run\"?\n"),
        (["--verson"], "there is no option \"--verson\"."),
        (["run"], "sluice run: GRAPH is missing."),
        (["run", "a", "b"], "\"b\" is one argument too many."),
        (
            ["run", "a", "--reprot", "x"],
            "sluice run: there is no option \"--reprot\".\n  Did you mean \"--report\"?\n"
        ),
        (["run", "a", "--for"], "--for needs a value: --for 10s."),
        (["run", "a", "--for", "10"], "--for takes a time as 10s, 500ms, 2m or 1h, not \"10\"."),
        (["run", "a", "--for", "-1s"], "--for takes a time"),
        (["run", "a", "--for", "1e99s"], "--for takes a time"),
        (["run", "a", "--for", "nans"], "--for takes a time"),
        (["run", "a", "--for", "99999999999999999999999h"], "--for takes a time"),
        (["run", "a", "--for", "1s", "--for", "2s"], "--for is given twice."),
        (["run", "a", "--clock", "wall"], "--clock takes one of system, virtual, not \"wall\"."),
        (["run", "a", "--set", "x"], "--set takes name=value, not \"x\"."),
        (["run", "a", "--set", "x=1", "--set=x=2"], "--set x is given twice."),
        (["run", "a", "--plugin-path", "/nowhere"], "--plugin-path /nowhere: there is no such directory."),
        (["draw", "a", "--format", "png"], "--format takes one of dot, mermaid, svg, not \"png\"."),
        (["draw", "a", "-o", "x.png"], "-o x.png: it writes files that end in .svg, .mmd, .mermaid, .dot, .gv."),
        (["latency", "a", "-o", "x.png"], "-o x.png: it writes an SVG picture."),
        (["timing", "a", "-o", "x.pdf"], "-o x.pdf: it writes an SVG picture."),
        (["run", "a", "--log", "xml"], "--log takes one of text, json, not \"xml\"."),
        (["version", "a"], "\"a\" is one argument too many."),
        (["check"], "sluice check: codecs is missing."),
        (["check", "codec"], "there is nothing called \"codec\" to check.\n  Did you mean \"codecs\"?\n"),
        (["check", "codecs", "--size", "1280"], "--size takes two sides of 16 to 8192 as 1280x720, not \"1280\"."),
        (["check", "codecs", "--size", "1280x-720"], "--size takes two sides"),
        (["check", "codecs", "--size", "99999999999999999999x720"], "--size takes two sides"),
        (["list", "a"], "\"a\" is one argument too many."),
        (["validate"], "GRAPH is missing."),
        (
            ["inspect", "nullsink"],
            "there is no node type \"nullsink\" and no graph of that name.\n  Did you mean \"null-sink\"?\n"
        ),
        (["help", "rn"], "Did you mean \"run\"?"),
    ])
    func aWrongWordIsNamedWithStatus2(arguments: [String], message: String) throws {
        let run = try CommandRun(arguments, in: scratch.url)
        #expect(run.status == 2)
        #expect(run.output == "")
        #expect(run.errors.contains(message), "\(run.errors)")
    }

    @Test func everyCommandExplainsItselfWithAnExample() throws {
        for command in ["run", "list", "validate", "inspect", "schema", "draw", "check", "version", "help"] {
            let help = try sluice("help", command)
            #expect(help.status == 0)
            #expect(help.output.contains("Usage: sluice \(command)"))
            #expect(help.output.contains("\nExample: sluice \(command)"))
            #expect(try sluice(command, "--help").output == help.output)
            #expect(try sluice("--help").output.contains("  \(command) "))
        }
        #expect(try sluice("--version").output.hasPrefix("sluice "))
        #expect(try sluice("version").output == sluice("--version").output)
        #expect(try sluice().status == 2)
    }

    // MARK: Graphs that cannot be run

    @Test(arguments: ["../../etc/passwd", "/etc/passwd", "/dev/zero", "/", "./", "/proc/self/mem"])
    func whatIsNoGraphIsRefusedWithoutShowingIt(path: String) throws {
        for command in ["run", "validate", "draw"] {
            let run = try sluice(command, path)
            #expect(run.status == 2)
            #expect(run.errors.contains(path))
            #expect(!run.errors.contains("root:"))
        }
    }

    @Test func aNameIsOnlyEverANameInsideTheGraphDirectories() throws {
        try scratch.write("outside.json", Self.hop)
        try scratch.write("graphs/inside.json", Self.hop)
        #expect(try sluice("validate", "inside").output == "graphs/inside.json: valid, 3 nodes, 2 edges\n")
        for name in ["outside", "..", ".", "", "inside\u{0}x", "..\\outside", "~"] where !name.contains("\u{0}") {
            #expect(try sluice("run", name).status == 2, "\(name)")
        }
        let elsewhere = try Scratch()
        try elsewhere.write("far.json", Self.hop)
        let found = try sluice("validate", "far", environment: ["SLUICE_GRAPH_PATH": elsewhere.url.path])
        #expect(found.status == 0)
        #expect(
            try sluice("run", "insid").errors
                == "there is no graph \"insid\".\n  Did you mean \"inside\"? Known graphs: inside.\n")
    }

    @Test func aBrokenGraphIsRefusedWithFileLineAndColumn() throws {
        try scratch.write("bad.json", "{ \"nodes\": {\n  \"a\": { \"type\": \"bench-sorce\" } } }")
        let run = try sluice("run", "./bad.json")
        #expect(run.status == 2)
        #expect(run.errors.contains("./bad.json:2:"))
        #expect(run.errors.contains("Did you mean \"bench-source\"?"))
    }

    @Test func twoHundredThousandBracketsAreAnErrorAndNotACrash() throws {
        try scratch.write("deep.json", "{\"nodes\":" + String(repeating: "[", count: 200_000))
        #expect(try sluice("run", "deep.json").status == 2)
    }

    // MARK: Runs

    @Test func aGraphRunsToItsEndAndReportsIt() throws {
        try scratch.write("hop.json", Self.hop)
        let run = try sluice("run", "hop.json", "--set", "frames=250", "--report", "report.json")
        #expect(run.status == 0)
        #expect(run.output == "")
        #expect(run.errors.contains("hop finished after"))
        #expect(run.errors.contains("end 250 frames"))
        let report = try report("report.json")
        #expect(report["outcome"] as? String == "finished")
        #expect(report["graph"] as? String == "hop")
        let end = (report["nodes"] as? [String: [String: Any]])?["end"]
        #expect(end?["frames_in"] as? Int == 250)
    }

    @Test func equalVirtualRunsGiveEqualReports() throws {
        try scratch.write("hop.json", Self.hop)
        var reports: Set<Data> = []
        for number in 1...2 {
            let run = try sluice(
                "run", "hop.json", "--clock", "virtual", "--set", "rate=50", "--for", "10m", "--report",
                "\(number).json")
            #expect(run.status == 0)
            reports.insert(try Data(contentsOf: scratch.url.appendingPathComponent("\(number).json")))
        }
        #expect(reports.count == 1)
    }

    @Test func aReportThatCannotBeWrittenIsSaidBeforeTheRun() throws {
        try scratch.write("hop.json", Self.hop)
        let run = try sluice("run", "hop.json", "--report", "nowhere/report.json")
        #expect(run.status == 2)
        #expect(
            run.errors.contains("--report nowhere/report.json: the file cannot be written: No such file or directory."))
        #expect(!run.errors.contains("finished"))
    }

    @Test func aFullDiskIsTheErrorOfTheReportAndStatus1() throws {
        try scratch.write("hop.json", Self.hop)
        let run = try sluice("run", "hop.json", "--report", "/dev/full")
        #expect(run.status == 1)
        #expect(run.errors.contains("/dev/full: the file could not be written: No space left on device."))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func aSignalDrainsTheGraphAndTheReportIsWhole(signal: Int32) throws {
        try scratch.write("hop.json", Self.hop)
        let report = scratch.url.appendingPathComponent("report.json")
        let run = try CommandRun(
            ["run", "hop.json", "--set", "rate=1000", "--set", "frames=100000000", "--report", report.path],
            in: scratch.url,
            during: { process in
                // The report's file is there once signals are caught.
                try? wait(for: "the report's file") { FileManager.default.fileExists(atPath: report.path) }
                kill(process, signal)
            })
        #expect(run.status == 0)
        let counted = try self.report("report.json")
        #expect(counted["outcome"] as? String == "stopped")
        for edge in counted["edges"] as? [[String: Any]] ?? [] {
            #expect(edge["pushed"] as? Int == edge["popped"] as? Int)
            #expect(edge["held"] as? Int == 0)
        }
    }

    @Test func aSignalStopsAVirtualRunThatHasNoEnd() throws {
        try scratch.write("hop.json", Self.hop)
        let report = scratch.url.appendingPathComponent("report.json")
        let run = try CommandRun(
            ["run", "hop.json", "--clock", "virtual", "--set", "frames=1000000000000", "--report", report.path],
            in: scratch.url,
            during: { process in
                try? wait(for: "the report's file") { FileManager.default.fileExists(atPath: report.path) }
                kill(process, SIGINT)
            })
        #expect(run.status == 0)
        #expect(run.errors.contains("stopped"))
    }

    /// Time stands still while a source sends as fast as it can, so that its media say when it is enough.
    @Test func aVirtualRunWithADurationEndsThoughItsSourceIsEndlessAndFast() throws {
        try scratch.write("hop.json", Self.hop)
        for name in ["a.json", "b.json"] {
            let run = try CommandRun(
                [
                    "run", "hop.json", "--clock", "virtual", "--set", "frames=1000000000000", "--for", "2s", "--report",
                    name,
                ], in: scratch.url)
            #expect(run.status == 0, "\(run.errors)")
        }
        let edges = try #require(try report("a.json")["edges"] as? [[String: Any]])
        // Of 32 samples at 48 kHz; what is sent until the runner looks comes on top.
        #expect(edges.allSatisfy { (3_000...300_000).contains($0["popped"] as? Int ?? 0) && $0["held"] as? Int == 0 })
        let bytes = try ["a.json", "b.json"].map { try Data(contentsOf: scratch.url.appendingPathComponent($0)) }
        #expect(bytes[0] == bytes[1])
    }

    @Test func benchSourceSendsTheSameBytesInEveryRun() throws {
        try scratch.write(
            "bytes.json",
            """
            { "nodes": { "source": { "type": "bench-source", "frames": 5 },
                         "out": { "type": "raw-audio-output", "path": "out.raw" } }, "edges": [ "source -> out" ] }
            """)
        let run = try CommandRun(["run", "bytes.json", "--clock", "virtual"], in: scratch.url)
        #expect(run.status == 0, "\(run.errors)")
        let bytes = try Data(contentsOf: scratch.url.appendingPathComponent("out.raw"))
        #expect(bytes == Data(count: 5 * 32 * 2))
    }

    private func report(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: scratch.url.appendingPathComponent(name))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    // MARK: Answers

    @Test func listTellsEveryTypeAndGraphInALineEach() throws {
        try scratch.write("graphs/hop.json", Self.hop)
        try scratch.write("graphs/broken.json", "{")
        let lines = try sluice("list").output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("  null-sink ") && $0.hasSuffix("Takes any media and throws them away") })
        #expect(lines.contains { $0.hasPrefix("  hop ") && $0.hasSuffix("From a source to a sink.") })
        #expect(lines.contains { $0.hasPrefix("  broken ") && $0.contains("sluice validate broken") })
    }

    @Test func listGroupsTypesAndHidesThoseThatMeasureTheEngine() throws {
        let short = try sluice("list").output
        let titles = ["Sources", "Encoders and decoders", "In between", "Network", "Outputs"]
        var rest = short[...]
        for title in titles {
            let place = try #require(rest.range(of: title + "\n"), "\(title)")
            rest = rest[place.upperBound...]
        }
        #expect(!short.contains("bench-"))
        let network = try #require(
            short.components(separatedBy: "Network\n").last?.components(separatedBy: "\nO").first)
        for type in ["rtp-input", "rtp-output", "srt-input", "srt-output"] { #expect(network.contains("  \(type) ")) }
        let all = try sluice("list", "--all").output
        #expect(all.contains("To measure the engine\n") && all.contains("  bench-source "))
    }

    private static let secretive = """
        { "summary": "Has parameters of every sort.",
          "parameters": {
            "input": { "default": "tone", "help": "A media file, or 'tone'.", "env": "INPUT" },
            "outputs": { "type": "integer", "default": 2, "range": [1, 100], "help": "The number." },
            "mode": { "choices": [ "a", "b" ], "help": "The way." },
            "key": { "secret": true, "env": "KEY", "default": "hidden" } },
          "nodes": { "source": { "type": "bench-source" }, "end": { "type": "null-sink" } },
          "edges": [ "source -> end" ] }
        """

    @Test func inspectAndHelpTellTheParametersOfAGraph() throws {
        try scratch.write("graphs/talk.json", Self.secretive)
        let page = try sluice("inspect", "talk")
        #expect(page.status == 0)
        #expect(
            page.output == """
                Has parameters of every sort.
                  graph  graphs/talk.json

                Parameters, each given by --set name=value
                  input    A media file, or 'tone'. (string, default "tone", from the environment as INPUT, or as a file that INPUT_FILE names)
                  outputs  The number. (integer, 1 to 100, default 2)
                  mode     The way. (a | b, must be given)
                  key      string, secret: never from --set, never shown, from the environment as KEY, or as a file that KEY_FILE names

                Example
                  sluice run talk --set input=tone

                """)
        #expect(try sluice("inspect", "graphs/talk.json").output == page.output)
        let help = try sluice("run", "talk", "--help")
        #expect(help.status == 0 && help.output.hasPrefix(page.output))
        #expect(help.output.hasSuffix("\"sluice help run\" tells of the options.\n"))
        #expect(try sluice("latency", "./graphs/talk.json", "-h").output.hasPrefix("Has parameters of every sort."))
        #expect(try sluice("run", "tlak", "--help").status == 2)
    }

    @Test func aGraphBesideTheUserIsNamedWithItsPath() throws {
        try scratch.write("c1.json", Self.hop)
        let run = try sluice("run", "c1")
        #expect(run.status == 2)
        #expect(run.errors.contains("Did you mean the file \"./c1.json\"?"))
    }

    @Test func aQuietRunSaysNothingAndALogIsJSON() throws {
        try scratch.write("hop.json", Self.hop)
        #expect(try sluice("run", "hop.json", "--quiet").errors == "")
        let log = try sluice("run", "hop.json", "--log", "json")
        for line in log.errors.split(separator: "\n") {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["level"] as? String == "info")
            #expect((object?["what"] as? String)?.isEmpty == false && object?["t_s"] is Double)
        }
        #expect(log.errors.contains("\"what\": \"hop finished after"))
        let failed = try sluice("run", "hop.json", "--log", "json", "--quiet", "--report", "nowhere/r.json")
        #expect(failed.status == 2)
        #expect(failed.errors.hasPrefix("{\"t_s\": 0, \"level\": \"error\", \"what\": \"sluice run: --report nowhere/"))
    }

    @Test func inspectTellsPortsParametersAndControls() throws {
        let page = try sluice("inspect", "vp8-encoder").output
        #expect(
            page.contains("\nInputs\n  in  takes raw video i420\n") || page.contains("  in  takes video i420\n"),
            "\(page)")
        #expect(page.contains("  bitrate_kbps"))
        #expect(page.contains("may change while running"))
        #expect(page.contains("  takes keyframe"))
        #expect(page.contains("\nExample\n"))
        let overview = try sluice("inspect").output
        #expect(overview.contains("null-sink: Takes any media and throws them away (takes in)\n"))
    }

    @Test func schemaIsJSONThatKnowsTheTypesPresent() throws {
        let schema = try sluice("schema").output
        let json = try JSONSerialization.jsonObject(with: Data(schema.utf8)) as? [String: Any]
        #expect((json?["definitions"] as? [String: Any])?["type-null-sink"] != nil)
    }

    @Test func drawWritesEachFormatAndFollowsTheFilesName() throws {
        try scratch.write("hop.json", Self.hop)
        #expect(try sluice("draw", "hop.json").output.hasPrefix("digraph"))
        #expect(try sluice("draw", "hop.json", "--format", "mermaid").output.contains("flowchart"))
        #expect(try sluice("draw", "hop.json", "-o", "hop.svg").output == "")
        let svg = try String(contentsOf: scratch.url.appendingPathComponent("hop.svg"), encoding: .utf8)
        #expect(svg.hasPrefix("<svg"))
    }

    @Test func aPluginPathThatIsGoneIsAWarningInTheEnvironment() throws {
        let run = try sluice("list", environment: ["SLUICE_PLUGIN_PATH": "/nowhere"])
        #expect(run.status == 0)
        #expect(run.errors == "warning: SLUICE_PLUGIN_PATH names /nowhere, which is no directory.\n")
    }

    @Test func aMissingLibraryIsNamedWithItsPackageWhereItsTypesAreUsed() throws {
        let home = try Scratch()
        for name in Built.command + ["libGeometry.so", "libPacing.so", "libVP8Plugin.so"] {
            try FileManager.default.copyItem(at: Built.file(name), to: home.url.appendingPathComponent(name))
        }
        let sluice = home.url.appendingPathComponent("sluice")
        #expect(try CommandRun(["list"], executable: sluice).output.contains("  vp8-encoder  Encodes"))
        let manifest = home.url.appendingPathComponent("VP8Plugin.manifest.json")
        let text = try String(contentsOf: manifest, encoding: .utf8)
        #expect(text.contains("\"package\": \"libvpx7\""))
        try home.write("VP8Plugin.manifest.json", text.replacingOccurrences(of: "libvpx.so.7", with: "libvpx.so.77"))
        let page = try CommandRun(["inspect", "vp8-encoder"], executable: sluice)
        #expect(page.status == 0)
        #expect(page.output.hasPrefix("not available: libvpx.so.77 is missing. Install it: apt-get install libvpx7.\n"))
        try scratch.write("vp8.json", #"{ "nodes": { "vp8": { "type": "vp8-encoder" } } }"#)
        let run = try CommandRun(["run", "vp8.json"], in: scratch.url, executable: sluice)
        #expect(run.status == 2)
        #expect(run.errors.contains("libvpx.so.77 is missing.\n  Install it: apt-get install libvpx7.\n"))
    }

    @Test func oneEngineIsMappedInTheCommandWithAPluginFromElsewhere() throws {
        try scratch.write("hop.json", Self.hop)
        // A stranger's build folder: its plugin and a copy of the engine beside it.
        let folder = try Scratch()
        _ = try folder.copy("libSluice.so")
        _ = try folder.copy("libBenchPlugin.so", as: "libStrangerPlugin.so")
        let report = scratch.url.appendingPathComponent("report.json")
        let maps = Box()
        let home = try Scratch()
        for name in Built.command + ["libFlowPlugin.so"] {
            try FileManager.default.copyItem(at: Built.file(name), to: home.url.appendingPathComponent(name))
        }
        let run = try CommandRun(
            [
                "run", "hop.json", "--set", "rate=100", "--set", "frames=100000000", "--report", report.path,
                "--plugin-path",
                folder.url.path,
            ], in: scratch.url, executable: home.url.appendingPathComponent("sluice"),
            during: { process in
                try? wait(for: "the report's file") { FileManager.default.fileExists(atPath: report.path) }
                maps.files = mappedFiles(of: process)
                kill(process, SIGINT)
            })
        #expect(run.status == 0, "\(run.errors)")
        #expect(maps.files.contains { $0.hasSuffix("/libStrangerPlugin.so") })
        #expect(maps.files.filter { $0.hasSuffix("/libSluice.so") }.count == 1)
    }

    private final class Box: @unchecked Sendable { var files: Set<String> = [] }
}
