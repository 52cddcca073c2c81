import Foundation
import TestSupport
import Testing

/// Graph `room` with real browsers, each with a tone of its own for a microphone, and with clients that are none.
@Suite("Rooms", .realPeers) struct RoomTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    private func room(
        _ settings: [String] = [], environment: [String] = []
    ) throws -> (graph: PeerProcess, port: Int) {
        let (graph, port, _) = try ViewerTests().viewer(
            "room", settings, environment: environment, ready: "in two browsers")
        return (graph, port)
    }

    private func play<Found: Decodable>(
        _ scenario: String, _ settings: [String] = [], flags: [String] = []
    ) throws -> Found {
        let (graph, port) = try room(settings)
        defer { graph.terminate() }
        let output = FileManager.default.temporaryDirectory.appending(path: "sluice-room-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let driver = RoomTests.folder.appending(path: "Browser/room.py").path
        let browser = try PeerProcess(
            ["/usr/bin/python3", driver, "http://127.0.0.1:\(port)/", scenario] + flags, output: output)
        try wait(
            for: "the browsers' figures", atMost: 58, said: { ["room": graph.said, "browser": browser.said] },
            { !browser.isRunning })
        try #require(browser.terminationStatus == 0, "\(browser.said)\n\(graph.said)")
        return try JSONDecoder().decode(Found.self, from: try Data(contentsOf: output))
    }

    private struct Hearing: Decodable {
        /// Of each page: the frequencies in Hz that come from the others, by their names.
        var heard: [String: [String: Int]]

        /// Whom each one hears, in their own tones.
        var right: [String: [String]] {
            let tones = ["alice": 440, "bob": 620, "carol": 880]
            return heard.mapValues { all in
                all.filter { name, tone in tones[name].map { abs($0 - tone) < 15 } ?? false }.keys.sorted()
            }
        }
    }

    private struct Counts: Decodable {
        var concealed, silent, samples, freezes, sections: Int
        var pictures: [String: Int]
    }

    private struct Three: Decodable {
        var two, three, left: Hearing
        var counts: [String: Counts]
    }

    @Test func eachHearsExactlyTheOthersAsOneComesLateAndOneGoes() throws {
        let found: Three = try play("three")
        #expect(found.two.right == ["alice": ["bob"], "bob": ["alice"]])
        #expect(
            found.three.right == ["alice": ["bob", "carol"], "bob": ["alice", "carol"], "carol": ["alice", "bob"]])
        #expect(found.left.right == ["bob": ["carol"], "carol": ["bob"]])
        // The own two, and one of the other participant.
        #expect(found.counts.values.allSatisfy { $0.sections == 3 })
    }

    private struct Camera: Decodable {
        var two, after: Hearing
        var counts: Counts
        var dark: Bool
    }

    @Test func aCameraComesAndGoesWhileTheSoundGoesOnAndBothAreRecorded() throws {
        let scratch = try Scratch()
        let found: Camera = try play("camera", ["--set", "record=\(scratch.url.path)"])
        #expect(found.two.right == ["alice": ["bob"], "bob": ["alice"]] && found.after.right == found.two.right)
        #expect(found.counts.pictures["alice"] == 320)
        #expect(found.dark)
        for (file, codec) in [("main.alice.mka", "opus"), ("main.alice.mkv", "vp8"), ("main.bob.mka", "opus")] {
            let told = try CommandRun(
                ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", file], in: scratch.url,
                executable: URL(filePath: "/usr/bin/ffprobe"))
            #expect(told.output == "\(codec)\n", "\(file): \(told.errors)")
        }
    }

    private struct Speech: Decodable {
        var captions: String
        var leads: Bool?
    }

    private static let speechIsThere = FileManager.default.fileExists(
        atPath: Built.root.appending(path: ".build/speech/ggml-tiny.en.bin").path)

    @Test(.enabled(if: speechIsThere, "speech is not set up: tools/setup --speech"))
    func oneWhoSpeaksLeadsAndIsWrittenDownOnThePageOfAnother() throws {
        let clip = Built.root.appending(path: "Tests/Fixtures/Speech/jfk.wav").path
        let found: Speech = try play(
            "speech", ["--set", "transcribe=true"], flags: ["--use-file-for-fake-audio-capture=\(clip)"])
        #expect(found.captions.contains("alice: ") && found.captions.lowercased().contains("country"))
        #expect(found.leads == true)
    }

    private struct Watched: Decodable {
        var status, audio: Int
        var location: String
    }

    private struct Requests: Decodable {
        var two, three, left, muted, again: Hearing
        var list, one, none, mute, unmute, nonsense, nobody, removed: Answer
        var watched: Watched
        var published, ended: Int
        var label, told: String
        var watcher: Bool
    }

    private struct Answer: Decodable {
        var (status, text): (Int, String)
        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            (status, text) = (try list.decode(Int.self), try list.decode(String.self))
        }
    }

    @Test func aRoomIsWatchedPublishedToAndRuledByHTTP() throws {
        let found: Requests = try play("requests")
        #expect(found.none.status == 404 && found.none.text.hasPrefix("There is no room main"))
        #expect(found.list.status == 200 && found.list.text.contains(#""name": "bob", "way": "websocket""#))
        #expect(found.watched.status == 201 && found.watched.location.hasPrefix("/whep/main/bob/"))
        #expect(found.watched.audio > 20)
        // The one who publishes by WHIP sends the tone of alice, and is somebody else for bob.
        #expect(found.published == 201 && abs((found.three.heard["bob"]?["carol"] ?? 0) - 440) < 15)
        #expect(found.one.text.contains(#""viewers": 1"#) && found.one.text.contains(#""way": "whip""#))
        #expect(found.ended == 200 && found.left.right == ["alice": ["bob"], "bob": ["alice"]])
        #expect(found.mute.status == 204 && found.muted.heard["alice"] == ["bob": 0])
        #expect(found.label == "bob, muted" && found.unmute.status == 204)
        #expect(found.again.right == ["alice": ["bob"], "bob": ["alice"]])
        #expect(found.nonsense.status == 400 && found.nobody.status == 404)
        #expect(found.nobody.text == "Nobody is in the room main as dave.\n")
        #expect(found.removed.status == 204 && found.told == "You were taken out of the room." && found.watcher)
    }

    private struct Joins: Decodable {
        var two: Hearing
        var concealed: [String: [String: Int]]
        var sections, freezes: [String: Int]
    }

    @Test func twentyFourWhoComeAndGoAreNotHeardInTheSoundOfTwoWhoStay() throws {
        let found: Joins = try play("joins")
        // The own two, and two others.
        #expect(found.sections == ["alice": 4, "bob": 4])
        for (name, counts) in found.concealed {
            // A browser that gets no CPU conceals what came; an offer that disturbs a track would cost it 20 ms each.
            let (samples, concealed) = (counts["samples"] ?? 0, counts["concealed"] ?? 0)
            #expect(samples > 48_000 && concealed < samples / 200 && counts["lost"] == 0, "\(name): \(counts)")
        }
    }

    @Test func namesAreTakenOverAndThoseThatAreNoneAreRefused() throws {
        let (graph, port) = try room(["--set", "participants=2"])
        defer { graph.terminate() }
        let client = try PeerProcess([
            "/usr/bin/python3", "-c",
            """
            import asyncio, json, sys, websockets
            def connect(room='main'):
                url = f'ws://127.0.0.1:\(port)/peer/{room}'
                return websockets.connect(url, subprotocols=['sluice'], compression=None)
            async def hear(socket, kind=None):
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 15))
                    if kind is None or message['type'] == kind: return message
            async def ready(socket, **fields):
                await socket.send(json.dumps({'type': 'webrtc_ready', **fields}))
            async def main():
                async with connect() as first, connect() as second, connect() as bad:
                    await ready(first, name='alice')
                    told = await hear(first)
                    assert told == {'type': 'participants', 'room': 'main', 'you': 'alice', 'participants': []}, told
                    assert (await hear(first))['type'] == 'webrtc_offer'
                    await ready(bad, name='../alice')
                    told = await hear(bad)
                    assert told['type'] == 'error' and 'letters' in told['what'] and told['connection_over'], told
                    await ready(second)
                    told = await hear(second)
                    assert told['you'] == 'guest-1' and told['participants'] == [{'name': 'alice', 'muted': []}], told
                    assert (await hear(first))['name'] == 'guest-1'
                    await second.send(json.dumps({'type': 'mute', 'kind': 'audio', 'muted': True}))
                    told = await hear(first)
                    assert told == {'type': 'muted', 'name': 'guest-1', 'kind': 'audio', 'muted': True}, told
                    async with connect() as later:
                        await ready(later, name='alice')
                        told = await hear(first)
                        assert 'Somebody else' in told['what'] and told['connection_over'], told
                        try:
                            await hear(first)
                            assert False, 'it is open'
                        except websockets.ConnectionClosed as closed:
                            assert closed.code == 4000, closed
                        told = await hear(later, 'participants')
                        assert told['participants'] == [{'name': 'guest-1', 'muted': ['audio']}], told
                    assert (await hear(second, 'left'))['name'] == 'alice'
                try:
                    async with connect('no.room') as none: await hear(none)
                    assert False, 'there is a room of that name'
                except websockets.ConnectionClosed as closed:
                    assert closed.code == 1008 and 'letters' in closed.reason, closed
                print('fine', file=sys.stderr)
            asyncio.run(main())
            """,
        ])
        try wait(for: "the client", said: { ["room": graph.said, "client": client.said] }, { !client.isRunning })
        #expect(client.said.hasPrefix("fine"), "\(client.said)\n\(graph.said)")
    }

    @Test func guestsComeByTokensOfTheirOwnAndLeaveWhenThoseAreOver() throws {
        let key = "0123456789abcdef0123456789abcdef"
        let (graph, port) = try room(environment: ["SLUICE_GUEST_KEYS=\(key)", "SLUICE_TOKEN=own-token-of-the-server"])
        defer { graph.terminate() }
        let client = try PeerProcess([
            "/usr/bin/python3", "-c",
            """
            import asyncio, base64, hashlib, hmac, json, sys, time, urllib.error, urllib.request, websockets
            def part(data): return base64.urlsafe_b64encode(data).rstrip(b'=')
            def token(alg='HS256', key=b'\(key)', **claims):
                text = part(json.dumps({'alg': alg}).encode()) + b'.' + part(json.dumps(claims).encode())
                return (text + b'.' + part(hmac.digest(key, text, hashlib.sha256))).decode()
            soon = time.time() + 60
            def connect(shown, room='main'):
                words = ['sluice', 'bearer.' + shown] if shown else ['sluice']
                url = f'ws://127.0.0.1:\(port)/peer/{room}'
                return websockets.connect(url, subprotocols=words, compression=None)
            async def status(shown, room='main'):
                try:
                    async with connect(shown, room): return 101
                except websockets.InvalidStatusCode as refused: return refused.status_code
            async def hear(socket, kind):
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 15))
                    if message['type'] == kind: return message
            async def ready(socket, **fields):
                await socket.send(json.dumps({'type': 'webrtc_ready', **fields}))
            def request(path, shown, method='GET'):
                headers = {'Authorization': 'Bearer ' + shown}
                asked = urllib.request.Request('http://127.0.0.1:\(port)' + path, method=method, headers=headers)
                try:
                    with urllib.request.urlopen(asked) as answer: return answer.status
                except urllib.error.HTTPError as error: return error.code
            async def main():
                good = token(room='main', exp=soon)
                found = [await status(one) for one in (
                    '', good, 'own-token-of-the-server', token(room='main', exp=soon, key=b'x' * 32),
                    token(room='other', exp=soon), token(room='main', exp=1), token(alg='none', room='main', exp=soon))]
                assert found == [401, 101, 101, 401, 401, 401, 401], found
                assert await status(token(room='other', exp=soon), 'other') == 101
                assert request('/api/v1/rooms', good) == 401
                assert request('/api/v1/rooms', 'own-token-of-the-server') == 200
                async with connect(token(room='main', name='alice', publish=False, exp=time.time() - 3)) as short:
                    await ready(short, name='somebody')
                    assert (await hear(short, 'participants'))['you'] == 'alice'
                    told = await hear(short, 'error')
                    assert told['what'] == 'The token has expired.', told
                async with connect(token(room='main', name='bob', publish=False, exp=soon)) as quiet:
                    await ready(quiet, microphone=True)
                    assert (await hear(quiet, 'participants'))['you'] == 'bob'
                    # One section, which its microphone would go to, and nobody takes what comes there.
                    offer = (await hear(quiet, 'webrtc_offer'))['sdp']
                    assert offer.count('m=') == 1 and 'm=video' not in offer, offer
                print('fine', file=sys.stderr)
            asyncio.run(main())
            """,
        ])
        try wait(for: "the client", said: { ["room": graph.said, "client": client.said] }, { !client.isRunning })
        #expect(client.said.hasPrefix("fine"), "\(client.said)\n\(graph.said)")
        #expect(!graph.said.contains(key) && !graph.said.contains("own-token"))
    }
}
