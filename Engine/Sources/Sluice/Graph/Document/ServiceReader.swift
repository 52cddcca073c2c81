/// The `services` section: what plugins provide, set up for this graph.
extension DocumentReader {
    func readService(_ service: JSONValue.Member) -> ServiceDocument? {
        members(service.value, "service \(quoted(service.key))").map {
            ServiceDocument(name: service.key, position: service.keyPosition, settings: $0)
        }
    }
}
