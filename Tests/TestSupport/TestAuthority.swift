import Foundation
import Testing

/// An authority made for one test, and a certificate of it for localhost, by openssl. Its files go with it.
public final class TestAuthority {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-authority-\(UUID().uuidString)")
    /// The authority's own certificate, which clients are to trust.
    public var root: String { folder.path + "/root.pem" }
    public var certificate: String { folder.path + "/cert.pem" }
    public var key: String { folder.path + "/key.pem" }

    public init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1\n"
        try names.write(toFile: folder.path + "/names", atomically: true, encoding: .utf8)
        try run(["req", "-x509"] + new + ["-subj", "/CN=An authority", "-keyout", "root.key", "-out", "root.pem"])
        try run(["req"] + new + ["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem"])
        try run([
            "x509", "-req", "-in", "request.pem", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days",
            "2", "-extfile", "names", "-out", "cert.pem",
        ])
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func run(_ words: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + words
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(words.joined(separator: " "))")
    }
}
