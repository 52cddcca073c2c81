/// The frame of every page: it fits a telephone and needs nothing from elsewhere.
enum PageFrame {
    /// `body` is HTML, with an empty `<dl id="figures">` where figures are shown. `script` is JavaScript behind
    /// `PageScript.common`.
    static func html(title: String, body: String, script: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title)</title>
        <link rel="icon" href="data:,">
        <style>
        body { margin: 0; background: #111; color: #ddd; font: 15px/1.4 system-ui, sans-serif; }
        video { display: block; width: 100%; max-height: 75vh; background: #000; }
        p { margin: .6em 1em; min-height: 1.4em; overflow-wrap: anywhere; }
        #captions { margin: .6em 1em; font-size: 1.3em; } #captions p { margin: .2em 0; } .partial { color: #999; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; margin: .6em 1em; }
        dt { color: #888; } dd { margin: 0; }
        button, input, select { font: inherit; padding: .4em .8em; } input { width: 9em; } a { color: #8cf; }
        </style>
        \(body)
        <script>
        \(PageScript.common)
        \(script)
        </script>
        </html>
        """
    }
}
