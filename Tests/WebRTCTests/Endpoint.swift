import Foundation
import TestSupport
import Testing

/// An answer of the HTTP port.
struct Answered {
    let status: Int
    /// With small names.
    let fields: [(name: String, value: String)]
    let body: String

    subscript(_ name: String) -> String? { fields.first { $0.name == name.lowercased() }?.value }
    func all(_ name: String) -> [String] { fields.filter { $0.name == name.lowercased() }.map(\.value) }

    /// curl's output with headers.
    init?(_ text: String) {
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts.first?.split(separator: "\r\n") ?? []
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        self.status = status
        fields = lines.dropFirst().map { line in
            let sides = line.split(separator: ":", maxSplits: 1)
            return (sides[0].lowercased(), sides.count > 1 ? sides[1].trimmingCharacters(in: .whitespaces) : "")
        }
        body = parts.count > 1 ? String(parts[1]) : ""
    }
}

/// A graph with an endpoint of WHIP or WHEP at a real port.
final class Endpoint {
    enum Kind: String, CaseIterable {
        case whip
        case whep
    }

    let kind: Kind
    let process: PeerProcess
    let port: Int
    /// `/whip/letter`
    let path: String

    init(_ kind: Kind, _ settings: [String] = [], environment: [String: String] = [:]) throws {
        self.kind = kind
        port = Ports.four()
        path = kind == .whip ? "/whip/letter" : "/whep/talk"
        let graph = kind == .whip ? "whip" : "talk"
        let variables = environment.map { "\($0.key)=\($0.value)" }
        process = try PeerProcess(
            ["env"] + variables + [
                Built.file("sluice").path, "run", Built.root.appending(path: "graphs/\(graph).json").path, "--set",
                "listen=127.0.0.1:\(port)", "--set", "media=127.0.0.1:\(port + 1)", "--for", "50s",
            ] + settings.flatMap { ["--set", $0] })
        let process = process
        try wait(for: "the port", said: { [graph: process.said] }, { process.said.contains("in a browser") })
    }

    deinit { process.terminate() }

    func ask(
        _ method: String, _ path: String? = nil, _ fields: [String] = [], body: String? = nil
    ) throws -> Answered {
        let words =
            ["curl", "-sS", "-i", "--max-time", "20", method == "HEAD" ? "--head" : "-X"]
            + (method == "HEAD" ? [] : [method]) + fields.flatMap { ["-H", $0] }
            + (body == nil ? [] : ["-H", "Expect:", "--data-binary", "@-"])
            + ["http://127.0.0.1:\(port)\(path ?? self.path)"]
        let output = try FFmpeg.run(words, feeding: Array((body ?? "").utf8))
        return try #require(Answered(String(decoding: output, as: UTF8.self)))
    }

    var offer: String {
        guard kind == .whep else { return Offers.publisher }
        let start = Offers.chromium.range(of: "m=video")!.lowerBound
        let end = Offers.chromium.range(of: "m=audio")!.lowerBound
        var text = Offers.chromium
        text.removeSubrange(start..<end)
        // A microphone, which the graph needs.
        return text.replacing("BUNDLE 0 1", with: "BUNDLE 1").replacing("a=recvonly", with: "a=sendrecv")
    }

    func post(_ offer: String? = nil, _ fields: [String] = []) throws -> Answered {
        try ask("POST", nil, ["Content-Type: application/sdp"] + fields, body: offer ?? self.offer)
    }

    /// A session that has begun.
    func session() throws -> (path: String, tag: String, answer: Answered) {
        let answer = try post()
        try #require(answer.status == 201, "\(answer.status) \(answer.body) \(process.said)")
        return (try #require(answer["Location"]), try #require(answer["ETag"]), answer)
    }

    static let fragmentType = "Content-Type: application/trickle-ice-sdpfrag"

    func patch(_ path: String, _ match: String?, _ body: String, type: String = fragmentType) throws -> Answered {
        try ask("PATCH", path, [type] + (match.map { ["If-Match: \($0)"] } ?? []), body: body)
    }

    /// Candidates of the credentials that the offer has.
    static let trickle = """
        a=ice-ufrag:abcd
        a=ice-pwd:abcdefghijklmnopqrstuvwx
        m=audio 9 UDP/TLS/RTP/SAVPF 0
        a=mid:0
        a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host
        a=candidate:2 1 UDP 2130706431 a9b2c3.local 50000 typ host
        a=candidate:3 1 SCTP 2130706431 nowhere.invalid 50000 typ host
        a=end-of-candidates

        """.replacing("\n", with: "\r\n")

    static let restart = """
        a=ice-ufrag:efgh
        a=ice-pwd:zyxwvutsrqponmlkjihgfedc
        m=audio 9 UDP/TLS/RTP/SAVPF 0
        a=mid:0
        a=candidate:1 1 UDP 2130706431 192.0.2.1 50001 typ host

        """.replacing("\n", with: "\r\n")
}

/// The value of a line of a description.
func line(_ name: String, of text: String) -> String? {
    text.split(separator: "\r\n").first { $0.hasPrefix("a=\(name):") }.map { String($0.dropFirst(name.count + 3)) }
}
