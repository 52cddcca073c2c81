@_spi(Host) import Sluice

/// Node types like those of the shipped plugins, written by hand so that these tests need no plugin.
let catalog = NodeTable(
    [
        NodeSpec(
            descriptor: NodeDescriptor("source", summary: "Opens a file or makes a test signal"),
            outputs: [
                PortSpec(
                    "audio", .rawAudio,
                    variants: [.init(parameter: "decode", value: .boolean(false), formats: .codedAudio)],
                    isOptional: true),
                PortSpec(
                    "video", .rawVideo,
                    variants: [.init(parameter: "decode", value: .boolean(false), formats: .codedVideo)],
                    isOptional: true),
            ],
            parameters: [
                ParameterSpec("open", .string, help: "a path, 'tone' or 'pattern'"),
                ParameterSpec("decode", .boolean, default: .boolean(true), help: "give frames, not packets"),
                ParameterSpec("loop", .choice(["no", "once", "forever"]), default: .string("no"), help: "at the end"),
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("camera", summary: "A camera with a microphone", traits: [.live]),
            outputs: [
                PortSpec("out", .video([.i420]), isOptional: true),
                PortSpec("audio", .audio([.s16], rates: [48000]), isOptional: true),
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("microphone", summary: "Raw audio at 44.1 kHz", traits: [.live]),
            outputs: [PortSpec("out", .audio([.s16], rates: [44100]))]),
        NodeSpec(
            descriptor: NodeDescriptor("relay", summary: "Shares one stream", traits: .shares),
            inputs: [PortSpec("in", .any)], outputs: [PortSpec("out", .any, follows: "in", isMany: true)]),
        NodeSpec(
            descriptor: NodeDescriptor("pacer", summary: "An exact cadence", traits: .paced),
            inputs: [PortSpec("in", .rawAudio)], outputs: [PortSpec("out", .rawAudio, follows: "in")],
            parameters: [
                ParameterSpec("frame_ms", .integer, default: .integer(20), range: 5...120, help: "cadence in ms"),
                ParameterSpec(
                    "delay_ms", .integer, default: .integer(0), range: 0...10000, help: "delay", isLive: true),
                ParameterSpec("bounds.least_ms", .integer, default: .integer(1), range: 1...50, help: "at least"),
                ParameterSpec("bounds.most_ms", .integer, default: .integer(9), range: 1...50, help: "at most"),
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("audio-convert", summary: "Rate and sample format"),
            inputs: [PortSpec("in", .rawAudio)],
            outputs: [PortSpec("out", .audio([.s16, .f32], rates: [48000]))]),
        NodeSpec(
            descriptor: NodeDescriptor("gain", summary: "Scales audio"), inputs: [PortSpec("in", .rawAudio)],
            outputs: [PortSpec("out", .rawAudio, follows: "in")],
            parameters: [
                ParameterSpec("gain_db", .number, default: .number(0), range: -60...24, help: "gain", isLive: true)
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("opus-encoder", summary: "Opus", work: .light),
            inputs: [PortSpec("in", .audio([.s16, .f32], rates: [48000]))],
            outputs: [PortSpec("out", .codedAudio([.opus]))],
            parameters: [
                ParameterSpec(
                    "bitrate_kbps", .integer, default: .integer(64), range: 6...510, help: "bitrate", isLive: true)
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("vp8-encoder", summary: "VP8", work: .heavy),
            inputs: [PortSpec("in", .video([.i420]))], outputs: [PortSpec("out", .codedVideo([.vp8]))],
            parameters: [
                ParameterSpec(
                    "bitrate_kbps", .integer, default: .integer(1000), range: 50...20000, help: "bitrate",
                    isLive: true),
                ParameterSpec("threads", .integer, default: .integer(2), range: 1...16, help: "threads"),
            ],
            controlInputs: [ControlSpec("keyframe", .request, help: "the next picture is a keyframe")]),
        NodeSpec(
            descriptor: NodeDescriptor("vp8-decoder", summary: "VP8", work: .heavy),
            inputs: [PortSpec("in", .codedVideo([.vp8]))], outputs: [PortSpec("out", .video([.i420]))]),
        NodeSpec(
            descriptor: NodeDescriptor("record", summary: "Writes a file", work: .blocking),
            inputs: [
                PortSpec("audio", .rawAudio | .codedAudio, isOptional: true),
                PortSpec("video", .codedVideo, isOptional: true),
                PortSpec("data", .data, isOptional: true),
            ],
            parameters: [
                ParameterSpec("path", .string, help: "The file that is written."),
                ParameterSpec("password", .string, default: .string(""), help: "of the store"),
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("peer", summary: "A WebRTC peer", traits: .live),
            inputs: [
                PortSpec("audio", .codedAudio([.opus]), isOptional: true),
                PortSpec("video", .codedVideo([.vp8]), isOptional: true),
            ],
            controlOutputs: [
                ControlSpec("estimate_kbps", .value, help: "what the path carries"),
                ControlSpec("keyframe", .request, help: "the peer asks for a keyframe"),
                ControlSpec(
                    "network", .record,
                    fields: [
                        .init("rtt_ms", help: "there and back"), .init("loss_percent", help: "not arrived"),
                        .init("jitter_ms", help: "how uneven"),
                    ], help: "what the path is like"),
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("stt", summary: "Words of speech"),
            inputs: [PortSpec("in", .rawAudio)],
            outputs: [
                PortSpec(
                    "text", .data([DataSchema("transcript", fields: [.init("text", help: "what was said")])])),
                PortSpec("audio", .rawAudio, follows: "in", isOptional: true),
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("captions", summary: "Shows words"),
            inputs: [PortSpec("in", .data([DataSchema("caption"), DataSchema("transcript")]))]),
        NodeSpec(
            descriptor: NodeDescriptor("alarm", summary: "Rings"),
            inputs: [PortSpec("in", .data([DataSchema("event")]))]),
        NodeSpec(
            descriptor: NodeDescriptor("steer", summary: "Follows the network"),
            controlInputs: [
                ControlSpec(
                    "network", .record,
                    fields: [
                        .init("loss_percent", help: "not arrived"), .init("rtt_ms", help: "there and back"),
                        .init("cost", optional: true, help: "of a byte"),
                    ], help: "what the path is like"),
                ControlSpec("power", .record, fields: [.init("watts", help: "used")], help: "what it takes"),
            ]),
        NodeSpec(
            descriptor: NodeDescriptor("whep-host", summary: "Starts a template for each viewer"),
            parameters: [ParameterSpec("starts", .string, default: .string("viewer"), help: "template for a viewer")]),
        NodeSpec(
            descriptor: NodeDescriptor("overlay", summary: "Lays one picture on another"),
            inputs: [PortSpec("in", .rawVideo), PortSpec("over", .rawVideo, isOptional: true)]),
        NodeSpec(
            descriptor: NodeDescriptor("null-sink", summary: "Takes everything"), inputs: [PortSpec("in", .any)]),
        NodeSpec(
            descriptor: NodeDescriptor("echo", summary: "Loops"), inputs: [PortSpec("in", .any)],
            outputs: [PortSpec("out", .any, follows: "in")]),
    ],
    unavailable: [
        "srt-sink": Unavailability(
            plugin: "SRT", reason: "libsrt-gnutls.so.1.5 cannot be opened", advice: "Install libsrt1.5-gnutls.")
    ],
    services: [
        ServiceSpec(
            name: "http", type: "Shared.HTTP", summary: "One port for all", scope: .host,
            settings: [
                ParameterSpec("listen", .string, default: .string("127.0.0.1:8080"), help: "address and port"),
                ParameterSpec("token", .string, help: "The token that callers must show."),
                ParameterSpec("limits.callers", .integer, default: .integer(100), range: 1...1000, help: "at most"),
            ]),
        ServiceSpec(name: "clock", type: "Shared.Clock", summary: "Tells the time", scope: .run),
    ])
