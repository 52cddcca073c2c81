// The interface of libsluicespeech.so. whisper.cpp's structs go by value and change with its versions: they stay inside,
// and pointers and numbers alone cross. No call throws; every handle belongs to one thread at a time.
#ifndef SLUICESPEECH_H
#define SLUICESPEECH_H

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_SPEECH_INTERFACE 2

// The number of this interface; a caller that knows another one leaves the library alone.
int sluice_speech_interface(void);
// The version of whisper.cpp, as "1.8.5".
const char *sluice_speech_engine(void);
// Whisper's number of a language by its code or its English name; -1 where it knows none.
int sluice_speech_language(const char *name);

// A model file, read whole. NULL where it is none, or memory is short. The caller has looked at it before: whisper.cpp
// trusts what it reads. Writers share it, from any number of threads.
void *sluice_model_open(const char *path);
void sluice_model_close(void *model);
// 1 where it knows languages besides English.
int sluice_model_is_multilingual(void *model);

// The memory of one decode. NULL where memory is short. The model outlives it.
void *sluice_writer_open(void *model);
void sluice_writer_close(void *writer);
// Writes what is said in `count` samples, mono at 16 kHz. `language` is a code, "" lets Whisper guess. `window` is the
// part of the encoder that is used, in units of 20 ms, 0 for all 30 s. `beams` texts are followed at a time, at most 8:
// more find better words and cost more. `steps` 1 tries again at higher temperatures where
// the result is doubtful. `abort` is asked now and then, and ends the call where it returns other than 0.
// Returns the number of tokens; -1 where it failed, -2 where it was ended.
int sluice_writer_write(
    void *writer, const float *samples, int count, const char *language, int window, int beams, int steps,
    int (*abort)(void *), void *owner);
// The bytes of a token, as they come: a character may be spread over several. Times in seconds of the samples, and the
// token's probability. Valid until the next call.
const char *sluice_writer_token(void *writer, int index, float *start, float *end, float *probability);
// Where a token begins a new segment 1, else 0.
int sluice_writer_begins_segment(void *writer, int index);
// The mean of the tokens' logarithms of probability; how sure Whisper is that nothing was said.
float sluice_writer_confidence(void *writer, float *silence);
// The language that was written, as its code.
const char *sluice_writer_language(void *writer);

// silero's detector, whose model is in the library. NULL where memory is short.
void *sluice_detector_open(void);
void sluice_detector_close(void *detector);
// Forgets what it has heard.
void sluice_detector_reset(void *detector);
// The probability of speech in the next 512 samples, mono at 16 kHz; below 0 where it failed.
float sluice_detector_next(void *detector, const float *samples);

#ifdef __cplusplus
}
#endif
#endif
