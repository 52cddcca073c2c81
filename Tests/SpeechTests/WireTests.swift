import Glibc
import Testing

@testable import SpeechPlugin

@Suite struct WireTests {
    private func result(_ replies: [WireReply]) -> WireResult? {
        for case .result(let result) in replies { return result }
        return nil
    }

    @Test func rtzrHasItsOptionsInTheQueryAndItsTokenInTheHandshake() {
        let wire = RTZRWire(
            url: "https://host",
            [
                .init(name: "domain", value: "CALL"), .init(name: "keywords", value: "가,b:2"),
                .init(name: "use_itn", value: ""),
            ])
        let request = wire.request(token: "t0")
        #expect(
            request.url
                == "https://host/v1/transcribe:streaming?sample_rate=16000&encoding=LINEAR16&domain=CALL&keywords=%EA%B0%80%2Cb%3A2"
        )
        #expect(request.fields == [.init(name: "Authorization", value: "Bearer t0")])
        #expect(wire.farewell == .text("EOS") && wire.finalize == .text(#"{"type":"Finalize"}"#))
    }

    @Test(arguments: [
        (RTZRAudio.Encoding.linear, 16_000, 640), (.muLaw, 16_000, 320), (.aLaw, 8_000, 160), (.linear, 8_000, 320),
    ])
    func rtzrGetsTheEncodingAndTheRateThatAreAskedFor(encoding: RTZRAudio.Encoding, rate: Int, bytes: Int) {
        var wire = RTZRWire(url: "https://host", audio: .init(encoding: encoding, rate: rate))
        #expect(wire.request(token: "").url.contains("sample_rate=\(rate)&encoding=\(encoding.rawValue)"))
        // A resampler holds the first few back.
        _ = wire.message([Int16](repeating: 0, count: 320)[...])
        let message = wire.message([Int16](repeating: 0, count: 320)[...])
        #expect(message.count == bytes && Set(message) == [encoding == .muLaw ? 0xff : encoding == .aLaw ? 0xd5 : 0])
    }

    @Test func samplesAt8kHzHaveNothingThatFoldsBackAndNoSeam() throws {
        func tone(_ hertz: Double) -> [Int16] {
            (0..<16_000).map { Int16(10_000 * sin(2 * .pi * hertz * Double($0) / 16_000)) }
        }
        func level(_ samples: [Int16]) -> Double {
            let sum = samples.dropFirst(100).reduce(0) { $0 + Double($1) * Double($1) }
            return (sum / Double(samples.count - 100)).squareRoot()
        }
        func halved(_ samples: [Int16], by count: Int) throws -> [Int16] {
            var wire = RTZRWire(url: "", audio: .init(encoding: .linear, rate: 8_000))
            return try stride(from: 0, to: samples.count, by: count).flatMap { first -> [Int16] in
                let bytes = wire.message(samples[first..<min(samples.count, first + count)])
                return stride(from: 0, to: bytes.count, by: 2).map {
                    Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
                }
            }
        }
        let (low, high) = (tone(1_000), tone(5_000))
        let whole = try halved(low, by: 16_000)
        // The last are held back: less than 5 ms.
        #expect(7_960...8_000 ~= whole.count && abs(level(whole) - 10_000 / 2.squareRoot()) < 50)
        // 5 kHz would be heard as 3 kHz.
        #expect(level(try halved(high, by: 16_000)) < 50)
        for count in [1, 7, 320, 321] { #expect(try halved(low, by: count) == whole, "by \(count)") }
    }

    @Test(arguments: [
        // Words beside the alternatives or within, from the beginning of the connection or of the utterance.
        #"{"seq":1,"start_at":2000,"duration":1000,"final":true,"alternatives":[{"text":"a b","confidence":0.5,"words":[{"text":"a","start_at":2000,"duration":400},{"text":"b","start_at":2500,"duration":500}]}]}"#,
        #"{"seq":1,"start_at":2000,"duration":1000,"final":true,"alternatives":[{"text":"a b","confidence":0.5}],"words":[{"text":"a","start_at":0,"duration":400},{"text":"b","start_at":500,"duration":500}]}"#,
    ])
    func rtzrsWordsAreFoundWhereverTheyStand(text: String) {
        let found = result(RTZRWire(url: "").read(text))
        #expect(found?.isFinal == true && found?.start == 2 && found?.end == 3)
        #expect(found?.words.map(\.text) == ["a", "b"])
        #expect(found?.words.map(\.start) == [2, 2.5] && found?.words.map(\.end) == [2.4, 3])
    }

    @Test func wordsWithoutTimesAreSpreadOverTheirText() {
        let text = #"{"start_at":1000,"duration":1000,"final":false,"alternatives":[{"text":"one three"}]}"#
        let words = result(RTZRWire(url: "").read(text))?.words ?? []
        #expect(words.map(\.text) == ["one", "three"])
        #expect(words.map(\.start) == [1, 1.375] && words.last?.end == 2)
    }

    @Test func failuresAreCodesWithoutTheProvidersWords() {
        let wire = RTZRWire(url: "")
        #expect(wire.read(#"{"type":"error","message":"said: my password"}"#) == [.error(code: "")])
        #expect(wire.read(#"{"error":{"code":"H0002"}}"#) == [.error(code: "H0002")])
        #expect(wire.read(#"{"error":"my password is lost"}"#) == [.error(code: "")])
        var deepgram = DeepgramWire(.init())
        #expect(deepgram.read(#"{"type":"Error","err_code":"NET-0001"}"#) == [.error(code: "NET-0001")])
    }

    @Test(arguments: ["", "{", "[1]", "null", #"{"seq":1,"start_at":0,"dur"#, String(repeating: "[", count: 5_000)])
    func halfAReplyIsUnreadable(text: String) {
        var wires: [any SpeechWire] = [RTZRWire(url: ""), DeepgramWire(.init()), VoskWire(url: "", language: "")]
        for index in wires.indices {
            let replies = wires[index].read(text)
            #expect(replies == [.unreadable])
        }
    }

    @Test func numbersThatNoTimeCanBeAreNone() {
        for time in ["-1", "1e300", "true", "\"1\"", "null"] {
            let text = #"{"start_at":\#(time),"duration":1,"final":true,"alternatives":[{"text":"a"}]}"#
            let found = result(RTZRWire(url: "").read(text))
            #expect(found?.start == nil && found?.end == nil && found?.words.count == 1)
        }
    }

    private func part(_ words: [String], at start: Double, final: Bool, over: String = "false", asked: String = "false")
        -> String
    {
        let list = words.enumerated().map { index, word in
            #"{"word":"\#(word)","start":\#(start + Double(index)),"end":\#(start + Double(index) + 0.5)}"#
        }
        return
            #"{"type":"Results","start":\#(start),"duration":\#(words.count),"is_final":\#(final),"speech_final":\#(over),"from_finalize":\#(asked),"channel":{"alternatives":[{"transcript":"x","words":[\#(list.joined(separator: ","))]}]}}"#
    }

    @Test func deepgramsUtteranceIsItsPartsUpToSpeechFinal() {
        var wire = DeepgramWire(.init())
        let first = result(wire.read(part(["a"], at: 0, final: true)))
        #expect(first?.isFinal == false)
        let partial = result(wire.read(part(["b"], at: 1, final: false)))
        #expect(partial?.words.map(\.text) == ["a", "b"] && partial?.isFinal == false)
        let final = result(wire.read(part(["b", "c"], at: 1, final: true, over: "true")))
        #expect(final?.words.map(\.text) == ["a", "b", "c"] && final?.isFinal == true && final?.end == 2.5)
        let next = result(wire.read(part(["d"], at: 5, final: false)))
        #expect(next?.words.map(\.text) == ["d"])
    }

    @Test func deepgramSaysWhichFinalWasAskedFor() {
        var wire = DeepgramWire(.init())
        let replies = wire.read(part(["a"], at: 0, final: true, asked: "true"))
        #expect(replies.last == .finalized && result(replies)?.isFinal == true)
        #expect(wire.read(#"{"type":"Metadata"}"#) == [.other])
    }

    @Test func voskAnswersEachMessageInItsOrder() {
        var wire = VoskWire(url: "", language: "ko")
        wire.sent(isFinalize: false)
        wire.sent(isFinalize: true)
        wire.sent(isFinalize: false)
        let partial = wire.read(#"{"partial":"a"}"#)
        #expect(!partial.contains(.finalized) && result(partial)?.words.map(\.text) == ["a"])
        let final = wire.read(#"{"result":[{"conf":1,"start":0.5,"end":0.75,"word":"a"}],"text":"a"}"#)
        #expect(final.last == .finalized && result(final)?.start == 0.5 && result(final)?.language == "ko")
        #expect(wire.read(#"{"partial":""}"#) == [.other])
        // The server compares the text.
        #expect(wire.finalize == .text(#"{"reset" : 1}"#) && wire.farewell == .text(#"{"eof" : 1}"#))
    }

    private func written(_ body: String, _ seconds: Double = 2) throws -> Written {
        try TranscriptionForm(url: "").read(.init(status: 200, body: Array(body.utf8), url: ""), seconds: seconds)
    }

    @Test func wordsOfOpenAIsKindAreFoundInEachOfTheirForms() throws {
        let words = try written(
            #"{"text":"A b","language":"english","words":[{"word":"A","start":0.5,"end":0.75},{"word":"b","start":1,"end":1.5}]}"#
        )
        #expect(words.words.map(\.start) == [0.5, 1] && words.speech == 0.5...1.5 && words.language == "en")
        let segments = try written(
            #"{"text":" a b","segments":[{"id":0,"start":0.5,"end":1.5,"text":" a b","avg_logprob":-0.1}]}"#)
        #expect(segments.words.map(\.text) == ["a", "b"] && segments.words.map(\.start) == [0.5, 1])
        #expect(segments.confidence > 0.9)
        #expect(try written(#"{"text":"a b"}"#).words.map(\.end) == [1, 2])
        #expect(try written(#"{"text":""}"#).words.isEmpty)
        // Behind the utterance there is nothing.
        #expect(try written(#"{"text":"a","words":[{"word":"a","start":5,"end":1e300}]}"#).words.map(\.end) == [2])
    }

    @Test func refusalsOfOpenAIsKindSayWhetherAnotherTryHelps() {
        for (status, why, isFinal) in [
            (401, "refuses the credentials (401)", true), (429, "has too many requests (429)", false),
            (503, "failed (503)", false), (400, "refuses the request (400)", true),
            (200, "gave an answer of no known form", false),
        ] {
            #expect {
                try TranscriptionForm(url: "").read(
                    .init(status: status, headers: ["Retry-After": "2"], body: Array("secret".utf8), url: ""),
                    seconds: 1)
            } throws: {
                let refusal = $0 as? TranscriptionForm.Refusal
                return refusal?.why == why && refusal?.isFinal == isFinal
            }
        }
    }

    @Test func anUtteranceIsAWAVFileInItsForm() {
        let body = TranscriptionForm(url: "", model: "m", language: "ko").body(.wave([1, -1]))
        let text = String(decoding: body, as: Unicode.ASCII.self)
        #expect(text.contains("name=\"model\"\r\n\r\nm\r\n") && text.contains("filename=\"speech.wav\""))
        #expect(text.contains("RIFF") && text.contains("WAVEfmt ") && text.hasSuffix("--\r\n"))
    }

    @Test func tokensAreKeptUntilFiveMinutesBeforeTheyExpire() throws {
        let token = try ProviderToken(
            .init(status: 200, body: Array(#"{"access_token":"abc","expire_at":1000000}"#.utf8), url: ""))
        #expect(token.text == "abc" && token.isFresh(at: 999_699) && !token.isFresh(at: 999_701))
        #expect {
            try ProviderToken(
                .init(status: 401, body: Array(#"{"code":"H0002","msg":"client_secret s3cret"}"#.utf8), url: ""))
        } throws: { ($0 as? ProviderToken.Refusal)?.why == "refuses the credentials (401, H0002)" }
        #expect(RetryAfter.read("7") == .seconds(7) && RetryAfter.read("Wed, 21 Oct 2026 07:28:00 GMT") == nil)
    }
}
