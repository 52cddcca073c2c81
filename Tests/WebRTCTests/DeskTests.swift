import HTTP
import Sluice
import SluiceTesting
import Testing

@testable import WebRTCPlugin

/// Requests as RFC 9725 (WHIP) and draft-ietf-wish-whep want them answered, one a test.
@Suite("What requests of viewers mean") struct DeskTests {
    private func response(_ request: HTTPRequest, most: Int = 4) -> HTTPResponse? {
        var desk = SessionDesk(.viewers, most: most)
        if case .answer(let response) = desk.read(request, of: "camera") { return response }
        return nil
    }

    private func post(_ type: String, accept: String? = nil, body: [UInt8] = Array("v=0".utf8)) -> HTTPRequest {
        var headers: HTTPHeaders = ["Content-Type": type]
        if let accept { headers.add("Accept", accept) }
        return HTTPRequest(.post, "/whep/camera", headers: headers, body: body)
    }

    @Test func anOfferIsApplicationSDP() {
        #expect(response(post("application/json"))?.status == 415)
        #expect(response(post("application/json"))?.headers["Accept-Post"] == "application/sdp")
        #expect(response(post("application/sdp; charset=utf-8")) == nil)
    }

    @Test func anAnswerThatTheRequestDoesNotAcceptIsNotSent() {
        #expect(response(post("application/sdp", accept: "application/json"))?.status == 406)
        #expect(response(post("application/sdp", accept: "application/*")) == nil)
    }

    @Test func anOfferIsText() { #expect(response(post("application/sdp", body: [0xff, 0xfe]))?.status == 400) }

    @Test func moreViewersThanAllowedAreAskedToComeAgain() {
        let refusal = response(post("application/sdp"), most: 0)
        #expect(refusal?.status == 503 && refusal?.headers["Retry-After"] == "5")
    }

    @Test func aSessionThatIsNotThereIsNotFound() {
        for method in [HTTPMethod.patch, .delete] {
            let request = HTTPRequest(method, "/whep/camera/1", names: ["session": "1"])
            #expect(response(request)?.status == 404)
        }
    }
}
