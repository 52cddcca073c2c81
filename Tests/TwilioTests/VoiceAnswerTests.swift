import HTTP
import Sluice
import Testing

@testable import TwilioPlugin

/// The webhook: TwiML, and the proof that Twilio asks.
@Suite("Twilio's webhook") struct VoiceAnswerTests {
    private let form =
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"

    private func voice(_ url: String = "", token: String = "", service: String = "http://127.0.0.1:8889") throws
        -> VoiceAnswer
    {
        VoiceAnswer(
            address: try PublicAddress(url, service: service),
            signature: token.isEmpty ? nil : RequestSignature(token: token), streamPath: "/twilio/stream")
    }

    private func post(_ headers: HTTPHeaders, _ path: String = "/twilio/voice", query: String = "") -> HTTPRequest {
        HTTPRequest(.post, path, query: query, headers: headers, body: Array(form.utf8), peer: "192.0.2.1:5")
    }

    private func body(_ answer: VoiceAnswer.Answer) -> String {
        switch answer {
        case .connect(let response), .busy(let response), .refuse(let response, _):
            String(decoding: response.body, as: UTF8.self)
        }
    }

    /// The example of Twilio's own libraries.
    @Test func theSignatureIsTwilios() {
        let fields = FormFields.read(form) ?? []
        let signature = RequestSignature(token: "12345")
        let address = "https://mycompany.com/myapp.php?foo=1&bar=2"
        #expect(signature.of(address, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
        #expect(signature.matches("RSOYDt4T1cUTdK1PDd93/VVr8B8=", [address], fields))
        #expect(!signature.matches("RSOYDt4T1cUTdK1PDd93/VVr8B8", [address], fields))
        #expect(!signature.matches(nil, [address], fields) && !signature.matches("", [address], fields))
        #expect(!RequestSignature(token: "12346").matches("RSOYDt4T1cUTdK1PDd93/VVr8B8=", [address], fields))
    }

    @Test func aCallIsConnectedWithTheStream() throws {
        for (url, headers, stream) in [
            ("", ["Host": "127.0.0.1:8889"], "ws://127.0.0.1:8889/twilio/stream"),
            ("", ["Host": "a.example", "X-Forwarded-Proto": "https, http"], "wss://a.example/twilio/stream"),
            ("https://b.example/", ["Host": "x"], "wss://b.example/twilio/stream"),
        ] as [(String, HTTPHeaders, String)] {
            let answer = try voice(url).answer(post(headers), hasRoom: true)
            #expect(body(answer).contains("<Response><Connect><Stream url=\"\(stream)\"/></Connect></Response>"))
        }
        #expect(body(try voice().answer(post(["Host": "a"]), hasRoom: false)).contains("<Reject reason=\"busy\"/>"))
    }

    @Test func aRequestIsTakenBySignatureAlone() throws {
        let signed = RequestSignature(token: "secret")
        let fields = FormFields.read(form) ?? []
        let voice = try voice("https://a.example", token: "secret")
        for address in ["https://a.example/twilio/voice", "https://a.example:443/twilio/voice"] {
            let headers: HTTPHeaders = ["Host": "a", "X-Twilio-Signature": signed.of(address, fields)]
            guard case .connect = voice.answer(post(headers), hasRoom: true) else {
                Issue.record("\(address) is refused")
                return
            }
        }
        for shown in [nil, "", "x", signed.of("https://b.example/twilio/voice", fields), signed.of("", [])] {
            var headers: HTTPHeaders = ["Host": "a.example"]
            headers["X-Twilio-Signature"] = shown
            guard case .refuse(let response, let sentence) = voice.answer(post(headers), hasRoom: true) else {
                Issue.record("\(shown ?? "nothing") is taken")
                return
            }
            #expect(response.status == 403 && sentence.contains("X-Twilio-Signature") && !sentence.contains("secret"))
        }
    }

    @Test func theStreamIsSignedToo() throws {
        let voice = try voice(token: "secret")
        let shown = RequestSignature(token: "secret").of("wss://a.example/twilio/stream")
        let request = HTTPRequest(
            .get, "/twilio/stream", headers: ["Host": "a.example", "X-Twilio-Signature": shown])
        #expect(voice.isSigned(request))
        #expect(!voice.isSigned(HTTPRequest(.get, "/twilio/stream", headers: ["Host": "a.example"])))
    }

    @Test func aRequestThatMakesNoSenseIsRefused() throws {
        let voice = try voice()
        var request = post([:])
        guard case .refuse(let response, "The request tells no host.") = voice.answer(request, hasRoom: true) else {
            Issue.record("it is taken")
            return
        }
        #expect(response.status == 400)
        for host in ["a\"><Say/>", "a b", String(repeating: "a", count: 300)] {
            request.headers["Host"] = host
            guard case .refuse = voice.answer(request, hasRoom: true) else {
                Issue.record("\(host) is taken")
                return
            }
        }
        request.body = [0x61, 0xff]
        guard case .refuse = voice.answer(request, hasRoom: true) else {
            Issue.record("no UTF-8 is taken")
            return
        }
        for url in ["a.example", "ftp://a", "https://", "https://a b", "https://a?b=1"] {
            #expect(throws: NodeError.self) { try PublicAddress(url, service: "http://a") }
        }
    }
}
