import RTP
import Testing

@testable import SRTP

/// The vectors that the standards print.
@Suite struct SRTPVectorTests {
    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.filter(\.isHexDigit)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(digits.dropFirst($0).prefix(2), radix: 16) }
    }

    @Test func theKeystreamIsThatOfRFC3711AppendixB2() throws {
        let stream = try AESCounter.keystream(
            key: bytes("2B7E151628AED2A6ABF7158809CF4F3C"), start: bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"),
            16 * 0xff02)
        let blocks: [(Int, String)] = [
            (0, "E03EAD0935C95E80E166B16DD92B4EB4"), (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
            (2, "41E95B3BB0A2E8DD477901E4FCA894C0"), (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
            (0xff00, "362B7C3C6773516318A077D7FC5073AE"), (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
        ]
        for (block, expected) in blocks {
            #expect(Array(stream[(16 * block)...].prefix(16)) == bytes(expected), "block \(block)")
        }
    }

    @Test func theSessionKeysAreThoseOfRFC3711AppendixB3() throws {
        let master = bytes("E1F97A0D3E018BE0D64FA32C06DE4139" + "0EC675AD498AFEEBB6960B3AABE6")
        let keys = try SessionKeys(.aesCM128SHA80, master: master, isControl: false)
        #expect(keys.cipher == bytes("C61E7A93744F39EE10734AFE3FF7A087"))
        #expect(keys.salt == bytes("30CBBC08863D8C85D49DB34A9AE1"))
        #expect(keys.authentication == bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"))
    }

    @Test func theSessionKeysOf256BitsAreThoseOfRFC6188() throws {
        let master = bytes(
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6" + "3b04803de51ee7c96423ab5b78d2")
        let keys = try SessionKeys(.aesCM256SHA80, master: master, isControl: false)
        #expect(keys.cipher == bytes("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"))
        #expect(keys.salt == bytes("fa31791685ca444a9e07c6c64e93"))
        #expect(keys.authentication == bytes("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"))
    }

    /// With the session keys that RFC 7714, sections 16 and 17 give.
    private func sender(_ suite: CryptoSuite) throws -> SRTPSender {
        let keys = SessionKeys(
            cipher: (0..<suite.masterKeyLength).map { UInt8($0) }, authentication: [],
            salt: bytes("517569642070726f2071756f"))
        return try SRTPSender(suite, media: keys, control: keys)
    }

    @Test(arguments: [
        (
            CryptoSuite.aesGCM128,
            """
            8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833
            899d7f27beb16a9152cf765ee4390cce
            """
        ),
        (
            .aesGCM256,
            """
            8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b
            7aa3db36dfffd6b0f9bb7878d7a76c13
            """
        ),
    ])
    func aPacketIsThatOfRFC7714Section16(_ suite: CryptoSuite, _ expected: String) throws {
        let plain = bytes(
            "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573")
        var room = plain + [UInt8](repeating: 0, count: SRTPSender.trailer)
        let sender = try sender(suite)
        let size = room.withUnsafeMutableBytes { sender.protect($0, count: plain.count) }
        #expect(Array(room.prefix(size ?? 0)) == bytes(expected))
    }

    @Test(arguments: [
        (
            CryptoSuite.aesGCM128,
            """
            81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded
            0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4
            """
        ),
        (
            .aesGCM256,
            """
            81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de047
            6f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4
            """
        ),
    ])
    func aReportIsThatOfRFC7714Section17(_ suite: CryptoSuite, _ expected: String) throws {
        let plain = bytes(
            "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef")
        let sender = try sender(suite)
        var sealed: [UInt8] = []
        // The vector has the index 0x5d4, and the first report 1.
        for _ in 1...0x5d4 {
            var room = plain + [UInt8](repeating: 0, count: SRTPSender.trailer)
            let size = room.withUnsafeMutableBytes { sender.protectControl($0, count: plain.count) }
            sealed = Array(room.prefix(size ?? 0))
        }
        #expect(sealed == bytes(expected))
    }
}
