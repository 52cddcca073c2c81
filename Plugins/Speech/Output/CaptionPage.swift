import HTTP

/// The page that shows texts as they come: the last ones in large letters, what was said before above them.
enum CaptionPage {
    /// `path` is that of the server-sent events.
    static func html(path: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Captions</title>
        <link rel="icon" href="data:,">
        <style>
        body { margin: 0; background: #111; color: #eee; font: 1.6em/1.4 system-ui, sans-serif; }
        main { display: flex; flex-direction: column; justify-content: flex-end; min-height: 92vh; padding: 0 1em; }
        p { margin: .2em 0; overflow-wrap: anywhere; } .partial { color: #aaa; } b { color: #8cf; }
        #state { color: #888; font-size: .6em; padding: 0 1em; }
        </style>
        <main id="texts" aria-live="polite"></main>
        <p id="state">connects …</p>
        <script>
        const path = "\(path)";
        \(EventScript.text)
        \(script)
        </script>
        </html>
        """
    }

    private static let script = #"""
        const token = new URLSearchParams(location.search).get("token");
        const texts = document.getElementById("texts"), state = document.getElementById("state"), shown = new Map();
        // Of an utterance the newest text counts; an empty final one takes it back.
        function show(text) {
          const key = JSON.stringify([text.session, text.speaker, text.id]);
          let line = shown.get(key);
          if (!text.text) {
            if (line) line.remove();
            shown.delete(key);
            return;
          }
          if (!line) {
            line = texts.appendChild(document.createElement("p"));
            shown.set(key, line);
            if (shown.size > 200) { const [old] = shown.keys(); shown.get(old).remove(); shown.delete(old); }
          }
          line.className = text.final ? "final" : "partial";
          line.replaceChildren();
          if (text.speaker) line.appendChild(document.createElement("b")).textContent = text.speaker + ": ";
          line.append(text.text);
          line.scrollIntoView({ block: "end" });
        }
        async function go() {
          for (;;) {
            try {
              await readEvents(path + "?all", token ? { Authorization: "Bearer " + token } : {}, show,
                () => { state.textContent = ""; });
            } catch (error) { state.textContent = error.message; }
            await new Promise(later => setTimeout(later, 1000));
          }
        }
        go();
        """#
}
