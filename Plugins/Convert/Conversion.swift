import Geometry
import Sluice

/// Pictures of one layout to another, turned on the way: before they are scaled where that makes them larger, else
/// behind it, so that the smaller ones are turned.
final class Conversion {
    let from: VideoLayout
    /// Of the pictures that come out.
    let format: MediaFormat
    private let orientation: VideoLayout.Orientation
    private let scaler: Scaler?
    private let turnsFirst: Bool
    /// Between both steps.
    private let middle: MediaFormat?
    private var pool = Pool<VideoFrame>()
    private var middlePool = Pool<VideoFrame>()

    /// `turned` is `from` once it is turned by `orientation`.
    init(
        from: VideoLayout, turned: VideoLayout, by orientation: VideoLayout.Orientation, to: VideoLayout, fit: Fit
    ) throws {
        (self.from, self.orientation) = (from, orientation)
        format = MediaFormat(video: to)
        let grows = to.width * to.height >= from.width * from.height
        guard turned != to else {
            (scaler, middle, turnsFirst) = (nil, nil, true)
            return
        }
        turnsFirst = grows || orientation == .upright
        let between = turnsFirst ? turned : to.turned(by: orientation.inverse)
        middle = orientation == .upright ? nil : MediaFormat(video: between)
        scaler =
            turnsFirst
            ? try Scaler(from: turned, to: to, fit: fit) : try Scaler(from: from, to: between, fit: fit)
    }

    /// Rows of one field come into rows of the other.
    var mixesFields: Bool { orientation.exchangesSides || scaler?.changesRows == true }

    /// A picture that nobody else holds; headers are left to the caller.
    func convert(_ frame: VideoFrame) throws -> VideoFrame {
        let result = pool.take(format)
        guard let scaler else {
            PictureTurn.turn(frame, by: orientation, into: result)
            return result
        }
        guard let middle else {
            try scaler.convert(frame, into: result)
            return result
        }
        let between = middlePool.take(middle)
        if turnsFirst {
            PictureTurn.turn(frame, by: orientation, into: between)
            try scaler.convert(between, into: result)
        } else {
            try scaler.convert(frame, into: between)
            PictureTurn.turn(between, by: orientation, into: result)
        }
        return result
    }
}
