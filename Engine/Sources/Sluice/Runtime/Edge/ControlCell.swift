import Synchronization

/// Where a control arrives from any thread: the latest value, a count of requests, the latest record. Never allocates,
/// and waits only while another copies a record.
@usableFromInline final class ControlCell: @unchecked Sendable {
    private let bits = Atomic<UInt64>(0)
    private let hasValue = Atomic<Bool>(false)
    private let requests = Atomic<Int>(0)
    /// nil unless it is a record's.
    private let record: RecordSlot?
    /// The node to wake; set while the graph is wired, before any link is used.
    weak var owner: EdgeEnd?

    @usableFromInline init(fields: Int = 0) { record = fields > 0 ? RecordSlot(fields: fields) : nil }

    func post(value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
        hasValue.store(true, ordering: .releasing)
        owner?.wake(.control)
    }

    @usableFromInline
    func postRequest() {
        requests.wrappingAdd(1, ordering: .acquiringAndReleasing)
        owner?.wake(.control)
    }

    func post(record values: [Double], in order: [Int]) {
        record?.put(values, in: order)
        owner?.wake(.control)
    }

    func takeRecord(into values: inout [Double]) -> Bool { record?.take(into: &values) ?? false }

    func takeValue() -> Double? {
        guard hasValue.exchange(false, ordering: .acquiring) else { return nil }
        return Double(bitPattern: bits.load(ordering: .relaxed))
    }

    func takeRequests() -> Int { requests.exchange(0, ordering: .acquiringAndReleasing) }
}
