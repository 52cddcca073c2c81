import ICE
import Testing

@Suite struct TCPFrameTests {
    private func frames(_ reader: inout TCPFrameReader, _ bytes: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        bytes.withUnsafeBytes { _ = reader.read($0) { found.append(Array($0)) } }
        return found
    }

    private func stream(_ packets: [UInt8]...) -> [UInt8] {
        var stream: [UInt8] = []
        for packet in packets { packet.withUnsafeBytes { _ = TCPFrameReader.append($0, to: &stream) } }
        return stream
    }

    @Test func framesComeWholeHoweverTheReadsEnd() {
        let packets: [[UInt8]] = [[1], [2, 3], Array(repeating: 4, count: 300), [5]]
        let stream = stream(packets[0], packets[1], packets[2], packets[3])
        for size in 1...stream.count {
            var reader = TCPFrameReader()
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                found += frames(&reader, Array(stream[start..<min(start + size, stream.count)]))
            }
            #expect(found.elementsEqual(packets) && reader.waiting == 0 && !reader.isBroken, "reads of \(size)")
        }
    }

    @Test func halfAFrameWaitsAndNothingIsNothing() {
        var reader = TCPFrameReader()
        #expect(frames(&reader, []) == [] && reader.waiting == 0)
        #expect(frames(&reader, [0, 9, 1, 2]) == [] && reader.waiting == 4 && !reader.isBroken)
        #expect(frames(&reader, [0]) == [] && reader.waiting == 5)
        #expect(frames(&reader, [1, 1, 1, 1, 1, 1, 0, 1, 7]) == [[1, 2, 0, 1, 1, 1, 1, 1, 1], [7]])
    }

    @Test func framesWithoutBytesArePassedOver() {
        var reader = TCPFrameReader()
        #expect(frames(&reader, [0, 0, 0, 0, 0, 1, 5, 0]) == [[5]] && reader.waiting == 1)
        #expect(frames(&reader, [0, 0, 1, 6]) == [[6]])
    }

    @Test func aFrameOverTheLimitBreaksTheConnectionBeforeItIsKept() {
        var reader = TCPFrameReader()
        #expect(frames(&reader, [0, 1, 5, 0xff, 0xff, 1, 2, 3]) == [[5]])
        #expect(reader.isBroken && reader.waiting == 0)
        #expect(frames(&reader, [0, 1, 5]) == [])
        for garbage in ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x", "\u{16}\u{3}\u{1}"] {
            var reader = TCPFrameReader()
            #expect(frames(&reader, Array(garbage.utf8)) == [] && reader.isBroken)
        }
    }

    @Test func theLongestFramePassesOnceTheLimitHasRisen() {
        var reader = TCPFrameReader(limit: 65_535)
        let longest = [UInt8](repeating: 9, count: 65_535)
        let stream = stream(longest)
        #expect(stream.count == 65_537)
        #expect(frames(&reader, Array(stream.prefix(40_000))).isEmpty && reader.waiting == 40_000)
        let found = frames(&reader, Array(stream.dropFirst(40_000)))
        #expect(found.count == 1 && found.first?.count == 65_535 && !reader.isBroken)
    }

    @Test func aPacketThatFitsInNoFrameIsNotWritten() {
        #expect(stream([], [UInt8](repeating: 0, count: 65_536)) == [])
    }
}
