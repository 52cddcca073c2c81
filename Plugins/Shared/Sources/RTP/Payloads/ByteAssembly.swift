/// Bytes of a frame that grows piece by piece, in memory that is kept for the next one.
final class ByteAssembly: @unchecked Sendable {
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    private(set) var count = 0

    /// The most bytes of a frame.
    private let most: Int

    init(most: Int) { self.most = most }

    deinit { memory.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[0..<count]) }

    func removeAll() { count = 0 }

    /// Moves what begins at `start` to the front and forgets what stood before it.
    func keep(from start: Int) {
        let rest = UnsafeRawBufferPointer(rebasing: memory[start..<count])
        UnsafeMutableRawBufferPointer(rebasing: memory[0..<rest.count]).copyMemory(from: rest)
        count = rest.count
    }

    func bytes(before end: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[0..<end]) }

    /// False where it would become too large.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard count + bytes.count <= most else { return false }
        makeRoom(bytes.count)
        memory.put(bytes, at: count)
        count += bytes.count
        return true
    }

    /// The start code of a NAL unit and, where its header is apart from what follows, that byte.
    func append(startCodeAnd header: UInt8? = nil) {
        makeRoom(5)
        memory.put(big32: 1, at: count)
        count += 4
        guard let header else { return }
        memory[count] = header
        count += 1
    }

    private func makeRoom(_ more: Int) {
        guard count + more > memory.count else { return }
        var size = memory.count
        while size < count + more { size *= 2 }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        larger.put(bytes, at: 0)
        memory.deallocate()
        memory = larger
    }
}
