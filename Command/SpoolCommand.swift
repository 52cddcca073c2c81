@_spi(Host) import Sluice
import Spool

/// Shows what lies in a spool of `stt-batch`, and lets dead batches wait again.
enum SpoolCommand: Subcommand {
    static let help = Help(
        name: "spool", summary: "Shows sessions, batches and dead ones of a spool of stt-batch", operands: "DIR",
        options: [
            .init(
                name: "--retry", value: nil, help: "let dead batches wait again: the next run with the spool sends them"
            ),
            .init(name: "--json", value: nil, help: "print one JSON object"),
        ],
        details: "Exit status 1: something has no text yet.",
        example: "sluice spool spool")

    static func run(_ arguments: Arguments) throws -> Int32 {
        let root = try arguments.operand()
        let disk = DirectoryDisk(root)
        do {
            guard disk.isFolder("") else {
                throw NodeError("\"\(root)\" is no directory", advice: "Name a spool.", isInputError: true)
            }
            if !arguments.all("--retry").isEmpty { try retry(disk) }
            let summary = try SpoolSummary(disk)
            Console.answer(arguments.all("--json").isEmpty ? text(summary) : json(summary))
            return summary.isDelivered ? 0 : 1
        } catch let fault as DiskFault {
            throw NodeError(fault.words, isInputError: true)
        }
    }

    private static func retry(_ disk: DirectoryDisk) throws {
        for summary in try SpoolSummary(disk).sessions
        where !summary.dead.isEmpty || summary.digest?.state == .dead {
            do throws(SpoolSession.Fault) {
                let session = try SpoolSession(recovering: summary.name, disk)
                defer { session.close() }
                let count = (try? session.revive()) ?? 0
                Console.say("\(summary.name): \(count) dead \(count == 1 ? "batch waits" : "batches wait") again\n")
            } catch .taken {
                Console.say("\(summary.name): a run has it; end that run first\n")
            } catch .index(let fault) {
                Console.say("\(summary.name): \(fault.words)\n")
            } catch .disk(let fault) {
                Console.say("\(summary.name): \(fault.words)\n")
            }
        }
    }

    private static func text(_ summary: SpoolSummary) -> String {
        guard !summary.sessions.isEmpty else { return "no session\n" }
        var text = ""
        for session in summary.sessions {
            text += session.name
            if let fault = session.fault {
                text += ": \(fault)\n"
                continue
            }
            let state = session.isInUse ? "in use" : session.isEnded ? "ended" : "left by a process"
            text += ": \(state), \(count(session.stored, "batch", "batches")) stored"
            if session.waiting > 0 { text += ", \(session.waiting) waiting" }
            if !session.dead.isEmpty { text += ", \(session.dead.count) dead" }
            if let digest = session.digest { text += ", summary \(digest.state.rawValue)" }
            if session.chunks > 0 {
                let seconds = Int(session.seconds.rounded())
                text += ", \(count(session.chunks, "chunk", "chunks")) of \(seconds) s without text"
            }
            text += "\n"
            for dead in session.dead { text += "  dead \(dead.job.key): \(dead.why)\n" }
        }
        return text
    }

    private static func count(_ number: Int, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }

    private static func json(_ summary: SpoolSummary) -> String {
        var writer = JSONValue.Writer()
        writer.object { all in
            all.key("delivered", summary.isDelivered)
            all.key("sessions") { list in
                list.array { list in
                    for session in summary.sessions {
                        list.element { element in
                            element.object { write(session, to: &$0) }
                        }
                    }
                }
            }
        }
        return writer.text + "\n"
    }

    private static func write(_ session: SpoolSummary.Session, to object: inout JSONValue.Writer) {
        object.key("session", session.name)
        object.key("in_use", session.isInUse)
        object.key("ended", session.isEnded)
        object.key("chunks", session.chunks)
        object.key("waiting_s", session.seconds, places: 3)
        object.key("waiting", session.waiting)
        object.key("stored", session.stored)
        object.key("dead") { list in
            list.array { list in
                for dead in session.dead {
                    list.element { element in
                        element.object {
                            $0.key("job", dead.job.key.description)
                            $0.key("tries", dead.job.tries)
                            $0.key("why", dead.why)
                        }
                    }
                }
            }
        }
        if let digest = session.digest { object.key("summary", digest.state.rawValue) }
        if let fault = session.fault { object.key("fault", fault) }
    }
}
