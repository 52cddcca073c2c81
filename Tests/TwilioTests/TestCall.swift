import HTTP
import RTP
import Sluice
import Synchronization

@testable import TwilioPlugin

/// Twilio's end of a call, as a test plays it: messages in, and what comes back.
final class TestCall: Sendable {
    static let sid = "CA0123456789abcdef0123456789abcdef"
    static let stream = "MZ0123456789abcdef0123456789abcdef"

    let call: TwilioCall
    private let heard: Heard

    final class Heard: Sendable {
        let texts = Mutex<[String]>([])
        let closing = Mutex<(Int, String)?>(nil)
    }

    init(started: Bool = true, jitter: Double = 60) {
        let heard = Heard()
        self.heard = heard
        let socket = WebSocket(
            HTTPRequest(.get, "/twilio/stream", peer: "192.0.2.1:50000"),
            deliver: { text in
                heard.texts.withLock { $0.append(text) }
                return true
            }, end: { code, reason in heard.closing.withLock { $0 = (code, reason) } })
        call = TwilioCall(socket, jitter: .milliseconds(Int64(jitter)))
        guard started else { return }
        say(TestCall.connected)
        say(TestCall.start())
        call.read(now: Instant(nanoseconds: 0))
    }

    @discardableResult
    func say(_ text: String) -> Bool { call.post(text) }

    /// All that has come back so far, each message as Twilio reads it.
    var back: [JSONValue] {
        heard.texts.withLock { $0 }.compactMap { try? JSONValue.parse(Array($0.utf8), limits: .standard) }
    }
    var events: [String] { back.map { $0["event"]?.string ?? "" } }
    var frames: [[UInt8]] {
        back.compactMap { $0["media"]?["payload"]?.string.flatMap { Base64.decode($0) } }
    }
    var closing: (code: Int, reason: String)? { heard.closing.withLock { $0 } }

    static let connected = #"{"event":"connected","protocol":"Call","version":"1.0.0"}"#
    static let stop =
        #"{"event":"stop","sequenceNumber":"9","streamSid":"\#(stream)","stop":{"accountSid":"AC1","callSid":"\#(sid)"}}"#

    static func start(_ encoding: String = "audio/x-mulaw", rate: String = "8000", call: String = sid) -> String {
        #"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"\#(stream)","#
            + #""callSid":"\#(call)","tracks":["inbound"],"mediaFormat":{"encoding":"\#(encoding)","#
            + #""sampleRate":\#(rate),"channels":1},"customParameters":{"who":"Ada"}},"streamSid":"\#(stream)"}"#
    }

    static func media(_ chunk: Int, at milliseconds: Int? = nil, _ bytes: [UInt8]? = nil, track: String = "inbound")
        -> String
    {
        let bytes = bytes ?? [UInt8](repeating: UInt8(truncatingIfNeeded: chunk), count: 160)
        return #"{"event":"media","sequenceNumber":"\#(chunk + 1)","media":{"track":"\#(track)","chunk":"\#(chunk)","#
            + #""timestamp":"\#(milliseconds ?? chunk * 20 - 15)","payload":"\#(Base64.encode(bytes))"},"#
            + #""streamSid":"\#(stream)"}"#
    }

    static func mark(_ name: String) -> String {
        #"{"event":"mark","sequenceNumber":"4","streamSid":"\#(stream)","mark":{"name":"\#(name)"}}"#
    }

    static func key(_ digit: String) -> String {
        #"{"event":"dtmf","streamSid":"\#(stream)","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"\#(digit)"}}"#
    }
}
