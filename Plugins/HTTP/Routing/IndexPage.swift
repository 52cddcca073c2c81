import HTTP

/// The page at `/` where no node serves one: links to all pages that nodes serve just now.
enum IndexPage {
    /// `paths` are told only where everybody may know them.
    static func response(of paths: [String]?) -> HTTPResponse {
        HTTPResponse(
            200, "text/html; charset=utf-8", html(paths),
            headers: ["Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"])
    }

    private static func html(_ paths: [String]?) -> String {
        let list = (paths ?? []).sorted().map { "<li><a href=\"\(escaped($0))\">\(escaped($0))</a></li>" }
        let body =
            paths == nil
            ? "<p>The pages here are not listed, since a token is asked for. Open the address that you were told.</p>"
            : list.isEmpty
                ? "<p>There is no page yet. One appears here when its stream begins.</p>"
                : "<ul>\(list.joined())</ul>"
        return """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="refresh" content="2">
            <title>Sluice</title>
            <style>body{font:1.1em/1.6 system-ui,sans-serif;margin:2em auto;max-width:40em;padding:0 1em}
            @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}</style>
            <h1>Sluice</h1>
            \(body)
            </html>
            """
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
        return out
    }
}
