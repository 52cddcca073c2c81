import CSys

/// The figures of a run, as JSON. Under the virtual clock everything that depends on the machine is absent, so equal
/// runs give equal bytes.
struct Report {
    private let run: GraphRun
    private let snapshot: RunSnapshot

    init(_ run: GraphRun) {
        self.run = run
        snapshot = run.snapshot()
    }

    var json: String {
        var writer = JSONValue.Writer(wrapDepth: 2)
        writer.object { top in
            top.key("graph", run.plan.name)
            top.key("clock", run.isVirtual ? "virtual" : "system")
            top.key("outcome", snapshot.outcome.rawValue)
            top.key("duration_s", snapshot.time.seconds, places: 6)
            if !run.isVirtual {
                top.key("process") { process in
                    process.object {
                        // CLOCK_MONOTONIC when the graph started: lets who measures add the time of launching.
                        $0.key("started_at_s", Double(snapshot.startedAt) / 1e9, places: 6)
                        $0.key("cpu_s", Double(sys_process_cpu_ns()) / 1e9, places: 3)
                        $0.key("max_rss_kb", Int(sys_max_rss_kb()))
                    }
                }
                top.key("lanes") { lanes in
                    lanes.object { all in
                        for lane in snapshot.lanes {
                            all.key(lane.name) {
                                $0.object {
                                    $0.key("wakeups", lane.wakeups)
                                    $0.key("lent", lane.lent)
                                    $0.key("watched_ms", Double(lane.watched) / 1e6, places: 1)
                                }
                            }
                        }
                    }
                }
            }
            top.key("nodes") { nodes in
                nodes.object { all in
                    for node in snapshot.ended.nodes + snapshot.nodes {
                        node.write(&all, run.isVirtual)
                    }
                }
            }
            top.key("edges") { edges in
                edges.array { all in
                    for edge in snapshot.ended.edges + snapshot.edges {
                        all.element { edge.write(&$0, run.isVirtual) }
                    }
                }
            }
            snapshot.ended.writeTotals(&top, run.isVirtual)
            if !snapshot.stuck.isEmpty {
                top.key("stuck") { stuck in
                    stuck.array { all in for name in snapshot.stuck { all.element { $0.quote(name) } } }
                }
            }
            top.key("events") { events in
                events.array { all in
                    for event in run.events.events { all.element { write(event, &$0) } }
                }
            }
            if run.events.lost > 0 { top.key("events_lost", run.events.lost) }
        }
        return writer.text + "\n"
    }

    private func write(_ event: EventLog.Event, _ writer: inout JSONValue.Writer) {
        writer.object {
            $0.key("t_s", event.time.seconds, places: 6)
            $0.key("level", event.level.rawValue)
            if !event.node.isEmpty { $0.key("node", event.node) }
            $0.key("what", event.what)
        }
    }
}

@_spi(Host) extension GraphRun {
    /// The report, of the run so far or, once `execute` has returned, of all of it. From any thread.
    public var report: String { Report(self).json }
}
