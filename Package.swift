// swift-tools-version: 6.0
// The root package: plugins, the command and the tests. The engine and the code that plugins share are packages of
// their own, so that each is one dynamic library in the process (see Engine/Package.swift).
import PackageDescription

let engine: Target.Dependency = .product(name: "Sluice", package: "Engine")
let testKit: Target.Dependency = .product(name: "SluiceTesting", package: "Testing")
let bitstream: Target.Dependency = .product(name: "Bitstream", package: "Shared")
let congestionControl: Target.Dependency = .product(name: "CongestionControl", package: "Shared")
let dtls: Target.Dependency = .product(name: "DTLS", package: "Shared")
let g711: Target.Dependency = .product(name: "G711", package: "Shared")
let geometry: Target.Dependency = .product(name: "Geometry", package: "Shared")
let http: Target.Dependency = .product(name: "HTTP", package: "Shared")
let httpClient: Target.Dependency = .product(name: "HTTPClient", package: "Shared")
let holding: Target.Dependency = .product(name: "Holding", package: "Shared")
let ice: Target.Dependency = .product(name: "ICEAgent", package: "Shared")
let libav: Target.Dependency = .product(name: "LibAV", package: "Shared")
let mpegts: Target.Dependency = .product(name: "MPEGTS", package: "Shared")
let negotiation: Target.Dependency = .product(name: "Negotiation", package: "Shared")
let net: Target.Dependency = .product(name: "Net", package: "Shared")
let pacing: Target.Dependency = .product(name: "Pacing", package: "Shared")
let resampling: Target.Dependency = .product(name: "Resampling", package: "Shared")
let rtp: Target.Dependency = .product(name: "RTP", package: "Shared")
let sampleTime: Target.Dependency = .product(name: "SampleTime", package: "Shared")
let segmentTime: Target.Dependency = .product(name: "SegmentTime", package: "Shared")
let sourceTime: Target.Dependency = .product(name: "SourceTime", package: "Shared")
let spool: Target.Dependency = .product(name: "Spool", package: "Shared")
let srtp: Target.Dependency = .product(name: "SRTP", package: "Shared")
let webSocketClient: Target.Dependency = .product(name: "WebSocketClient", package: "Shared")

/// One folder in Plugins/, one target, one dynamic library.
func plugin(_ name: String, uses dependencies: [Target.Dependency] = []) -> Target {
    .target(name: "\(name)Plugin", dependencies: [engine] + dependencies, path: "Plugins/\(name)")
}

/// A C library of Debian's by its pkg-config name.
func library(_ name: String, _ pkgConfig: String, _ debian: String) -> Target {
    .systemLibrary(name: name, path: "Plugins/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

/// Tests in Tests/<Name>Tests: of the plugin of that name, or of the house.
func tests(_ name: String, of dependencies: [Target.Dependency]) -> Target {
    // One test binary holds every plugin, and each brings the entry point by which the engine would have found it.
    .testTarget(
        name: "\(name)Tests", dependencies: [engine, testKit] + dependencies,
        linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"])])
}

let plugins: [Target] = [
    plugin("AAC", uses: [libav]),
    plugin("AudioDecoder", uses: [libav]),
    plugin("Bench"),
    plugin("Convert", uses: [geometry, resampling, "CSwscale"]),
    plugin("Deinterlace", uses: [libav, "CAVFilter"]),
    plugin("Files", uses: [bitstream, geometry, libav, mpegts, pacing, sampleTime, sourceTime]),
    plugin("Flow"),
    plugin("G711", uses: [g711]),
    plugin("H264", uses: [geometry, libav, pacing]),
    plugin("HTTP", uses: [http, net, "CWebsockets"]),
    plugin("Mix"),
    plugin("Opus", uses: [bitstream, "COpus"]),
    plugin("Overlay", uses: [bitstream, geometry, libav, "CASS"]),
    plugin("Pacer", uses: [bitstream, pacing, resampling]),
    plugin("RTP", uses: [bitstream, geometry, holding, net, rtp, srtp, pacing]),
    plugin("Raw", uses: [geometry, net, pacing, sampleTime]),
    plugin("SRT", uses: [geometry, holding, libav, mpegts, net, sourceTime, "CSRT"]),
    plugin("Segments", uses: [net, segmentTime]),
    plugin("Speech", uses: [g711, http, httpClient, libav, net, resampling, spool, webSocketClient]),
    plugin("Sync", uses: [resampling]),
    plugin("Twilio", uses: [dtls, holding, http, rtp]),
    plugin("VP8", uses: ["CVPX", geometry, pacing]),
    plugin("VideoDecoder", uses: [bitstream, geometry, libav]),
    plugin(
        "WebRTC",
        uses: [bitstream, congestionControl, dtls, holding, http, httpClient, ice, negotiation, net, rtp, srtp]),
]

let libraries: [Target] = [
    library("CASS", "libass", "libass-dev"),
    library("CAVFilter", "libavfilter", "libavfilter-dev"),
    library("COpus", "opus", "libopus-dev"),
    // By its headers alone; see its shim.
    .systemLibrary(name: "CPcap", path: "Plugins/CPcap", providers: [.apt(["libpcap-dev"])]),
    library("CSwscale", "libswscale", "libswscale-dev"),
    library("CSRT", "srt", "libsrt-gnutls-dev"),
    library("CVPX", "vpx", "libvpx-dev"),
    library("CWebsockets", "libwebsockets", "libwebsockets-dev"),
]

let tests: [Target] = [
    tests("AAC", of: ["AACPlugin", "AudioDecoderPlugin", "FilesPlugin", bitstream, libav, "TestSupport"]),
    tests("AudioDecoder", of: ["AudioDecoderPlugin", "FilesPlugin", "G711Plugin", "TestSupport"]),
    .target(
        name: "CongestionSimulation", dependencies: [engine, congestionControl, rtp],
        path: "Tests/CongestionSimulation",
        // Hours of virtual time pass in a debug build too.
        swiftSettings: [.unsafeFlags(["-O"])]),
    tests("CongestionControl", of: [congestionControl, rtp, "CongestionSimulation"]),
    tests("DTLS", of: [dtls, net, rtp, srtp, "TestSupport"]),
    tests("EncodeFloor", of: ["H264Plugin", "OpusPlugin", "VP8Plugin", "TestSupport"]),
    tests(
        "Files",
        of: [
            "AudioDecoderPlugin", "FilesPlugin", "OpusPlugin", "VideoDecoderPlugin", "VP8Plugin", libav, "TestSupport",
        ]),
    tests("Bitstream", of: [bitstream]),
    tests("BadInput", of: ["TestSupport"]),
    .target(name: "Faults", dependencies: [engine], path: "Tests/FaultsPlugin"),
    tests("Command", of: ["Command", "TestSupport"]),
    tests("Flow", of: ["FlowPlugin", "PacerPlugin"]),
    tests("House", of: ["FlowPlugin", "TestSupport"]),
    tests("PluginLoader", of: ["TestSupport"]),
    .target(name: "TestSupport", dependencies: [engine, testKit], path: "Tests/TestSupport"),
    tests("Opus", of: ["OpusPlugin", "COpus", bitstream, "TestSupport"]),
    tests("Convert", of: ["ConvertPlugin", geometry, "TestSupport"]),
    tests("Overlay", of: ["OverlayPlugin", "TestSupport"]),
    tests("H264", of: ["H264Plugin", "TestSupport"]),
    tests(
        "Pacer", of: ["PacerPlugin", "FlowPlugin", "OpusPlugin", "COpus", pacing, "PacingSimulation", "TestSupport"]),
    tests("Pacing", of: [pacing, "PacingSimulation"]),
    .target(
        name: "PacingSimulation", dependencies: [engine, testKit, pacing, "PacerPlugin"],
        path: "Tests/PacingSimulation"),
    .executableTarget(
        name: "PacingProof", dependencies: [engine, pacing, "PacingSimulation"], path: "Tests/PacingProof",
        linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"])]),
    tests("Deinterlace", of: ["DeinterlacePlugin", "FilesPlugin", libav, "TestSupport"]),
    tests("Geometry", of: [geometry, libav, "FilesPlugin", "VideoDecoderPlugin", "TestSupport"]),
    tests("G711", of: ["G711Plugin", g711, "TestSupport"]),
    tests("HTTP", of: ["HTTPPlugin", http, httpClient, "TestSupport"]),
    tests("Mix", of: ["MixPlugin", "FilesPlugin", "TestSupport"]),
    tests("Holding", of: [holding]),
    tests("ICE", of: [ice, net, "TestSupport"]),
    tests("Negotiation", of: [bitstream, negotiation, rtp, "TestSupport"]),
    tests("Net", of: [net]),
    tests("Raw", of: ["RawPlugin", net, "TestSupport"]),
    tests(
        "SRT",
        of: [
            "AudioDecoderPlugin", "ConvertPlugin", "FilesPlugin", "FlowPlugin", "OpusPlugin", "RTPPlugin", "SRTPlugin",
            "VideoDecoderPlugin", "VP8Plugin", libav, mpegts, net, "TestSupport",
        ]),
    tests("MPEGTS", of: [bitstream, libav, mpegts, "TestSupport"]),
    tests("RTP", of: [bitstream, rtp, srtp, "TestSupport"]),
    tests(
        "RTPPlugin",
        of: [
            "RTPPlugin", "FilesPlugin", "G711Plugin", "H264Plugin", "OpusPlugin", "VideoDecoderPlugin", "VP8Plugin",
            bitstream, net, rtp, srtp, "TestSupport",
        ]),
    tests("SampleTime", of: [sampleTime, "TestSupport"]),
    tests("SegmentTime", of: [segmentTime, "TestSupport"]),
    tests("SourceTime", of: [sourceTime]),
    tests("SRTP", of: [rtp, srtp, "TestSupport"]),
    tests("Docs", of: [http, "TestSupport"]),
    tests(
        "Segments",
        of: [
            "SegmentsPlugin", "PacerPlugin", "SyncPlugin", "H264Plugin", "OpusPlugin", "VP8Plugin",
            "VideoDecoderPlugin",
            net, "TestSupport",
        ]),
    tests("Speech", of: ["SpeechPlugin", http, httpClient, spool, webSocketClient, "TestSupport"]),
    tests("Spool", of: [spool]),
    tests("Twilio", of: ["TwilioPlugin", "G711Plugin", "HTTPPlugin", http, rtp, "TestSupport"]),
    tests(
        "Sync",
        of: [
            "SyncPlugin", "FilesPlugin", "FlowPlugin", "H264Plugin", "OpusPlugin", "SegmentsPlugin", "VP8Plugin",
            "VideoDecoderPlugin", "TestSupport",
        ]),
    .testTarget(
        name: "WebRTCTests",
        dependencies: [
            engine, testKit, "WebRTCPlugin", "OpusPlugin", "PacerPlugin", "SegmentsPlugin", "SyncPlugin", "COpus", dtls,
            http, ice, negotiation, net, rtp, srtp, "TestSupport",
        ],
        exclude: ["Browser", "Peers"], linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"])]),
    tests("VP8", of: ["VP8Plugin", "CVPX", "TestSupport"]),
    tests("WebSocketClient", of: [http, webSocketClient, "TestSupport"]),
    tests("VideoDecoder", of: [bitstream, "VideoDecoderPlugin", "FilesPlugin", "VP8Plugin", "TestSupport"]),
]

/// libFuzzer's library where `tools/fuzz` builds, nil in every other build.
let fuzzer = Context.environment["SLUICE_FUZZER"]

/// The fuzz targets: run over their seeds by ordinary tests, and by libFuzzer.
let fuzzing: [Target] = {
    let parsers: [Target.Dependency] = [
        engine, bitstream, congestionControl, dtls, http, httpClient, ice, mpegts, negotiation, net, rtp, "Command",
        "FlowPlugin",
        "HTTPPlugin",
        "PacerPlugin", "RTPPlugin", "SRTPlugin", "SegmentsPlugin", "SpeechPlugin", "TwilioPlugin",
        "WebRTCPlugin",
    ]
    let settings: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "muldefs"])]
    guard let fuzzer else {
        return [
            .testTarget(
                name: "FuzzTests", dependencies: parsers + ["TestSupport"], path: "Tests/Fuzz",
                exclude: ["CFuzzer", "Dictionaries", "Driver", "Found", "Seeds"], linkerSettings: settings)
        ]
    }
    return [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "sluice-fuzz", dependencies: parsers + ["CFuzzer"], path: "Tests/Fuzz",
            exclude: ["CFuzzer", "Dictionaries", "Found", "Replay", "Seeds"],
            linkerSettings: settings + [.unsafeFlags([fuzzer]), .linkedLibrary("stdc++")]),
    ]
}()

/// A fuzzer can only call a library.
let command =
    fuzzer == nil
    ? Target.executableTarget(name: "Command", dependencies: [engine, bitstream, rtp, spool, "CPcap"], path: "Command")
    : Target.target(
        name: "Command", dependencies: [engine, bitstream, rtp, spool, "CPcap"], path: "Command",
        exclude: ["Main.swift"])

let package = Package(
    name: "sluice",
    products: plugins.map { .library(name: $0.name, type: .dynamic, targets: [$0.name]) }
        + [
            fuzzer == nil
                ? .executable(name: "sluice", targets: ["Command"])
                : .executable(name: "sluice-fuzz", targets: ["sluice-fuzz"]),
            // Not named as a plugin, so that only the tests that copy it see it.
            .library(name: "Faults", type: .dynamic, targets: ["Faults"]),
        ],
    dependencies: [.package(path: "Engine"), .package(path: "Engine/Testing"), .package(path: "Plugins/Shared")],
    targets: [command] + plugins + libraries + tests + fuzzing,
    swiftLanguageModes: [.v6]
)
