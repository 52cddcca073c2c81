import DTLS
import Sluice
import TestSupport
import Testing

@Suite struct LossTests {
    private static let count = 4

    @Test func eachDatagramMayBeLost() throws {
        for lost in 0..<Self.count {
            let handshake = try Handshake { number, _, bytes in number == lost ? [] : [(5, bytes)] }
            handshake.run()
            #expect(handshake.agrees, "datagram \(lost): \(handshake.client.state) \(handshake.server.state)")
            #expect(handshake.now <= Instant(nanoseconds: 130_000_000), "datagram \(lost): \(handshake.now)")
        }
    }

    @Test func anyTwoOfTheFirstDatagramsMayBeLost() throws {
        for first in 0..<8 {
            for second in first + 1..<9 {
                let handshake = try Handshake { number, _, bytes in
                    number == first || number == second ? [] : [(5, bytes)]
                }
                handshake.run()
                #expect(handshake.agrees, "\(first), \(second): \(handshake.client.state) \(handshake.server.state)")
            }
        }
    }

    @Test func eachDatagramMayComeTwiceOrLate() throws {
        for odd in 0..<Self.count {
            for second in [5, 6, 12, 40, 150, 400] {
                let doubled = try Handshake { number, _, bytes in
                    number == odd ? [(5, bytes), (second, bytes)] : [(5, bytes)]
                }
                doubled.run()
                #expect(doubled.agrees, "datagram \(odd) again after \(second) ms")
                doubled.settle()
                #expect(doubled.agrees, "datagram \(odd) again after \(second) ms, and all settled")
                let late = try Handshake { number, _, bytes in [(number == odd ? second : 5, bytes)] }
                late.run()
                #expect(late.agrees, "datagram \(odd) after \(second) ms")
                late.settle()
                #expect(late.agrees, "datagram \(odd) after \(second) ms, and all settled")
            }
        }
    }

    @Test func aNetworkThatLosesAThirdAndReordersIsEnough() throws {
        var connected = 0
        for seed in 0..<100 {
            var dice = Dice(seed: UInt64(seed))
            let handshake = try Handshake { _, _, bytes in
                if Int.random(in: 0..<3, using: &dice) == 0 { return [] }
                return [(Int.random(in: 1...60, using: &dice), bytes)]
            }
            handshake.run()
            connected += handshake.agrees ? 1 : 0
        }
        #expect(connected == 100)
    }

    /// As browsers with a post-quantum share send it: one message in several datagrams.
    @Test func aClientHelloInPiecesIsPutTogether() throws {
        let orders: [([Int], [Int])] = [([60], [0, 1]), ([60], [1, 0]), ([30, 61, 90], [3, 1, 0, 1, 2, 2, 0])]
        for (cuts, order) in orders {
            let handshake = try Handshake { number, _, bytes in
                guard number == 0 else { return [(5, bytes)] }
                let pieces = HelloPieces.cut(bytes, at: cuts)
                return order.enumerated().map { (5 + $0.offset, pieces[$0.element]) }
            }
            handshake.run()
            #expect(handshake.agrees, "\(cuts) \(order): \(handshake.client.state) \(handshake.server.state)")
            #expect(handshake.now < Instant(nanoseconds: 100_000_000), "nothing had to be repeated")
        }
    }

    @Test func aClientHelloMayOverlapItself() throws {
        let handshake = try Handshake { number, _, bytes in
            guard number == 0 else { return [(5, bytes)] }
            let (one, other) = (HelloPieces.cut(bytes, at: [50]), HelloPieces.cut(bytes, at: [80]))
            return [(5, other[1]), (6, one[1]), (7, other[0])]
        }
        handshake.run()
        #expect(handshake.agrees)
    }
}

/// One handshake message in fragments (RFC 6347, section 4.2.3), each in a datagram and a record of its own.
enum HelloPieces {
    /// `datagram` is one record with one whole message; `cuts` are offsets in its body.
    static func cut(_ datagram: [UInt8], at cuts: [Int]) -> [[UInt8]] {
        let (record, header, body) = (datagram[..<13], datagram[13..<25], datagram[25...])
        let bounds = [0] + cuts + [body.count]
        return zip(bounds, bounds.dropFirst()).enumerated().map { index, bound in
            let part = Array(body.dropFirst(bound.0).prefix(bound.1 - bound.0))
            // The client goes on at 1, and OpenSSL takes numbers up to 64 behind the highest.
            let number = index == 0 ? 0 : UInt8(20 + index + bound.0 / 2 % 30)
            let size = part.count + 12
            return Array(record.prefix(10)) + [number, UInt8(size >> 8), UInt8(size & 255)] + Array(header.prefix(6))
                + [0, UInt8(bound.0 >> 8), UInt8(bound.0 & 255), 0, UInt8(part.count >> 8), UInt8(part.count & 255)]
                + part
        }
    }
}
