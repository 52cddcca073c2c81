import DTLS
import Foundation
import Sluice
import Testing

@testable import WebRTCPlugin

@Suite("Guests' tokens") struct GuestTokenTests {
    private static let key = "0123456789abcdef0123456789abcdef"
    private static let other = "fedcba9876543210fedcba9876543210"
    private static let now = 1_700_000_000.0

    static func part(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    static func token(_ claims: String, head: String = #"{"alg":"HS256","typ":"JWT"}"#, key: String = key) -> String {
        let text = part(head.utf8) + "." + part(claims.utf8)
        return text + "." + part(Secrets.hmacSHA256(Array(key.utf8), Array(text.utf8)))
    }

    private func read(_ token: String, keys: String = key) throws -> GuestToken {
        try GuestToken(
            token, keys: try #require(try GuestKeys.read(keys)), unixSeconds: GuestTokenTests.now)
    }

    private func refusal(_ token: String, keys: String = key) -> String? {
        do {
            _ = try read(token, keys: keys)
            return nil
        } catch let refusal as GuestToken.Refusal { return refusal.sentence } catch { return "\(error)" }
    }

    /// RFC 4231, test case 2.
    @Test func theCodeIsThatOfTheStandard() {
        let code = Secrets.hmacSHA256(Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    /// RFC 7515, appendix A.1: a token whose key, text and code are printed there. Its claims name no room.
    @Test func theExampleOfTheStandardIsSignedByItsKey() throws {
        let signed =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
            + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        let key = try #require(
            Base64URL.decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
        let code = try #require(Base64URL.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
        #expect(Secrets.hmacSHA256(key, Array(signed.utf8)) == code)
    }

    @Test func aTokenTellsRoomNameAndRights() throws {
        let plain = try read(GuestTokenTests.token(#"{"room":"main","exp":1700000010}"#))
        #expect(plain.room == "main" && plain.name == nil && plain.mayPublish && plain.maySubscribe)
        let strict = try read(
            GuestTokenTests.token(
                #"{"room":"main","name":"alice","publish":false,"subscribe":false,"exp":1700000010.5,"nbf":1700000003}"#
            ))
        #expect(
            strict.name == "alice" && !strict.mayPublish && !strict.maySubscribe && strict.expires == 1_700_000_010.5)
    }

    @Test func twoKeysAreGoodAtOnce() {
        let claims = #"{"room":"main","exp":1700000010}"#
        let keys = "\(GuestTokenTests.key),\(GuestTokenTests.other)"
        #expect(refusal(GuestTokenTests.token(claims), keys: keys) == nil)
        #expect(refusal(GuestTokenTests.token(claims, key: GuestTokenTests.other), keys: keys) == nil)
        #expect(
            refusal(GuestTokenTests.token(claims, key: GuestTokenTests.other)) == "The token is signed by another key.")
        #expect(throws: NodeError.self) { _ = try GuestKeys.read("short") }
        #expect(throws: NodeError.self) { _ = try GuestKeys.read("\(keys),\(GuestTokenTests.key)") }
    }

    @Test(arguments: [
        ("", "The token is no JSON Web Token of three parts."),
        ("a.b", "The token is no JSON Web Token of three parts."),
        ("a.b.c.d", "The token is no JSON Web Token of three parts."),
        ("e30.e30.", "The token is not signed by HS256."), ("é.é.é", "The token is no JSON Web Token of three parts."),
        (token(#"{"room":"main"}"#), "The token has no exp: say until when it is good."),
        (token(#"{"room":"main","exp":1699999990}"#), "The token has expired."),
        (token(#"{"room":"main","exp":"soon"}"#), "The token has no exp: say until when it is good."),
        (token(#"{"room":"main","exp":1700000010,"nbf":1700000060}"#), "The token is not good yet."),
        (token(#"{"exp":1700000010}"#), "The token names no room. \(RoomName.rule)"),
        (token(#"{"room":"../x","exp":1700000010}"#), "The token names no room. \(RoomName.rule)"),
        (token(#"{"room":"main","name":"","exp":1700000010}"#), "The token's name is none. \(RoomName.rule)"),
        (token(#"{"room":"main","publish":1,"exp":1700000010}"#), "publish of the token is neither true nor false."),
        (token("[]"), "The token's claims are no JSON object."),
        (token(#"{"room":"main","exp":1700000010}"#, head: #"{"alg":"none"}"#), "The token is not signed by HS256."),
        (token(#"{"room":"main","exp":1700000010}"#, head: #"{"alg":"HS512"}"#), "The token is not signed by HS256."),
        (token(#"{"room":"main","exp":1700000010}"#, key: other), "The token is signed by another key."),
        (String(repeating: "a", count: 5_000), "The token is longer than 4096 bytes."),
    ])
    func othersAreRefusedInASentence(token: String, sentence: String) { #expect(refusal(token) == sentence) }

    @Test func noneWithoutACodeIsTakenWhateverItsHeadSays() {
        let text = GuestTokenTests.part(#"{"alg":"none"}"#.utf8) + "." + GuestTokenTests.part(#"{"room":"main"}"#.utf8)
        #expect(refusal(text + ".") == "The token is not signed by HS256.")
        let right = GuestTokenTests.token(#"{"room":"main","exp":1700000010}"#)
        #expect(refusal(String(right.dropLast(1))) != nil)
        #expect(refusal(String(right[..<right.lastIndex(of: ".")!]) + ".") == "The token is signed by another key.")
    }

    @Test func theAlphabetIsStrict() {
        #expect(Base64URL.decode("") == [] && Base64URL.decode("AA") == [0] && Base64URL.decode("_-8") == [255, 239])
        for wrong in ["A", "AB", "AA=", "A+", "A/", "AA A", "AAAAA"] {
            #expect(Base64URL.decode(wrong) == nil, "\(wrong)")
        }
    }
}
