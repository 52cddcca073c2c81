/// The page on which a browser meets a graph by WebSocket. It takes the graph's offer, plays, sends its microphone
/// where that is asked for, tells how far picture and sound are apart, and connects again by itself. It fits a
/// telephone and needs nothing from elsewhere.
enum PeerPage {
    /// `path` is that of the WebSocket. With `takesMicrophone` the page asks for the microphone, and sends it.
    static func html(path: String, takesMicrophone: Bool) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Sluice</title>
        <link rel="icon" href="data:,">
        <style>
        body { margin: 0; background: #111; color: #ddd; font: 15px/1.4 system-ui, sans-serif; }
        video { display: block; width: 100%; max-height: 75vh; background: #000; }
        #state { margin: .6em 1em; min-height: 1.4em; overflow-wrap: anywhere; }
        #buttons { margin: .6em 1em; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; margin: .6em 1em; }
        dt { color: #888; } dd { margin: 0; }
        button { font: inherit; padding: .4em 1em; }
        </style>
        <video id="video" autoplay playsinline></video>
        <p id="state">connects …</p>
        <p id="buttons"><button id="sound">Sound off</button> <button id="speak" hidden>Microphone off</button></p>
        <dl id="figures"></dl>
        <script>
        const path = "\(path)", speaks = \(takesMicrophone), token = new URLSearchParams(location.search).get("token");
        \(PeerScript.connection)
        \(PeerScript.lips)
        \(PeerScript.figures)
        open();
        </script>
        </html>
        """
    }
}
