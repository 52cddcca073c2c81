import DTLS
import Testing

@Suite struct SecretsTests {
    private func code(_ key: [UInt8], _ head: [UInt8], _ rest: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 20)
        let isMade = key.withUnsafeBytes { key in
            head.withUnsafeBytes { head in
                rest.withUnsafeBytes { rest in
                    code.withUnsafeMutableBytes { Secrets.hmacSHA1(key, head, rest, $0) }
                }
            }
        }
        return isMade ? code : []
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The test cases of RFC 2202, section 3.
    @Test func theCodesAreThoseOfRFC2202() {
        let cases: [([UInt8], [UInt8], String)] = [
            (Array(repeating: 0x0b, count: 20), Array("Hi There".utf8), "b617318655057264e28bc0b6fb378c8ef146be00"),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
            ),
            (
                Array(repeating: 0xaa, count: 20), Array(repeating: 0xdd, count: 50),
                "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
            ),
            (
                Array(repeating: 0xaa, count: 80), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "aa4ae5e15272d00e95705637ce8a3b55ed402112"
            ),
        ]
        for (key, data, expected) in cases {
            for cut in 0...data.count {
                #expect(hex(code(key, Array(data.prefix(cut)), Array(data.dropFirst(cut)))) == expected)
            }
        }
    }

    @Test func roomForLessThanACodeIsNotWritten() {
        var room = [UInt8](repeating: 7, count: 19)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(!room.withUnsafeMutableBytes { Secrets.hmacSHA1(empty, empty, empty, $0) })
        #expect(room.allSatisfy { $0 == 7 })
    }

    @Test func randomBytesAreAllThereAndDiffer() {
        #expect(Secrets.random(0) == [])
        let draws = (0..<100).map { _ in Secrets.random(16) }
        #expect(draws.allSatisfy { $0.count == 16 } && Set(draws).count == 100)
        // A byte of 256 that never comes in 16,000 has a chance of 10^-25.
        #expect(Set(Secrets.random(16_000)).count == 256)
    }

    @Test func tokensAreEqualToTheByte() {
        #expect(Secrets.areEqual("token", "token") && Secrets.areEqual("", ""))
        #expect(
            !Secrets.areEqual("token", "tokeN") && !Secrets.areEqual("token", "token ") && !Secrets.areEqual("", "a"))
        // One letter and its accent are another text than the letter that has it.
        #expect(!Secrets.areEqual("\u{e9}", "e\u{301}"))
    }

    /// As `openssl dgst -sha1 -hmac north -binary | base64` says it.
    @Test func credentialsAreThoseOfCoturn() {
        let credentials = TimedCredentials(secret: "north", expiry: 1_788_000_000, name: "viewer.3")
        #expect(credentials.username == "1788000000:viewer.3")
        #expect(credentials.password == "0NnQpvmlal1zDwGXXrB3mL7oPVA=")
    }
}
