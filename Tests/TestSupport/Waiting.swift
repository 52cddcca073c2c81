import Foundation
import Testing

/// Something that a test waited for has not come.
public struct NotInTime: Error, CustomStringConvertible {
    /// The wait's aim, its length, and the words of all sides meanwhile.
    public let description: String
}

/// Waits for what another thread or process does, where nothing else can tell. A test never waits for time to pass.
///
/// - Parameters:
///   - what: told if it does not come: "rtp-input's port".
///   - seconds: what a machine with far more to do may need. Nothing waits so long where all is well.
///   - said: what both sides have said so far, each with a name; asked for when it is told.
/// - Throws: `NotInTime`.
public func wait(
    for what: String, atMost seconds: Double = 30, said: () -> [String: String] = { [:] }, _ holds: () throws -> Bool
) throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while try !holds() {
        guard clock.now < end else {
            let words = said().sorted { $0.key < $1.key }.map {
                "\n\($0.key) said:\n\($0.value.isEmpty ? "nothing" : $0.value)"
            }
            throw NotInTime(description: "\(what) did not come within \(seconds) s\(words.joined())")
        }
        usleep(5_000)
    }
}

/// Waits until a process has ended; one that does not is killed.
///
/// - Throws: `NotInTime`.
public func wait(
    forEndOf process: Process, named name: String, atMost seconds: Double = 60,
    said: () -> [String: String] = { [:] }
) throws {
    do {
        try wait(for: "the end of \(name)", atMost: seconds, said: said) { !process.isRunning }
    } catch {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        throw error
    }
}
