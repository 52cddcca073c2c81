import RTP
import Sluice
import TestSupport
import Testing

/// The timestamp delimits a picture; a marker only helps.
@Suite struct PictureEndTests {
    private let sps: [UInt8] = [0x67, 0x42, 0xc0, 0x1f, 0x95, 0xa0]
    private let pps: [UInt8] = [0x68, 0xce, 0x3c, 0x80]

    private func slice(_ picture: Int, _ number: Int = 0) -> [UInt8] {
        [picture % 5 == 0 ? 0x65 : 0x41, number == 0 ? 0x88 : 0x48, UInt8(picture + 1), UInt8(number + 1)]
    }

    private struct Sent {
        var unit: [UInt8]
        var picture: Int
        var isMarked: Bool
    }

    private func datagram(_ payload: [UInt8], _ sequence: Int, _ timestamp: Int, isMarked: Bool) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: RTPHeader.size)
        let header = RTPHeader(
            isMarked: isMarked, payloadType: 96, sequence: UInt16(truncatingIfNeeded: sequence),
            timestamp: UInt32(timestamp), ssrc: 7)
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        return bytes + payload
    }

    private func receive(_ all: [Sent], lost: Set<Int> = [], drains: Bool = true) -> ReceiverBench {
        let bench = ReceiverBench(.h264, isAuthenticated: true)
        for (index, sent) in all.enumerated() where !lost.contains(index) {
            bench.receive(
                datagram(sent.unit, index, sent.picture * 3_600, isMarked: sent.isMarked),
                at: Double(sent.picture) * 40)
        }
        if drains { bench.drain() }
        return bench
    }

    private func annexB(_ units: [[UInt8]]) -> [UInt8] { units.flatMap { [0, 0, 0, 1] + $0 } }

    /// Of pictures of so many slices, the first of each five a keyframe with parameter sets.
    private func pictures(_ count: Int, slices: Int) -> [[[UInt8]]] {
        (0..<count).map { picture in
            (picture % 5 == 0 ? [sps, pps] : []) + (0..<slices).map { slice(picture, $0) }
        }
    }

    enum Marks: CaseIterable { case none, last, setsAndLast, slices, all, allButSets }

    @Test(arguments: Marks.allCases, [1, 3]) func picturesAreWholeWhateverIsMarked(_ marks: Marks, slices: Int) {
        let pictures = pictures(12, slices: slices)
        let all = pictures.enumerated().flatMap { picture, units in
            units.enumerated().map { index, unit in
                let (isSlice, isLast) = ([1, 5].contains(unit[0] & 31), index == units.count - 1)
                let isMarked =
                    switch marks {
                    case .none: false
                    case .last: isLast
                    case .setsAndLast: !isSlice || isLast
                    case .slices, .allButSets: isSlice
                    case .all: true
                    }
                return Sent(unit: unit, picture: picture, isMarked: isMarked)
            }
        }
        let bench = receive(all)
        #expect(bench.frames.map(\.bytes) == pictures.map(annexB))
        #expect(bench.frames.map(\.timestamp) == (0..<12).map { Int64($0) * 3_600 })
        #expect(bench.receiver.depacketizer.damagedFrames == 0)
        #expect(bench.receiver.depacketizer.framesBeforeKeyframe == 0)
        // Where markers say the truth, no picture but the first waits for the next one.
        let isTrue = marks == .last || marks == .setsAndLast || slices == 1 && marks != .none
        if isTrue { #expect(receive(all, drains: false).frames.count == 12) }
    }

    @Test func parameterSetsBelongToTheNextPictureWhateverTheirTime() {
        let pictures = pictures(11, slices: 1)
        // With the time of the picture before, with one of their own, marked or not.
        for (isMarked, ownTime) in [(false, false), (true, false), (false, true), (true, true)] {
            let all = pictures.enumerated().flatMap { picture, units in
                units.map { unit in
                    let isSlice = [1, 5].contains(unit[0] & 31)
                    return Sent(
                        unit: unit, picture: isSlice ? 3 * picture + 3 : ownTime ? 3 * picture + 2 : 3 * picture,
                        isMarked: isSlice || isMarked)
                }
            }
            let bench = receive(all)
            #expect(bench.frames.map(\.bytes) == pictures.map(annexB), "\(isMarked) \(ownTime)")
            let times: [Int64] = (0..<11).map { Int64(3 * $0 + 3) * 3_600 }
            #expect(bench.frames.map(\.timestamp) == times)
        }
    }

    @Test func markersThatTurnOutWrongAreBelievedNoMore() {
        // One slice a picture with true markers, then three, each marked.
        let pictures = pictures(10, slices: 1) + self.pictures(25, slices: 3)[10...]
        let all = pictures.enumerated().flatMap { picture, units in
            units.map { Sent(unit: $0, picture: picture, isMarked: true) }
        }
        let bench = receive(all)
        // The first that shows it is lost with what depends on it; all others are whole.
        let whole: [[UInt8]] = pictures.map(annexB)
        let broken = bench.frames.filter { !whole.contains($0.bytes) }
        #expect(broken.count <= 1)
        let last: [[UInt8]] = bench.frames.suffix(10).map(\.bytes)
        #expect(last == Array(whole.suffix(10)))
        #expect(bench.receiver.depacketizer.damagedFrames == 1)
    }

    @Test func aLossBehindAMarkerHarmsThePictureBehindIt() {
        let pictures = pictures(7, slices: 1)
        let all = pictures.enumerated().flatMap { picture, units in
            units.map { Sent(unit: $0, picture: picture, isMarked: [1, 5].contains($0[0] & 31)) }
        }
        // The packet right behind the first keyframe.
        let bench = receive(all, lost: [3])
        let places: [Int64] = bench.frames.map { $0.timestamp / 3_600 }
        #expect(places == [0, 5, 6])
    }
}
