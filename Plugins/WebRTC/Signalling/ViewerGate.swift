import DTLS
import ICE
import Sluice

/// The way in that all viewers share, however they come: into the port, into an instance of the template, and into the
/// count. Of the node's lane.
final class ViewerGate {
    /// News of a viewer's connection.
    struct News: Sendable {
        /// The port's number of the peer.
        let number: Int
        let event: PeerLink.Event
    }

    private struct Viewer {
        let instance: NodeContext.Instance
        let link: PeerLink
        var isConnected = false
    }

    private let context: NodeContext
    private let port: WebRTCPort
    private let template: String
    private let most: Int
    /// Those who come, in sentences: `viewers`.
    private let noun: String
    private let inbox: NodeContext.Inbox<News>
    private let taken: Metric.Counter
    private let begins: () -> Void
    private var viewers: [Int: Viewer] = [:]

    /// `begins` is called when a viewer comes while nobody else watches. `noun` is their name in the plural, in
    /// sentences and in the counter of those that are taken.
    init(
        _ context: NodeContext, _ port: WebRTCPort, template: String, most: Int, noun: String = "viewers",
        begins: @escaping () -> Void = {}
    ) {
        (self.context, self.port, self.template, self.most) = (context, port, template, most)
        (self.noun, self.begins) = (noun, begins)
        taken = context.counter("\(noun)_taken")
        inbox = context.inbox(of: News.self, capacity: min(max(256, 4 * most), 65_536))
    }

    /// The lines of our addresses.
    var candidates: [String] { port.candidates.map(\.line) }

    /// The values of `Link` fields that tell STUN and TURN servers.
    var links: [String] { port.iceServers.links }

    /// The same, with credentials that are good from now on.
    var servers: [ICEServers.Entry] { port.iceServers.current }

    /// Viewers that are connected.
    private(set) var connected = 0

    /// Throws where no more viewers are let in.
    func checkRoom() throws(WHEPRefusal) {
        if viewers.count >= most { viewers = viewers.filter { !$0.value.instance.isOver } }
        guard viewers.count < most else {
            throw WHEPRefusal(
                503,
                most == 1
                    ? "There is a \(noun.dropLast()) already, and one is the most: try again later."
                    : "There are \(most) \(noun), which is the most: try again later.", ["Retry-After": "5"])
        }
    }

    /// A viewer whose description has come. `session` makes its session of the way to it, and `parameters` are for the
    /// template.
    func admit(
        _ agreement: PeerTransport.Agreement, parameters: [String: ParameterValue] = [:],
        _ session: (PeerLink) -> PeerSession
    ) throws(WHEPRefusal) -> (link: PeerLink, instance: NodeContext.Instance) {
        try checkRoom()
        guard let link = port.add(agreement) else {
            throw WHEPRefusal(503, "Too many \(noun) are connecting: try again soon.", ["Retry-After": "1"])
        }
        let (number, inbox) = (link.number, inbox)
        if viewers.allSatisfy(\.value.instance.isOver) { begins() }
        let instance = context.start(template, parameters: parameters, resource: session(link))
        taken.add()
        viewers[number] = Viewer(instance: instance, link: link)
        link.listen(toMedia: false) { inbox.post(News(number: number, event: $0)) }
        return (link, instance)
    }

    /// New credentials of both sides; the connection goes on.
    func restart(_ link: PeerLink, local: ICECredentials, remoteFragment: String) {
        port.restart(link, local: local, remoteFragment: remoteFragment)
    }

    /// The viewer is to go. Nothing where it has gone.
    func leave(_ link: PeerLink) {
        guard let viewer = viewers.removeValue(forKey: link.number) else { return }
        if viewer.isConnected { connected -= 1 }
        viewer.instance.stop()
        viewer.link.leave()
    }

    /// A text for the page of every viewer.
    func caption(_ text: DataItem, now: Instant) {
        for viewer in viewers.values {
            viewer.link.captions.tell(text, now: now)
            viewer.link.captions.ask(now: now)
        }
    }

    /// The stream is over.
    func stopAll() { for viewer in viewers.values { viewer.instance.stop() } }

    /// The next news; nil where there is none. Viewers that have ended count no more.
    func news() -> News? {
        guard let news = inbox.next() else { return nil }
        switch news.event {
        case .connected:
            guard viewers[news.number]?.isConnected == false else { break }
            viewers[news.number]?.isConnected = true
            connected += 1
        case .ended:
            if viewers.removeValue(forKey: news.number)?.isConnected == true { connected -= 1 }
        case .datagram, .moved, .mediaChanged: break
        }
        return news
    }
}
