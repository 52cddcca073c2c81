"""RTZR's streaming STT: POST /v1/authenticate, and the WebSocket /v1/transcribe:streaming."""

import json
import secrets
import time
import urllib.parse

from emulator import confidence, milliseconds
from telephone import Wide

REQUIRED = ("sample_rate", "encoding")
ENCODINGS = ("LINEAR16", "FLAC", "MULAW", "ALAW", "AMR", "AMR_WB", "OGG_OPUS")


class RTZR:
    """One server. It closes after 60 s without audio."""

    path = "/v1/transcribe:streaming"
    idle = 60
    error = json.dumps({"type": "error", "message": "internal"})

    def __init__(self, faults, options):
        self.faults, self.options = faults, options
        self.tokens = {}
        self.given = 0

    def http(self, request):
        """The answer to a request that opens no WebSocket: (delay in ms, status, body); None where there is none."""
        if request.path != "/v1/authenticate" or request.method != "POST":
            return None
        form = dict(urllib.parse.parse_qsl(request.body.decode("latin-1")))
        if not form.get("client_id") or not form.get("client_secret"):
            return self.options.token, 400, {"code": "H0001", "msg": "invalid parameter"}
        if form["client_secret"] != self.options.secret:
            return self.options.token, 401, {"code": "H0002", "msg": "unauthorized"}
        token = secrets.token_urlsafe(32)
        expires = time.time() + (self.faults.get("expire") or 6 * 3600)
        self.tokens[token] = expires
        self.given += 1
        return self.options.token, 200, {"access_token": token, "expire_at": int(expires)}

    def refusal(self, request):
        """The status that a handshake gets instead of 101, None where it is taken."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or self.tokens.get(token, 0) < time.time():
            return 401
        query = request.query
        if any(name not in query for name in REQUIRED) or query["encoding"] not in ENCODINGS:
            return 400
        if not query["sample_rate"].isdigit() or not 8000 <= int(query["sample_rate"]) <= 48000:
            return 400
        # Others cannot be made what the engine behind it hears.
        is_heard = query["sample_rate"] in ("8000", "16000") and query["encoding"] in ("LINEAR16", "MULAW")
        return None if is_heard else 400

    def forget_tokens(self):
        self.tokens = {}

    @staticmethod
    def wide(connection):
        if connection.wide is None:
            query = connection.socket.request.query
            connection.wide = Wide(query["encoding"], int(query["sample_rate"]))
        return connection.wide

    async def take(self, connection, message):
        """True at the end."""
        if isinstance(message, bytes):
            await connection.audio(self.wide(connection).take(message))
        elif message == "EOS":
            await connection.finalize()
            connection.socket.close(1000)
            return True
        else:
            try:
                kind = json.loads(message).get("type")
            except (ValueError, AttributeError):
                kind = None
            if kind == "Finalize":
                await connection.finalize()
            else:
                await connection.send(json.dumps({"type": "error", "message": "unknown message"}))
        return False

    def result(self, connection, start, end, words, is_final):
        text = " ".join(word[0] for word in words)
        best = {"text": text, "confidence": confidence(words)}
        if is_final:
            best["words"] = [
                {"text": word, "start_at": milliseconds(a), "duration": milliseconds(b - a), "confidence": round(p, 3)}
                for word, a, b, p in words]
        return json.dumps({
            "seq": connection.sequence, "start_at": milliseconds(start), "duration": milliseconds(end - start),
            "final": is_final, "alternatives": [best]}, ensure_ascii=False)
