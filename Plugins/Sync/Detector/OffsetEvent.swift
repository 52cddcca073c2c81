import Sluice

/// The data that `calibration-detector` sends after each mark.
enum OffsetEvent {
    static let schema = DataSchema(
        "av-offset",
        fields: [
            .init(
                "offset_ms", optional: true, help: "The lead of audio over video in ms, from the first whole mark on."),
            .init("drift_ppm", optional: true, help: "The growth of the offset in millionths, once it is known."),
            .init("confidence", help: "The confidence from 0 to 1."),
            .init("believed", help: "True if the confidence reaches the threshold."),
            .init("marks", help: "Whole marks so far."),
            .init("half_marks", help: "Marks so far that were only seen or only heard."),
        ])
    static let format = MediaFormat(data: schema)

    /// `time` is the mark's, in media time.
    static func item(
        _ result: OffsetEstimate.Result?, at time: MediaTime, isBelieved: Bool, marks: Int, halves: Int, epoch: UInt32
    ) -> DataItem {
        func rounded(_ value: Double) -> JSONValue { .init(.number((value * 1_000).rounded() / 1_000)) }
        var fields: [JSONValue.Member] = []
        if let result { fields.append(JSONValue.Member("offset_ms", rounded(result.offset))) }
        if let drift = result?.drift { fields.append(JSONValue.Member("drift_ppm", rounded(drift))) }
        fields += [
            JSONValue.Member("confidence", rounded(result?.confidence ?? 0)),
            JSONValue.Member("believed", .init(.boolean(isBelieved))),
            JSONValue.Member("marks", .init(.integer(marks))), JSONValue.Member("half_marks", .init(.integer(halves))),
        ]
        let item = DataItem(format: format, at: time, fields: fields)
        item.header.epoch = epoch
        return item
    }
}
