/// The page on which browsers meet in a room: a tile for each, who speaks, microphone, camera and screen.
enum RoomPage {
    static func html() -> String {
        PageFrame.html(
            title: "Sluice room",
            body: """
                <style>
                #tiles { display: grid; gap: .5em; margin: .5em;
                  grid-template-columns: repeat(auto-fill, minmax(min(100%, 16em), 1fr)); }
                figure { margin: 0; background: #222; border: 3px solid #222; border-radius: .5em; overflow: hidden;
                  position: relative; min-height: 6em; }
                figure video { aspect-ratio: 16/9; object-fit: contain; } figure.dark video { visibility: hidden; }
                figcaption { position: absolute; left: .6em; bottom: .4em; right: .6em; overflow-wrap: anywhere;
                  text-shadow: 0 0 .3em #000, 0 0 .3em #000; }
                .speaks { border-color: #5a5; } .leads { border-color: #fc5; grid-column: 1 / -1; order: -1; }
                </style>
                <form id="join"><p><input id="name" placeholder="your name" maxlength="64"
                  pattern="[A-Za-z0-9_\\-]+" autofocus> <button>Join</button></p></form>
                <p id="state"></p>
                <p id="own" hidden><button id="speak">Microphone off</button> <button id="film">Camera on</button>
                <button id="screen">Share screen</button></p>
                <div id="tiles"></div>
                \(PageScript.captionPlace)
                <dl id="figures"></dl>
                """,
            script: """
                \(PageScript.microphone)
                \(RoomScript.people)
                \(RoomScript.connection)
                \(RoomScript.figures)
                """)
    }
}
