import Foundation
import HTTP
import Sluice
import TestSupport
import Testing

@testable import HTTPPlugin

@Suite struct SettingTests {
    private func refusal(_ change: (inout HTTPSettings) -> Void) -> String? {
        do {
            _ = try Rig(change)
            return nil
        } catch { return "\(error)" }
    }

    @Test func aTokenIsWantedWhereOthersReachThePort() {
        let text = refusal { $0.listen = "0.0.0.0:0" }
        #expect(text?.hasPrefix("0.0.0.0:0 is reached from elsewhere, and there is no token\n  Set \"token\"") == true)
        #expect(refusal { ($0.listen, $0.token) = ("0.0.0.0:0", "none") } == nil)
        #expect(refusal { ($0.listen, $0.token) = ("[::]:0", "0123abcd") } == nil)
        #expect(refusal { $0.listen = "127.1.2.3:0" } == nil)
        #expect(refusal { $0.listen = "[::1]:0" } == nil)
        #expect(refusal { $0.listen = "[::ffff:10.0.0.1]:0" }?.contains("no token") == true)
    }

    @Test(arguments: ["", "8889", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "::1:80", "example.org:80", ":80"])
    func anAddressThatIsNoneIsRefused(listen: String) {
        #expect(refusal { $0.listen = listen }?.hasPrefix("listen is \"\(listen)\"") == true)
    }

    @Test func aTokenThatIsNoneIsNotRepeated() {
        let text = refusal { $0.token = "secret!" } ?? ""
        #expect(text.contains("the token is shorter than 8 characters") && !text.contains("secret!"))
        #expect(refusal { $0.token = "secret space" }?.contains("secret") == false)
    }

    @Test func aTokenIsComparedWhole() throws {
        let token = try #require(try AccessToken.read("0123abcd"))
        func isShown(_ value: String?, _ name: String = "Authorization") -> Bool {
            var request = HTTPRequest(.get, "/")
            if let value { request.headers[name] = value }
            return request.bearer.map { token.matches($0) } ?? false
        }
        #expect(isShown("Bearer 0123abcd") && isShown("bearer 0123abcd"))
        #expect(isShown("sluice, bearer.0123abcd", "Sec-WebSocket-Protocol"))
        for wrong in [nil, "", "Bearer", "Bearer 0123abce", "Bearer 0123abc", "Bearer 0123abcdd", "Basic 0123abcd"] {
            #expect(!isShown(wrong))
        }
    }

    @Test func aPortInUseTellsTheProgramThatHasIt() throws {
        let first = try Rig()
        let text = refusal { $0.listen = "127.0.0.1:\(first.port)" } ?? ""
        let name = ProcessInfo.processInfo.processName.prefix(15)
        #expect(
            text.hasPrefix("cannot listen at 127.0.0.1:\(first.port): \(name) (process \(getpid())) has the port\n"),
            "\(text)")
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:22B9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
               1: 0100007F:22B9 0100007F:1000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
            """
        #expect(PortOwner.listeners(table, at: 8_889) == ["socket:[4711]"])
    }

    @Test func theAddressToOpenIsSaid() throws {
        let rig = try Rig()
        #expect(rig.said.all == ["info: \(rig.server.address)/"])
        #expect(rig.server.address.hasPrefix("http://127.0.0.1:") && rig.port > 0)
        let open = try Rig { ($0.listen, $0.token) = ("0.0.0.0:0", "none") }
        #expect(open.said.all == ["info: http://127.0.0.1:\(open.port)/, and at every address of this machine"])
    }

    @Test func filesThatAreNoPairAreRefusedWithTheReason() throws {
        let scratch = try Scratch()
        let file = try scratch.write("a.pem", "nothing").path
        #expect(refusal { $0.certificate = file }?.hasPrefix("TLS needs a certificate and its key") == true)
        #expect(
            refusal { ($0.certificate, $0.key) = (file, "/nowhere.pem") }?.hasPrefix("/nowhere.pem cannot be read")
                == true)
        let text = refusal { ($0.certificate, $0.key) = (file, file) }
        #expect(text?.contains("are no pair to serve with: the certificate cannot be read") == true, "\(text ?? "")")
    }
}
