import Bitstream
import Sluice

/// Makes times of 33 bits at 90 kHz, which begin again every 26.5 hours, into ones that go on. One for all streams of a
/// program, so that they wrap together.
struct TimestampUnwrapper {
    private var numbers = Unwrapper<UInt64>(bits: 33, followsLatest: true)

    /// The time next to the last one given.
    mutating func unwrap(_ time: Int64) -> MediaTime {
        MediaTime(numbers.unwrap(UInt64(bitPattern: time)), timescale: 90_000)
    }
}
