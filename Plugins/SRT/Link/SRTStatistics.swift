import CSRT
import Sluice

/// All of libsrt's statistics of a connection as metrics (its "API/statistics.md" says what each is). Totals go on over
/// reconnections; the others are the present connection's latest. Times are in µs where libsrt gives fractions of ms,
/// rates in kb/s.
struct SRTStatistics {
    private typealias Reading = @Sendable (SRT_TRACEBSTATS) -> Int

    /// The figures that add up over connections.
    private static let totals: [(String, Reading)] = [
        ("packets_sent", { Int($0.pktSentTotal) }),
        ("packets_sent_unique", { Int($0.pktSentUniqueTotal) }),
        ("packets_received", { Int($0.pktRecvTotal) }),
        ("packets_received_unique", { Int($0.pktRecvUniqueTotal) }),
        ("packets_send_lost", { Int($0.pktSndLossTotal) }),
        ("packets_receive_lost", { Int($0.pktRcvLossTotal) }),
        ("packets_retransmitted", { Int($0.pktRetransTotal) }),
        ("packets_send_dropped", { Int($0.pktSndDropTotal) }),
        ("packets_receive_dropped", { Int($0.pktRcvDropTotal) }),
        ("packets_undecrypted", { Int($0.pktRcvUndecryptTotal) }),
        ("packets_received_retransmitted", { Int($0.pktRcvRetrans) }),
        ("packets_belated", { Int($0.pktRcvBelated) }),
        ("acks_sent", { Int($0.pktSentACKTotal) }),
        ("acks_received", { Int($0.pktRecvACKTotal) }),
        ("naks_sent", { Int($0.pktSentNAKTotal) }),
        ("naks_received", { Int($0.pktRecvNAKTotal) }),
        ("filter_packets_sent", { Int($0.pktSndFilterExtraTotal) }),
        ("filter_packets_received", { Int($0.pktRcvFilterExtraTotal) }),
        ("filter_packets_rebuilt", { Int($0.pktRcvFilterSupplyTotal) }),
        ("filter_packets_lost", { Int($0.pktRcvFilterLossTotal) }),
        ("bytes_sent", { Int(clamping: $0.byteSentTotal) }),
        ("bytes_sent_unique", { Int(clamping: $0.byteSentUniqueTotal) }),
        ("bytes_received", { Int(clamping: $0.byteRecvTotal) }),
        ("bytes_received_unique", { Int(clamping: $0.byteRecvUniqueTotal) }),
        ("bytes_receive_lost", { Int(clamping: $0.byteRcvLossTotal) }),
        ("bytes_retransmitted", { Int(clamping: $0.byteRetransTotal) }),
        ("bytes_send_dropped", { Int(clamping: $0.byteSndDropTotal) }),
        ("bytes_receive_dropped", { Int(clamping: $0.byteRcvDropTotal) }),
        ("bytes_undecrypted", { Int(clamping: $0.byteRcvUndecryptTotal) }),
        ("sending_us", { Int($0.usSndDurationTotal) }),
    ]

    private static let present: [(String, Reading)] = [
        ("rtt_us", { whole($0.msRTT * 1_000) }),
        ("connected_ms", { Int($0.msTimeStamp) }),
        ("send_rate_kbps", { whole($0.mbpsSendRate * 1_000) }),
        ("receive_rate_kbps", { whole($0.mbpsRecvRate * 1_000) }),
        ("bandwidth_kbps", { whole($0.mbpsBandwidth * 1_000) }),
        ("max_bandwidth_kbps", { whole($0.mbpsMaxBW * 1_000) }),
        ("send_period_us", { whole($0.usPktSndPeriod) }),
        ("flow_window_packets", { Int($0.pktFlowWindow) }),
        ("congestion_window_packets", { Int($0.pktCongestionWindow) }),
        ("in_flight_packets", { Int($0.pktFlightSize) }),
        ("send_buffer_packets", { Int($0.pktSndBuf) }),
        ("send_buffer_bytes", { Int($0.byteSndBuf) }),
        ("send_buffer_ms", { Int($0.msSndBuf) }),
        ("send_buffer_free_bytes", { Int($0.byteAvailSndBuf) }),
        ("send_delay_ms", { Int($0.msSndTsbPdDelay) }),
        ("receive_buffer_packets", { Int($0.pktRcvBuf) }),
        ("receive_buffer_bytes", { Int($0.byteRcvBuf) }),
        ("receive_buffer_ms", { Int($0.msRcvBuf) }),
        ("receive_buffer_free_bytes", { Int($0.byteAvailRcvBuf) }),
        ("receive_delay_ms", { Int($0.msRcvTsbPdDelay) }),
        ("belated_us", { whole($0.pktRcvAvgBelatedTime * 1_000) }),
        ("reorder_distance_packets", { Int($0.pktReorderDistance) }),
        ("reorder_tolerance_packets", { Int($0.pktReorderTolerance) }),
        ("mss_bytes", { Int($0.byteMSS) }),
    ]

    private let totals: [Metric.Counter]
    private let present: [Metric.Counter]
    /// Of the connections before this one.
    private var earlier: [Int]
    private var latest: [Int]

    init(_ context: NodeContext) {
        totals = SRTStatistics.totals.map { context.counter($0.0) }
        present = SRTStatistics.present.map { context.counter($0.0) }
        earlier = Array(repeating: 0, count: totals.count)
        latest = earlier
    }

    mutating func note(_ all: SRT_TRACEBSTATS) {
        for (index, entry) in SRTStatistics.totals.enumerated() {
            latest[index] = entry.1(all)
            totals[index].set(earlier[index] &+ latest[index])
        }
        for (index, entry) in SRTStatistics.present.enumerated() { present[index].set(entry.1(all)) }
    }

    /// Of several connections at a time: totals are summed up, of the present figures the largest counts.
    mutating func note(_ several: [SRT_TRACEBSTATS]) {
        for (index, entry) in SRTStatistics.totals.enumerated() {
            latest[index] = several.reduce(0) { $0 &+ entry.1($1) }
            totals[index].set(earlier[index] &+ latest[index])
        }
        for (index, entry) in SRTStatistics.present.enumerated() {
            present[index].set(several.map(entry.1).max() ?? 0)
        }
    }

    /// One of several connections is gone: it is no longer among those that `note` gets.
    mutating func ended(_ last: SRT_TRACEBSTATS) {
        for (index, entry) in SRTStatistics.totals.enumerated() { earlier[index] &+= entry.1(last) }
    }

    /// A total by its name.
    func count(_ name: String) -> Int {
        SRTStatistics.totals.firstIndex { $0.0 == name }.map { totals[$0].count } ?? 0
    }

    /// The connection is gone; the next one counts from 0 again.
    mutating func nextConnection() {
        for index in earlier.indices { earlier[index] &+= latest[index] }
        latest = Array(repeating: 0, count: latest.count)
    }

    private static func whole(_ value: Double) -> Int {
        value.isFinite ? Int(max(-9e15, min(value.rounded(), 9e15))) : 0
    }
}
