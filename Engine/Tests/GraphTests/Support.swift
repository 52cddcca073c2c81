@_spi(Host) import Sluice

/// Loads a graph from text; what is read and set besides comes from dictionaries.
func load(
    _ text: String, set: [String: String] = [:], environment: [String: String] = [:], files: [String: String] = [:],
    missing: ParameterSources.Missing = .isError
) throws(GraphError) -> GraphPlan {
    try GraphLoader.load(
        Array(text.utf8), path: "t.json", catalog: catalog,
        sources: ParameterSources(
            overrides: set, environment: { environment[$0] },
            readFile: { path in
                guard let text = files[path] else { throw FileProblem("there is no such file") }
                return Array(text.utf8)
            }, missing: missing))
}

/// The mistakes that loading tells; empty when there are none.
func errors(
    _ text: String, set: [String: String] = [:], environment: [String: String] = [:], files: [String: String] = [:],
    missing: ParameterSources.Missing = .isError
) -> String {
    do {
        _ = try load(text, set: set, environment: environment, files: files, missing: missing)
        return ""
    } catch { return error.description }
}

/// A graph of these nodes and edges, each on the lines from 2 on.
func graph(nodes: String, edges: String, more: String = "") -> String {
    "{ \"nodes\": {\n\(nodes)\n}, \"edges\": [\n\(edges)\n]\(more.isEmpty ? "" : ", " + more) }"
}

let example = """
    {
      "$schema": "./graph.schema.json",
      "summary": "One source to several listeners on an exact 20 ms cadence, recorded whole.",
      "parameters": {
        "input":   { "default": "tone", "help": "A media file, 'tone' or 'pattern'." },
        "outputs": { "type": "integer", "default": 2, "range": [1, 10000] },
        "key":     { "secret": true, "env": "SLUICE_KEY", "default": "" }
      },
      "nodes": {
        "source": { "type": "source", "open": "${input}" },
        "relay":  { "type": "relay" },
        "tape":   { "type": "record", "path": "tape.wav" }
      },
      "edges": [
        "source.audio -> relay",
        { "from": "relay", "to": "tape.audio", "capacity": { "ms": 5000 }, "overflow": "drop-newest", "epoch": "keep" }
      ],
      "templates": {
        "listener": {
          "nodes": { "pacer": { "type": "pacer", "frame_ms": 20 }, \
    "opus": { "type": "opus-encoder", "bitrate_kbps": 64 }, "out": { "type": "null-sink" } },
          "edges": [ { "from": "$parent.relay", "to": "pacer", "capacity": { "items": 50, "ms": 1000 }, \
    "overflow": "drop-oldest" }, "pacer -> opus -> out" ]
        }
      },
      "start": [ { "template": "listener", "count": "${outputs}" } ]
    }
    """
