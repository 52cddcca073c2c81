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

    /// A microphone with what a call wants of it, and a camera.
    static let microphone = #"""
        async function capture(audio, video) {
          if (!navigator.mediaDevices) throw new Error("browsers give it on localhost and by HTTPS alone");
          return await navigator.mediaDevices.getUserMedia({
            audio: audio && { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
            video: video && { width: { ideal: 1280 }, height: { ideal: 720 } } });
        }
        const openMicrophone = async () => (await capture(true, false)).getAudioTracks()[0];
        // Why the user is not heard or seen, behind what the page says. One who has refused it is not asked again.
        let lack = "";
        const noteLack = (names, error) => { lack = ", not heard: no " + names + " (" + error.message + ")"; };
        """#
}
