import Sluice

/// Data items as JSON Lines: one object a line, with its time and the schema's fields.
enum DataLines {
    /// The fields of a line besides the schema's own. A field of the same name stands under `SCHEMA.NAME`.
    static let own = ["t_s", "duration_s", "epoch", "schema"]

    /// One line, line feed included. `t_s` is left out where the item has no time, `duration_s` where it lasts none,
    /// `epoch` where it is 0.
    static func line(_ item: DataItem) -> String {
        let header = item.header
        let schema = item.format.schema?.name ?? ""
        var members: [JSONValue.Member] = []
        if header.pts.isKnown { members.append(JSONValue.Member("t_s", seconds(header.pts))) }
        if header.duration.isKnown, header.duration > .zero {
            members.append(JSONValue.Member("duration_s", seconds(header.duration)))
        }
        if header.epoch != 0 { members.append(JSONValue.Member("epoch", .init(.integer(Int(header.epoch))))) }
        members.append(JSONValue.Member("schema", .init(.string(schema))))
        for (index, field) in item.fields.enumerated() {
            guard !item.fields[(index + 1)...].contains(where: { $0.key == field.key }) else { continue }
            members.append(
                JSONValue.Member(own.contains(field.key) ? "\(schema).\(field.key)" : field.key, field.value))
        }
        return JSONValue(.object(members)).line + "\n"
    }

    /// To the microsecond.
    private static func seconds(_ time: MediaTime) -> JSONValue {
        .init(.number((time.seconds * 1e6).rounded() / 1e6))
    }
}
