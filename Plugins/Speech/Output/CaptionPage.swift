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
        \(script)
        </script>
        </html>
        """
    }

    /// `EventSource` cannot show a token, so the stream is read by `fetch`.
    private static let script = #"""
        const token = new URLSearchParams(location.search).get("token");
        const texts = document.getElementById("texts"), state = document.getElementById("state"), shown = new Map();
        let last = "";
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
        function take(event) {
          let data = "";
          for (const line of event.split("\n")) {
            if (line.startsWith("id: ")) last = line.slice(4);
            if (line.startsWith("data: ")) data += line.slice(6);
          }
          if (data) show(JSON.parse(data));
        }
        async function read() {
          const headers = { Accept: "text/event-stream" };
          if (token) headers.Authorization = "Bearer " + token;
          if (last) headers["Last-Event-ID"] = last;
          const answer = await fetch(path + "?all", { headers, cache: "no-store" });
          if (answer.status === 401) throw new Error("a token is asked for: open this page with ?token=TOKEN");
          if (!answer.ok) throw new Error((await answer.text()).trim());
          state.textContent = "";
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let rest = "";;) {
            const { value, done } = await reader.read();
            if (done) throw new Error("the captions have ended");
            const events = (rest + value).split("\n\n");
            rest = events.pop();
            events.forEach(take);
          }
        }
        async function go() {
          for (;;) {
            try { await read(); } catch (error) { state.textContent = error.message; }
            await new Promise(later => setTimeout(later, 1000));
          }
        }
        go();
        """#
}
