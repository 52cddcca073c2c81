/// The scripts of `PeerPage`: they share one scope.
enum PeerScript {
    /// Socket, connection, microphone, camera, sound.
    static let connection = #"""
        const video = document.getElementById("video"), state = document.getElementById("state");
        const sound = document.getElementById("sound"), speak = document.getElementById("speak");
        let socket, pc, generation = 0, turn = 0, reason = "";
        const say = message => { if (socket && socket.readyState === 1) socket.send(JSON.stringify(message)); };
        const show = text => { state.textContent = text; };

        function mute(muted) {
          video.muted = muted;
          sound.textContent = muted ? "Sound on" : "Sound off";
        }
        sound.onclick = () => { mute(!video.muted); video.play(); };
        // Where sound may not begin by itself the picture begins alone.
        const play = () => video.play().catch(error => {
          if (error.name !== "NotAllowedError") return;
          mute(true);
          video.play().catch(() => show("tap the picture"));
        });
        video.onclick = () => video.play();

        function open() {
          socket = new WebSocket(location.origin.replace(/^http/, "ws") + path,
            token ? ["sluice", "bearer." + token] : ["sluice"]);
          let words = Promise.resolve();
          socket.onopen = () => say({ type: "webrtc_ready", microphone: mayspeak, camera: mayfilm });
          socket.onmessage = event => {
            words = words.then(() => take(JSON.parse(event.data))).catch(error => {
              say({ type: "error", what: String(error) });
              renew(String(error));
            });
          };
          socket.onclose = event => {
            leave();
            again(event.reason || reason || "the server does not answer", open);
          };
        }

        function again(why, what) {
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
          if (message.type === "webrtc_offer") return answer(message);
          if (message.type === "av_segment_diagnostic") return note(message);
          if (message.type === "caption") return showText(message);
          if (message.type === "ice_candidate" && pc && message.generation === generation)
            return pc.addIceCandidate({ candidate: message.candidate, sdpMid: message.sdpMid });
          if (message.type !== "error") return;
          show(message.what);
          if (message.connection_over) { leave(); renew(message.what); }
        }

        async function answer(offer) {
          if (offer.new_connection || !pc) {
            leave();
            begin(offer.generation, offer.ice_servers || []);
          }
          const own = pc;
          await own.setRemoteDescription({ type: "offer", sdp: offer.sdp });
          // The server's sections for microphone and camera are those that it receives alone.
          const mids = offer.sdp.split(/^m=/m).filter(part => /^a=recvonly/m.test(part))
            .map(part => (/^a=mid:(\S+)/m.exec(part) || [])[1]);
          const asked = own.getTransceivers().filter(one => mids.includes(one.mid));
          for (const one of asked) one.direction = "sendonly";
          give(own, asked);
          await own.setLocalDescription();
          say({ type: "webrtc_answer", generation: offer.generation, sdp: own.localDescription.sdp });
        }

        function begin(number, servers) {
          generation = number;
          // ?relay goes by the TURN servers alone.
          const iceTransportPolicy = query.has("relay") && servers.length ? "relay" : "all", stream = new MediaStream();
          const own = pc = window.pc = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy });
          video.srcObject = stream;
          [held, heldAt, offsets] = [0, performance.now(), []];
          own.ontrack = event => {
            stream.addTrack(event.track);
            play();
          };
          own.onicecandidate = event => say({ type: "ice_candidate", generation: number,
            candidate: event.candidate ? event.candidate.candidate : null,
            sdpMid: event.candidate ? event.candidate.sdpMid : null });
          own.onconnectionstatechange = () => {
            if (own !== pc) return;
            if (own.connectionState === "connected") { show("connected" + lack); settled(); }
            // Another network, perhaps: new candidates keep the connection.
            if (own.connectionState === "disconnected")
              say({ type: "renegotiate", generation: number, ice_restart: true });
            if (own.connectionState === "failed") renew("the connection was lost");
          };
        }

        watchFlow(() => pc, () => {
          show("nothing comes any more; connects again");
          say({ type: "media_reset" });
        });

        const [mayspeak, mayfilm] = [speaks, films].map(is => is && !!navigator.mediaDevices), mine = {};
        speak.hidden = !mayspeak;
        speak.onclick = () => {
          if (!mine.audio) return;
          mine.audio.enabled = !mine.audio.enabled;
          speak.textContent = mine.audio.enabled ? "Microphone off" : "Microphone on";
        };
        async function give(own, asked) {
          if (lack || !asked.length) return;
          const kinds = asked.map(one => one.receiver.track.kind);
          const lacks = kind => kinds.includes(kind) && !(mine[kind] && mine[kind].readyState === "live");
          try {
            if (kinds.some(lacks))
              for (const track of (await capture(lacks("audio"), lacks("video"))).getTracks()) mine[track.kind] = track;
            if (own !== pc) return;
            for (const [place, one] of asked.entries()) await one.sender.replaceTrack(mine[kinds[place]]);
          } catch (error) {
            if (own !== pc) return;
            noteLack(kinds.map(kind => kind === "audio" ? "microphone" : "camera").join(" and "), error);
            if (pc && pc.connectionState === "connected") show("connected" + lack);
          }
        }
        """#

    /// How far picture and sound are apart: flashes and chirps of the graph's calibration node.
    static let lips = #"""
        let marks = null, offsets = [], offsetAt = -1e9, held = 0, heldAt = -1e9;
        // WebAudio hears so much later, in ms, than the picture's own sound is played; as measured in Chromium.
        const hearingDelay = 30;
        function note(segment) {
          turn = segment.turn_seq;
          if (segment.marker_id > 0 && !marks && !video.muted && video.srcObject) watch(segment.marker_frequency_hz);
        }

        function watch(frequency) {
          const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const context = new AudioContext(), hearer = context.createAnalyser();
          const source = context.createMediaStreamSource(video.srcObject), own = video.srcObject;
          hearer.fftSize = 2048;
          source.connect(hearer);
          marks = { flash: 0, chirp: 0 };
          canvas.canvas.width = canvas.canvas.height = 4;

          let wasLit = true;
          const look = (now, frame) => {
            if (video.srcObject !== own) return stop();
            const side = Math.min(video.videoWidth, Math.max(48, video.videoWidth / 5));
            const height = Math.min(video.videoHeight, Math.max(48, video.videoHeight / 5));
            canvas.drawImage(video, 0, 0, side, height, 0, 0, 4, 4);
            const [r, g, b] = canvas.getImageData(1, 1, 1, 1).data, isLit = r > 160 && g < 110 && b > 160;
            if (isLit && !wasLit) { marks.flash = frame.expectedDisplayTime; pair(); }
            wasLit = isLit;
            video.requestVideoFrameCallback(look);
          };
          video.requestVideoFrameCallback(look);

          // The tone's part of the sound in steps of 2 ms, over what lies in the hearer.
          const samples = new Float32Array(hearer.fftSize), step = Math.round(context.sampleRate / 500);
          let until = 0, lastTone = 0;
          const listen = setInterval(() => {
            if (video.srcObject !== own) return stop();
            hearer.getFloatTimeDomainData(samples);
            const end = context.currentTime, turn = 2 * Math.PI * frequency / context.sampleRate;
            for (let first = 0; first + 5 * step <= samples.length; first += step) {
              const at = end - (samples.length - first) / context.sampleRate;
              if (at <= until) continue;
              until = at;
              let re = 0, im = 0, energy = 0;
              for (let index = 0; index < 5 * step; index++) {
                const sample = samples[first + index];
                re += sample * Math.cos(turn * index);
                im += sample * Math.sin(turn * index);
                energy += sample * sample;
              }
              const part = 2 * (re * re + im * im) / (5 * step) / Math.max(energy, 1e-9);
              if (energy / (5 * step) < 1e-3 || part < 0.6) continue;
              if (at - lastTone > 0.3) {
                const shown = context.getOutputTimestamp();
                marks.chirp = shown.performanceTime + (at - shown.contextTime) * 1000;
                pair();
              }
              lastTone = at;
            }
          }, 10);
          function stop() {
            clearInterval(listen);
            context.close();
            marks = null;
          }
        }

        function pair() {
          const apart = marks.flash - marks.chirp + hearingDelay;
          if (Math.abs(apart) > 450) return;
          offsets = offsets.concat(apart).slice(-5);
          offsetAt = performance.now();
          marks.flash = marks.chirp = -1e9;
          hold();
        }

        /// The lag that there would be without the graph's delay: what is seen, added up once it has settled.
        function hold() {
          const now = performance.now(), lag = median(offsets);
          if (offsets.length < 3 || now - heldAt < 4000 || Math.abs(lag) <= 40) return;
          held = Math.max(0, Math.min(800, held + lag));
          heldAt = now;
          offsets = [];
        }
        const median = list => [...list].sort((a, b) => a - b)[list.length >> 1];
        """#

    /// The browser's own counts, once a second, for the reader and for the server.
    static let figures = #"""
        function since(report, old, field, count) {
          const many = (report[count] || 0) - (old[count] || 0);
          return many > 0 ? ((report[field] || 0) - (old[field] || 0)) / many : 0;
        }
        async function count() {
          if (!pc) return tell({});
          const all = await pc.getStats(), shown = {}, told = {}, media = {};
          let lost = 0;
          all.forEach(report => {
            if (report.type === "inbound-rtp") {
              const old = before[report.id] || {};
              const delay = since(report, old, "jitterBufferDelay", "jitterBufferEmittedCount") * 1000;
              media[report.kind] = { delay, played: report.estimatedPlayoutTimestamp };
              lost += report.packetsLost || 0;
              told[report.kind + "_kbps"] = rate(report, "bytesReceived") * 8 / 1000;
              told[report.kind + "_delay_ms"] = delay;
              shown[report.kind] = medium(report, "bytesReceived");
              let line = Math.round(delay) + " ms";
              if (report.kind === "audio") {
                told.audio_target_ms = since(report, old, "jitterBufferTargetDelay", "jitterBufferEmittedCount") * 1000;
                line += ", target " + Math.round(told.audio_target_ms) + " ms";
                const samples = Math.max(1, report.totalSamplesReceived || 0);
                told.stretched_percent = 100 * ((report.insertedSamplesForDeceleration || 0)
                  + (report.removedSamplesForAcceleration || 0)) / samples;
                told.concealed_percent = 100 * (report.concealedSamples || 0) / samples;
                shown["stretched, concealed"] = told.stretched_percent.toFixed(2) + " %, "
                  + told.concealed_percent.toFixed(2) + " %";
              } else told.freezes = report.freezeCount || 0;
              shown[report.kind + " delay"] = line;
              before[report.id] = report;
            }
            if (report.type === "candidate-pair" && report.nominated) {
              const own = all.get(report.localCandidateId), theirs = all.get(report.remoteCandidateId);
              told.round_trip_ms = (report.currentRoundTripTime || 0) * 1000;
              shown.path = (own && own.candidateType === "relay" ? "relay, " : "") + (theirs ? theirs.protocol : "")
                + ", round trip " + Math.round(told.round_trip_ms) + " ms";
            }
          });
          shown.loss = lost + " packets";
          told.lost_packets = lost;
          lipSync(media, shown, told);
          const fine = Object.fromEntries(Object.entries(told).filter(([, value]) => Number.isFinite(value)));
          say({ type: "stats", generation, ...fine });
          tell(shown);
        }

        /// By flash and chirp where there were some lately, else by the browser's own estimate.
        function lipSync({ video, audio }, shown, told) {
          if (!video || !audio) return;
          let lag;
          if (performance.now() - offsetAt < 10000 && offsets.length > 0) lag = median(offsets);
          else if (held > 0) lag = 0;
          else if (video.played && audio.played) lag = audio.played - video.played;
          if (!Number.isFinite(lag)) return;
          told.av_offset_ms = lag;
          shown["A/V offset"] = Math.round(lag) + " ms";
          const delta = video.delay - audio.delay;
          if (!Number.isFinite(delta)) return;
          // Flash and chirp show every lag, the buffers' difference the browser's part alone. It is to be over 0.
          const isLate = held > 0 || lag > 40 && delta > 0;
          say({ type: "av_sync_feedback", turn_seq: turn, excess_video_lag_ms: held > 0 ? held : lag,
            jitter_buffer_delta_ms: held > 0 ? Math.max(1, delta) : delta,
            likely: isLate ? "video_late_audio_leads" : "in_step" });
        }
        setInterval(() => count().catch(() => {}), 1000);
        """#
}
