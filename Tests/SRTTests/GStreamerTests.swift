import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

@testable import SRTPlugin

/// GStreamer as sender and as receiver, each side calling and each side listening.
@Suite("GStreamer as a peer", .serialized, .realPeers) struct GStreamerTests {
    private let place: Place

    init() throws { place = try Place() }

    /// Sends the clip at its pace, untouched.
    private func sender(_ mode: String) -> [String] {
        [
            "gst-launch-1.0", "-q", "filesrc", "location=\(place.clip)", "!", "tsparse", "set-timestamps=true",
            "alignment=7", "!", "srtsink", "uri=\(place.address)?mode=\(mode)", "latency=60",
        ]
    }

    /// Decodes what it receives: pictures as i420, audio as s16le, both one behind the other.
    private func receiver(_ mode: String) -> [String] {
        [
            "gst-launch-1.0", "-q", "srtsrc", "uri=\(place.address)?mode=\(mode)", "latency=60",
            "keep-listening=false", "auto-reconnect=false", "!", "tsdemux", "name=streams", "streams.", "!", "queue",
            "!", "h264parse", "!", "avdec_h264", "!", "videoconvert", "!",
            "video/x-raw,format=I420", "!", "filesink", "location=\(place.file("pictures").path)", "buffer-mode=2",
            "streams.", "!", "queue", "!", "opusparse", "!", "opusdec", "!", "audioconvert", "!",
            "audio/x-raw,format=S16LE,channels=1", "!", "filesink", "location=\(place.file("audio").path)",
            "buffer-mode=2",
        ]
    }

    private func receive(by url: String, from mode: String) throws {
        let parameters: [String: ParameterValue] = ["url": .string(url), "reconnect": false, "latency_ms": 60]
        let (outcome, report) = try execute(place.receiver(parameters)) { _ in _ = try? startPeer(sender(mode)) }
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("sends h264 and opus"), "\(report)")
        // srtsink closes when the last datagram is in its socket, not when it has arrived.
        try checkClip(place.tape, cut: 10)
    }

    @Test func srtInputListensToSrtsink() throws { try receive(by: place.listening, from: "caller") }

    @Test func srtInputCallsSrtsink() throws { try receive(by: place.address, from: "listener") }

    private func send(by url: String, to mode: String) throws {
        let peer = try startPeer(receiver(mode))
        let parameters: [String: ParameterValue] = ["url": .string(url), "hold_ms": 20_000, "latency_ms": 60]
        let (outcome, report) = try execute(place.sender(parameters))
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        let pictures = try [UInt8](Data(contentsOf: place.file("pictures")))
        let found = numbers(pictures, width: 320, height: 180)
        // To a srtsrc that called, the connection's end is an error: its parser keeps the last picture.
        #expect(
            found == Array(0..<found.count) && (mode == "caller" ? [59, 60] : [60]).contains(found.count), "\(found)")
        let audio = try Data(contentsOf: place.file("audio"))
        #expect(abs(audio.count / 2 - 2 * 48_000) < 4_000)
    }

    @Test func srtOutputListensToSrtsrc() throws { try send(by: place.listening, to: "caller") }

    @Test func srtOutputCallsSrtsrc() throws { try send(by: place.address, to: "listener") }
}
