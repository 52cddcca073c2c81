/// The peer's side of the transport, as it stays or changes from one description to the next.
struct PeerConnection: Equatable {
    private let fragment: String
    private let password: String
    private let fingerprints: [String]
    /// We begin the handshake of DTLS. It stays so (RFC 8842, section 5.5).
    let isActive: Bool

    /// Throws for a description that cannot be connected, or that asks for another handshake than the one before.
    /// `offering` where the peer's description is the offer.
    init(
        _ transport: TransportDescription, after last: PeerConnection?, offering: Bool
    ) throws(NegotiationFault) {
        func lacks(_ name: String) -> NegotiationFault {
            NegotiationFault(
                .malformed, "the description has no a=\(name)",
                advice: "Send the text of the description as the browser made it.")
        }
        guard let fragment = transport.fragment else { throw lacks("ice-ufrag") }
        guard let password = transport.password else { throw lacks("ice-pwd") }
        guard !transport.fingerprints.isEmpty else { throw lacks("fingerprint") }
        (self.fragment, self.password, fingerprints) = (fragment, password, transport.fingerprints.sorted())
        let role = try PeerConnection.role(transport.setup, last?.isActive, offering: offering)
        isActive = role
        guard let last else { return }
        guard last.fingerprints == fingerprints else { throw PeerConnection.another("a=fingerprint") }
        guard last.isActive == isActive else { throw PeerConnection.another("a=setup") }
    }

    /// Credentials changed.
    func isRestarted(by transport: TransportDescription) -> Bool {
        transport.fragment != nil && (transport.fragment, transport.password) != (fragment, password)
    }

    private static func another(_ line: String) -> NegotiationFault {
        NegotiationFault(
            .unexpected, "the \(line) is another than before, which asks for new keys",
            advice: "Close this connection and open a new one.")
    }

    /// RFC 8842, section 5; RFC 4145, section 4.1 tells what counts where nothing is said.
    private static func role(
        _ setup: TransportDescription.Setup?, _ before: Bool?, offering: Bool
    ) throws(NegotiationFault) -> Bool {
        switch setup {
        case .active: return false
        case .passive: return true
        case .actpass where offering: return before ?? false
        case nil: return before ?? false
        case .actpass, .holdconn:
            throw NegotiationFault(
                .malformed, "a=setup is \(setup?.rawValue ?? "")\(offering ? "" : " in an answer")",
                advice: "An offer says actpass, an answer active or passive.")
        }
    }
}
