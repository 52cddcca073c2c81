/// JavaScript that several pages have. It shares a scope with the page's own.
enum PageScript {
    /// The address's own parameters, requests to the server, waiting between tries, figures.
    static let common = #"""
        const query = new URLSearchParams(location.search), token = query.get("token");
        const headers = type => Object.assign(type ? { "Content-Type": type } : {},
          token ? { Authorization: "Bearer " + token } : {});
        // WHIP and WHEP (RFC 9725, section 4.2): the offer goes out, and the session has an address of its own.
        const offer = (endpoint, pc) =>
          fetch(endpoint, { method: "POST", headers: headers("application/sdp"), body: pc.localDescription.sdp });
        const end = session => fetch(session, { method: "DELETE", headers: headers(), keepalive: true });

        // Tries come soon at first, and then more seldom.
        let wait = 500, timer;
        function later(what) {
          clearTimeout(timer);
          timer = setTimeout(what, wait);
          wait = Math.min(8000, wait * 2);
        }
        const settled = () => { wait = 500; };

        const before = {};
        // A count of getStats by the second, since the last look at it.
        function rate(report, field) {
          const old = before[report.id] || { timestamp: report.timestamp - 1000 };
          return (report[field] - (old[field] || 0)) / Math.max(.001, (report.timestamp - old.timestamp) / 1000);
        }
        const medium = (report, bytes) => Math.round(rate(report, bytes) * 8 / 1000) + " kb/s" + (report.frameWidth
          ? ", " + report.frameWidth + "x" + report.frameHeight + ", " + (report.framesPerSecond || 0) + "/s" : "");
        const tell = shown => document.getElementById("figures").replaceChildren(
          ...Object.entries(shown).flatMap(([name, value]) => {
            const dt = document.createElement("dt"), dd = document.createElement("dd");
            dt.textContent = name;
            dd.textContent = value;
            return [dt, dd];
          }));
        """#

    /// Sees within two seconds that a connection's media come no more.
    static let flow = #"""
        // A second of media, then a second of nothing: a network that lets UDP through no more, say. Another connection
        // finds its way in a fraction of a second; Chromium leaves the old one after three, whatever is done to it.
        function watchFlow(present, stalled) {
          let flow = [], last;
          async function look() {
            const pc = present();
            if (pc !== last) [flow, last] = [[], pc];
            if (!pc || pc.connectionState !== "connected") return void (flow = []);
            let packets = 0;
            (await pc.getStats()).forEach(one => {
              if (one.type === "inbound-rtp") packets += one.packetsReceived || 0;
            });
            if (pc !== present() || flow.push(packets) < 9) return;
            if (flow[4] - flow[0] >= 20 && flow[8] === flow[4]) {
              flow = [];
              return stalled(pc);
            }
            flow.shift();
          }
          setInterval(() => look().catch(() => {}), 250);
        }
        """#

    static let captionPlace = "<div id=\"captions\" aria-live=\"polite\"></div>"

    /// The last texts of what is said, a partial one until its final one takes its place.
    static let captions = #"""
        const lines = document.getElementById("captions"), spoken = new Map();
        function showText(text) {
          let line = spoken.get(text.id);
          if (!line) {
            spoken.set(text.id, line = lines.appendChild(document.createElement("p")));
            if (spoken.size > 5) { const [old] = spoken.keys(); spoken.get(old).remove(); spoken.delete(old); }
          }
          line.textContent = text.text;
          line.className = text.final ? "final" : "partial";
        }
        """#

    /// A microphone with what a call wants of it, and a camera.
    static let microphone = #"""
        async function capture(audio, video) {
          if (!navigator.mediaDevices) throw new Error("browsers give it on localhost and by HTTPS alone");
          return await navigator.mediaDevices.getUserMedia({
            audio: audio && { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
            video: video && { width: { ideal: 1280 }, height: { ideal: 720 } } });
        }
        // Why the user is not heard or seen, behind what the page says. One who has refused it is not asked again.
        let lack = "";
        const noteLack = (names, error) => { lack = ", not heard: no " + names + " (" + error.message + ")"; };
        """#
}
