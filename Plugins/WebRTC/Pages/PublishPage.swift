/// The page on which a browser publishes its camera and its microphone by WHIP. It fits a telephone, needs nothing from
/// elsewhere, and publishes again by itself where the connection is lost.
enum PublishPage {
    /// `watch` is the path under which pages play what is published; empty where there is none.
    static func html(watch: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Sluice publisher</title>
        <link rel="icon" href="data:,">
        <style>
        body { margin: 0; background: #111; color: #ddd; font: 15px/1.4 system-ui, sans-serif; }
        video { display: block; width: 100%; max-height: 70vh; background: #000; }
        p { margin: .6em 1em; min-height: 1.4em; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; margin: .6em 1em; }
        dt { color: #888; } dd { margin: 0; }
        button, input, select { font: inherit; padding: .4em .6em; } input { width: 9em; } a { color: #8cf; }
        </style>
        <video id="preview" autoplay playsinline muted></video>
        <p><input id="name" aria-label="name" value="camera" pattern="[A-Za-z0-9_-]+" maxlength="64">
        <select id="codec" aria-label="codec"><option value="">any codec</option>
        <option value="video/VP8">VP8</option><option value="video/H264">H.264</option></select>
        <button id="go">Publish</button></p>
        <p id="state"></p>
        <p><a id="watch" hidden></a></p>
        <dl id="figures"></dl>
        <script>
        const watch = "\(watch)", query = new URLSearchParams(location.search), token = query.get("token");
        \(script)
        </script>
        </html>
        """
    }

    private static let script = #"""
        const [preview, state, go, figures, link, field, codec] =
          ["preview", "state", "go", "figures", "watch", "name", "codec"].map(id => document.getElementById(id));
        if (query.get("name")) field.value = query.get("name");
        if (query.get("codec")) codec.value = query.get("codec");
        const headers = type => Object.assign({ "Content-Type": type }, token ? { Authorization: "Bearer " + token } : {});
        let connection, session, media, isWanted = false, wait = 500;
        async function publish() {
          const endpoint = "/whip/" + field.value;
          try {
            const size = { width: { ideal: +query.get("width") || 1280 }, height: { ideal: +query.get("height") || 720 } };
            media = media || await navigator.mediaDevices.getUserMedia({
              video: Object.assign(size, { frameRate: { ideal: 30 } }), audio: true });
            preview.srcObject = media;
            const pc = connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
            window.pc = pc;
            for (const track of media.getTracks()) {
              const sender = pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
              if (track.kind !== "video" || !codec.value) continue;
              const all = RTCRtpSender.getCapabilities("video").codecs;
              const first = all.filter(one => one.mimeType === codec.value);
              sender.setCodecPreferences([...first, ...all.filter(one => one.mimeType === "video/rtx")]);
            }
            pc.onconnectionstatechange = () => {
              if (pc.connectionState === "connected") { state.textContent = "on air as " + field.value; wait = 500; }
              if (pc.connectionState === "failed" || pc.connectionState === "disconnected") again("the connection was lost");
            };
            await pc.setLocalDescription();
            const answer = await fetch(endpoint, { method: "POST", headers: headers("application/sdp"), body: pc.localDescription.sdp });
            if (!answer.ok) return again(answer.status + ": " + (await answer.text()).trim());
            session = answer.headers.get("Location");
            await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
            if (watch) {
              link.href = watch + "/" + field.value + (token ? "?token=" + encodeURIComponent(token) : "");
              link.textContent = "watch it";
              link.hidden = false;
            }
          } catch (error) { again(error.message); }
        }
        function again(why) {
          if (connection) connection.close();
          connection = null;
          if (!isWanted) return;
          state.textContent = why + "; publishes again";
          setTimeout(() => { if (isWanted) publish(); }, wait);
          wait = Math.min(8000, wait * 2);
        }
        function leave() {
          if (session) fetch(session, { method: "DELETE", headers: token ? { Authorization: "Bearer " + token } : {}, keepalive: true });
          session = null;
        }
        go.onclick = () => {
          isWanted = !isWanted;
          go.textContent = isWanted ? "Stop" : "Publish";
          state.textContent = isWanted ? "connects …" : "stopped";
          if (isWanted) return publish();
          leave();
          if (connection) connection.close();
          connection = null;
          for (const track of media ? media.getTracks() : []) track.stop();
          media = null;
        };
        addEventListener("pagehide", leave);
        let before = {};
        setInterval(async () => {
          if (!connection) return;
          const shown = {};
          (await connection.getStats()).forEach(report => {
            if (report.type === "outbound-rtp") {
              const old = before[report.id] || { bytesSent: 0, timestamp: report.timestamp - 1000 };
              const seconds = (report.timestamp - old.timestamp) / 1000;
              shown[report.kind] = Math.round((report.bytesSent - old.bytesSent) * 8 / seconds / 1000) + " kb/s"
                + (report.frameWidth ? ", " + report.frameWidth + "x" + report.frameHeight + ", " + (report.framesPerSecond || 0) + "/s" : "");
              if (report.qualityLimitationReason) shown["limited by"] = report.qualityLimitationReason;
              shown[report.kind + " sent again"] = (report.retransmittedPacketsSent || 0) + " packets";
              before[report.id] = report;
            }
            if (report.type === "candidate-pair" && report.nominated) {
              shown["estimate"] = Math.round((report.availableOutgoingBitrate || 0) / 1000) + " kb/s";
              shown["round trip"] = Math.round((report.currentRoundTripTime || 0) * 1000) + " ms";
            }
          });
          figures.replaceChildren(...Object.entries(shown).flatMap(([name, value]) => {
            const dt = document.createElement("dt"), dd = document.createElement("dd");
            dt.textContent = name;
            dd.textContent = value;
            return [dt, dd];
          }));
        }, 1000);
        if (query.has("publish")) go.click();
        """#
}
