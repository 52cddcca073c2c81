// swift-tools-version: 6.0
// The code that several plugins share, each target a dynamic library of its own, so that one copy is mapped however
// many plugins use it. SwiftPM embeds a target here into those here that use it, so such a one has no state of its own
// and few users. A plugin that needs no libav must not depend on LibAV: loading libavformat and libavcodec takes
// 25 ms.
import PackageDescription

let package = Package(
    name: "Shared",
    products: [
        .library(name: "Bitstream", type: .dynamic, targets: ["Bitstream"]),
        .library(name: "CongestionControl", type: .dynamic, targets: ["CongestionControl"]),
        .library(name: "DTLS", type: .dynamic, targets: ["DTLS"]),
        .library(name: "G711", type: .dynamic, targets: ["G711"]),
        .library(name: "Geometry", type: .dynamic, targets: ["Geometry"]),
        .library(name: "HTTP", type: .dynamic, targets: ["HTTP"]),
        .library(name: "HTTPClient", type: .dynamic, targets: ["HTTPClient"]),
        .library(name: "Holding", type: .dynamic, targets: ["Holding"]),
        // libICE.so is a library of X11, which the linker would find first.
        .library(name: "ICEAgent", type: .dynamic, targets: ["ICE"]),
        .library(name: "LibAV", type: .dynamic, targets: ["LibAV"]),
        .library(name: "MPEGTS", type: .dynamic, targets: ["MPEGTS"]),
        .library(name: "Negotiation", type: .dynamic, targets: ["Negotiation"]),
        .library(name: "Net", type: .dynamic, targets: ["Net"]),
        .library(name: "Pacing", type: .dynamic, targets: ["Pacing"]),
        .library(name: "Resampling", type: .dynamic, targets: ["Resampling"]),
        .library(name: "RTP", type: .dynamic, targets: ["RTP"]),
        .library(name: "SampleTime", type: .dynamic, targets: ["SampleTime"]),
        .library(name: "SourceTime", type: .dynamic, targets: ["SourceTime"]),
        .library(name: "SegmentTime", type: .dynamic, targets: ["SegmentTime"]),
        .library(name: "Spool", type: .dynamic, targets: ["Spool"]),
        .library(name: "SRTP", type: .dynamic, targets: ["SRTP"]),
        .library(name: "WebSocketClient", type: .dynamic, targets: ["WebSocketClient"]),
    ],
    dependencies: [.package(path: "../../Engine")],
    targets: [
        .systemLibrary(
            name: "CLibAV", pkgConfig: "libavformat",
            providers: [.apt(["libavformat-dev", "libavcodec-dev", "libavutil-dev", "libswscale-dev"])]),
        // Pure, and without the engine.
        .target(name: "Bitstream"),
        // Pure. Its tests pass hours of virtual time, so it is optimized in debug builds too.
        .target(
            name: "CongestionControl", dependencies: ["RTP", .product(name: "Sluice", package: "Engine")],
            swiftSettings: [.unsafeFlags(["-O"], .when(configuration: .debug))]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "DTLS", dependencies: ["COpenSSL", "RTP", .product(name: "Sluice", package: "Engine")]),
        // Pure, and without the engine.
        .target(name: "G711"),
        .systemLibrary(name: "CGeometry"),
        .target(
            name: "Geometry", dependencies: ["Bitstream", "CGeometry", .product(name: "Sluice", package: "Engine")]),
        .target(
            name: "LibAV",
            dependencies: ["Bitstream", "CLibAV", "Geometry", .product(name: "Sluice", package: "Engine")]),
        .target(name: "HTTPFields"),
        .target(name: "HTTP", dependencies: ["HTTPFields", .product(name: "Sluice", package: "Engine")]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(
            name: "HTTPClient", dependencies: ["CCurl", "HTTPFields", .product(name: "Sluice", package: "Engine")]),
        .target(name: "Holding", dependencies: [.product(name: "Sluice", package: "Engine")]),
        // Pure: of Net it uses addresses alone, and the engine's times.
        .target(name: "ICE", dependencies: ["Net", .product(name: "Sluice", package: "Engine")]),
        .target(
            name: "MPEGTS", dependencies: ["Bitstream", "LibAV", "CLibAV", .product(name: "Sluice", package: "Engine")]),
        .target(
            name: "Negotiation", dependencies: ["Bitstream", "RTP", .product(name: "Sluice", package: "Engine")]),
        .systemLibrary(name: "CNet"),
        .target(name: "Net", dependencies: ["CNet", .product(name: "Sluice", package: "Engine")]),
        .target(name: "Pacing", dependencies: [.product(name: "Sluice", package: "Engine")]),
        .systemLibrary(
            name: "CSwresample", pkgConfig: "libswresample", providers: [.apt(["libswresample-dev"])]),
        .target(name: "Resampling", dependencies: ["CSwresample", .product(name: "Sluice", package: "Engine")]),
        .systemLibrary(name: "CSRTP", pkgConfig: "libsrtp2", providers: [.apt(["libsrtp2-dev"])]),
        .target(
            name: "RTP", dependencies: ["Bitstream", "SegmentTime", .product(name: "Sluice", package: "Engine")]),
        .target(name: "SampleTime", dependencies: [.product(name: "Sluice", package: "Engine")]),
        .target(name: "SourceTime", dependencies: [.product(name: "Sluice", package: "Engine")]),
        // Pure but for the directory: time and files are arguments. A test holds the CPU of joining chunks.
        .target(
            name: "Spool", dependencies: [.product(name: "Sluice", package: "Engine")],
            swiftSettings: [.unsafeFlags(["-O"], .when(configuration: .debug))]),
        .target(name: "SegmentTime", dependencies: [.product(name: "Sluice", package: "Engine")]),
        // libsrtp2's start, once in the process, needs one copy of the code around it.
        .systemLibrary(name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libgnutls28-dev"])]),
        .target(
            name: "SRTP",
            dependencies: ["CGnuTLS", "COpenSSL", "CSRTP", "RTP", .product(name: "Sluice", package: "Engine")]),
        .systemLibrary(
            name: "CWebsocketsClient", pkgConfig: "libwebsockets", providers: [.apt(["libwebsockets-dev"])]),
        // libwebsockets' thread, once in the process, needs one copy of the code around it.
        .target(
            name: "WebSocketClient",
            dependencies: ["CWebsocketsClient", "HTTPFields", .product(name: "Sluice", package: "Engine")]),
    ],
    swiftLanguageModes: [.v6]
)
