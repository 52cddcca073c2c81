import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import RawPlugin

extension RawSuite {
    @Suite struct LossTests {
        /// Raw video has no header: neither the shape of pixels nor fields can stand there.
        @Test func whatRawVideoCannotSayIsWarnedOfOnce() throws {
            let scratch = try Scratch()
            let layout = VideoLayout(width: 32, height: 16, pixelFormat: .i420, pixelAspect: .init(64, 45))
            let format = MediaFormat(video: layout)
            let frames = (0..<3).map { _ in VideoFrame(format: format) }
            for frame in frames { frame.header.flags.insert(.interlaced) }
            let harness = try NodeHarness(
                RawVideoOutput.self, parameters: ["path": .string(scratch.url.appending(path: "out.raw").path)],
                announcing: ["in": format])
            harness.push(frames)
            #expect(harness.finish() == .finished)
            let said = harness.events.map(\.what)
            #expect(said.filter { $0.contains("pixels are to be shown 64:45, and raw video cannot say so") }.count == 1)
            #expect(said.filter { $0.contains("interlaced and are written as if they were whole") }.count == 1)
        }
    }
}
