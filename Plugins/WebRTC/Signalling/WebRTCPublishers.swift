import DTLS
import HTTP
import ICE
import Negotiation
import RTP
import Sluice

/// Takes publishers by WHIP (RFC 9725), each under the name in its path, and starts an instance of a template for each,
/// which is handed the peer.
public final class WebRTCPublishers: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-publishers", summary: "Takes publishers (WHIP) and starts a template for each", traits: .live,
        example: #""publishers": { "type": "webrtc-publishers", "template": "room" }"#)

    @Parameter(
        "template", default: "room", startsTemplateWith: ["name"],
        help: "The template that is started for each publisher. It is given the name of /whip/NAME.")
    var template: String
    @Parameter(
        "max_publishers", default: 20, range: 1...10_000, help: "The most publishers at a time. More get 503.")
    var mostPublishers: Int
    @Parameter(
        "codecs", default: "vp8,h264",
        help: "The codecs of video that are taken, with commas between them, the best first: vp8, h264.")
    var codecNames: String
    @Parameter(
        "replace", default: true,
        help: "A publisher takes the place of the one who has its name. false refuses it with 409.")
    var replaces: Bool
    @Parameter(
        "page_path", default: "/",
        help: "The path of the page that publishes a camera and a microphone. Empty serves none.")
    var pagePath: String
    @Parameter(
        "watch", default: "",
        help: "The path under which a page for each name plays what comes of it: /watch serves /watch/NAME. "
            + "Empty serves none.")
    var watch: String

    /// The one who has a name.
    private struct Publisher {
        let instance: NodeContext.Instance
        let link: PeerLink
        /// Its connection is over: the instance may say why until then.
        var stops: Instant?
    }

    private var context: NodeContext!
    private var port: WebRTCPort!
    private var requests: NodeContext.Inbox<HTTPExchange>!
    /// Numbers of links that are over.
    private var endings: NodeContext.Inbox<Int>!
    private var leases: [HTTPLease] = []
    private var desk: SessionDesk!
    private var codecs: [MediaCodec] = []
    private var publishers: [String: Publisher] = [:]
    private var metrics: (taken: Metric.Counter, refused: Metric.Counter)!
    private var refusals = RefusalLog()

    /// Nodes of the instance have so long to say why.
    static let patience = Interval.milliseconds(300)

    public init() {}

    public static var metrics: [Metric] {
        [
            .counter("publishers_taken", "Publishers whose offer was answered."),
            .counter("publishers_refused", "Publishers whose offer was refused."),
        ]
    }

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard let http = try context.service((any HTTPService).self) else {
            throw NodeError(
                "there is no HTTP service, by which publishers come",
                advice: "Install the plugin HTTP beside this one.", isInputError: true)
        }
        guard let port = try context.service(WebRTCPort.self) else {
            throw NodeError("there is no WebRTC port", isInputError: true)
        }
        self.port = port
        codecs = try readCodecs()
        metrics = (context.counter("publishers_taken"), context.counter("publishers_refused"))
        let requests = context.inbox(of: HTTPExchange.self, capacity: 256)
        self.requests = requests
        endings = context.inbox(of: Int.self, capacity: 1_024)
        desk = SessionDesk(.publishers, most: mostPublishers)
        leases = [
            try http.serve(
                HTTPRoute(
                    .post, .get, path: "/whip/{name}", exposes: SessionDesk.exposed,
                    optionsHeaders: SessionDesk.options),
                HTTPRoute(.patch, .delete, .get, path: "/whip/{name}/{session}", exposes: SessionDesk.exposed),
                to: requests, of: context.handle)
        ]
        if !pagePath.isEmpty {
            let text = PublishPage.html(watch: watch)
            leases.append(
                try http.serve([HTTPContent(pagePath, type: "text/html; charset=utf-8", text)], for: context.name))
        }
        if !watch.isEmpty {
            var route = HTTPRoute(.get, path: "\(watch)/{watched}")
            // A page is shown to everybody: it asks for the token.
            route.needsToken = false
            leases.append(try http.serve(route, to: requests, of: context.handle))
        }
        context.runsUntilStopped()
        let publishing = pagePath.isEmpty ? "publish" : "open \(http.address)\(pagePath) in a browser, or publish"
        let watching = watch.isEmpty ? "" : "; \(http.address)\(watch)/NAME plays it"
        context.log(.info, "\(publishing) by WHIP to \(http.address)/whip/NAME\(watching)")
    }

    public func process(now: Instant) throws {
        while let exchange = requests.next() { answer(exchange) }
        while let number = endings.next() {
            for (name, publisher) in publishers where publisher.link.number == number && publisher.stops == nil {
                publishers[name]?.stops = now + WebRTCPublishers.patience
            }
        }
        stopEnded(now)
    }

    public func close() {
        for lease in leases { lease.end() }
        // Their links are not the node's to keep once the run is over.
        publishers = [:]
    }

    /// All that was started for a publisher ends with it, its viewers' sessions too.
    private func stopEnded(_ now: Instant) {
        var next = Instant.distantFuture
        for (name, publisher) in publishers {
            if publisher.instance.isOver {
                publishers[name] = nil
            } else if let stops = publisher.stops {
                if stops <= now { publisher.instance.stop() } else { next = min(next, stops) }
            }
        }
        if next < .distantFuture { context.wake(at: next) }
    }

    private func readCodecs() throws -> [MediaCodec] {
        let known: [String: MediaCodec] = ["vp8": .vp8, "h264": .h264]
        let names = codecNames.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
        for name in names where known[name] == nil {
            throw NodeError(
                "codecs has \"\(name)\", which is not taken", advice: "Write vp8, h264, or both.", isInputError: true)
        }
        guard !names.isEmpty else {
            throw NodeError("codecs is empty", advice: "Write vp8, h264, or both.", isInputError: true)
        }
        return names.compactMap { known[$0] }
    }

    // MARK: Publishers

    private func answer(_ exchange: HTTPExchange) {
        let request = exchange.request
        let name = request.names["watched"] ?? request.names["name"] ?? ""
        guard PublisherName.isValid(name) else {
            exchange.answer(PublisherName.refusal.response)
            return
        }
        guard request.names["watched"] == nil else {
            let text = ViewerPage.html(path: "/whep/\(name)", takesMicrophone: false)
            exchange.answer(HTTPResponse(200, "text/html; charset=utf-8", text))
            return
        }
        let holder = publishers[name].flatMap { $0.instance.isOver ? nil : $0 }
        switch desk.read(request, replacing: holder != nil) {
        case .answer(let response): exchange.answer(response)
        case .leave(let session):
            context.log(.info, "\(session.instance.name) is ended by its publisher")
            session.instance.stop()
            exchange.answer(HTTPResponse(200))
        case .change(let number, let fragment):
            exchange.answer(
                desk.change(number, fragment, candidates: port.candidates.map(\.line)) {
                    port.restart($0, local: $1, remoteFragment: $2)
                })
        case .join(let offer): join(offer, name, after: holder, exchange)
        }
    }

    private func join(_ offer: String, _ name: String, after holder: Publisher?, _ exchange: HTTPExchange) {
        let peer = exchange.request.peer
        do throws(WHEPRefusal) {
            guard replaces || holder == nil else {
                throw WHEPRefusal(409, "Somebody publishes as \(name): choose another name, or end that session.")
            }
            let answer = try PublisherAnswer(to: offer, codecs: codecs, candidates: port.candidates.map(\.line))
            guard let link = port.add(answer.transport) else {
                throw WHEPRefusal(503, "Too many peers are connecting: try again soon.", ["Retry-After": "1"])
            }
            if let holder {
                context.log(.info, "\(peer) publishes as \(name) in the place of another")
                holder.instance.stop()
            }
            let instance = context.start(
                template, parameters: ["name": .string(name)], resource: answer.session(link, peer: peer),
                after: holder?.instance)
            publishers[name] = Publisher(instance: instance, link: link)
            let (number, inbox) = (link.number, endings)
            link.listen(toMedia: false) { event in
                guard case .ended = event else { return true }
                return inbox?.post(number) ?? true
            }
            metrics.taken.add()
            refusals.forget(peer)
            exchange.answer(
                desk.add(
                    instance, link, name: name, remoteFragment: answer.transport.remoteFragment, answer: answer.text,
                    links: port.iceServers.links))
        } catch {
            metrics.refused.add()
            if refusals.isNew(error.words, for: peer) {
                context.log(.warning, "\(peer) is refused (\(error.status)): \(error.words)")
            }
            exchange.answer(error.response)
        }
    }
}

/// A name in an address of WHIP or WHEP: it becomes a part of paths.
enum PublisherName {
    static func isValid(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    static let refusal = WHEPRefusal(
        404, "A name has 1 to 64 letters, digits, and the signs - _ . and begins with no full stop.")
}
