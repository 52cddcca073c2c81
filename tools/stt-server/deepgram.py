"""Deepgram's live transcription: the WebSocket /v1/listen."""

import json

from emulator import confidence


class Deepgram:
    """One server. It closes after 10 s without a message."""

    path = "/v1/listen"
    idle = 10
    error = json.dumps({"type": "Error", "err_code": "NET-0001", "err_msg": "internal"})

    def __init__(self, faults, options):
        self.faults, self.options = faults, options

    def http(self, request):
        return None

    def refusal(self, request):
        if request.headers.get("authorization") != f"Token {self.options.secret}":
            return 401
        known = request.query.get("encoding") == "linear16" and request.query.get("sample_rate") == "16000"
        return None if known else 400

    def forget_tokens(self):
        pass

    async def take(self, connection, message):
        if isinstance(message, bytes):
            await connection.audio(message, partials=connection.socket.request.query.get("interim_results") == "true")
            return False
        try:
            kind = json.loads(message).get("type")
        except (ValueError, AttributeError):
            kind = None
        if kind == "Finalize":
            connection.is_asked = True
            await connection.finalize()
            connection.is_asked = False
        elif kind == "CloseStream":
            await connection.finalize()
            await connection.send(json.dumps({
                "type": "Metadata", "request_id": "0", "duration": connection.counts["bytes"] / 32000, "channels": 1}))
            connection.socket.close(1000)
            return True
        elif kind != "KeepAlive":
            await connection.send(json.dumps({"type": "Error", "err_code": "BAD-0001"}))
        return False

    def result(self, connection, start, end, words, is_final):
        text = " ".join(word[0] for word in words)
        best = {"transcript": text, "confidence": confidence(words), "words": [
            {"word": word.lower().strip(".,?!"), "start": round(a, 3), "end": round(b, 3), "confidence": round(p, 3),
             "punctuated_word": word} for word, a, b, p in words]}
        return json.dumps({
            "type": "Results", "channel_index": [0, 1], "start": round(start, 3), "duration": round(end - start, 3),
            "is_final": is_final, "speech_final": is_final and not connection.is_asked,
            "from_finalize": is_final and connection.is_asked, "channel": {"alternatives": [best]}})
