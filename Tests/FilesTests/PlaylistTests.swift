import Foundation
import Sluice
import SluiceTesting
import Testing

@testable import FilesPlugin

/// Files that name other files: they would choose what is read on this machine.
@Suite("A source reads the file that it is given") struct PlaylistTests {
    @Test(arguments: ["mp4", "ts", "m3u8", "mkv"]) func aPlaylistIsRefused(_ ending: String) throws {
        let folder = try Folder()
        try FileManager.default.copyItem(atPath: Clips.ts, toPath: folder.path("secret.ts"))
        for (kind, text) in [
            ("hls", "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n\(folder.path("secret.ts"))\n#EXT-X-ENDLIST\n"),
            ("hls", "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsecret.ts\n#EXT-X-ENDLIST\n"),
            ("concat", "ffconcat version 1.0\nfile secret.ts\n"),
            ("sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"),
            (
                "dash",
                #"<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT3S"><Period><AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>secret.ts</BaseURL></Representation></AdaptationSet></Period></MPD>"#
            ),
        ] {
            let path = folder.path("a.\(ending)")
            try Data(text.utf8).write(to: URL(filePath: path))
            // Beside it, and called one: `SegmentList`.
            if ending == "m3u8" && text.contains("\nsecret.ts") { continue }
            let said = message { try NodeHarness(Source.self, parameters: ["open": .string(path), "pace": "fast"]) }
            #expect(said.contains("\"\(path)\" is "), "\(kind): \(said)")
            #expect(!said.contains("no media file that libavformat knows") || kind == "dash", "\(kind): \(said)")
        }
    }

    @Test(arguments: [
        "http://127.0.0.1:1/a.mp4", "subfile,,start,0,end,9,,:a.mp4", "data:,x", "concat:a|b", "file:a.mp4",
    ])
    func anAddressIsTheNameOfAFile(_ name: String) {
        let said = message { try NodeHarness(Source.self, parameters: ["open": .string(name)]) }
        #expect(said.contains("cannot open \"\(name)\": No such file or directory"), "\(said)")
    }
}
