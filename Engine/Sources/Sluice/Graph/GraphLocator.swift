/// Finds the file that a GRAPH argument means.
@_spi(Host) public struct GraphLocator: Sendable {
    /// Searched in this order; the first that has the name wins.
    public var directories: [String]
    public var list: @Sendable (String) -> [String]

    /// `searchPath` is `SLUICE_GRAPH_PATH`: directories with colons between them.
    public init(searchPath: String?, installed: [String], list: @escaping @Sendable (String) -> [String]) {
        directories =
            ["graphs"] + (searchPath ?? "").split(separator: ":").map(String.init) + installed
        self.list = list
    }

    /// A path if the argument holds `/` or ends in `.json`, else a name that is searched. A path is not checked here.
    ///
    /// Throws `GraphError` that lists the known graphs.
    public func path(of argument: String) throws(GraphError) -> String {
        if argument.contains("/") || argument.hasSuffix(".json") { return argument }
        for directory in directories where list(directory).contains(argument + ".json") {
            return path(in: directory, argument + ".json")
        }
        let names = self.names
        if list(".").contains(argument + ".json") {
            throw GraphError([
                Diagnostic(
                    "there is no graph \(quoted(argument)).",
                    advice: "Did you mean the file \(quoted("./" + argument + ".json"))? "
                        + "Names are looked for in \(directories.joined(separator: ", ")).")
            ])
        }
        var advice = nearest(to: argument, in: names).map { "Did you mean \(quoted($0))? " } ?? ""
        advice +=
            names.isEmpty
            ? "No graph was found in \(directories.joined(separator: ", "))."
            : "Known graphs: \(names.joined(separator: ", "))."
        throw GraphError([Diagnostic("there is no graph \(quoted(argument)).", advice: advice)])
    }

    /// The names of all graphs that are found, sorted. `graph.schema.json` is none.
    public var names: [String] {
        let files = directories.flatMap(list).filter {
            $0.hasSuffix(".json") && !$0.hasSuffix(".schema.json") && !$0.hasPrefix(".")
        }
        return Set(files.map { String($0.dropLast(5)) }).sorted()
    }

    private func path(in directory: String, _ file: String) -> String {
        directory.hasSuffix("/") ? directory + file : directory + "/" + file
    }
}
