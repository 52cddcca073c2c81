import Foundation
import TestSupport
import Testing

/// A stranger's plugin that provides a service, through the manifest, validation and a run.
@Suite(.realPeers, .timeLimit(.minutes(3))) struct ServiceFaultTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        _ = try scratch.copy("libFaults.so", as: "libFaultsPlugin.so")
    }

    private func graph(_ services: String?, caller: Bool = true) throws -> String {
        let sink = caller ? "caller" : "null-sink"
        let more =
            #", "parameters": { "token": { "secret": true, "env": "LINE_TOKEN", "default": "" } }"#
            + (services.map { ", \"services\": { \($0) }" } ?? "")
        return try scratch.graph(
            [#""s": { "type": "source", "open": "tone", "duration_s": 0.1 }"#, "\"c\": { \"type\": \"\(sink)\" }"],
            ["\"s.audio -> c\""], more: more)
    }

    private func run(_ services: String?, caller: Bool = true) throws -> Ended {
        let graph = try graph(services, caller: caller)
        return try Running(
            ["run", graph, "--plugin-path", ".", "--report", "report.json"], in: scratch,
            environment: ["LINE_TOKEN": "hunter2"]
        ).end()
    }

    @Test func itOpensWithItsSettingsClosesAtTheEndAndItsSecretIsShownNowhere() throws {
        let ended = try run(#""faulty-line": { "token": "${token}", "volume_percent": 7, "log": "line.log" }"#)
        ended.check(0)
        #expect(String(decoding: try scratch.bytes("line.log"), as: UTF8.self) == "open at 7, token of 7\nclosed\n")
        let report = String(decoding: try scratch.bytes("report.json"), as: UTF8.self)
        #expect(!report.contains("hunter2") && !ended.errors.contains("hunter2"))
    }

    @Test func oneThatTheGraphSetsUpOpensThoughNoNodeAsksForIt() throws {
        try run(#""faulty-line": { "token": "x", "log": "line.log" }"#, caller: false).check(0)
        #expect(String(decoding: try scratch.bytes("line.log"), as: UTF8.self) == "open at 50, token of 1\nclosed\n")
    }

    @Test func oneThatDoesNotOpenEndsTheRunBeforeItBegins() throws {
        let ended = try run(#""faulty-line": { "token": "x", "fault": "open", "log": "line.log" }"#)
        #expect(ended.status == 1, "\(ended.errors)")
        #expect(
            ended.errors.contains("service \"faulty-line\": the line is dead.\n  Call the engineer."), "\(ended.errors)"
        )
        #expect(ended.errors.hasPrefix("./graph.json:"), "\(ended.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch.path("line.log")))
    }

    @Test func aNodeThatNeedsOneThatNobodySetUpSaysWhatToAdd() throws {
        let ended = try run(nil)
        #expect(ended.status == 2, "\(ended.errors)")
        #expect(ended.errors.contains("node \"c\" (caller): service \"faulty-line\" needs the setting \"token\""))
        #expect(ended.errors.contains("Add \"services\": { \"faulty-line\": { \"token\": … } } to the graph."))
    }

    @Test func validateChecksServicesByTheManifestAlone() throws {
        for (services, words) in [
            (#""faulty-lime": {}"#, "there is no service \"faulty-lime\".\n  Did you mean \"faulty-line\"?"),
            (
                #""faulty-line": {}"#,
                "faulty-line needs the setting \"token\".\n  Add it. The token that callers must show."
            ),
            (
                #""faulty-line": { "token": "x", "volume_percent": 700 }"#,
                "service \"faulty-line\": volume_percent takes 0 to 100, found 700."
            ),
            (#""faulty-line": { "token": "x", "fault": "maybe" }"#, "fault takes one of \"none\", \"open\""),
        ] {
            let ended = try Running(["validate", graph(services), "--plugin-path", "."], in: scratch).end()
            #expect(ended.status == 2 && ended.errors.contains(words), "\(ended.errors)")
        }
    }

    @Test func listInspectAndSchemaKnowIt() throws {
        let list = try Running(["list", "--plugin-path", "."], in: scratch).end()
        #expect(list.output.contains("Services\n  faulty-line  Fails where it is told to\n"), "\(list.output)")
        let page = try Running(["inspect", "faulty-line", "--plugin-path", "."], in: scratch).end()
        #expect(page.output.hasPrefix("faulty-line: Fails where it is told to\n"))
        #expect(page.output.contains("scope   one in the process: all runs share it\n"), "\(page.output)")
        #expect(page.output.contains("volume_percent  The volume in percent. (integer, 0 to 100, default 50)"))
        #expect(page.output.contains("token           The token that callers must show. (string, must be given)"))
        let schema = try Running(["schema", "--plugin-path", "."], in: scratch).end()
        #expect(schema.output.contains("\"faulty-line\""))
    }
}
