/// The scripts of `RoomPage`: they share one scope.
enum RoomScript {
    /// Those who are there, a tile each.
    static let people = #"""
        const room = query.get("room") || "main", tiles = new Map();
        const place = document.getElementById("tiles"), state = document.getElementById("state");
        const show = text => { state.textContent = text; };
        let me = "";

        function tile(name) {
          let one = tiles.get(name);
          if (one) return one;
          const box = document.createElement("figure"), video = document.createElement("video");
          const label = document.createElement("figcaption");
          [video.autoplay, video.playsInline, video.muted] = [true, true, name === me];
          box.append(video, label);
          place.append(box);
          box.dataset.name = name;
          tiles.set(name, one = { box, video, label, muted: new Set(), stream: new MediaStream() });
          video.srcObject = one.stream;
          // Where sound may not begin by itself a tap begins it.
          box.onclick = () => video.play();
          label_(name);
          return one;
        }
        function label_(name) {
          const one = tiles.get(name);
          if (!one) return;
          one.label.textContent = name + (name === me ? " (you)" : "") + (one.muted.has("audio") ? ", muted" : "");
          one.box.classList.toggle("dark", one.muted.has("video") || !one.stream.getVideoTracks().length);
        }
        function remove(name) {
          const one = tiles.get(name);
          if (!one) return;
          one.box.remove();
          tiles.delete(name);
        }
        function mute(name, kind, isMuted) {
          const { muted } = tile(name);
          if (isMuted) muted.add(kind); else muted.delete(kind);
          label_(name);
        }
        function meet(message) {
          me = message.you;
          for (const name of [...tiles.keys()]) remove(name);
          tile(me);
          showOwn();
          for (const one of message.participants) {
            tile(one.name);
            for (const kind of one.muted) mute(one.name, kind, true);
          }
        }
        // The last texts of all, a partial one until its final one takes its place.
        const captions = document.getElementById("captions"), spoken = new Map();
        function caption(text) {
          const key = text.speaker + " " + text.id;
          let line = spoken.get(key);
          if (!line) {
            spoken.set(key, line = captions.appendChild(document.createElement("p")));
            if (spoken.size > 5) { const [old] = spoken.keys(); spoken.get(old).remove(); spoken.delete(old); }
          }
          line.textContent = text.text ? text.speaker + ": " + text.text : "";
          line.className = text.final ? "final" : "partial";
        }
        function speakers({ names, dominant }) {
          for (const [name, { box }] of tiles) {
            box.classList.toggle("speaks", names.includes(name));
            box.classList.toggle("leads", name === dominant && name !== me);
          }
        }
        """#

    /// Socket, connection, microphone, camera.
    static let connection = #"""
        let socket, pc, generation = 0, name = query.get("name") || "", reason = "", hasLeft = false;
        const mine = {}, senders = {};
        const say = message => { if (socket && socket.readyState === 1) socket.send(JSON.stringify(message)); };
        const button = id => document.getElementById(id), form = button("join");

        function open() {
          socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/peer/" + room,
            token ? ["sluice", "bearer." + token] : ["sluice"]);
          let words = Promise.resolve();
          socket.onopen = () => say({ type: "webrtc_ready", name, microphone: true, camera: !!mine.video });
          socket.onmessage = event => {
            words = words.then(() => take(JSON.parse(event.data))).catch(error => {
              say({ type: "error", what: String(error) });
              renew(String(error));
            });
          };
          socket.onclose = event => {
            leave();
            // Another one has the name: to take it back would go on for ever.
            if (event.code === 4000) { hasLeft = true; return show(event.reason); }
            again(event.reason || reason || "the server does not answer", open);
          };
        }
        function again(why, what) {
          if (hasLeft) return;
          reason = "";
          show(why + "; connects again");
          later(what);
        }
        const renew = why => again(why, () => say({ type: "media_reset" }));
        function leave() {
          if (pc) pc.close();
          pc = window.pc = null;
        }

        async function take(message) {
          switch (message.type) {
            case "participants": return meet(message);
            case "joined": return void tile(message.name);
            case "left": return remove(message.name);
            case "muted": return mute(message.name, message.kind, message.muted);
            case "speaking": return speakers(message);
            case "caption": return caption(message);
            case "webrtc_offer": return answer(message);
            case "error":
              reason = message.what;
              show(message.what);
              if (message.connection_over) { leave(); renew(message.what); }
          }
        }

        async function answer(offer) {
          if (offer.new_connection || !pc) {
            leave();
            begin(offer.generation, offer.ice_servers || []);
          }
          const own = pc;
          await own.setRemoteDescription({ type: "offer", sdp: offer.sdp });
          // The server's sections that it receives alone are for what this page sends.
          const mids = offer.sdp.split(/^m=/m).filter(part => /^a=recvonly/m.test(part))
            .map(part => (/^a=mid:(\S+)/m.exec(part) || [])[1]);
          for (const one of own.getTransceivers().filter(one => mids.includes(one.mid))) {
            const kind = one.receiver.track.kind, track = mine[kind] || null;
            // A camera comes and goes without another offer.
            one.direction = track || kind === "video" ? "sendonly" : "inactive";
            if (one.sender.track !== track) await one.sender.replaceTrack(track);
            senders[kind] = one.sender;
          }
          await own.setLocalDescription();
          say({ type: "webrtc_answer", generation: offer.generation, sdp: own.localDescription.sdp });
        }

        function begin(number, servers) {
          generation = number;
          const own = pc = window.pc = new RTCPeerConnection({ iceServers: servers });
          own.ontrack = ({ track, streams }) => {
            const owner = streams[0] && streams[0].id;
            if (!owner) return;
            const { stream, video } = tile(owner);
            for (const old of stream.getTracks()) if (old.kind === track.kind) stream.removeTrack(old);
            stream.addTrack(track);
            // Some browsers play what was added only behind another look at it.
            video.srcObject = stream;
            video.play().catch(() => show("tap a picture to hear it"));
            label_(owner);
          };
          own.onconnectionstatechange = () => {
            if (own !== pc) return;
            if (own.connectionState === "connected") { show("in " + room + lack); settled(); }
            if (own.connectionState === "disconnected")
              say({ type: "renegotiate", generation: number, ice_restart: true });
            if (own.connectionState === "failed") renew("the connection was lost");
          };
        }

        function showOwn() {
          const { stream } = tile(me);
          for (const old of stream.getTracks()) stream.removeTrack(old);
          if (mine.video) stream.addTrack(mine.video);
          label_(me);
        }

        async function film(get, what) {
          try {
            const [track] = (await get()).getVideoTracks();
            if (mine.video) mine.video.stop();
            mine.video = track;
            track.onended = dark;
            if (senders.video) await senders.video.replaceTrack(track);
            say({ type: "mute", kind: "video", muted: false });
            button("film").textContent = "Camera off";
            mute(me, "video", false);
            showOwn();
          } catch (error) { show("no " + what + ": " + error.message); }
        }
        function dark() {
          if (mine.video) mine.video.stop();
          delete mine.video;
          if (senders.video) senders.video.replaceTrack(null);
          say({ type: "mute", kind: "video", muted: true });
          button("film").textContent = "Camera on";
          showOwn();
        }
        button("film").onclick = () => mine.video ? dark() : film(() => capture(false, true), "camera");
        button("screen").onclick = () => film(() => navigator.mediaDevices.getDisplayMedia({ video: true }), "screen");
        button("speak").onclick = () => {
          if (!mine.audio) return;
          mine.audio.enabled = !mine.audio.enabled;
          button("speak").textContent = mine.audio.enabled ? "Microphone off" : "Microphone on";
          say({ type: "mute", kind: "audio", muted: !mine.audio.enabled });
          mute(me, "audio", !mine.audio.enabled);
        };

        async function join() {
          form.hidden = true;
          button("own").hidden = false;
          show("connects …");
          try {
            mine.audio = (await capture(true, false)).getAudioTracks()[0];
          } catch (error) { noteLack("microphone", error); }
          open();
        }
        form.onsubmit = event => {
          event.preventDefault();
          name = button("name").value.trim();
          join();
        };
        if (query.has("name")) join();
        """#

    /// The browser's own counts, once a second, for the reader and for the server.
    static let figures = #"""
        async function count() {
          if (!pc) return tell({});
          const all = await pc.getStats(), shown = {}, told = {};
          let lost = 0, samples = 0, concealed = 0;
          all.forEach(report => {
            if (report.type === "inbound-rtp") {
              lost += report.packetsLost || 0;
              samples += report.totalSamplesReceived || 0;
              concealed += report.concealedSamples || 0;
              before[report.id] = report;
            }
            if (report.type === "candidate-pair" && report.nominated) {
              const theirs = all.get(report.remoteCandidateId);
              told.round_trip_ms = (report.currentRoundTripTime || 0) * 1000;
              shown.path = (theirs ? theirs.protocol : "") + ", round trip " + Math.round(told.round_trip_ms) + " ms";
            }
          });
          told.lost_packets = lost;
          if (samples > 0) told.concealed_percent = 100 * concealed / samples;
          shown.loss = lost + " packets, " + (told.concealed_percent || 0).toFixed(2) + " % of the sound concealed";
          say({ type: "stats", generation, ...told });
          tell(shown);
        }
        setInterval(() => count().catch(() => {}), 1000);
        """#
}
