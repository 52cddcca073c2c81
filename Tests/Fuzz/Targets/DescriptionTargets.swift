import RTP
import Sluice

@testable import RTPPlugin

let descriptionTargets = [FuzzTarget("sdp", "A session description and what rtp-input makes of it", run: description)]

private func description(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.utf8.count + 1
    do throws(SessionDescription.Fault) {
        let description = try SessionDescription(parsing: text)
        for kind in ["video", "audio"] {
            guard let media = try? InputMedia(kind, in: description, of: "x.sdp") else { continue }
            mustHold((1...65_535).contains(media.port), "port \(media.port)")
            if let format = media.knownFormat { _ = "\(format)" }
            if let rate = media.frameRate { mustHold(rate.numerator > 0 && rate.denominator > 0, "\(rate)") }
        }
    } catch { mustHold((1...lines).contains(error.line), "line \(error.line) of \(lines)") }
}
