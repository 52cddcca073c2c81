extension RecordInput {
    /// Named numbers that were sent together.
    public struct Record: Equatable, Sendable {
        /// As the receiver declares them, in its order.
        public let fields: [String]
        /// NaN where the sender does not know one, or has no such field.
        public let values: [Double]

        init(_ fields: [DataSchema.Field], _ values: [Double]) {
            (self.fields, self.values) = (fields.map(\.name), values)
        }

        /// NaN where there is no such field.
        public subscript(field: String) -> Double { fields.firstIndex(of: field).map { values[$0] } ?? .nan }

        public static func == (a: Record, b: Record) -> Bool {
            a.fields == b.fields && zip(a.values, b.values).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
        }
    }
}

/// Sends records: several numbers that belong together, and that nobody may see half of.
public final class RecordOutput: ControlOutput {
    let control: ControlSpec
    var links = ControlLinks()

    /// `fields` are all that it may send; `help` is a sentence.
    public init(_ name: String, _ fields: [DataSchema.Field], help: String) {
        control = ControlSpec(name, .record, fields: fields, help: help)
    }

    /// A field that is left out is not known. In debug builds a name that is no field stops the program.
    public func send(_ values: KeyValuePairs<String, Double>) {
        assert(
            values.allSatisfy { value in control.fields.contains { $0.name == value.key } },
            "\(control.name) has no such field: \(values)")
        links.send(record: control.fields.map { field in values.first { $0.key == field.name }?.value ?? .nan })
    }
}

/// Takes records. It wants the fields that it declares. A graph connects it to senders that have them all, those that
/// are optional aside.
public final class RecordInput: ControlInput {
    let control: ControlSpec
    var cell: ControlCell
    private var latest: [Double]
    private var isNew = false

    /// `fields` are those that it wants, at most those that it reads; `help` is a sentence.
    public init(_ name: String, _ fields: [DataSchema.Field], help: String) {
        control = ControlSpec(name, .record, fields: fields, help: help)
        cell = ControlCell(fields: fields.count)
        latest = Array(repeating: .nan, count: fields.count)
    }

    /// The latest record that came since the last call; nil if none did. In `process` and `finish`.
    public func take() -> Record? {
        guard isNew else { return nil }
        isNew = false
        return Record(control.fields, latest)
    }

    func handOver() { if cell.takeRecord(into: &latest) { isNew = true } }
}

extension ControlSpec {
    /// For each field of the receiver its place among this sender's; −1 where it has none.
    func order(for receiver: ControlSpec) -> [Int] {
        receiver.fields.map { wanted in fields.firstIndex { $0.name == wanted.name } ?? -1 }
    }

    /// The fields that a receiver needs and this sender does not give.
    func lacks(for receiver: ControlSpec) -> [String] {
        receiver.fields.filter { wanted in !wanted.isOptional && !fields.contains { $0.name == wanted.name } }
            .map(\.name)
    }
}
