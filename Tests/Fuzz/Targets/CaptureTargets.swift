import Glibc
import Sluice

@testable import Command

let captureTargets = [
    FuzzTarget("pcap", "A capture file and the RTP in it", longest: 8_192, run: capture),
    FuzzTarget("pcap-frame", "One captured frame", longest: 256, run: frame),
]

/// libpcap reads files alone.
private func capture(_ bytes: UnsafeRawBufferPointer) {
    let descriptor = memoryFile(bytes)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var timing = RTPTiming()
    do throws(NodeError) {
        _ = try PacketCapture.read("/proc/self/fd/\(descriptor)") { time, link, bytes in
            if let header = CapturedPacket(bytes, link: link) { timing.note(header, at: time) }
        }
    } catch { mustHold(!error.message.isEmpty, "a reason") }
    for clock in [nil, 90_000.0] { _ = timing.streams(clock: clock) }
}

/// A file that has lost its name already.
private func memoryFile(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    var name = Array("/dev/shm/sluice-fuzz-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else { return -1 }
    unlink(name)
    guard write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else {
        close(descriptor)
        return -1
    }
    return descriptor
}

private func frame(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let links: [Int32] = [0, 1, 12, 14, 101, 108, 113, 276]
    let link = links[Int(input.byte()) % links.count]
    guard let header = CapturedPacket(input.rest, link: link) else { return }
    mustHold(header.count >= 12 && header.count <= bytes.count, "the packet lies inside the frame")
    var timing = RTPTiming()
    for index in 0..<12 { timing.note(header, at: Int64(index) * 20_000) }
    _ = timing.streams(clock: nil)
}
