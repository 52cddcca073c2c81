/// From a graph file to a plan.
@_spi(Host) public enum GraphLoader {
    /// Reads, checks and plans the graph in a file.
    ///
    /// `path` is shown in messages as it is given. Throws `GraphError` with every independent error, at most 20 in file
    /// order.
    public static func load(
        path: String, catalog: any NodeCatalog, sources: ParameterSources
    ) throws(GraphError) -> GraphPlan {
        let bytes: [UInt8]
        do { bytes = try sources.readFile(path) } catch {
            let reason = (error as? FileProblem)?.reason ?? "it cannot be read"
            throw GraphError([
                Diagnostic(file: path, "the graph cannot be read: \(reason).", advice: "Check the path.")
            ])
        }
        return try load(bytes, path: path, catalog: catalog, sources: sources)
    }

    /// Checks and plans a graph that has been read.
    public static func load(
        _ bytes: [UInt8], path: String, catalog: any NodeCatalog, sources: ParameterSources
    ) throws(GraphError) -> GraphPlan {
        let bag = DiagnosticBag(file: path)
        let document = try read(bytes, bag)
        return try GraphValidator(document: document, catalog: catalog, sources: sources, bag: bag)
            .plan(named: name(ofPath: path))
    }

    /// The document alone: shape checked, nothing resolved. Throws `GraphError`.
    public static func document(_ bytes: [UInt8], path: String) throws(GraphError) -> GraphDocument {
        let bag = DiagnosticBag(file: path)
        let document = try read(bytes, bag)
        try bag.throwIfFailed()
        return document
    }

    private static func read(_ bytes: [UInt8], _ bag: DiagnosticBag) throws(GraphError) -> GraphDocument {
        guard let first = bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }),
            first == UInt8(ascii: "{") || first == 0xEF || first == 0xFE || first == 0xFF
        else {
            throw GraphError([
                Diagnostic(
                    file: bag.file, position: SourcePosition(line: 1, column: 1),
                    bytes.isEmpty
                        ? "the file is empty; a graph is a JSON object."
                        : "this is not a graph: a graph is a JSON object and begins with \"{\".",
                    advice: bytes.isEmpty ? "Begin with { \"nodes\": { … }, \"edges\": [ … ] }." : "")
            ])
        }
        var parser = JSONParser(bytes, file: bag.file, limits: .graph)
        let json = try parser.parse()
        bag.add(parser.duplicates)
        return DocumentReader(bag: bag).read(json)
    }

    /// `demo` of `graphs/demo.json`.
    public static func name(ofPath path: String) -> String {
        let file = path.split(separator: "/").last.map(String.init) ?? path
        return file.hasSuffix(".json") && file.count > 5 ? String(file.dropLast(5)) : file
    }
}
