import ICE
import Net
import Testing

/// The messages of RFC 5769, section 2.
@Suite struct STUNVectorTests {
    static let password = "VOkJxbRl1RmTxUk/WvJxBt"

    static let request = bytes(
        "00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff",
        "80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249",
        "c1b571a2 80280004 e57a3bcf")
    static let response4 = bytes(
        "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643",
        "00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96")
    static let response6 = bytes(
        "01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200014 0002a147 0113a9fa",
        "a5d3f179 bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c")
    static let longTerm = bytes(
        "00010060 2112a442 78ad3433 c6ad72c0 29da412e 00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000 0015001c",
        "662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341",
        "0014000b 6578616d 706c652e 6f726700 00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666")

    static func bytes(_ digits: String...) -> [UInt8] {
        let all = digits.joined().utf8.filter { $0 != UInt8(ascii: " ") }
        return stride(from: 0, to: all.count, by: 2).map {
            UInt8(String(decoding: all[$0..<$0 + 2], as: UTF8.self), radix: 16)!
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer?) -> String? {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func theRequestIsReadAndItsHashAndItsSumHold() throws {
        try Self.request.withUnsafeBytes { bytes in
            let message = try #require(STUNMessage(bytes))
            #expect(message.kind == .request && message.method == STUN.binding)
            #expect(message.transaction == STUN.Transaction(high: 0xb7e7_a701, low: 0xbc34_d686_fa87_dfae))
            #expect(Self.text(message.software) == "STUN test client" && Self.text(message.username) == "evtj:h6vY")
            #expect(message.priority == 0x6e00_01ff)
            #expect(message.role == .controlled(tieBreaker: 0x932f_f9b1_5126_3b36))
            #expect(message.isIntact && message.isAuthentic(password: Self.password, by: SHA1.hmac))
            #expect(!message.isAuthentic(password: Self.password + "x", by: SHA1.hmac))
            #expect(!message.isNominating && message.unknown == [] && message.mappedAddress == nil)
        }
    }

    @Test(arguments: [(response4, "192.0.2.1:32853"), (response6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")])
    func theResponsesAreReadAndTheirHashesAndSumsHold(_ response: [UInt8], _ address: String) throws {
        try response.withUnsafeBytes { bytes in
            let message = try #require(STUNMessage(bytes))
            #expect(message.kind == .success && message.mappedAddress?.description == address)
            #expect(message.isIntact && message.isAuthentic(password: Self.password, by: SHA1.hmac))
        }
    }

    /// Its key is MD5 of "マトリックス:example.org:TheMatrIX", made with md5sum.
    @Test func theRequestOfTheLongTermHolds() throws {
        try Self.longTerm.withUnsafeBytes { bytes in
            let message = try #require(STUNMessage(bytes))
            #expect(Self.text(message.username) == "マトリックス" && !message.hasFingerprint && !message.isIntact)
            let key = Self.bytes("e8ca7ad59d5eb0518e312911d2dab2a9")
            #expect(key.withUnsafeBytes { message.isAuthentic(key: $0, by: SHA1.hmac) })
        }
    }

    @Test func whatIsWrittenOfTheSameIsTheSame() throws {
        let transaction = STUN.Transaction(high: 0xb7e7_a701, low: 0xbc34_d686_fa87_dfae)
        let addresses = [
            (Self.response4, "192.0.2.1"), (Self.response4, "::ffff:192.0.2.1"),
            (Self.response6, "2001:db8:1234:5678:11:2233:4455:6677"),
        ]
        for (response, host) in addresses {
            var writer = STUNWriter(.success, transaction: transaction, in: [1, 2, 3])
            writer.add(software: "test vector")
            writer.add(mappedAddress: try #require(SocketAddress(numeric: host, port: 32_853)))
            let written = writer.finish(password: Self.password, by: SHA1.hmac)
            // The RFC pads with blanks, we with zeros, so the hashes differ.
            #expect(written.count == response.count)
            written.withUnsafeBytes { bytes in
                let message = STUNMessage(bytes)
                #expect(message?.isAuthentic(password: Self.password, by: SHA1.hmac) == true)
                #expect(message?.isIntact == true)
            }
            #expect(written.prefix(35).elementsEqual(response.prefix(35)))
            #expect(written[36..<response.count - 32].elementsEqual(response[36..<response.count - 32]))
        }
    }

    @Test func theSHA1OfTheseTestsIsThatOfTheStandard() {
        #expect(SHA1.digest(Array("abc".utf8)) == Self.bytes("a9993e36 4706816a ba3e2571 7850c26c 9cd0d89d"))
        #expect(SHA1.digest([]) == Self.bytes("da39a3ee 5e6b4b0d 3255bfef 95601890 afd80709"))
    }
}
