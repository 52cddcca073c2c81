import Sluice

/// The data that `calibration-detector` sends after each mark.
enum OffsetEvent {
    static let schema = DataSchema(
        "av-offset",
        fields: [
            FieldSpec(
                "offset_ms", optional: true, help: "how far audio leads the video; from the first whole mark on"),
            FieldSpec("drift_ppm", optional: true, help: "how fast the offset grows, in millionths; once known"),
            FieldSpec("confidence", help: "0 to 1"),
            FieldSpec("believed", help: "whether the confidence reaches the threshold"),
            FieldSpec("marks", help: "whole marks so far"),
            FieldSpec("half_marks", help: "marks so far that were only seen or only heard"),
        ])
    static let format = MediaFormat(data: schema)

    /// `time` is the mark's, in media time.
    static func item(
        _ result: OffsetEstimate.Result?, at time: MediaTime, isBelieved: Bool, marks: Int, halves: Int, epoch: UInt32
    ) -> DataItem {
        func rounded(_ value: Double) -> JSONValue { .init(.number((value * 1_000).rounded() / 1_000)) }
        var fields: [JSONMember] = []
        if let result { fields.append(JSONMember("offset_ms", rounded(result.offset))) }
        if let drift = result?.drift { fields.append(JSONMember("drift_ppm", rounded(drift))) }
        fields += [
            JSONMember("confidence", rounded(result?.confidence ?? 0)),
            JSONMember("believed", .init(.boolean(isBelieved))),
            JSONMember("marks", .init(.integer(marks))), JSONMember("half_marks", .init(.integer(halves))),
        ]
        let item = DataItem(format: format, at: time, fields: fields)
        item.header.epoch = epoch
        return item
    }
}
