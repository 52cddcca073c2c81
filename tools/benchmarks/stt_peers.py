"""Peers of `stt-stream` as their users have them: LiveKit's plugin for RTZR, Pipecat's service for Deepgram.

usage: stt_peers.py livekit|pipecat utterance|stream URL FILE
FILE is PCM of 16 bits, mono at 16 kHz. `stream` sends it as it would be captured and prints the text. `utterance` sends it
at once, ends it, and prints the ms until its text. It needs livekit-plugins-rtzr and pipecat-ai[deepgram] of PyPI.
"""
import asyncio
import os
import pathlib
import sys
import time

BYTES_A_SECOND = 32_000
CHUNK = 640


async def feed(audio, push, at_once=False):
    began = time.monotonic()
    for at in range(0, len(audio), CHUNK):
        await push(audio[at:at + CHUNK])
        if not at_once:
            await asyncio.sleep(max(0, began + (at + CHUNK) / BYTES_A_SECOND - time.monotonic()))


async def livekit(mode, url, audio):
    import aiohttp
    from livekit import rtc
    from livekit.agents import stt
    from livekit.plugins import rtzr
    os.environ.update(RTZR_CLIENT_ID="me", RTZR_CLIENT_SECRET="secret")
    texts, done = [], None
    async with aiohttp.ClientSession() as http:
        engine = rtzr.STT(language="en", sample_rate=16_000, http_session=http)
        engine._client._api_base, engine._client._ws_base = url, url.replace("http", "ws", 1)
        stream = engine.stream()

        async def push(part):
            stream.push_frame(rtc.AudioFrame(part, 16_000, 1, len(part) // 2))

        async def send():
            await feed(audio, push, mode == "utterance")
            stream.flush()
            stream.end_input()
        began = time.monotonic()
        sending = asyncio.ensure_future(send())
        try:
            async for event in stream:
                if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                    texts.append(event.alternatives[0].text)
                    done = done or time.monotonic()
        except Exception as error:  # Its user would see it end here.
            print(f"livekit: {error!r}", file=sys.stderr)
        sending.cancel()
    return texts, (done or time.monotonic()) - began


async def pipecat(mode, url, audio):
    from loguru import logger
    logger.remove()
    from pipecat.frames.frames import EndFrame, InputAudioRawFrame, TranscriptionFrame
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.runner import PipelineRunner
    from pipecat.pipeline.task import PipelineParams, PipelineTask
    from pipecat.processors.frame_processor import FrameProcessor
    from pipecat.services.deepgram.stt import DeepgramSTTService
    texts, times = [], []

    class Sink(FrameProcessor):
        async def process_frame(self, frame, direction):
            await super().process_frame(frame, direction)
            if isinstance(frame, TranscriptionFrame):
                texts.append(frame.text)
                times.append(time.monotonic())
            await self.push_frame(frame, direction)
    service = DeepgramSTTService(api_key="secret", base_url=url, sample_rate=16_000)
    task = PipelineTask(Pipeline([service, Sink()]), params=PipelineParams(audio_in_sample_rate=16_000))

    async def push(part):
        await task.queue_frame(InputAudioRawFrame(audio=part, sample_rate=16_000, num_channels=1))

    async def send():
        await asyncio.sleep(1)
        began = time.monotonic()
        await feed(audio, push, mode == "utterance")
        # The service hears of the end of speech by silence.
        await feed(bytes(BYTES_A_SECOND), push)
        await asyncio.sleep(4)
        await task.queue_frame(EndFrame())
        return began
    sending = asyncio.ensure_future(send())
    await PipelineRunner(handle_sigint=False).run(task)
    began = await sending
    return texts, (times[0] if times else time.monotonic()) - began


def main():
    peer, mode, url, file = sys.argv[1:]
    texts, took = asyncio.run({"livekit": livekit, "pipecat": pipecat}[peer](mode, url, pathlib.Path(file).read_bytes()))
    print(took * 1000 if mode == "utterance" else " ".join(texts))


if __name__ == "__main__":
    main()
