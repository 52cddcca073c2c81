import Foundation
import TestSupport
import Testing

/// RFC 9725 (WHIP) and draft-ietf-wish-whep-03 (WHEP) at a real HTTP port: what they demand of a server, one demand a
/// test. Sections are those of both, where the draft has another number, its own stands behind the slash.
@Suite("WHIP and WHEP by the letter", .realPeers) struct LetterTests {
    typealias Kind = Endpoint.Kind

    // MARK: Section 4.1, HTTP usage

    @Test("4.1: GET has a 2xx answer without content", arguments: Kind.allCases)
    func getHasNoContent(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        for path in [endpoint.path, session.path] {
            let answer = try endpoint.ask("GET", path)
            #expect((200..<300).contains(answer.status) && answer.body.isEmpty, "\(answer)")
        }
    }

    @Test("WHEP 4.2: HEAD tells application/sdp") func headTellsThatItIsAnEndpoint() throws {
        let endpoint = try Endpoint(.whep)
        let answer = try endpoint.ask("HEAD")
        #expect(answer.status == 200 && answer["Content-Type"] == "application/sdp" && answer.body.isEmpty)
    }

    // MARK: Section 4.2 / 4.3, setting up

    @Test("4.2: an offer is answered with 201, application/sdp, an answer and a Location", arguments: Kind.allCases)
    func anOfferIsAnswered(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let answer = try endpoint.session().answer
        #expect(answer.status == 201 && answer["Content-Type"] == "application/sdp")
        #expect(answer.body.hasPrefix("v=0\r\n"))
        #expect(answer["Location"]?.hasPrefix(endpoint.path + "/") == true)
        // RFC 9429, section 5.3.1: as many sections, in the same order, with the same mids.
        func sections(_ text: String) -> [String] {
            text.split(separator: "\r\n").filter { $0.hasPrefix("m=") || $0.hasPrefix("a=mid:") }.map {
                String($0.prefix { $0 != " " })
            }
        }
        #expect(sections(answer.body) == sections(endpoint.offer))
    }

    @Test("4.2: another content type is refused", arguments: Kind.allCases)
    func anotherTypeIsRefused(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        for type in ["application/json", "text/plain", "application/sdpx"] {
            let answer = try endpoint.ask("POST", nil, ["Content-Type: \(type)"], body: endpoint.offer)
            #expect(answer.status == 415 && answer["Location"] == nil)
        }
        #expect(try endpoint.ask("POST", nil, ["Content-Type:"], body: endpoint.offer).status == 415)
    }

    @Test("4.2: a malformed description is refused", arguments: Kind.allCases)
    func aMalformedOfferIsRefused(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        for offer in [
            "", "hello", "v=0\r\n", String(endpoint.offer.prefix(80)), endpoint.offer.replacing("a=mid", with: "a=mud"),
        ] {
            let answer = try endpoint.post(offer)
            #expect((400..<500).contains(answer.status) && answer["Location"] == nil, "\(answer)")
            #expect(answer.body.hasSuffix(".\n"), "\(answer.body)")
        }
    }

    @Test("4.2: the answer's direction is recvonly (WHIP), sendonly (WHEP)", arguments: Kind.allCases)
    func theDirectionIsTheOneThatIsLeft(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        // In sendrecv the graph of WHEP takes a microphone.
        for offered in kind == .whip ? ["sendonly", "sendrecv"] : ["recvonly"] {
            let offer = endpoint.offer.replacing("a=\(kind == .whip ? "sendonly" : "sendrecv")", with: "a=\(offered)")
            let text = try endpoint.post(offer).body
            let directions = text.split(separator: "\r\n").filter {
                ["a=sendonly", "a=recvonly", "a=sendrecv", "a=inactive"].contains($0)
            }
            #expect(!directions.isEmpty)
            #expect(directions.allSatisfy { $0 == (kind == .whip ? "a=recvonly" : "a=sendonly") }, "\(text)")
        }
    }

    @Test("4.2: DELETE ends the session", arguments: Kind.allCases)
    func deleteEndsASession(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        #expect(try endpoint.ask("DELETE", session.path).status == 200)
        #expect(try endpoint.ask("DELETE", session.path).status == 404)
        #expect(try endpoint.patch(session.path, session.tag, Endpoint.trickle).status == 404)
    }

    @Test("4.2: OPTIONS of CORS are answered, with Accept-Post", arguments: Kind.allCases)
    func optionsAreAnswered(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        for (path, method) in [(endpoint.path, "POST"), (session.path, "PATCH"), (session.path, "DELETE")] {
            let answer = try endpoint.ask(
                "OPTIONS", path,
                [
                    "Origin: https://page.example", "Access-Control-Request-Method: \(method)",
                    "Access-Control-Request-Headers: authorization, content-type, if-match",
                ])
            #expect(answer.status == 200)
            #expect(answer["Access-Control-Allow-Origin"] == "*")
            #expect(answer["Access-Control-Allow-Methods"]?.contains(method) == true)
            for field in ["Authorization", "Content-Type", "If-Match"] {
                #expect(answer["Access-Control-Allow-Headers"]?.contains(field) == true)
            }
        }
        let plain = try endpoint.ask("OPTIONS")
        #expect(plain.status == 200 && plain["Accept-Post"] == "application/sdp")
        #expect(plain["Accept-Patch"] == "application/trickle-ice-sdpfrag")
        let answer = try endpoint.post(nil, ["Origin: https://page.example"])
        #expect(answer["Access-Control-Allow-Origin"] == "*")
        for field in ["Location", "ETag", "Link"] {
            #expect(answer["Access-Control-Expose-Headers"]?.contains(field) == true)
        }
    }

    // MARK: Section 4.3.1, PATCH

    @Test("4.3.1: a PATCH of another content type, or malformed, is refused", arguments: Kind.allCases)
    func anotherFragmentIsRefused(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        #expect(
            try endpoint.patch(session.path, session.tag, Endpoint.trickle, type: "Content-Type: application/sdp")
                .status == 415)
        for body in ["", "hello\r\n", "a=ice-ufrag:x\r\n"] {
            #expect(try endpoint.patch(session.path, session.tag, body).status == 400)
        }
    }

    @Test("4.3.1: 201 has a strong ETag, another for each session", arguments: Kind.allCases)
    func theTagIsStrong(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let tags = [try endpoint.session().tag, try endpoint.session().tag]
        #expect(tags.allSatisfy { $0.hasPrefix("\"") && $0.hasSuffix("\"") && $0.count > 2 } && tags[0] != tags[1])
    }

    @Test("4.3.1: DELETE ignores tags", arguments: Kind.allCases)
    func deleteIgnoresTags(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        #expect(try endpoint.ask("DELETE", session.path, ["If-Match: \"another\""]).status == 200)
    }

    @Test("4.3.1: a PATCH without a tag is 428, one with another tag 412", arguments: Kind.allCases)
    func tagsAreHeeded(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        #expect(try endpoint.patch(session.path, nil, Endpoint.trickle).status == 428)
        #expect(try endpoint.patch(session.path, "\"another\"", Endpoint.trickle).status == 412)
        #expect(try endpoint.patch(session.path, "W/\(session.tag)", Endpoint.trickle).status == 412)
    }

    // MARK: Section 4.3.2, trickle ICE

    @Test("4.3.2: the answer has all candidates", arguments: Kind.allCases)
    func theAnswerHasAllCandidates(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let text = try endpoint.session().answer.body
        #expect(text.contains("a=candidate:") && text.contains("a=end-of-candidates"))
    }

    @Test("4.3.2: candidates are 204 without body and ETag, those of no use passed over", arguments: Kind.allCases)
    func candidatesAreTaken(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        let answer = try endpoint.patch(session.path, session.tag, Endpoint.trickle)
        #expect(answer.status == 204 && answer.body.isEmpty && answer["ETag"] == nil, "\(answer)")
    }

    // MARK: Section 4.3.3, restarts

    @Test("4.3.3: a restart is 200 with new credentials, candidates and a new ETag", arguments: Kind.allCases)
    func aRestartIsAnswered(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        for (match, restart) in [
            ("*", Endpoint.restart), ("\"*\"", Endpoint.restart.replacing("efgh", with: "ijkl")),
        ] {
            let answer = try endpoint.patch(session.path, match, restart)
            #expect(answer.status == 200 && answer["Content-Type"] == "application/trickle-ice-sdpfrag")
            for name in ["ice-ufrag", "ice-pwd"] {
                let (before, after) = (line(name, of: session.answer.body), line(name, of: answer.body))
                #expect(before != nil && after != nil && before != after)
            }
            #expect(line("candidate", of: answer.body) != nil)
            // As in the answer.
            for own in ["a=ice-lite", "a=ice-options:trickle"] {
                #expect(session.answer.body.contains(own) && answer.body.contains(own), "\(own)")
            }
            let tag = try #require(answer["ETag"])
            #expect(tag != session.tag && tag.hasPrefix("\""))
            #expect(try endpoint.patch(session.path, session.tag, restart).status == 412)
            #expect(try endpoint.patch(session.path, tag, restart).status == 204)
        }
    }

    @Test("4.3.3: a restart that fails does not end the session", arguments: Kind.allCases)
    func aRestartThatFailsChangesNothing(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        #expect(try endpoint.patch(session.path, "*", "a=ice-ufrag:efgh\r\na=ice-pwd:short\r\n").status == 400)
        #expect(try endpoint.patch(session.path, session.tag, Endpoint.trickle).status == 204)
    }

    // MARK: Section 4.4 / 4.6, constraints of WebRTC

    @Test("4.4.1: media are bundled, and RTCP has no port", arguments: Kind.allCases)
    func mediaAreBundled(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let text = try endpoint.session().answer.body
        let sections = text.split(separator: "m=").dropFirst()
        #expect(text.contains("a=group:BUNDLE " + (kind == .whip ? "0 1" : "1") + "\r\n"))
        for section in sections {
            #expect(section.contains("a=rtcp-mux\r\n") && section.contains("a=rtcp-mux-only\r\n"), "\(section)")
        }
    }

    @Test("4.4.2: two tracks of a kind are 422 or 400") func twoTracksAreRefused() throws {
        let endpoint = try Endpoint(.whip)
        let start = try #require(endpoint.offer.range(of: "m=video")).lowerBound
        let second = endpoint.offer[start...].replacing("a=mid:1", with: "a=mid:2")
        let answer = try endpoint.post((endpoint.offer + second).replacing("BUNDLE 0 1", with: "BUNDLE 0 1 2"))
        #expect([400, 422].contains(answer.status))
    }

    @Test("WHEP 4.6.2: all sections have an msid of one stream") func sectionsHaveOneStream() throws {
        let text = try Endpoint(.whep).session().answer.body
        let sections = text.split(separator: "m=").dropFirst()
        #expect(sections.allSatisfy { $0.contains("a=msid:") })
    }

    @Test("4.4.3: nothing is taken in part") func nothingIsTakenInPart() throws {
        let endpoint = try Endpoint(.whip)
        let answer = try endpoint.post(endpoint.offer.replacing("opus/48000/2", with: "speex/16000"))
        #expect([400, 406, 422].contains(answer.status) && answer["Location"] == nil)
        #expect(answer.body.contains("speex") && answer.body.contains("Opus"), "\(answer.body)")
    }

    @Test("4.4.4: actpass and active are answered with passive or active", arguments: Kind.allCases)
    func theHandshakeHasARole(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        #expect(["active", "passive"].contains(line("setup", of: try endpoint.post().body)))
        let active = try endpoint.post(endpoint.offer.replacing("setup:actpass", with: "setup:active"))
        #expect(line("setup", of: active.body) == "passive")
    }

    // MARK: Sections 4.5 to 4.9

    @Test("4.5: too many are told 503 with Retry-After", arguments: Kind.allCases)
    func tooManyAreTold(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind, [kind == .whip ? "publishers=1" : "callers=1"])
        _ = try endpoint.session()
        let path = kind == .whip ? "/whip/other" : endpoint.path
        let answer = try endpoint.ask("POST", path, ["Content-Type: application/sdp"], body: endpoint.offer)
        #expect(answer.status == 503 && answer["Retry-After"].flatMap { Int($0) } != nil)
    }

    @Test("4.6: STUN and TURN servers are told by Link") func serversAreTold() throws {
        let endpoint = try Endpoint(
            .whip, ["ice_servers=stun:stun.example:3478,turn:turn.example:3478"],
            environment: ["SLUICE_ICE_SECRET": "north of the river"])
        let links = try endpoint.session().answer.all("Link")
        #expect(links.first == "<stun:stun.example:3478>; rel=\"ice-server\"")
        let turn = try #require(links.last)
        #expect(turn.hasPrefix("<turn:turn.example:3478>; rel=\"ice-server\"; username=\""), "\(links)")
        #expect(turn.contains("; credential=\"") && turn.contains("; credential-type=\"password\""))
        #expect(!turn.contains("north") && !endpoint.process.said.contains("north"))
    }

    @Test("4.7: a bearer token is asked for, but not by OPTIONS", arguments: Kind.allCases)
    func theTokenIsAskedFor(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind, environment: ["SLUICE_TOKEN": "a-long-token"])
        for fields in [[], ["Authorization: Bearer another"], ["Authorization: Basic a-long-token"]] {
            let answer = try endpoint.post(nil, fields)
            #expect(answer.status == 401 && answer["WWW-Authenticate"]?.hasPrefix("Bearer") == true)
        }
        let answer = try endpoint.post(nil, ["Authorization: Bearer a-long-token"])
        #expect(answer.status == 201)
        let path = try #require(answer["Location"])
        #expect(try endpoint.ask("DELETE", path).status == 401)
        #expect(try endpoint.ask("OPTIONS", nil, ["Origin: https://page.example"]).status == 200)
        #expect(try endpoint.ask("DELETE", path, ["Authorization: bearer a-long-token"]).status == 200)
        #expect(!endpoint.process.said.contains("a-long-token"))
    }

    // MARK: Section 5 and HTTP

    @Test("5: nobody guesses the address of a session", arguments: Kind.allCases)
    func addressesAreRandom(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let paths = [try endpoint.session().path, try endpoint.session().path]
        #expect(paths[0] != paths[1])
        #expect(paths.allSatisfy { ($0.split(separator: "/").last?.count ?? 0) >= 32 })
    }

    @Test("RFC 9110, 15.5.6: other methods are 405 with Allow", arguments: Kind.allCases)
    func otherMethodsAreNotAllowed(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        let session = try endpoint.session()
        for (method, path, allowed) in [("PUT", endpoint.path, "POST"), ("POST", session.path, "PATCH")] {
            let answer = try endpoint.ask(method, path, ["Content-Type: application/sdp"], body: endpoint.offer)
            #expect(answer.status == 405 && answer["Allow"]?.contains(allowed) == true)
        }
    }

    @Test("RFC 9110, 15.5.7: an answer that is not accepted is not sent", arguments: Kind.allCases)
    func answersAreAcceptedOrNotSent(_ kind: Kind) throws {
        let endpoint = try Endpoint(kind)
        #expect(try endpoint.post(nil, ["Accept: application/json"]).status == 406)
    }

    @Test func namesThatArePartsOfPathsAreRefused() throws {
        let endpoint = try Endpoint(.whip)
        for name in ["..", ".a", "a%2Fb", "a%20b", "%7Bname%7D", String(repeating: "a", count: 65)] {
            let answer = try endpoint.ask(
                "POST", "/whip/\(name)", ["Content-Type: application/sdp", "Expect:"], body: endpoint.offer)
            #expect((400..<500).contains(answer.status), "\(name): \(answer.status)")
        }
    }

    @Test func bothPagesOfTheGraphArePrintedAndThere() throws {
        let endpoint = try Endpoint(.whip, environment: ["SLUICE_TOKEN": "a-long-token"])
        let address = "http://127.0.0.1:\(endpoint.port)"
        #expect(endpoint.process.said.contains("open \(address)/ in a browser"))
        #expect(endpoint.process.said.contains("\(address)/watch/NAME plays it"))
        // A page is shown to everybody, and asks for the token.
        for path in ["/", "/watch/stage"] {
            let answer = try endpoint.ask("GET", path)
            #expect(answer.status == 200 && answer["Content-Type"]?.hasPrefix("text/html") == true, "\(path)")
            #expect(answer.body.contains("<video"), "\(path)")
        }
        #expect(try endpoint.ask("GET", "/watch/..%2Fx").status == 404)
    }

    @Test func aPublisherTakesTheNameOfTheOneBefore() throws {
        let endpoint = try Endpoint(.whip)
        let (first, second) = (try endpoint.session(), try endpoint.session())
        try wait(
            for: "the first one's end", said: { ["whip": endpoint.process.said] },
            { (try? endpoint.ask("GET", first.path).status) == 404 })
        #expect(try endpoint.ask("GET", second.path).status == 204)
    }
}
