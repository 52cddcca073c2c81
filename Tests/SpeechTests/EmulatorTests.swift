import TestSupport
import Testing

/// The real node and the emulators of tools/stt-server, in real time over the loopback.
@Suite(.realPeers, .enabled(if: SpeechSetup.isThere, "speech is not set up: tools/setup --speech"), .serialized)
struct EmulatorTests {
    private static let secret = ["--secret", EmulatedCall.secret]

    private func expectTheClip(_ call: EmulatedCall) {
        #expect(SpeechClip.wrong(call.words) <= 1, "\(call.words)\n\(call.errors)")
        for text in call.texts {
            let start = text["start_s"] as? Double ?? -1
            #expect(SpeechClip.phrases.contains { abs($0.lowerBound - start) < 0.15 }, "\(start)")
            #expect(text["timed_out"] == nil)
        }
    }

    @Test(arguments: ["rtzr", "deepgram", "vosk"]) func eachWritesTheWordsOfTheClip(provider: String) throws {
        let call = try EmulatedCall(provider, EmulatedProvider(provider, Self.secret))
        expectTheClip(call)
        #expect(call.metrics["\(provider)_reconnects"] as? Int == 0 && call.metrics["unwritten_ms"] as? Int == 0)
    }

    @Test(arguments: [("MULAW", 8_000), ("LINEAR16", 8_000), ("MULAW", 16_000)])
    func rtzrGetsTheFormThatIsAskedFor(encoding: String, rate: Int) throws {
        let call = try EmulatedCall(
            "rtzr", EmulatedProvider("rtzr", Self.secret),
            settings: #""rtzr_encoding": "\#(encoding)", "rtzr_sample_rate": \#(rate),"#)
        // Three of the clip's 22 are others at 8 kHz; of a wrong form nothing would be right.
        #expect(SpeechClip.wrong(call.words) <= (rate == 8_000 ? 4 : 3), "\(call.words)\n\(call.errors)")
    }

    /// Token and WebSocket of RTZR, and requests of OpenAI's kind, by TLS.
    @Test(arguments: ["rtzr", "openai"]) func certificatesOfATrustedAuthorityAreTakenAndOthersAreNot(name: String)
        throws
    {
        let authority = try TestAuthority()
        let provider = try EmulatedProvider(
            name, Self.secret + ["--certificate", authority.certificate, "--key", authority.key])
        #expect(provider.url.hasPrefix("https://localhost:"))
        let call = try EmulatedCall(name, provider, environment: ["SSL_CERT_FILE": authority.root])
        #expect(!call.texts.isEmpty && call.texts.allSatisfy { $0["provider"] as? String == name }, "\(call.errors)")
        let stranger = try EmulatedCall("\(name), local", provider)
        #expect(stranger.texts.allSatisfy { $0["provider"] as? String == "local" }, "\(stranger.errors)")
        #expect(stranger.errors.contains("\(name) failed twice within 10 s: local takes over"), "\(stranger.errors)")
    }

    @Test func aServerOfOpenAIsKindWritesAnUtteranceARequest() throws {
        let provider = try EmulatedProvider("openai", Self.secret + ["--fault", "429=1", "--fault", "500=1"])
        expectTheClip(try EmulatedCall("openai", provider))
    }

    @Test func allAudioMayBeSentAndTheRequestEndsEachUtterance() throws {
        let call = try EmulatedCall("rtzr", EmulatedProvider("rtzr", Self.secret), feeds: "out")
        expectTheClip(call)
        #expect(call.metrics["rtzr_sent_ms"] as? Int ?? 0 >= 10_900)
    }

    @Test(arguments: ["rtzr", "deepgram", "vosk"])
    func aConnectionCutInMidSpeechByResetAndByHalfOpenLosesNothing(provider: String) throws {
        let call = try EmulatedCall(
            provider, EmulatedProvider(provider, Self.secret),
            faults: [(1.6, "rst"), (2.6, "rst"), (2, "half-open")])
        expectTheClip(call)
        #expect(call.metrics["\(provider)_reconnects"] as? Int == 3)
    }

    @Test func aServerThatClosesAtEachFinalCostsNoHandshakeWhereConnectionsAreWarm() throws {
        let provider = try EmulatedProvider("rtzr", Self.secret + ["--fault", "close-at-final"])
        let call = try EmulatedCall("rtzr", provider, warm: 1)
        expectTheClip(call)
        let connecting = call.metrics["rtzr_connect_ms"] as? [String: Any]
        // The first one took token and handshake, 200 ms at least; the others were open already.
        #expect(connecting?["p50"] as? Int ?? 99 < 20 && connecting?["max"] as? Int ?? 0 >= 190, "\(call.metrics)")
    }

    @Test func refusalsAndATokenThatIsTakenBackCostNoWord() throws {
        let provider = try EmulatedProvider("rtzr", Self.secret + ["--fault", "429=1", "--fault", "twice"])
        let call = try EmulatedCall("rtzr", provider, faults: [(3, "tokens=forget"), (0, "rst"), (2, "garbage")])
        expectTheClip(call)
        #expect(call.errors.contains("rtzr has too many streams (429)"))
    }

    @Test func wrongCredentialsAreSaidOnceAndTheNextTakesOver() throws {
        let call = try EmulatedCall("rtzr, local", EmulatedProvider("rtzr", ["--secret", "another"]))
        expectTheClip(call)
        #expect(call.errors.components(separatedBy: "refuses the credentials (401").count == 2)
        #expect(call.errors.contains("rtzr failed twice within 10 s: local takes over"))
        #expect(call.texts.allSatisfy { $0["provider"] as? String == "local" })
    }
}
