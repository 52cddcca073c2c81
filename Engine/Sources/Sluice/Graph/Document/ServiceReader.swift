/// The `services` section: what plugins provide, set up for this graph.
extension DocumentReader {
    func readService(_ service: JSONValue.Member) -> ServiceDocument? {
        members(service.value, "service \(quoted(service.key))").map { all in
            ServiceDocument(
                name: service.key, position: service.keyPosition, when: all.first { $0.key == "when" }?.value,
                settings: all.filter { $0.key != "when" })
        }
    }
}
