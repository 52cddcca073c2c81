import CWebsockets
import Glibc
import Sluice

/// The certificate with its chain, and its key, both PEM and the key without a passphrase.
struct TLSFiles {
    let certificate: String
    let key: String

    /// nil where neither is given. Throws `NodeError` where they are no pair that can be served with.
    static func read(certificate: String, key: String) throws -> TLSFiles? {
        if certificate.isEmpty, key.isEmpty { return nil }
        guard !certificate.isEmpty, !key.isEmpty else {
            throw NodeError(
                "TLS needs a certificate and its key, and one of the two settings is empty",
                advice: "Give both \"certificate\" and \"key\", the paths of PEM files.", isInputError: true)
        }
        for file in [certificate, key] where access(file, R_OK) != 0 {
            throw NodeError("\(file) cannot be read: \(errorText(errno))", isInputError: true)
        }
        let fault = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { room -> String? in
            guard let base = room.baseAddress, cws_pair_fault(certificate, key, base, 256) != 0 else { return nil }
            return String(cString: base)
        }
        if let fault {
            throw NodeError(
                "\(certificate) and \(key) are no pair to serve with: \(fault)",
                advice: "Both are PEM, the certificate first in its chain, the key without a passphrase.",
                isInputError: true)
        }
        return TLSFiles(certificate: certificate, key: key)
    }
}
