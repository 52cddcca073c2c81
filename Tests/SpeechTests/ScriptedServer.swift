import Foundation
import Synchronization

/// A server of OpenAI's kind that does what a test says with each request, in order, and `words` with those behind.
final class ScriptedServer: @unchecked Sendable {
    enum Act: Sendable, Equatable {
        /// The text, over the first second of the audio.
        case words(String)
        /// The answer of a model.
        case summary(String)
        case status(Int, retryAfter: Int? = nil)
        /// Of the answer that `words` would be.
        case half, huge, silent, garbage, close
    }

    struct Request: Sendable {
        /// The head, and the beginning of the body.
        var text: String
        /// Of the body.
        var size: Int
    }

    private let descriptor: Int32
    private let acts: Mutex<[Act]>
    private let last: Act
    private let seen = Mutex<[Request]>([])
    private let held = Mutex<[Int32]>([])
    let port: UInt16
    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { seen.withLock { $0 } }

    init(_ acts: [Act] = [], then last: Act = .words("words of the server")) {
        self.acts = Mutex(acts)
        self.last = last
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, size)
                listen(descriptor, 64)
                getsockname(descriptor, raw, &size)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0 else { return }
                guard let self else {
                    close(client)
                    return
                }
                Thread.detachNewThread { self.serve(client) }
            }
        }
    }

    func end() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        held.withLock { for client in $0 { close(client) } }
    }

    private func serve(_ client: Int32) {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        var wanted = Int.max
        var body = 0
        while bytes.count < wanted {
            let count = recv(client, &part, part.count, 0)
            guard count > 0 else { break }
            bytes += part.prefix(count)
            if wanted == .max, let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
                let length = head.components(separatedBy: "content-length: ").last?.prefix { $0.isNumber } ?? ""
                body = Int(length) ?? 0
                wanted = end.upperBound + body
            }
        }
        seen.withLock {
            $0.append(Request(text: String(decoding: bytes.prefix(4_096), as: Unicode.ASCII.self), size: body))
        }
        let act = acts.withLock { $0.isEmpty ? last : $0.removeFirst() }
        answer(act, client)
    }

    private func answer(_ act: Act, _ client: Int32) {
        switch act {
        case .silent: return held.withLock { $0.append(client) }
        case .close: break
        case .summary(let text):
            let body = #"{"choices":[{"index":0,"message":{"role":"assistant","content":"\#(text)"}}]}"#
            say(head(200, body.utf8.count) + body, client)
        case .words(let text): say(head(200, body(text).utf8.count) + body(text), client)
        case .half:
            let body = body("half of this")
            say(head(200, body.utf8.count) + String(body.prefix(body.count / 2)), client)
        case .garbage: say(head(200, 4) + "\u{1}{[\u{2}", client)
        case .status(let status, let retryAfter):
            let words = #"{"error":{"message":"no","code":null}}"#
            say(head(status, words.utf8.count, retryAfter.map { "Retry-After: \($0)\r\n" } ?? "") + words, client)
        case .huge:
            say(head(200, 1 << 30), client)
            let piece = String(repeating: " ", count: 1 << 16)
            var sent = 0
            while sent < 1 << 30, say(piece, client) { sent += piece.utf8.count }
        }
        close(client)
    }

    private func body(_ text: String) -> String {
        let words = text.split(separator: " ").enumerated().map { index, word in
            #"{"word":"\#(word)","start":\#(Double(index) / 10),"end":\#(Double(index) / 10 + 0.1)}"#
        }
        return #"{"text":"\#(text)","language":"english","duration":1,"words":[\#(words.joined(separator: ","))]}"#
    }

    private func head(_ status: Int, _ length: Int, _ more: String = "") -> String {
        "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\n\(more)Content-Length: \(length)\r\n"
            + "Connection: close\r\n\r\n"
    }

    @discardableResult
    private func say(_ text: String, _ client: Int32) -> Bool {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(client, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}
