"""vosk-server's WebSocket (websocket/asr_server.py): exactly one reply for each message of audio."""

import json

from emulator import confidence


class Vosk:
    """One server."""

    path = "/"
    idle = None
    error = json.dumps({"error": "internal"})

    def __init__(self, faults, options):
        self.faults, self.options = faults, options

    def http(self, request):
        return None

    def refusal(self, request):
        return None

    def forget_tokens(self):
        pass

    async def take(self, connection, message):
        if isinstance(message, bytes):
            if not await connection.audio(message):
                await connection.send(json.dumps({"partial": connection.partial}))
            return False
        # It compares the texts, with their spaces.
        if message == '{"eof" : 1}' or message == '{"reset" : 1}':
            if not await connection.finalize():
                await connection.send(json.dumps({"text": ""}))
            if message == '{"eof" : 1}':
                connection.socket.close(1000)
                return True
            return False
        if "config" not in message:
            connection.socket.close(1011)
            return True
        return False

    def result(self, connection, start, end, words, is_final):
        text = " ".join(word[0] for word in words)
        connection.partial = "" if is_final else text
        if not is_final:
            return json.dumps({"partial": text})
        return json.dumps({"result": [
            {"conf": round(p, 6), "end": round(b, 6), "start": round(a, 6), "word": word} for word, a, b, p in words],
            "text": text, "confidence": confidence(words)})
