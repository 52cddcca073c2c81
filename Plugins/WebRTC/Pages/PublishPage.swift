/// The page on which a browser publishes its camera and its microphone by WHIP. It publishes again by itself where the
/// connection is lost.
enum PublishPage {
    /// `watch` is the path under which pages play what is published; empty where there is none.
    static func html(watch: String) -> String {
        PageFrame.html(
            title: "Sluice publisher",
            body: """
                <video id="preview" autoplay playsinline muted></video>
                <p><input id="name" aria-label="name" value="camera" pattern="[A-Za-z0-9_-]+" maxlength="64">
                <select id="codec" aria-label="codec"><option value="">any codec</option>
                <option value="video/VP8">VP8</option><option value="video/H264">H.264</option></select>
                <button id="go">Publish</button></p>
                <p id="state"></p>
                <p><a id="watch" hidden></a></p>
                <dl id="figures"></dl>
                """,
            script: """
                const watch = "\(watch)";
                \(connection)
                \(figures)
                if (query.has("publish")) go.click();
                """)
    }

    private static let connection = #"""
        const [preview, state, go, link, field, codec] =
          ["preview", "state", "go", "watch", "name", "codec"].map(id => document.getElementById(id));
        if (query.get("name")) field.value = query.get("name");
        if (query.get("codec")) codec.value = query.get("codec");
        let connection, session, media, isWanted = false;
        async function open() {
          const ideal = (name, usual) => ({ ideal: +query.get(name) || usual });
          const video = { width: ideal("width", 1280), height: ideal("height", 720), frameRate: { ideal: 30 } };
          media = media || await navigator.mediaDevices.getUserMedia({ video, audio: true });
          preview.srcObject = media;
        }
        function add(track, pc) {
          const sender = pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
          if (track.kind !== "video" || !codec.value) return;
          const all = RTCRtpSender.getCapabilities("video").codecs;
          const first = all.filter(one => one.mimeType === codec.value);
          sender.setCodecPreferences([...first, ...all.filter(one => one.mimeType === "video/rtx")]);
        }
        async function publish() {
          try {
            await open();
            const pc = connection = window.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
            for (const track of media.getTracks()) add(track, pc);
            pc.onconnectionstatechange = () => {
              if (pc.connectionState === "connected") { state.textContent = "on air as " + field.value; settled(); }
              if (/failed|disconnected/.test(pc.connectionState)) again("the connection was lost");
            };
            await pc.setLocalDescription();
            const answer = await offer("/whip/" + field.value, pc);
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
          later(() => { if (isWanted) publish(); });
        }
        function leave() {
          if (session) end(session);
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
        """#

    private static let figures = #"""
        setInterval(async () => {
          if (!connection) return;
          const shown = {};
          (await connection.getStats()).forEach(report => {
            if (report.type === "outbound-rtp") {
              shown[report.kind] = medium(report, "bytesSent");
              if (report.qualityLimitationReason) shown["limited by"] = report.qualityLimitationReason;
              shown[report.kind + " sent again"] = (report.retransmittedPacketsSent || 0) + " packets";
              before[report.id] = report;
            }
            if (report.type === "candidate-pair" && report.nominated) {
              shown["estimate"] = Math.round((report.availableOutgoingBitrate || 0) / 1000) + " kb/s";
              shown["round trip"] = Math.round((report.currentRoundTripTime || 0) * 1000) + " ms";
            }
          });
          tell(shown);
        }, 1000);
        """#
}
