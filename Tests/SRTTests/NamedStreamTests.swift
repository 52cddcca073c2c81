import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

@testable import SRTPlugin

/// Each spelling of a stream id, by programs that are not ours. At the clip's pace: what ffmpeg has not read when a
/// connection ends it does not read any more.
@Suite("Streams that are named", .serialized, .realPeers) struct NamedStreamTests {
    private let place: Place

    init() throws { place = try Place() }

    static let ids = ["camera", "publish:camera", "#!::r=camera,m=publish"]

    /// ffmpeg says what it was called with.
    @Test(arguments: ids) func aListenerIsToldItAsItIs(_ id: String) throws {
        let said = place.file("said")
        let peer = try startPeer(
            [
                "sh", "-c", "exec ffmpeg -v verbose -y -i \"$1?mode=listener\" -map 0 -c copy \"$2\" 2>\"$3\"", "sh",
                place.address, place.tape.path, said.path,
            ])
        let (outcome, report) = try execute(
            place.sender(["streamid": .string(id), "hold_ms": 20_000]))
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        let words = try String(contentsOf: said, encoding: .utf8)
        #expect(words.contains("accept streamid [\(id)], length \(id.utf8.count)"), "\(words)")
        try checkClip(place.tape)
    }

    @Test(arguments: ids) func aPublisherThatNamesTheStreamComesIn(_ id: String) throws {
        let parameters: [String: ParameterValue] = ["streamid": "camera", "reconnect": false]
        let (outcome, report) = try execute(place.receiver(parameters)) { [place] _ in
            _ = try? startPeer([
                "ffmpeg", "-v", "quiet", "-re", "-i", place.clip, "-map", "0", "-c", "copy", "-f", "mpegts",
                "-srt_streamid", id, place.address,
            ])
        }
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("connected to the caller 127.0.0.1:"), "\(report)")
        try checkClip(place.tape, cut: 6)
    }

    @Test(arguments: ["camera", "read:camera", "#!::r=camera,m=request"])
    func aReaderThatNamesTheStreamGetsIt(_ id: String) throws {
        let peer = try startPeer([
            "ffmpeg", "-v", "quiet", "-y", "-srt_streamid", id, "-i", place.address, "-map", "0", "-c", "copy",
            place.tape.path,
        ])
        let (outcome, report) = try execute(
            place.sender(["url": .string(place.listening), "streamid": "camera", "hold_ms": 20_000]))
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        try checkClip(place.tape)
    }
}
