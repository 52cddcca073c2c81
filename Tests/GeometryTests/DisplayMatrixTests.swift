import Sluice
import Testing

@testable import LibAV

@Suite("Display matrices") struct DisplayMatrixTests {
    @Test(arguments: PictureTurnTests.all) func whatIsWrittenIsRead(_ orientation: VideoLayout.Orientation) {
        let numbers = DisplayMatrix.numbers(orientation, width: 64, height: 48)
        #expect(DisplayMatrix.read(numbers) == .orientation(orientation))
        // Every corner of the picture stays where nothing is negative.
        for (x, y) in [(0, 0), (64, 0), (0, 48), (64, 48)] {
            let one = 1 << 16
            let across = (x * Int(numbers[0]) + y * Int(numbers[3])) / one + Int(numbers[6]) / one
            let down = (x * Int(numbers[1]) + y * Int(numbers[4])) / one + Int(numbers[7]) / one
            #expect(across >= 0 && down >= 0, "\(orientation): \(across),\(down)")
        }
    }

    /// The quarters of ISO/IEC 14496-12, as phones write them, whatever their scale.
    @Test(arguments: [1, 65_536, 131_072] as [Int32]) func phonesAreUnderstood(one: Int32) {
        #expect(
            DisplayMatrix.read([0, one, 0, -one, 0, 0, 0, 0, 1 << 30]) == .orientation(.init(quarters: 1)))
        #expect(
            DisplayMatrix.read([-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30]) == .orientation(.init(quarters: 2)))
        #expect(
            DisplayMatrix.read([0, -one, 0, one, 0, 0, 0, 0, 1 << 30]) == .orientation(.init(quarters: 3)))
        #expect(
            DisplayMatrix.read([one, 0, 0, 0, -one, 0, 0, 0, 1 << 30])
                == .orientation(.init(quarters: 2, isMirrored: true)))
    }

    @Test func matricesThatTurnByOtherAnglesOrSayNothing() {
        let (c, s): (Int32, Int32) = (46_341, 46_341)
        #expect(DisplayMatrix.read([c, s, 0, -s, c, 0, 0, 0, 1 << 30]) == .askew(45))
        #expect(DisplayMatrix.read([c, -s, 0, s, c, 0, 0, 0, 1 << 30]) == .askew(315))
        #expect(DisplayMatrix.read([0, 0, 0, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(DisplayMatrix.read([.min, .min, .min, .min, .min, .min, .min, .min, .min]) == .askew(225))
        #expect(DisplayMatrix.read([1, 0, 0, 0, 0, 0, 0, 0, 0]) == .askew(0))
    }
}
