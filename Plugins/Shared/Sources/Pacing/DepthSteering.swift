import Sluice

/// How much faster than the source's nominal rate its samples are taken: by the clock's rate, and by a slow pull
/// towards the target. So the depth before a pacer stays where it was asked to be, and the source's clock is followed.
///
/// Nothing happens while the clock is not known, nor before the depth has left the target by `slack`: a source that
/// runs on this clock is passed on as it is, to the bit. Once it acts it goes on. The change that it asks for stays
/// within 1,000 ppm, 1.7 cents of pitch, and changes by at most 100 ppm in a second; nobody hears either.
public struct DepthSteering: Sendable {
    /// The largest change: parts per million.
    public static let largest = 1_000.0
    static let slew = 100.0
    /// Seconds in which an error falls to 37 %.
    static let pull = 20.0
    /// Seconds.
    static let slack = 0.005

    /// Parts per million that the source is taken faster; 0 until it acts.
    public private(set) var ppm = 0.0
    /// The depth has left its target by `slack` once.
    public private(set) var acts = false

    /// Nothing is changed yet.
    public init() {}

    /// `behind`: seconds by which the media that are due now should have gone out before. `step`: seconds since the
    /// last call. `isAble`: whether what is asked for can be done now; asked when there is something to do.
    public mutating func steer(
        behind: Double, clock: ClockEstimate, step: Double, isAble: () -> Bool = { true }
    ) -> Double {
        guard acts || clock.isSettled && abs(behind) > DepthSteering.slack, isAble() else { return ppm }
        acts = true
        let wanted = behind / DepthSteering.pull * 1e6 - (clock.isSettled ? clock.ppm : 0)
        let goal = min(max(wanted, -DepthSteering.largest), DepthSteering.largest)
        let most = DepthSteering.slew * step
        ppm += min(max(goal - ppm, -most), most)
        return ppm
    }
}
