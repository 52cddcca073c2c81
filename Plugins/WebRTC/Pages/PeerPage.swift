/// The page on which a browser meets a graph by WebSocket. It takes the graph's offer, plays, sends its microphone and
/// its camera where they are asked for, tells how far picture and sound are apart, and connects again by itself.
enum PeerPage {
    /// `path` is that of the WebSocket. With `takesMicrophone` or `takesCamera` the page asks for it, and sends it.
    /// With `showsCaptions` it shows the texts that come.
    static func html(
        path: String, takesMicrophone: Bool, takesCamera: Bool = false, showsCaptions: Bool = false
    ) -> String {
        PageFrame.html(
            title: "Sluice",
            body: """
                <video id="video" autoplay playsinline></video>
                <p id="state">connects …</p>\(showsCaptions ? "\n" + PageScript.captionPlace : "")
                <p><button id="sound">Sound off</button> <button id="speak" hidden>Microphone off</button></p>
                <dl id="figures"></dl>
                """,
            script: """
                const path = "\(path)", speaks = \(takesMicrophone), films = \(takesCamera);
                \(showsCaptions ? PageScript.captions : "const showText = () => {};")
                \(PageScript.flow)
                \(PageScript.microphone)
                \(PeerScript.connection)
                \(PeerScript.lips)
                \(PeerScript.figures)
                open();
                """)
    }
}
