import Sluice

/// A message from the peer that is no segment.
struct ControlMessage: Equatable, Sendable {
    enum Action: Equatable, Sendable {
        /// To this epoch; nil: to the next.
        case interrupt(epoch: UInt32?)
        case fence(MessageID)
        case drain(timeout: Interval, MessageID?)
        case feedback(SyncFeedback)
        case calibration(on: Bool)
        /// Whether this peer wants the viewer's microphone.
        case microphone(on: Bool)
    }

    var action: Action
    /// In a file: when it is acted on, counted from the start of the graph; what follows it in the file waits.
    var at: Interval?

    static let names = ["interrupt", "fence", "drain", "av_sync_feedback", "calibration", "microphone"]

    init(_ action: Action, at: Interval? = nil) { (self.action, self.at) = (action, at) }

    init(_ json: [UInt8]) throws(ProtocolError) {
        var fields = try Fields(json, of: "message")
        let type = try fields.string("type")
        at = try fields.number("at_ms", 0...1e9).map { .seconds($0 / 1_000) }
        switch type {
        case "interrupt":
            action = .interrupt(epoch: try fields.integer("epoch", 1...Int(UInt32.max)).map { UInt32($0) })
        case "fence":
            guard let id = try fields.identifier("id") else { throw ProtocolError("a fence has no id") }
            action = .fence(id)
        case "drain":
            let timeout = try fields.number("timeout_ms", 0...86_400_000) ?? 10_000
            action = .drain(timeout: .seconds(timeout / 1_000), try fields.identifier("id"))
        case "av_sync_feedback": action = .feedback(try SyncFeedback(&fields))
        case "calibration":
            guard let on = try fields.boolean("on") else { throw ProtocolError("a calibration message has no \"on\"") }
            action = .calibration(on: on)
        case "microphone":
            guard let on = try fields.boolean("on") else { throw ProtocolError("a microphone message has no \"on\"") }
            action = .microphone(on: on)
        default:
            let all = ControlMessage.names.joined(separator: ", ")
            throw ProtocolError(
                type.map { "there is no message of type \"\(printable($0))\"; there are \(all)" }
                    ?? "a message has no \"type\"; there are \(all)")
        }
        try fields.refuseOthers()
    }
}

/// A viewer's measurement of audio against video.
struct SyncFeedback: Equatable, Sendable {
    var turn = 0
    /// How much later than its audio the video is shown, in milliseconds.
    var excessVideoLag = 0.0
    /// The video's jitter buffer less the audio's, in milliseconds.
    var jitterBufferDelta = 0.0
    /// `likely` was `video_late_audio_leads`, the one verdict that counts.
    var audioLeads = false

    init(turn: Int, excessVideoLag: Double, jitterBufferDelta: Double, audioLeads: Bool) {
        self.turn = turn
        self.excessVideoLag = excessVideoLag
        self.jitterBufferDelta = jitterBufferDelta
        self.audioLeads = audioLeads
    }

    init(_ fields: inout Fields) throws(ProtocolError) {
        let milliseconds = -1e7...1e7
        turn = try fields.integer("turn_seq", 0...Int(UInt32.max)) ?? 0
        excessVideoLag = try fields.number("excess_video_lag_ms", milliseconds) ?? 0
        jitterBufferDelta = try fields.number("jitter_buffer_delta_ms", milliseconds) ?? 0
        audioLeads = try fields.string("likely") == "video_late_audio_leads"
    }
}
