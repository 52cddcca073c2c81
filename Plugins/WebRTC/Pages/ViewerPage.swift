/// The page on which a browser watches by WHEP. It connects again by itself.
enum ViewerPage {
    /// `path` is that of the WHEP endpoint. With `takesMicrophone` the page asks for the microphone, and sends it.
    static func html(path: String, takesMicrophone: Bool) -> String {
        PageFrame.html(
            title: "Sluice viewer",
            body: """
                <video id="video" autoplay playsinline muted></video>
                <p id="state">connects …</p>
                <p><button id="sound">Sound on</button></p>
                <dl id="figures"></dl>
                """,
            script: """
                const endpoint = "\(path)", speaks = \(takesMicrophone);
                \(PageScript.microphone)
                \(connection)
                \(figures)
                connect();
                """)
    }

    private static let connection = #"""
        const [video, state, sound] = ["video", "state", "sound"].map(id => document.getElementById(id));
        const mute = muted => { video.muted = muted; sound.textContent = muted ? "Sound on" : "Sound off"; };
        sound.onclick = () => mute(!video.muted);
        let connection, session, servers, track;
        // The answer to an offer tells STUN and TURN servers (RFC 9725, section 4.6): with them the page offers anew.
        function server(link) {
          const field = name => (link.match(new RegExp("; *" + name + '="([^"]*)"')) || [])[1];
          const urls = link.match(/<([^>]*)>/)[1], username = field("username");
          return username ? { urls, username, credential: field("credential") } : { urls };
        }
        const serversOf = links =>
          (links || "").split(/,\s*(?=<)/).filter(link => /rel="ice-server"/.test(link)).map(server);
        async function microphone() {
          if (!speaks || track && track.readyState === "live") return track;
          try {
            track = await openMicrophone();
            // A user that gave the microphone has allowed sound too.
            mute(false);
          } catch (error) { state.textContent = "no microphone: " + error.message; }
          return track;
        }
        async function connect() {
          const pc = connection = window.pc = new RTCPeerConnection({ iceServers: servers || [] });
          const stream = new MediaStream();
          pc.addTransceiver("video", { direction: "recvonly" });
          const voice = await microphone();
          pc.addTransceiver(voice || "audio", { direction: voice ? "sendrecv" : "recvonly" });
          pc.ontrack = event => { stream.addTrack(event.track); video.srcObject = stream; };
          pc.onconnectionstatechange = () => {
            if (pc.connectionState === "connected") { state.textContent = "connected"; settled(); }
            if (pc.connectionState === "failed") again("the connection was lost");
          };
          try {
            await pc.setLocalDescription();
            const answer = await offer(endpoint, pc);
            if (!answer.ok) return again(answer.status + ": " + (await answer.text()).trim());
            session = answer.headers.get("Location");
            if (!servers && (servers = serversOf(answer.headers.get("Link"))).length) {
              await end(session);
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
          later(connect);
        }
        addEventListener("pagehide", () => { if (session) end(session); });
        """#

    private static let figures = #"""
        setInterval(async () => {
          if (!connection) return;
          const shown = {}, times = {}, reports = await connection.getStats();
          const ms = seconds => Math.round(seconds * 1000) + " ms";
          reports.forEach(report => {
            if (report.type === "inbound-rtp") {
              const { kind, jitterBufferEmittedCount: played } = report;
              shown[kind] = medium(report, "bytesReceived");
              shown[kind + " delay"] = played ? ms(report.jitterBufferDelay / played) : "–";
              if (report.jitterBufferTargetDelay) shown[kind + " target"] = ms(report.jitterBufferTargetDelay / played);
              if (played && kind === "audio")
                shown["audio stretched"] = (100 / played * (report.insertedSamplesForDeceleration
                  + report.removedSamplesForAcceleration)).toFixed(2) + " %";
              shown[kind + " loss"] = (report.packetsLost || 0) + " packets";
              if (report.estimatedPlayoutTimestamp) times[kind] = report.estimatedPlayoutTimestamp;
              before[report.id] = report;
            }
            if (report.type === "candidate-pair" && report.nominated && report.state === "succeeded") {
              shown["round trip"] = ms(report.currentRoundTripTime || 0);
              const own = reports.get(report.localCandidateId) || {};
              shown.path = own.candidateType === "relay" ? "relay by " + own.relayProtocol : (own.protocol || "");
            }
          });
          if (times.audio && times.video) shown["video behind audio"] = Math.round(times.audio - times.video) + " ms";
          tell(shown);
        }, 1000);
        """#
}
