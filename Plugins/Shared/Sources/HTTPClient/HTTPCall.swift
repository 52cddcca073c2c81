import CCurl
import Glibc
import HTTPFields
import Sluice
import Synchronization

/// One request to a server, by libcurl. `perform` blocks: call it on a worker's thread (`NodeContext.ask`), and
/// `cancel` from any.
public final class HTTPCall: Sendable {
    /// An answer, whatever its status.
    public struct Answer: Sendable {
        /// 100 to 599.
        public var status: Int
        /// Of the last answer, behind redirections.
        public var headers: HTTPHeaders
        /// At most a mebibyte.
        public var body: [UInt8]
        /// The address that answered, behind redirections.
        public var url: String

        /// One as tests make it.
        public init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = [], url: String) {
            (self.status, self.headers, self.body, self.url) = (status, headers, body, url)
        }

        /// The body as text; nil where it is no UTF-8.
        public var text: String? { String(validating: body, as: UTF8.self) }
        /// The target of `Location`, made whole where it is relative; nil where there is none, or none for HTTP.
        public var location: String? { headers["Location"].flatMap { HTTPCall.resolve($0, against: url) } }
    }

    private let method: HTTPMethod
    private let url: String
    private let headers: HTTPHeaders
    private let body: [UInt8]?
    private let timeout: Interval
    private let isOver = Atomic<Bool>(false)
    private let isReached = Atomic<Bool>(false)

    private static let mostBytes = 1 << 20
    /// Loads libcurl's libraries, once in the process.
    private static let start: Void = { _ = curl_global_init(Int(CURL_GLOBAL_ALL)) }()

    /// `timeout` is the time from the call to the whole answer.
    public init(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil,
        timeout: Interval = .seconds(10)
    ) {
        (self.method, self.url, self.headers, self.body, self.timeout) = (method, url, headers, body, timeout)
    }

    /// Ends `perform` within a second, with an error.
    public func cancel() { isOver.store(true, ordering: .relaxed) }

    /// Behind `perform`: the request could be sent. False where the name, the connection or TLS failed.
    public var wasReached: Bool { isReached.load(ordering: .relaxed) }

    /// Waits for the whole answer. Throws `NodeError` where there is none; its words hold no header and no part of the
    /// address but the host.
    public func perform() throws -> Answer {
        _ = HTTPCall.start
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        // curl asks for leave before it sends a body of some size, and waits a second for it.
        for field in headers.fields + [.init("Expect", "")] {
            list = curl_slist_append(list, "\(field.name):\(field.value.isEmpty ? "" : " ")\(field.value)")
        }
        var answer = ccurl_answer()
        defer { ccurl_free(&answer) }
        method.rawValue.withCString { method in
            url.withCString { url in
                (body ?? []).withUnsafeBytes { bytes in
                    var request = ccurl_request()
                    (request.method, request.url, request.headers) = (method, url, list)
                    if body != nil {
                        request.body = bytes.baseAddress ?? UnsafeRawPointer(url)
                        request.body_size = bytes.count
                    }
                    request.total_ms = Int(timeout.nanoseconds / 1_000_000)
                    request.connect_ms = request.total_ms
                    request.answer_limit = HTTPCall.mostBytes
                    request.owner = Unmanaged.passUnretained(self).toOpaque()
                    request.is_over = { owner in
                        let call = Unmanaged<HTTPCall>.fromOpaque(owner!).takeUnretainedValue()
                        return call.isOver.load(ordering: .relaxed) ? 1 : 0
                    }
                    ccurl_perform(&request, &answer)
                }
            }
        }
        isReached.store(answer.was_reached != 0, ordering: .relaxed)
        guard answer.code == CURLE_OK else { throw failure(&answer) }
        return read(&answer)
    }

    private func read(_ answer: inout ccurl_answer) -> Answer {
        var headers = HTTPHeaders()
        var field = ccurl_field(&answer, nil)
        while let known = field {
            headers.add(String(cString: known.pointee.name), String(cString: known.pointee.value))
            field = ccurl_field(&answer, known)
        }
        let bytes = UnsafeRawBufferPointer(start: answer.body, count: answer.body_size)
        let address = ccurl_address(&answer).map { String(cString: $0) } ?? url
        return Answer(status: Int(answer.status), headers: headers, body: Array(bytes), url: address)
    }

    private func failure(_ answer: inout ccurl_answer) -> NodeError {
        let told = withUnsafeBytes(of: &answer.error) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let words =
            answer.is_too_long != 0
            ? "its answer is longer than \(HTTPCall.mostBytes >> 20) MiB"
            : isOver.load(ordering: .relaxed)
                ? "the call was given up" : told.isEmpty ? String(cString: curl_easy_strerror(answer.code)) : told
        let isWrong = [CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL].contains(answer.code)
        return NodeError(
            "\(HTTPCall.host(of: url)): \(words)",
            advice: isWrong ? "Write an address of HTTP: https://HOST/PATH." : "", isInputError: isWrong)
    }

    /// Host and port of an address, for messages: no user, no password and no query.
    public static func host(of url: String) -> String {
        let rest = url.range(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let authority = rest.prefix { !"/?#".contains($0) }
        return String(authority.split(separator: "@").last ?? "a server without a name")
    }

    /// `reference` as seen from `base` (RFC 3986, section 5); nil where it is none, or not of HTTP.
    static func resolve(_ reference: String, against base: String) -> String? {
        guard let url = curl_url() else { return nil }
        defer { curl_url_cleanup(url) }
        guard curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK,
            curl_url_set(url, CURLUPART_URL, reference, 0) == CURLUE_OK
        else { return nil }
        var whole: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK, let whole else { return nil }
        defer { curl_free(whole) }
        let text = String(cString: whole)
        return text.hasPrefix("http://") || text.hasPrefix("https://") ? text : nil
    }
}

extension String {
    /// The first place of `text`.
    fileprivate func range(of text: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(text) { return at..<index(at, offsetBy: text.count) }
            at = index(after: at)
        }
        return nil
    }
}
