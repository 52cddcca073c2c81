import Sluice

extension RTCPPacket.ReportBlock {
    /// How long a packet and its answer are under way: from when our sender report left to `ntp`, less how long the
    /// receiver had it (RFC 3550, section 6.4.1). nil where it has had none. Never below zero, whatever clocks say.
    public func roundTrip(at ntp: NTPTime) -> Interval? {
        guard lastReport != 0 else { return nil }
        let units = Int64(Int32(bitPattern: ntp.compact &- lastReport &- delay))
        return Interval(nanoseconds: max(0, units) * 1_000_000_000 / 65_536)
    }
}
