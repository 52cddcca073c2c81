/// A node, as the report shows it.
extension NodeSnapshot {
    func write(_ writer: inout JSONValue.Writer, _ isVirtual: Bool) {
        writer.key(name) { node in
            node.object {
                $0.key("type", type)
                $0.key("state", state.rawValue)
                $0.key("frames_in", itemsIn)
                $0.key("frames_out", itemsOut)
                if waitingMost > 0 { $0.key("waiting_max", waitingMost) }
                if !isVirtual { $0.key("cpu_s", busy.seconds, places: 6) }
                $0.key("wakeups", wakeups)
                if let firstSent { $0.key("first_out_s", firstSent.seconds, places: 6) }
                if restarts > 0 { $0.key("restarts", restarts) }
                if latency != .zero { write("latency_ms", latency, &$0) }
                if pathLatency != .zero { write("path_latency_ms", pathLatency, &$0) }
                $0.key("metrics") { all in all.object { for (name, value) in metrics { write(name, value, &$0) } } }
                if !series.isEmpty {
                    $0.key("series") { all in
                        all.object { for (name, stretch, points) in series { write(name, stretch, points, &$0) } }
                    }
                }
            }
        }
    }

    private func write(_ name: String, _ latency: Interval.Bounds, _ writer: inout JSONValue.Writer) {
        writer.key(name) { value in
            value.array {
                $0.element { $0.number(latency.min.milliseconds, places: 3) }
                $0.element { $0.number(latency.max.milliseconds, places: 3) }
            }
        }
    }

    private func write(_ name: String, _ stretch: Double, _ points: [Series.Point?], _ writer: inout JSONValue.Writer) {
        writer.key(name) { value in
            value.object {
                $0.key("step_s", stretch, places: 6)
                for (key, part) in [("min", \Series.Point.least), ("mean", \.mean), ("max", \.most)] {
                    $0.key(key) { list in
                        list.array {
                            for point in points {
                                $0.element { element in
                                    guard let point else { return element.raw("null") }
                                    element.number(point[keyPath: part], places: 3)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func write(_ name: String, _ value: MetricValue, _ writer: inout JSONValue.Writer) {
        switch value {
        case .number(let number): writer.key(name, number)
        case .distribution(let p50, let p99, let max):
            writer.key(name) { value in
                value.object {
                    $0.key("p50", p50)
                    $0.key("p99", p99)
                    $0.key("max", max)
                }
            }
        }
    }
}

/// An edge, as the report shows it.
extension EdgeSnapshot {
    func write(_ writer: inout JSONValue.Writer, _ isVirtual: Bool) {
        writer.object {
            $0.key("from", from)
            $0.key("to", to)
            $0.key("capacity") { bounds in
                bounds.object {
                    $0.key("items", capacity.items)
                    $0.key("ms", capacity.milliseconds)
                    $0.key("bytes", capacity.bytes)
                }
            }
            $0.key("overflow", overflow.rawValue)
            $0.key("pushed", pushed)
            $0.key("popped", popped)
            $0.key("dropped", dropped)
            $0.key("flushed", flushed)
            $0.key("held", held)
            $0.key("bytes", bytes)
            $0.key("depth_max", depthMax)
            $0.key("depth_max_ms", Int(depthMaxTime.milliseconds.rounded()))
            $0.key("depth_max_bytes", depthMaxBytes)
            $0.key("transit_us") { value in
                value.object {
                    $0.key("p50", transit.0, places: 1)
                    $0.key("p99", transit.1, places: 1)
                    $0.key("max", transit.2, places: 1)
                }
            }
        }
    }
}
