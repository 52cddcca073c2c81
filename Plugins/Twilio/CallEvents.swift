import Sluice

/// The events of a call beside its sound, as data of the schema `telephone-event`.
enum CallEvents {
    static let schema = DataSchema(
        "telephone-event",
        fields: [
            .init("call", help: "The call's name, as Twilio's CallSid."),
            .init("event", help: "The kind: started, key or ended."),
            .init("key", optional: true, help: "The key that the caller has pressed: 0 to 9, *, #, A to D."),
            .init("parameters", optional: true, help: "An object of the parameters that the TwiML gave the stream."),
        ])
    static let format = MediaFormat(data: schema)

    static func item(_ event: String, call: String, at time: MediaTime, _ more: [JSONValue.Member] = []) -> DataItem {
        let fields: [JSONValue.Member] = [
            .init("call", .init(.string(call))), .init("event", .init(.string(event))),
        ]
        return DataItem(format: format, at: time, fields: fields + more)
    }
}
