/// The items that a node without outputs has taken, over all instances of its template.
@_spi(Host) public struct SinkCount: Sendable {
    public var name: String
    public var items = 0
    public var bytes = 0
    /// Of its longest input.
    public var media = MediaTime.zero
    /// One item, as people say: picture, packet, frame; `item` where it takes several kinds.
    public var noun = ""

    public init(name: String) { self.name = name }

    mutating func add(_ edge: EdgeSnapshot) {
        bytes += max(0, edge.bytes - edge.heldBytes)
        media = max(media, edge.gone)
        let noun = edge.identity.noun
        self.noun = self.noun.isEmpty || self.noun == noun ? noun : "item"
    }
}
