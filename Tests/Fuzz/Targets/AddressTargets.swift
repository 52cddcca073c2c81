import Sluice

@testable import SRTPlugin

let addressTargets = [
    FuzzTarget("srt-stream-id", "A caller's stream id", longest: 600, run: streamID),
    FuzzTarget("srt-url", "Where an SRT connection begins or ends", longest: 1_024, run: address),
]

private func streamID(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    _ = StreamID(text)
    let shown = StreamID.shown(text)
    mustHold(!shown.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }, "control characters are not shown")
    mustHold(shown.count <= 80, "\(shown.count) characters are shown")
}

private func address(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    for text in [text, "srt://" + text] {
        do {
            let address = try SRTAddress(text)
            mustHold(address.port > 0, "a port")
            mustHold(address.mode == .listener || !address.host.isEmpty, "a host to call")
            _ = try address.options(SRTOptions())
        } catch {}
    }
}
