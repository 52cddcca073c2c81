// Functions of a page that measures what it is sent. Times are of performance.now(), in ms, unless told otherwise.
const rest = time => new Promise(next => setTimeout(next, time));

/// A viewer by WHEP. `change` may alter the answer, as if another server had said it.
async function watch(url, { kinds = ["video", "audio"], change = sdp => sdp } = {}) {
  const pc = new RTCPeerConnection(), { stream, video } = stage();
  for (const kind of kinds) pc.addTransceiver(kind, { direction: "recvonly" });
  pc.ontrack = event => stream.addTrack(event.track);
  await pc.setLocalDescription();
  for (const end = performance.now() + 15000; ;) {
    const posted = performance.now(), body = pc.localDescription.sdp;
    // Where there is no such stream yet, the browser's question whether it may ask is refused, too.
    const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/sdp" }, body })
      .catch(error => new Response(String(error), { status: 404 }));
    const text = await answer.text();
    if (answer.ok) {
      const session = answer.headers.get("Location");
      await pc.setRemoteDescription({ type: "answer", sdp: change(text) });
      const leave = async () => {
        if (session) await fetch(new URL(session, url), { method: "DELETE" });
        pc.close();
        video.remove();
      };
      return { pc, stream, video, posted, leave, answered: text };
    }
    // A stream that has not begun.
    if (![404, 503].includes(answer.status) || performance.now() > end) throw new Error(answer.status + ": " + text);
    await rest(200);
  }
}

function stage() {
  const stream = new MediaStream(), video = document.createElement("video");
  video.autoplay = video.playsInline = true;
  video.srcObject = stream;
  document.body.append(video);
  return { stream, video };
}

/// A viewer by WebSocket, to whom the graph offers. `change` may alter its offers.
function converse(url, { microphone = false, change = sdp => sdp } = {}) {
  const call = { generation: 0, pc: null, video: null, stream: null, change, offers: 0 };
  const socket = call.socket = new WebSocket(url, ["sluice"]);
  call.say = message => socket.send(JSON.stringify(
    call.generation ? { generation: call.generation, ...message } : message));
  let words = Promise.resolve();
  const take = async message => {
    if (message.type === "error") throw new Error(message.what);
    if (message.type !== "webrtc_offer") return;
    if (message.new_connection || !call.pc) {
      if (call.pc) { call.pc.close(); call.video.remove(); }
      const pc = call.pc = new RTCPeerConnection();
      Object.assign(call, stage(), { generation: message.generation });
      const { stream } = call;
      pc.ontrack = event => stream.addTrack(event.track);
    }
    const { pc } = call;
    await pc.setRemoteDescription({ type: "offer", sdp: call.change(message.sdp) });
    await pc.setLocalDescription();
    call.say({ type: "webrtc_answer", sdp: pc.localDescription.sdp });
    call.offers++;
  };
  return new Promise((done, fail) => {
    socket.onopen = () => call.say({ type: "webrtc_ready", microphone });
    socket.onclose = event => fail(new Error("the socket was closed: " + event.reason));
    socket.onmessage = event => {
      words = words.then(() => take(JSON.parse(event.data))).then(() => call.pc && done(call), error => {
        call.error = String(error);
        fail(error);
      });
    };
  });
}

/// Leads media through the port of a link in front of the server, by UDP alone or with TCP beside it.
const through = (port, withTCP = false) => sdp => sdp.split("\r\n")
  .filter(line => withTCP || !/^a=candidate.* tcp /i.test(line))
  .map(line => line.replace(/^(a=candidate:\S+ \d+ udp \d+ \S+) \d+/i, "$1 " + port)).join("\r\n");
const withoutUDP = sdp => sdp.split("\r\n").filter(line => !/^a=candidate.* udp /i.test(line)).join("\r\n");

/// The counts of getStats, of the streams that come, and of the path.
async function counts(pc) {
  const found = {};
  const all = await pc.getStats();
  all.forEach(one => {
    if (one.type === "inbound-rtp") found[one.kind] = { ...one };
    if (one.type === "candidate-pair" && one.nominated && one.state === "succeeded") {
      const remote = all.get(one.remoteCandidateId);
      found.path = { protocol: remote && remote.protocol, round_trip_ms: one.currentRoundTripTime * 1000 };
    }
  });
  return found;
}

const pictures = async (video, count) => {
  for (; count > 0; count--) await new Promise(next => video.requestVideoFrameCallback(next));
};

/// Each picture that is drawn: `see(canvas, row)` looks at it and may add to its row.
function look(video, width, height, see) {
  const canvas = document.createElement("canvas"), rows = [];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const next = (now, frame) => {
    video.requestVideoFrameCallback(next);
    const row = { drawn: frame.presentationTime, received: frame.receiveTime || 0,
      decoding: (frame.processingDuration || 0) * 1000, rtp: frame.rtpTimestamp };
    see(context, row);
    row.read = performance.now();
    rows.push(row);
  };
  video.requestVideoFrameCallback(next);
  return rows;
}

/// The number in each picture, as latency_frames.c draws it: 32 cells, 24 bits in Gray code and an inverted CRC-8.
const numbered = video => look(video, 64, 8, (context, row) => {
  const { videoWidth: width, videoHeight: height } = video;
  context.drawImage(video, width / 4, 15 * height / 18, width / 2, height / 9, 0, 0, 64, 8);
  const { data } = context.getImageData(0, 0, 64, 8);
  let value = 0, check = 0, crc = 0;
  for (let cell = 0; cell < 32; cell++) {
    const at = 4 * ((4 * (cell >> 4) + 2) * 64 + 4 * (cell & 15) + 2), bit = data[at + 1] > 126 ? 1 : 0;
    if (cell < 24) value = value << 1 | bit; else check = check << 1 | bit;
  }
  for (let shift = 16; shift > 0; shift >>= 1) value ^= value >> shift;
  for (const byte of [value >> 16, value >> 8 & 255, value & 255]) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 128 ? (crc << 1 ^ 7) & 255 : crc << 1;
  }
  row.number = (~crc & 255) === check ? value : -1;
});

/// When the flash of `calibration` is seen to begin.
function flashes(video) {
  const seen = [];
  let wasLit = true;
  look(video, 4, 4, (context, row) => {
    const side = Math.min(video.videoWidth, Math.max(48, video.videoWidth / 5));
    context.drawImage(video, 0, 0, side, Math.min(video.videoHeight, Math.max(48, video.videoHeight / 5)), 0, 0, 4, 4);
    const [r, g, b] = context.getImageData(1, 1, 1, 1).data, isLit = r > 160 && g < 110 && b > 160;
    if (isLit && !wasLit) seen.push(performance.timeOrigin + row.drawn);
    wasLit = isLit;
  });
  return seen;
}

// It hands the sound on: Chromium drives a context that is silent for 30 s by a coarse timer, which loses some of it.
const EAR = `registerProcessor("ear", class extends AudioWorkletProcessor {
  constructor() { super(); this.rows = []; }
  process([[samples]], [[out]]) {
    if (!samples) return true;
    out.set(samples);
    let peak = 0, crossings = 0;
    for (let at = 0; at < samples.length; at++) {
      peak = Math.max(peak, Math.abs(samples[at]));
      if (at && samples[at] >= 0 !== samples[at - 1] >= 0) crossings++;
    }
    this.rows.push([Date.now(), currentFrame, Math.round(peak * 32767), crossings]);
    if (this.rows.length === 64) { this.port.postMessage(this.rows); this.rows = []; }
    return true;
  }
});`;

/// The sound that is heard, a row for each 128 samples: ms since 1970 when it was there, its place in samples, level, zero crossings.
async function listen(stream) {
  const context = new AudioContext({ latencyHint: 0, sampleRate: 48000 }), rows = [];
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([EAR], { type: "text/javascript" })));
  const ear = new AudioWorkletNode(context, "ear");
  ear.port.onmessage = ({ data }) => { for (const row of data) rows.push(row); };
  context.createMediaStreamSource(stream).connect(ear).connect(context.destination);
  return rows;
}
