import HTTP

/// The page on which a browser watches by WHEP. It connects again by itself.
enum ViewerPage {
    /// `path` is that of the WHEP endpoint. With `takesMicrophone` and `takesCamera` the page asks for them, and sends
    /// them.
    static func html(
        path: String, takesMicrophone: Bool, takesCamera: Bool = false, showsCaptions: Bool = false
    ) -> String {
        PageFrame.html(
            title: "Sluice viewer",
            body: """
                <video id="video" autoplay playsinline muted></video>
                <p id="state">connects …</p>\(showsCaptions ? "\n" + PageScript.captionPlace : "")
                <p><button id="sound">Sound on</button></p>
                <dl id="figures"></dl>
                """,
            script: """
                const endpoint = "\(path)", speaks = \(takesMicrophone), films = \(takesCamera);
                \(showsCaptions ? captions : "const caption = () => {};")
                \(PageScript.flow)
                \(PageScript.microphone)
                \(connection)
                \(restart)
                \(figures)
                connect();
                """)
    }

    /// Of this session.
    private static let captions = [EventScript.text, PageScript.captions, caption].joined(separator: "\n")

    private static let caption = #"""
        const caption = of => readEvents(of + "/captions", headers(), showText)
          .catch(error => { if (of === session) console.log("captions: " + error.message); });
        """#

    private static let connection = #"""
        const [video, state, sound] = ["video", "state", "sound"].map(id => document.getElementById(id));
        const mute = muted => { video.muted = muted; sound.textContent = muted ? "Sound on" : "Sound off"; };
        sound.onclick = () => mute(!video.muted);
        let connection, session, servers, description;
        const own = {};
        // The answer to an offer tells STUN and TURN servers (RFC 9725, section 4.6): with them the page offers anew.
        function server(link) {
          const field = name => (link.match(new RegExp("; *" + name + '="([^"]*)"')) || [])[1];
          const urls = link.match(/<([^>]*)>/)[1], username = field("username");
          return username ? { urls, username, credential: field("credential") } : { urls };
        }
        const serversOf = links =>
          (links || "").split(/,\s*(?=<)/).filter(link => /rel="ice-server"/.test(link)).map(server);
        async function openOwn() {
          const lives = kind => own[kind] && own[kind].readyState === "live";
          const audio = speaks && !lives("audio"), video = films && !lives("video");
          if (lack || !audio && !video) return;
          try {
            for (const track of (await capture(audio, video)).getTracks()) own[track.kind] = track;
            // A user that gave the microphone has allowed sound too.
            if (own.audio) mute(false);
          } catch (error) { noteLack([speaks && "microphone", films && "camera"].filter(Boolean).join(" and "), error); }
        }
        // Another connection in the place of `former`, which stays until the new one is answered.
        async function connect(former) {
          // ?relay goes by the TURN servers alone.
          const iceTransportPolicy = query.has("relay") && servers && servers.length ? "relay" : "all";
          const pc = new RTCPeerConnection({ iceServers: servers || [], iceTransportPolicy });
          if (!former) connection = window.pc = pc;
          const stream = new MediaStream();
          await openOwn();
          for (const kind of ["video", "audio"])
            pc.addTransceiver(own[kind] || kind, { direction: own[kind] ? "sendrecv" : "recvonly" });
          pc.ontrack = event => { stream.addTrack(event.track); video.srcObject = stream; };
          pc.onconnectionstatechange = () => {
            if (pc !== connection) return;
            if (pc.connectionState === "connected") { state.textContent = "connected" + lack; settled(); }
            // Another network, perhaps, or UDP is blocked: new candidates keep the connection.
            if (pc.connectionState === "disconnected") restart(pc).catch(error => { state.textContent = error.message; });
            if (pc.connectionState === "failed") again("the connection was lost");
          };
          try {
            await pc.setLocalDescription();
            const answer = await offer(endpoint, pc);
            if (!answer.ok) throw new Error(answer.status + ": " + (await answer.text()).trim());
            if (former) {
              if (former !== connection) return void (end(answer.headers.get("Location")), pc.close());
              end(session);
              former.close();
              connection = window.pc = pc;
            }
            session = answer.headers.get("Location");
            if (!servers && (servers = serversOf(answer.headers.get("Link"))).length) {
              await end(session);
              pc.close();
              return connect();
            }
            description = await answer.text();
            await pc.setRemoteDescription({ type: "answer", sdp: description });
            caption(session);
          } catch (error) {
            if (pc === connection) again(error.message); else pc.close();
          }
        }
        watchFlow(() => connection, pc => {
          state.textContent = "nothing comes any more; connects again";
          return connect(pc);
        });
        function again(why) {
          if (!connection) return;
          connection.close();
          connection = null;
          state.textContent = why + "; connects again";
          later(connect);
        }
        addEventListener("pagehide", () => { if (session) end(session); });
        """#

    /// New credentials of both sides, all else as it was (RFC 9725, section 4.3.3).
    private static let restart = #"""
        async function restart(pc) {
          state.textContent = "looks for another way …";
          await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
          const names = ["ice-ufrag", "ice-pwd"];
          const value = (text, name) => text.match(new RegExp("a=" + name + ":(.*)"))[1].trim();
          const lines = names.map(name => "a=" + name + ":" + value(pc.localDescription.sdp, name) + "\r\n");
          const fields = Object.assign(headers("application/trickle-ice-sdpfrag"), { "If-Match": "*" });
          const answer = await fetch(session, { method: "PATCH", headers: fields, body: lines.join("") });
          if (answer.status !== 200) throw new Error("the server does not restart ICE: " + answer.status);
          const news = await answer.text();
          for (const name of names)
            description = description.replace(new RegExp("a=" + name + ":.*", "g"), "a=" + name + ":" + value(news, name));
          await pc.setRemoteDescription({ type: "answer", sdp: description });
        }
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
