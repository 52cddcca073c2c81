"""OpenAI's POST /v1/audio/transcriptions, an utterance a request: json, text and verbose_json."""

import asyncio
import email.parser
import email.policy
import io
import wave

from speech import Turns


class OpenAI:
    """One server. A client that takes long to write gets its answer all the same."""

    path = None
    idle = None

    def __init__(self, faults, options):
        self.faults, self.options = faults, options
        self.library = None

    def refusal(self, request):
        return 404

    def forget_tokens(self):
        pass

    async def http(self, request):
        if request.path != "/v1/audio/transcriptions" or request.method != "POST":
            return None
        if request.headers.get("authorization") != f"Bearer {self.options.secret}":
            return 0, 401, {"error": {"message": "wrong key", "type": "auth", "param": None, "code": "invalid_api_key"}}
        for name in ("429", "500"):
            if self.faults.take(name):
                return 0, int(name), {"error": {"message": "later", "type": "x", "param": None, "code": None}}
        head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
        parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
        fields = {part.get_param("name", header="content-disposition"): part for part in parts.iter_parts()}
        if "file" not in fields:
            return 0, 400, {"error": {"message": "no file", "type": "x", "param": "file", "code": None}}
        with wave.open(io.BytesIO(fields["file"].get_payload(decode=True))) as audio:
            data, seconds = audio.readframes(audio.getnframes()), audio.getnframes() / audio.getframerate()
        await asyncio.sleep(self.faults.get("slow") / 1000)
        words = await asyncio.get_running_loop().run_in_executor(None, self.words, data)
        text = " ".join(word[0] for word in words)
        kind = fields["response_format"].get_content().strip() if "response_format" in fields else "json"
        if kind != "verbose_json":
            return 0, 200, {"text": text}
        told = [{"word": word, "start": round(a, 3), "end": round(b, 3)} for word, a, b, _ in words]
        return 0, 200, {
            "task": "transcribe", "language": "english", "duration": seconds, "text": text, "words": told,
            "segments": [{"id": 0, "start": 0.0, "end": seconds, "text": text, "avg_logprob": -0.2}] if words else []}

    def words(self, data):
        turns = Turns(self.library, 1e6)
        turns.take(data)
        turn = turns.close()
        return turns.words(*turn) if turn else []
