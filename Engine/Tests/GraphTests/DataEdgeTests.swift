import Testing

@testable @_spi(Host) import Sluice

@Suite struct DataEdgeTests {
    private func heard(_ nodes: String, _ edges: String) -> String {
        graph(
            nodes: #""mic": { "type": "microphone" }, "stt": { "type": "stt" }, \#(nodes)"#,
            edges: #""mic -> stt", \#(edges)"#)
    }
    private let tape = #""tape": { "type": "record", "path": "x" }"#

    @Test func `Data pass from schema to schema of the same name, also through a relay`() throws {
        let plan = try load(
            heard(
                #""r": { "type": "relay" }, "see": { "type": "captions" }, \#(tape)"#,
                #""stt.text -> r -> see", "r -> tape.data""#))
        #expect(
            plan.root.edges.map { "\($0.formats)" } == [
                "audio s16 44100 Hz", "data transcript", "data transcript", "data transcript",
            ])
        #expect(plan.root.edges.map(\.overflow) == [.block, .block, .dropOldest, .dropOldest])
    }

    @Test(arguments: [
        (
            #""tape": { "type": "record", "path": "x" }"#, #""stt.text -> tape.video""#,
            """
            t.json:4:15: edge "stt.text -> tape.video": stt.text gives data transcript, tape.video takes video packets.
              Did you mean tape.data?
            """
        ),
        (
            #""opus": { "type": "opus-encoder" }, "sink": { "type": "null-sink" }"#, #""stt.text -> opus -> sink""#,
            """
            t.json:4:15: edge "stt.text -> opus": stt.text gives data transcript, opus.in takes audio s16/f32 48000 Hz.
              Did you mean stt.audio?
            """
        ),
        (
            #""alarm": { "type": "alarm" }"#, #""stt.text -> alarm""#,
            """
            t.json:4:15: edge "stt.text -> alarm": stt.text gives data transcript, alarm.in takes data event.
              No known node turns the one into the other.
            """
        ),
        (
            #""see": { "type": "captions" }"#, #"{ "from": "stt.text", "to": "see", "overflow": "drop-to-keyframe" }"#,
            """
            t.json:4:62: edge "stt.text -> see": "drop-to-keyframe" is for packets, \
            and this edge carries data transcript.
              Use "drop-oldest".
            """
        ),
    ])
    func `Both ends of a data edge are named where they do not fit`(nodes: String, edges: String, expected: String) {
        #expect(errors(heard(nodes, edges)) == expected)
    }

    @Test func `Data items stand alone: an edge may drop the oldest or the newest of them`() {
        for overflow in ["drop-oldest", "drop-newest", "block"] {
            let edge = #"{ "from": "stt.text", "to": "tape.data", "overflow": "\#(overflow)", "epoch": "keep" }"#
            #expect(errors(heard(tape, edge)) == "")
        }
    }

    @Test func `A drawing shows data edges in a colour of their own, with the name of what they carry`() throws {
        let drawing = GraphDrawing(try load(heard(tape, #""stt.text -> tape.data""#)))
        let mermaid = drawing.text(.mermaid)
        #expect(mermaid.contains(#"n1 -->|"text → data<br/>data transcript"| n2"#))
        #expect(mermaid.hasSuffix("  linkStyle 1 stroke:#2e7d5b\n"))
        #expect(drawing.text(.dot).contains(##"label="text → data\ndata transcript", color="#2e7d5b""##))
        #expect(drawing.text(.svg).contains(##"stroke="#2e7d5b" stroke-width="1.4" marker-end="url(#data)""##))
        let audio = GraphDrawing(
            try load(graph(nodes: tape + #", "mic": { "type": "microphone" }"#, edges: #""mic -> tape.audio""#)))
        for format in GraphDrawing.Format.allCases { #expect(!audio.text(format).contains("#2e7d5b")) }
    }

    @Test func `An item gives back its fields, the last of two of one name, and its size`() {
        let format = MediaFormat(data: DataSchema("transcript"))
        let item = DataItem(
            format: format, at: .milliseconds(20), ["text": "so", "words": [["w": "so", "p": 0.5]], "text": "yes"])
        #expect(item["text"] == "yes" && item["words"]?.array?[0]["p"]?.number == 0.5 && item["none"] == nil)
        #expect(item.header.dts == .milliseconds(20) && item.header.duration == .zero)
        #expect(item.byteCount > 30 && item.byteCount < 80)
        #expect("\(format)" == "data transcript" && format.kind.medium == "data" && !format.kind.isRaw)
        #expect(FormatSet.any.contains(format) && !FormatSet.rawAudio.contains(format))
        #expect(
            format != MediaFormat(data: DataSchema("event")) && format == MediaFormat(data: DataSchema("transcript")))
    }

    @Test func `A line of JSON has no line break and no number that JSON lacks`() {
        let value: JSONValue = [
            "text": "two\nlines \u{2028}\"", "list": [1, 2.5, ["a": [:]]], "nan": .init(.number(.nan)),
            "none": .init(.null),
        ]
        #expect(
            value.line
                == """
                {"text": "two\\nlines \u{2028}\\\"", "list": [1, 2.5, {"a": {}}], "nan": null, "none": null}
                """
        )
    }
}
