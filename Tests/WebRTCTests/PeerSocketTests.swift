import Foundation
import TestSupport
import Testing

/// The WebSocket at `/peer/NAME` of a graph that runs, with clients that are no browsers: Debian's python3-websockets.
@Suite("Sockets of peers", .realPeers) struct PeerSocketTests {
    /// The body of an async function that has `connect()`, `hear(socket)` and `tell(socket, …)`; it says `fine` in the
    /// end.
    private func talk(_ body: String) throws -> String {
        let (graph, port, _) = try ViewerTests().viewer()
        defer { graph.terminate() }
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
        let client = try PeerProcess([
            "/usr/bin/python3", "-c",
            """
            import asyncio, json, sys, websockets
            def connect():
                return websockets.connect('ws://127.0.0.1:\(port)/peer/viewer', subprotocols=['sluice'], compression=None)
            async def hear(socket):
                return json.loads(await asyncio.wait_for(socket.recv(), 15))
            async def tell(socket, **fields):
                await socket.send(json.dumps(fields))
            async def offered(socket):
                # The first picture may not have been encoded yet.
                await tell(socket, type='webrtc_ready')
                while (message := await hear(socket))['type'] == 'error' and 'has not begun' in message['what']:
                    await asyncio.sleep(1.5)
                    await tell(socket, type='media_reset')
                return message
            async def main():
            \(lines.joined(separator: "\n"))
                print('fine', file=sys.stderr)
            asyncio.run(main())
            """,
        ])
        try wait(for: "the client", said: { ["graph": graph.said, "client": client.said] }, { !client.isRunning })
        return client.said + (client.said.hasPrefix("fine") ? "" : graph.said)
    }

    @Test func nonsenseIsAnsweredAndAtLastClosesTheSocketWhileOthersDoNotNotice() throws {
        let said = try talk(
            """
            async with connect() as calm, connect() as wild:
                assert (await offered(calm))['type'] == 'webrtc_offer'
                for number in range(16):
                    await wild.send('nonsense')
                    answer = await hear(wild)
                    assert answer['type'] == 'error' and answer['what'].endswith('.'), answer
                await wild.send('nonsense')
                try:
                    await hear(wild)
                    assert False, 'it is open'
                except websockets.ConnectionClosed as closed:
                    assert closed.code == 1008, closed
                await tell(calm, type='webrtc_answer', sdp='hello')
                answer = await hear(calm)
                assert answer['type'] == 'error' and not answer['connection_over'], answer
            """)
        #expect(said.hasPrefix("fine"), "\(said)")
    }

    @Test func messagesInAnyOrderAndHalfOnesLeaveTheOfferStanding() throws {
        let said = try talk(
            """
            async with connect() as socket:
                for words in ['{"type":"webrtc_answer","sdp":"v=0"}', '{"type":"media_reset"}', '{"type":"renegot']:
                    await socket.send(words)
                    assert (await hear(socket))['type'] == 'error'
                offer = await offered(socket)
                assert offer['generation'] >= 1 and offer['new_connection'] and 'a=ice-lite' in offer['sdp']
                assert 'a=candidate' in offer['sdp'] and 'a=recvonly' not in offer['sdp']
                await tell(socket, type='webrtc_answer', generation=99, sdp='v=0')
                assert '"generation"' in (await hear(socket))['what']
                await tell(socket, type='media_reset')
                again = await hear(socket)
                assert again['type'] == 'webrtc_offer' and again['generation'] == offer['generation'] + 1
            """)
        #expect(said.hasPrefix("fine"), "\(said)")
    }

    @Test func aFloodLosesItselfAloneAndAMessageThatIsTooLongToo() throws {
        let said = try talk(
            """
            async with connect() as calm, connect() as flood, connect() as long:
                offer = await offered(calm)
                try:
                    for _ in range(20):
                        await flood.send('{"type":"stats"}' * 1000)
                    for _ in range(50_000):
                        await flood.send('{')
                    while True:
                        await hear(flood)
                except websockets.ConnectionClosed as closed:
                    assert closed.code in (1006, 1008, 1013), closed
                await long.send('x' * 65_537)
                try:
                    await hear(long)
                    assert False, 'it is open'
                except websockets.ConnectionClosed as closed:
                    assert closed.code == 1009, closed
                await tell(calm, type='media_reset')
                assert (await hear(calm))['generation'] == offer['generation'] + 1
            """)
        #expect(said.hasPrefix("fine"), "\(said)")
    }
}
