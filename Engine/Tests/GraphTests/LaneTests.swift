import Testing

@testable @_spi(Host) import Sluice

@Suite struct LaneTests {
    private func lanes(_ text: String, parameters: String = "") -> String {
        """
        { \(parameters)"lanes": { \(text) },
        "nodes": { "m": { "type": "microphone", "lane": "clock" }, "vp8": { "type": "vp8-encoder", "lane": "slow" },
        "camera": { "type": "camera" }, "end": { "type": "null-sink" }, "other": { "type": "null-sink" } },
        "edges": [ "m -> end", "camera.out -> vp8 -> other" ] }
        """
    }

    @Test func `What a lane is given reaches the plan`() throws {
        let plan = try load(
            lanes(
                #"""
                "clock": { "cpus": "0,2-3", "priority": 20, "lock_memory": true }, \#
                "main": { "nice": -5, "pipe_kib": 256 }
                """#
            ))
        var clock = LanePlan()
        (clock.cpus, clock.priority, clock.locksMemory) = ([0, 2, 3], 20, true)
        var main = LanePlan()
        (main.nice, main.pipeBytes) = (-5, 262_144)
        #expect(plan.lanes == ["clock": clock, "main": main])
    }

    @Test func `Parameters of the graph may give it`() throws {
        let text = lanes(
            #""clock": { "cpus": "${cpus}", "priority": "${p}" }"#,
            parameters: #""parameters": { "cpus": { "default": "1" }, "p": { "default": 3 } }, "#)
        #expect(try load(text).lanes["clock"]?.cpus == [1])
        #expect(try load(text, set: ["cpus": "0-1"]).lanes["clock"]?.cpus == [0, 1])
        #expect(try load(text, set: ["p": "7"]).lanes["clock"]?.priority == 7)
    }

    @Test(arguments: [
        (#""clok": { "nice": 1 }"#, "t.json:1:14: no node runs on lane \"clok\".\n  Did you mean \"clock\"?"),
        (
            #""clock": { "priority": 100 }"#,
            "t.json:1:37: lane \"clock\": priority takes 1 to 99, found 100."
        ),
        (#""clock": { "nice": 20 }"#, "t.json:1:33: lane \"clock\": nice takes -20 to 19, found 20."),
        (
            #""clock": { "nice": 1, "priority": 3 }"#,
            """
            t.json:1:48: lane "clock" has both nice and priority.
              Real-time threads have no nice value: keep one of them.
            """
        ),
        (
            #""clock": { "cpus": "3-1" }"#,
            """
            t.json:1:33: lane "clock": cpus takes numbers and ranges of CPUs, found "3-1".
              Write "cpus": "0,2-3".
            """
        ),
        (#""clock": { "cpus": 1 }"#, "t.json:1:33: lane \"clock\": cpus takes a string, found 1.\n  Write \"1\"."),
        (
            #""clock": { "prio": 1 }"#,
            """
            t.json:1:25: lane "clock" has no key "prio".
              Its keys are: cpus, lock_memory, nice, pipe_kib, priority.
            """
        ),
        (
            #""clock": {}"#,
            "t.json:1:14: lane \"clock\" gives nothing.\n  Its keys are cpus, nice, priority, lock_memory, pipe_kib."
        ),
        (#""clock": 3"#, "t.json:1:23: lane \"clock\" takes an object, found a number.\n  Write { … }."),
    ])
    func `A wrong lane says what is taken`(text: String, expected: String) {
        #expect(errors(lanes(text)) == expected)
    }

    @Test(arguments: ["", "a", "1-", "-1", "1,,2", "0-99999", "1-2-3", "0x1", "8192"])
    func `What is no set of CPUs is none`(text: String) { #expect(LanePlanner.cpus(text) == nil) }

    @Test func `A template's own lanes have its name in front`() throws {
        func text(_ name: String) -> String {
            """
            { "lanes": { "\(name)": { "nice": 5 } }, "nodes": { "camera": { "type": "camera" }, \
            "relay": { "type": "relay" } },
            "edges": [ "camera.out -> relay" ], "templates": { "viewer": {
            "nodes": { "vp8": { "type": "vp8-encoder" }, "end": { "type": "null-sink" } }, \
            "edges": [ "$parent.relay -> vp8 -> end" ] } },
            "start": [ { "template": "viewer" } ] }
            """
        }
        #expect(try load(text("viewer/vp8")).lanes["viewer/vp8"]?.nice == 5)
        #expect(errors(text("vp8")).hasPrefix("t.json:1:14: no node runs on lane \"vp8\".\n  "))
    }

    @Test func `Lanes are the whole graph's`() {
        let text =
            #"""
            { "nodes": { "w": { "type": "whep-host", "starts": "a" } }, \#
            "templates": { "a": { "nodes": { "x": { "type": "whep-host" } }, "lanes": {} } } }
            """#
        #expect(
            errors(text) == """
                t.json:1:126: template "a": lanes are the whole graph's.
                  Move "lanes" to the top level of the graph.
                """)
    }

    @Test func `What the system refuses is one line each, and the rest is given`() {
        var plan = LanePlan()
        (plan.cpus, plan.priority, plan.locksMemory) = ([0, 1, 8], 20, true)
        var system = LaneSystem.kernel
        system.allowedCPUs = { [0, 1, 2, 3] }
        system.setCPUs = { _ in 0 }
        system.setPriority = { _ in 1 }
        system.lockMemory = { 1 }
        #expect(
            plan.apply(system).map { $0.sentence(lane: "clock") } == [
                "lane clock: CPUs 0-1,8 are not all there; it runs on 0-1. Name CPUs that this process may use.",
                """
                lane clock: real-time priority 20 refused (Operation not permitted): its timers may be late on a busy \
                machine. Run as root or raise rtprio in /etc/security/limits.conf.
                """,
                """
                lane clock: locking memory refused (Operation not permitted): pages may be written out. Run as root or \
                set memlock to unlimited in /etc/security/limits.conf.
                """,
            ])
        system.setCPUs = { _ in 22 }
        system.setNice = { _ in 13 }
        var other = LanePlan()
        (other.cpus, other.nice) = ([64], -5)
        #expect(
            other.apply(system).map { $0.sentence(lane: "main") } == [
                """
                lane main: CPUs 64 refused (Invalid argument); it runs on any of 0-3. Name CPUs that this process may \
                use.
                """,
                """
                lane main: nice -5 refused (Permission denied): it runs as any other thread. Run as root or raise nice \
                in /etc/security/limits.conf.
                """,
            ])
    }
}
