import DTLS
import Sluice
import Testing

@Suite struct FingerprintTests {
    private func fault(_ text: String) -> String? {
        do throws(NodeError) {
            _ = try Fingerprint(text)
            return nil
        } catch { return error.message }
    }

    @Test func theTextOfACertificateReadsAsItself() throws {
        let fingerprint = try DTLSCertificate().fingerprint
        #expect(fingerprint.hash == .sha256 && fingerprint.bytes.count == 32)
        #expect(fingerprint.text.wholeMatch(of: /sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}/) != nil)
        #expect(try Fingerprint(fingerprint.text) == fingerprint)
        #expect(try Fingerprint(fingerprint.text.lowercased() + "\r\n") == fingerprint)
        #expect(try Fingerprint(fingerprint.text.uppercased()) == fingerprint)
    }

    @Test func longerHashesAreTaken() throws {
        for hash in Fingerprint.Hash.allCases {
            let text = hash.rawValue + " " + Array(repeating: "0A", count: hash.size).joined(separator: ":")
            #expect(try Fingerprint(text).text == text)
            #expect(try Fingerprint(text).hash == hash)
        }
    }

    @Test func othersAreRefusedInASentence() {
        #expect(
            fault("sha-1 " + Array(repeating: "0A", count: 20).joined(separator: ":"))
                == "the fingerprint is by sha-1; those by sha-256, sha-384, sha-512 are taken")
        let lacking = "the fingerprint is not 32 bytes in hexadecimal, as sha-256 has"
        let pairs = Array(repeating: "0A", count: 31)
        for bad in ["0A", "0A:0A", "+A:" + pairs.joined(separator: ":"), pairs.joined(separator: ":") + ":"] {
            #expect(fault("sha-256 \(bad)") == lacking, "\(bad)")
        }
        #expect(fault("sha-256 " + (pairs + ["0A", "0A"]).joined(separator: ":")) == lacking)
        #expect(fault("sha-256 " + (pairs + ["GG"]).joined(separator: ":")) == lacking)
        #expect(fault("")?.contains("is no fingerprint") == true)
        #expect(fault(String(repeating: "x", count: 1_000_000))?.utf8.count ?? 0 < 200)
    }

    @Test func aProcessShowsOneCertificate() throws {
        #expect(try DTLSCertificate.ofProcess() === DTLSCertificate.ofProcess())
        #expect(try DTLSCertificate().fingerprint != DTLSCertificate().fingerprint)
    }
}
