import Sluice
import Testing

@testable import WebRTCPlugin

/// The conversation at `/peer/NAME`, message by message.
@Suite("Conversations with browsers") struct ConversationTests {
    /// A conversation with everything that came of it.
    private struct Rig {
        var conversation = PeerConversation(now: Rig.start)
        var now = Rig.start
        var done: [PeerConversation.Action] = []

        static let start = Instant(nanoseconds: 1_000_000_000)

        mutating func say(_ text: String) { done = conversation.take(text, now: now) }

        /// The browser's `ready`, and our offer.
        mutating func offer(microphone: Bool = false) {
            say(#"{"type":"webrtc_ready","microphone":\#(microphone)}"#)
            done = conversation.offer("v=0", now: now)
        }

        mutating func connect(microphone: Bool = false) {
            offer(microphone: microphone)
            say(#"{"type":"webrtc_answer","generation":1,"sdp":"v=0"}"#)
            done = conversation.accept()
            conversation.connected(generation: 1)
        }

        /// The sentences of errors among what was done.
        var errors: [String] {
            done.compactMap { action in
                guard case .send(let text) = action,
                    let value = try? JSONValue.parse(Array(text.utf8), limits: .standard),
                    value["type"]?.string == "error"
                else { return nil }
                return value["what"]?.string
            }
        }
    }

    @Test func readyIsAnsweredByAnOfferAndTheAnswerConnects() {
        var rig = Rig()
        rig.say(#"{"type":"webrtc_ready","microphone":true}"#)
        #expect(rig.done == [.open(generation: 1, microphone: true)])
        rig.done = rig.conversation.offer("v=0\r\n", now: rig.now)
        #expect(
            rig.done == [
                .send(#"{"type": "webrtc_offer", "generation": 1, "new_connection": true, "sdp": "v=0\r\n"}"#)
            ])
        rig.say(#"{"type":"webrtc_answer","generation":1,"sdp":"v=0 answer"}"#)
        #expect(rig.done == [.accept("v=0 answer")])
        rig.done = rig.conversation.accept()
        #expect(rig.conversation.stage == .connecting)
        rig.conversation.connected(generation: 1)
        #expect(rig.conversation.stage == .connected && rig.conversation.wake == nil)
    }

    @Test func anOfferTellsServersAsABrowserTakesThem() throws {
        var rig = Rig()
        rig.say(#"{"type":"webrtc_ready"}"#)
        let servers = try ICEServers("stun:a:3478,turn:b:3478", secret: "secret").entries(unixSeconds: 0)
        guard case .send(let text)? = rig.conversation.offer("v=0", servers: servers, now: rig.now).first else {
            Issue.record("no offer")
            return
        }
        let told = try JSONValue.parse(Array(text.utf8), limits: .standard)["ice_servers"]?.array ?? []
        #expect(told.map { $0["urls"]?.string } == ["stun:a:3478", "turn:b:3478"])
        #expect(told[0]["username"] == nil && told[1]["username"]?.string == "86400:sluice")
        #expect(!text.contains("secret"))
    }

    @Test func anAnswerToNoOfferIsAnErrorAndChangesNothing() {
        var rig = Rig()
        rig.say(#"{"type":"webrtc_answer","sdp":"v=0"}"#)
        #expect(rig.errors == ["webrtc_answer came, and no offer waits for one."])
        #expect(rig.conversation.stage == .silent)
        rig.connect()
        rig.say(#"{"type":"webrtc_answer","sdp":"v=0"}"#)
        #expect(rig.errors == ["webrtc_answer came, and no offer waits for one."])
        #expect(rig.conversation.stage == .connected)
    }

    @Test(arguments: [
        #"{"type":"media_reset"}"#, #"{"type":"renegotiate"}"#, #"{"type":"ice_candidate","candidate":""}"#,
    ])
    func whatNeedsAConnectionIsAnErrorBeforeIt(message: String) {
        var rig = Rig()
        rig.say(message)
        #expect(rig.errors.count == 1 && rig.conversation.stage == .silent)
    }

    @Test func aSecondReadyIsAnError() {
        var rig = Rig()
        rig.connect()
        rig.say(#"{"type":"webrtc_ready"}"#)
        #expect(rig.errors.count == 1 && rig.conversation.generation == 1)
    }

    @Test(arguments: [
        "", "{", #"{"type":"webrtc_answ"#, "[]", "7", "null", #""webrtc_ready""#, "{}", #"{"type":7}"#,
        #"{"type":"webrtc_go"}"#, #"{"type":"webrtc_answer"}"#, #"{"type":"webrtc_answer","sdp":5}"#,
        #"{"type":"webrtc_ready","microphone":"yes"}"#, #"{"type":"renegotiate","ice_restart":1}"#,
        #"{"type":"media_reset","generation":-1}"#, #"{"type":"media_reset","generation":1.5}"#,
        #"{"type":"stats","freezes":"many"}"#, #"{"type":"av_sync_feedback","turn_seq":-1}"#, #"{"type":"error"}"#,
        #"{"type":"webrtc_ready","type":"media_reset"}"#, "{\"type\":\"webrtc_ready\u{0}\"}",
    ])
    func messagesThatMakeNoSenseAreAnsweredInOneSentence(message: String) throws {
        var rig = Rig()
        rig.say(message)
        let sentence = try #require(rig.errors.first)
        #expect(rig.done.count == 2 && rig.done.last == .tell(sentence))
        #expect(sentence.last == "." && sentence.utf8.count < 400, "\(sentence)")
        #expect(rig.conversation.stage == .silent)
    }

    @Test func hugeTextsAreRefusedByTheirLengthAndDeepOnesByTheirDepth() {
        var rig = Rig()
        rig.say(#"{"type":"webrtc_answer","sdp":""# + String(repeating: "x", count: 70_000) + #""}"#)
        #expect(rig.errors.count == 1)
        rig.say(String(repeating: "[", count: 60_000))
        #expect(rig.errors.count == 1)
        rig.say(#"{"type":""# + String(repeating: "y", count: 60_000) + #""}"#)
        #expect(rig.errors.first.map { $0.utf8.count < 400 } == true)
        rig.say(#"{"type":"ice_candidate","candidate":""# + String(repeating: "x", count: 2_000) + #""}"#)
        #expect(rig.errors.first?.contains("1024 bytes") == true)
    }

    @Test func membersThatNobodyKnowsAreLeftAlone() {
        var rig = Rig()
        rig.say(#"{"type":"webrtc_ready","client":"telephone","version":[1,2]}"#)
        #expect(rig.done == [.open(generation: 1, microphone: false)])
    }

    @Test func whatComesLateForAnOlderConnectionIsPassedOver() {
        var rig = Rig()
        rig.connect()
        rig.say(#"{"type":"media_reset"}"#)
        #expect(rig.done == [.drop, .open(generation: 2, microphone: false)])
        rig.done = rig.conversation.offer("v=0", now: rig.now)
        for late in [
            #"{"type":"webrtc_answer","generation":1,"sdp":"v=0"}"#,
            #"{"type":"ice_candidate","generation":1,"candidate":"candidate:1"}"#,
            #"{"type":"renegotiate","generation":1}"#, #"{"type":"media_reset","generation":1}"#,
        ] {
            rig.say(late)
            #expect(rig.done.isEmpty, "\(late)")
        }
        rig.conversation.connected(generation: 1)
        #expect(rig.conversation.ended("the old one", generation: 1).isEmpty)
        #expect(rig.conversation.stage == .offered)
        rig.say(#"{"type":"webrtc_answer","generation":3,"sdp":"v=0"}"#)
        #expect(rig.errors == [#""generation" is 3, and the last offer had 2."#])
    }

    @Test func aConnectionThatFailsIsToldAndMediaResetBeginsAnother() {
        var rig = Rig()
        rig.connect(microphone: true)
        rig.done = rig.conversation.ended("then no check came for 30 s", generation: 1)
        #expect(rig.errors == ["then no check came for 30 s"] && rig.done.first == .drop)
        #expect(rig.conversation.stage == .idle)
        rig.say(#"{"type":"media_reset"}"#)
        #expect(rig.done == [.open(generation: 2, microphone: true)])
    }

    @Test func aConnectionThatTheBrowserClosesEndsWithoutAnError() {
        var rig = Rig()
        rig.connect()
        #expect(rig.conversation.ended(nil, generation: 1) == [.drop])
        #expect(rig.conversation.stage == .idle)
    }

    @Test func aCameraIsOfferedAndStaysAsItIsWhereNothingIsSaidOfIt() {
        var rig = Rig()
        rig.say(#"{"type":"webrtc_ready","camera":true}"#)
        #expect(rig.done == [.open(generation: 1, microphone: false, camera: true)])
        rig.done = rig.conversation.offer("v=0", now: rig.now)
        rig.say(#"{"type":"webrtc_answer","sdp":"v=0"}"#)
        rig.done = rig.conversation.accept()
        rig.say(#"{"type":"renegotiate","microphone":true}"#)
        #expect(rig.done == [.offerAgain(microphone: true, camera: true, restartsICE: false)])
        rig.say(#"{"type":"renegotiate","camera":false}"#)
        #expect(rig.done == [.offerAgain(microphone: true, restartsICE: false)])
        rig.say(#"{"type":"media_reset"}"#)
        #expect(rig.done == [.drop, .open(generation: 2, microphone: true)])
    }

    @Test func anotherOfferOnTheConnectionCanChangeTheMicrophoneAndRestartICE() {
        var rig = Rig()
        rig.connect()
        rig.say(#"{"type":"renegotiate","microphone":true,"ice_restart":true}"#)
        #expect(rig.done == [.offerAgain(microphone: true, restartsICE: true)])
        rig.done = rig.conversation.offer("v=0", now: rig.now)
        #expect(
            rig.done == [.send(#"{"type": "webrtc_offer", "generation": 1, "new_connection": false, "sdp": "v=0"}"#)])
        rig.say(#"{"type":"webrtc_answer","sdp":"v=0"}"#)
        #expect(rig.done == [.accept("v=0")])
        rig.done = rig.conversation.accept()
        #expect(rig.conversation.stage == .connected && !rig.conversation.isRenegotiating && rig.done.isEmpty)
    }

    @Test func oneOfferWaitsAtATimeAndWhatChangesMeanwhileGoesIntoTheNext() {
        var rig = Rig()
        rig.offer()
        #expect(rig.conversation.noteTracks().isEmpty)
        rig.say(#"{"type":"webrtc_answer","sdp":"v=0"}"#)
        #expect(rig.conversation.accept() == [.offerAgain(microphone: false, restartsICE: false)])
        _ = rig.conversation.offer("v=0", now: rig.now)
        #expect(rig.conversation.noteTracks().isEmpty)
        rig.say(#"{"type":"renegotiate","camera":true,"ice_restart":true}"#)
        #expect(rig.done.isEmpty && rig.errors.isEmpty)
        rig.say(#"{"type":"webrtc_answer","sdp":"v=0"}"#)
        #expect(rig.conversation.accept() == [.offerAgain(microphone: false, camera: true, restartsICE: true)])
        _ = rig.conversation.offer("v=0", now: rig.now)
        rig.say(#"{"type":"webrtc_answer","sdp":"v=0"}"#)
        #expect(rig.conversation.accept().isEmpty)
        #expect(rig.conversation.noteTracks() == [.offerAgain(microphone: false, camera: true, restartsICE: false)])
    }

    @Test func onePatientOfferOnAConnectionThatStandsWaits30Seconds() {
        var rig = Rig()
        rig.connect()
        _ = rig.conversation.noteTracks()
        _ = rig.conversation.offer("v=0", now: rig.now)
        #expect(rig.conversation.advance(now: rig.now + .seconds(29)).isEmpty)
        rig.done = rig.conversation.advance(now: rig.now + .seconds(30))
        #expect(rig.errors == ["No answer to the new offer came within 30 s."] && rig.conversation.stage == .idle)
    }

    @Test func aNameAndWhatIsMutedAreUnderstood() {
        var rig = Rig()
        rig.say(#"{"type":"webrtc_ready","microphone":true,"name":"alice"}"#)
        #expect(rig.conversation.name == "alice")
        rig.say(#"{"type":"mute","kind":"audio","muted":true}"#)
        #expect(rig.done == [.mute(.audio, true)])
        rig.say(#"{"type":"mute","kind":"smell","muted":true}"#)
        #expect(rig.errors == [#""kind" of mute is "smell"; send audio or video."#])
        rig.say(#"{"type":"mute","kind":"video"}"#)
        #expect(rig.errors == [#"mute has no "muted"."#])
    }

    @Test func whoSaysNothingIsClosedAndWhoDoesNotAnswerIsTold() {
        var rig = Rig()
        #expect(rig.conversation.advance(now: rig.now + .seconds(9)).isEmpty)
        let ending = rig.conversation.advance(now: rig.now + .seconds(10))
        #expect(ending.contains(.close(1_008, "no webrtc_ready came within 10 s")))
        #expect(rig.conversation.stage == .over)

        rig = Rig()
        rig.offer()
        rig.done = rig.conversation.advance(now: rig.now + .seconds(10))
        #expect(rig.errors == ["No answer to the offer came within 10 s."] && rig.conversation.stage == .idle)
    }

    @Test func whoSendsNonsenseForEverIsClosed() {
        var rig = Rig()
        rig.connect()
        for _ in 0..<PeerConversation.mostFaults { rig.say("nonsense") }
        #expect(rig.errors.count == 1 && rig.conversation.stage == .connected)
        rig.say("nonsense")
        #expect(rig.done.first == .drop)
        #expect(rig.done.last == .close(1_008, "too many messages that make no sense"))
        rig.say(#"{"type":"media_reset"}"#)
        #expect(rig.done.isEmpty)
    }

    @Test func connectionsAreBegunOnlySoOften() {
        var rig = Rig()
        rig.connect()
        for _ in 1..<PeerConversation.mostOpenings { rig.say(#"{"type":"media_reset"}"#) }
        #expect(rig.conversation.generation == PeerConversation.mostOpenings)
        rig.say(#"{"type":"media_reset"}"#)
        #expect(rig.errors.count == 1 && rig.conversation.generation == PeerConversation.mostOpenings)
        rig.now = rig.now + PeerConversation.openingSpan
        rig.say(#"{"type":"media_reset"}"#)
        #expect(rig.conversation.generation == PeerConversation.mostOpenings + 1)
    }

    @Test func measurementsAreHandedOn() {
        var rig = Rig()
        rig.connect()
        rig.say(
            #"{"type":"av_sync_feedback","turn_seq":7,"excess_video_lag_ms":130,"jitter_buffer_delta_ms":95.5,"#
                + #""likely":"video_late_audio_leads"}"#)
        #expect(
            rig.done == [
                .feedback(SyncReport(turn: 7, excessVideoLag: 130, jitterBufferDelta: 95.5, isVideoLate: true))
            ])
        rig.say(#"{"type":"stats","audio_target_ms":40.5,"freezes":2}"#)
        guard case .stats(let figures)? = rig.done.first else {
            Issue.record("\(rig.done)")
            return
        }
        #expect(figures.values.compactMap { $0 } == [40.5, 2])
    }

    @Test func aClosedSocketDropsItsConnection() {
        var rig = Rig()
        rig.connect()
        #expect(rig.conversation.closed() == [.drop])
        #expect(rig.conversation.closed().isEmpty && rig.conversation.take("{}", now: rig.now).isEmpty)
    }
}
