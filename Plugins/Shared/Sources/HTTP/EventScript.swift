/// JavaScript for pages that read server-sent events: by `fetch`, since an `EventSource` cannot show a token.
public enum EventScript {
    /// `readEvents(address, headers, take)`: calls `take` with the data of each event as JSON, and comes back with an
    /// error when the answer ends. Called again it goes on behind the last event.
    public static let text = #"""
        const lastEvents = {};
        async function readEvents(address, headers, take, opened) {
          const fields = Object.assign({ Accept: "text/event-stream" }, headers);
          if (lastEvents[address]) fields["Last-Event-ID"] = lastEvents[address];
          const answer = await fetch(address, { headers: fields, cache: "no-store" });
          if (answer.status === 401) throw new Error("a token is asked for: open this page with ?token=TOKEN");
          if (!answer.ok) throw new Error((await answer.text()).trim());
          if (opened) opened();
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          for (let rest = "";;) {
            const { value, done } = await reader.read();
            if (done) throw new Error("the texts have ended");
            const events = (rest + value).split("\n\n");
            rest = events.pop();
            for (const event of events) {
              let data = "";
              for (const line of event.split("\n")) {
                if (line.startsWith("id: ")) lastEvents[address] = line.slice(4);
                if (line.startsWith("data: ")) data += line.slice(6);
              }
              if (data) take(JSON.parse(data));
            }
          }
        }
        """#
}
