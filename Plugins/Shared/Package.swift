// swift-tools-version: 6.0
// What several plugins share, each a dynamic library of its own, so that one copy is mapped however many plugins use it.
// A plugin that needs no libav must not depend on LibAV: loading libavformat and libavcodec takes 25 ms.
import PackageDescription

let package = Package(
    name: "Shared",
    products: [
        .library(name: "LibAV", type: .dynamic, targets: ["LibAV"]),
        .library(name: "LocalSockets", type: .dynamic, targets: ["LocalSockets"]),
        .library(name: "Pacing", type: .dynamic, targets: ["Pacing"]),
        .library(name: "RTPCore", type: .dynamic, targets: ["RTPCore"]),
    ],
    dependencies: [.package(path: "../../Engine")],
    targets: [
        .systemLibrary(
            name: "CLibAV", pkgConfig: "libavformat",
            providers: [.apt(["libavformat-dev", "libavcodec-dev", "libavutil-dev", "libswscale-dev"])]),
        .target(name: "LibAV", dependencies: ["CLibAV", .product(name: "Sluice", package: "Engine")]),
        .target(name: "LocalSockets", dependencies: [.product(name: "Sluice", package: "Engine")]),
        .target(name: "Pacing", dependencies: [.product(name: "Sluice", package: "Engine")]),
        .systemLibrary(name: "CSRTP", pkgConfig: "libsrtp2", providers: [.apt(["libsrtp2-dev"])]),
        // With libsrtp2 inside: its start once in the process needs one copy of the code around it.
        .target(name: "RTPCore", dependencies: ["CSRTP", .product(name: "Sluice", package: "Engine")]),
    ],
    swiftLanguageModes: [.v6]
)
