import Foundation
import TestSupport
import Testing

/// Graph `room` with real browsers, each with a tone of its own for a microphone, and with clients that are none.
@Suite("Rooms", .realPeers) struct RoomTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    private func room(_ settings: [String] = []) throws -> (graph: PeerProcess, port: Int) {
        let (graph, port, _) = try ViewerTests().viewer("room", settings, ready: "in two browsers")
        return (graph, port)
    }

    private func play<Found: Decodable>(_ scenario: String) throws -> Found {
        let (graph, port) = try room()
        defer { graph.terminate() }
        let output = FileManager.default.temporaryDirectory.appending(path: "sluice-room-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let driver = RoomTests.folder.appending(path: "Browser/room.py").path
        let browser = try PeerProcess(
            ["/usr/bin/python3", driver, "http://127.0.0.1:\(port)/", scenario], output: output)
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

    @Test func aCameraComesAndGoesWhileTheSoundGoesOn() throws {
        let found: Camera = try play("camera")
        #expect(found.two.right == ["alice": ["bob"], "bob": ["alice"]] && found.after.right == found.two.right)
        #expect(found.counts.pictures["alice"] == 320 && found.counts.freezes == 0)
        #expect(found.dark)
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
}
