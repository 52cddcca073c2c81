/// Where header extensions lie in packets that have the same ones: made once, then written to each packet without
/// allocation. The short form (RFC 8285, section 4.2) where numbers and lengths allow it, else the long one.
public struct ExtensionLayout: Equatable, Sendable {
    static let shortProfile: UInt16 = 0xbede
    static let longProfile: UInt16 = 0x1000

    private struct Element: Equatable, Sendable {
        var id: UInt8
        var offset: Int
        var count: Int
    }

    private var elements: [Element] = []
    /// The block with the values that all packets have, else of zero, its own header included.
    private var template: [UInt8] = []

    /// Bytes in a packet, a multiple of 4; 0 where there are none.
    public var size: Int { template.count }

    /// No extensions: no bytes in a packet.
    public init() {}

    /// `values` are numbers with the bytes that each value has, 1 to 255. Those without a number or bytes are left out.
    public init(_ values: [(id: UInt8, count: Int)]) {
        let wanted = values.filter { $0.id > 0 && (1...255).contains($0.count) }
        guard !wanted.isEmpty else { return }
        let isShort = wanted.allSatisfy { $0.id < 15 && $0.count <= 16 }
        template.append(big16: isShort ? ExtensionLayout.shortProfile : ExtensionLayout.longProfile)
        template.append(big16: 0)
        for (id, count) in wanted {
            template += isShort ? [id << 4 | UInt8(count - 1)] : [id, UInt8(count)]
            elements.append(Element(id: id, offset: template.count, count: count))
            template += [UInt8](repeating: 0, count: count)
        }
        template += [UInt8](repeating: 0, count: (4 - template.count % 4) % 4)
        let words = template.count / 4 - 1
        (template[2], template[3]) = (UInt8(truncatingIfNeeded: words >> 8), UInt8(truncatingIfNeeded: words))
    }

    /// Each block is written with `value` where extension `id` is, as `put` puts it.
    mutating func preset(_ value: UInt64, _ id: UInt8) {
        withHeaderInFront { [layout = self] in layout.put(value, id, in: $0) }
    }

    /// The same with text.
    mutating func preset(_ text: String, _ id: UInt8) {
        withHeaderInFront { [layout = self] in layout.put(text, id, in: $0) }
    }

    private mutating func withHeaderInFront(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        var packet = [UInt8](repeating: 0, count: RTPHeader.size) + template
        packet.withUnsafeMutableBytes { body($0) }
        template = Array(packet.dropFirst(RTPHeader.size))
    }

    /// Writes the block behind the fixed header of `packet`, which has room for it, and marks it there.
    public func write(to packet: UnsafeMutableRawBufferPointer) {
        guard !template.isEmpty, packet.count >= RTPHeader.size + template.count else { return }
        packet[0] |= 0x10
        template.withUnsafeBytes { packet.put($0, at: RTPHeader.size) }
    }

    /// Puts the low bytes of `value`, in network order, where extension `id` has them. Nothing where it is not there.
    public func put(_ value: UInt64, _ id: UInt8, in packet: UnsafeMutableRawBufferPointer) {
        guard let element = elements.first(where: { $0.id == id }) else { return }
        let start = RTPHeader.size + element.offset
        guard start + element.count <= packet.count else { return }
        for index in 0..<element.count {
            let shift = 8 * (element.count - 1 - index)
            packet[start + index] = shift < 64 ? UInt8(truncatingIfNeeded: value >> UInt64(shift)) : 0
        }
    }

    /// Puts text, such as a media id, where it has as many bytes as the layout says.
    public func put(_ text: String, _ id: UInt8, in packet: UnsafeMutableRawBufferPointer) {
        guard let element = elements.first(where: { $0.id == id }), text.utf8.count == element.count else { return }
        let start = RTPHeader.size + element.offset
        guard start + element.count <= packet.count else { return }
        for (index, byte) in text.utf8.enumerated() { packet[start + index] = byte }
    }
}
