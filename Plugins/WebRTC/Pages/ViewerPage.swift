/// The page on which a browser watches. It fits a telephone, needs nothing from elsewhere, and connects again by
/// itself.
enum ViewerPage {
    /// `path` is that of the WHEP endpoint. With `takesMicrophone` the page asks for the microphone, and sends it.
    static func html(path: String, takesMicrophone: Bool) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Sluice viewer</title>
        <link rel="icon" href="data:,">
        <style>
        body { margin: 0; background: #111; color: #ddd; font: 15px/1.4 system-ui, sans-serif; }
        video { display: block; width: 100%; max-height: 80vh; background: #000; }
        #state { margin: .6em 1em; min-height: 1.4em; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em; margin: .6em 1em; }
        dt { color: #888; } dd { margin: 0; }
        button { font: inherit; padding: .4em 1em; }
        </style>
        <video id="video" autoplay playsinline muted></video>
        <p id="state">connects …</p>
        <p style="margin: .6em 1em"><button id="sound">Sound on</button></p>
        <dl id="figures"></dl>
        <script>
        const endpoint = "\(path)", speaks = \(takesMicrophone), token = new URLSearchParams(location.search).get("token");
        \(script)
        </script>
        </html>
        """
    }

    private static let script = #"""
        const video = document.getElementById("video"), state = document.getElementById("state");
        const sound = document.getElementById("sound"), figures = document.getElementById("figures");
        const mute = muted => { video.muted = muted; sound.textContent = muted ? "Sound on" : "Sound off"; };
        sound.onclick = () => mute(!video.muted);
        let connection, session, wait = 500;
        const headers = type => Object.assign({ "Content-Type": type }, token ? { Authorization: "Bearer " + token } : {});
        let servers;
        // RFC 9725, section 4.6: the answer to an offer tells STUN and TURN servers. With them the page offers once more.
        const told = links => (links || "").split(/,\s*(?=<)/).filter(link => /rel="ice-server"/.test(link)).map(link => {
          const field = name => (link.match(new RegExp("; *" + name + '="([^"]*)"')) || [])[1];
          const server = { urls: link.match(/<([^>]*)>/)[1] };
          return field("username") ? Object.assign(server, { username: field("username"), credential: field("credential") }) : server;
        });
        let track;
        async function microphone() {
          if (!speaks || track && track.readyState === "live") return track;
          try {
            const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
            track = (await navigator.mediaDevices.getUserMedia({ audio: wanted })).getAudioTracks()[0];
            // A user that gave the microphone has allowed sound too.
            mute(false);
          } catch (error) { state.textContent = "no microphone: " + error.message; }
          return track;
        }
        async function connect() {
          const pc = connection = new RTCPeerConnection({ iceServers: servers || [] });
          window.pc = pc;
          const stream = new MediaStream();
          pc.addTransceiver("video", { direction: "recvonly" });
          const voice = await microphone();
          pc.addTransceiver(voice || "audio", { direction: voice ? "sendrecv" : "recvonly" });
          pc.ontrack = event => { stream.addTrack(event.track); video.srcObject = stream; };
          pc.onconnectionstatechange = () => {
            if (pc.connectionState === "connected") { state.textContent = "connected"; wait = 500; }
            if (pc.connectionState === "failed") again("the connection was lost");
          };
          try {
            await pc.setLocalDescription();
            const answer = await fetch(endpoint, { method: "POST", headers: headers("application/sdp"), body: pc.localDescription.sdp });
            if (!answer.ok) return again(answer.status + ": " + (await answer.text()).trim());
            session = answer.headers.get("Location");
            if (!servers && (servers = told(answer.headers.get("Link"))).length) {
              await fetch(session, { method: "DELETE", headers: headers("text/plain") });
              pc.close();
              return connect();
            }
            await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
          } catch (error) { again(error.message); }
        }
        function again(why) {
          if (!connection) return;
          connection.close();
          connection = null;
          state.textContent = why + "; connects again";
          setTimeout(connect, wait);
          wait = Math.min(8000, wait * 2);
        }
        addEventListener("pagehide", () => { if (session) fetch(session, { method: "DELETE", headers: headers("text/plain"), keepalive: true }); });
        let before = {};
        setInterval(async () => {
          if (!connection) return;
          const shown = {}, candidates = {};
          const reports = await connection.getStats();
          reports.forEach(report => { if (report.type === "local-candidate") candidates[report.id] = report; });
          reports.forEach(report => {
            if (report.type === "inbound-rtp") {
              const old = before[report.id] || { bytesReceived: 0, timestamp: report.timestamp - 1000 };
              const seconds = (report.timestamp - old.timestamp) / 1000;
              shown[report.kind] = Math.round((report.bytesReceived - old.bytesReceived) * 8 / seconds / 1000) + " kb/s"
                + (report.frameWidth ? ", " + report.frameWidth + "x" + report.frameHeight + ", " + (report.framesPerSecond || 0) + "/s" : "");
              shown[report.kind + " delay"] = report.jitterBufferEmittedCount
                ? Math.round(report.jitterBufferDelay / report.jitterBufferEmittedCount * 1000) + " ms" : "–";
              if (report.jitterBufferTargetDelay)
                shown[report.kind + " target"] = Math.round(report.jitterBufferTargetDelay / report.jitterBufferEmittedCount * 1000) + " ms";
              if (report.jitterBufferEmittedCount && report.kind === "audio")
                shown["audio stretched"] = ((report.insertedSamplesForDeceleration + report.removedSamplesForAcceleration)
                  / report.jitterBufferEmittedCount * 100).toFixed(2) + " %";
              shown[report.kind + " loss"] = (report.packetsLost || 0) + " packets";
              before[report.id] = report;
            }
            if (report.type === "candidate-pair" && report.nominated && report.state === "succeeded") {
              shown["round trip"] = Math.round((report.currentRoundTripTime || 0) * 1000) + " ms";
              const way = candidates[report.localCandidateId] || {};
              shown.path = way.candidateType === "relay" ? "relay by " + way.relayProtocol : (way.protocol || "");
            }
          });
          const times = {};
          reports.forEach(report => {
            if (report.type === "inbound-rtp" && report.estimatedPlayoutTimestamp)
              times[report.kind] = report.estimatedPlayoutTimestamp;
          });
          if (times.audio && times.video)
            shown["video behind audio"] = Math.round(times.audio - times.video) + " ms";
          figures.replaceChildren(...Object.entries(shown).flatMap(([name, value]) => {
            const dt = document.createElement("dt"), dd = document.createElement("dd");
            dt.textContent = name;
            dd.textContent = value;
            return [dt, dd];
          }));
        }, 1000);
        connect();
        """#
}
