// libsluicespeech.so over whisper.cpp 1.8: see sluicespeech.h.
#include "sluicespeech.h"

#include <cmath>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "whisper.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

// The detector's model, so that no file of it can be missing.
asm(".section .rodata\n"
    ".balign 64\n"
    "sluice_silero_begin:\n"
    ".incbin \"" SILERO_MODEL "\"\n"
    "sluice_silero_end:\n"
    ".byte 0\n"
    ".text\n");
extern "C" const unsigned char sluice_silero_begin[];
extern "C" const unsigned char sluice_silero_end[];

namespace {

void say_nothing(ggml_log_level, const char *, void *) {}

// Once: whisper.cpp would write to standard error.
struct Silence {
    Silence() { whisper_log_set(say_nothing, nullptr); }
} silence;

struct Token {
    std::string text;
    float start, end, probability;
    bool begins;
};

struct Writer {
    whisper_context *model;
    whisper_state *state;
    std::vector<Token> tokens;
    float confidence = 0, silence = 0;
    std::string language;
};

struct Ending {
    int (*abort)(void *);
    void *owner;
    bool ended = false;
};

bool is_ended(void *data) {
    auto *ending = static_cast<Ending *>(data);
    if (!ending->ended && ending->abort && ending->abort(ending->owner)) ending->ended = true;
    return ending->ended;
}

bool may_begin(whisper_context *, whisper_state *, void *data) { return !is_ended(data); }

void collect(Writer &writer) {
    writer.tokens.clear();
    double sum = 0;
    writer.silence = 0;
    const whisper_token end_of_text = whisper_token_eot(writer.model);
    const int segments = whisper_full_n_segments_from_state(writer.state);
    for (int segment = 0; segment < segments; segment++) {
        writer.silence = std::fmax(
            writer.silence, whisper_full_get_segment_no_speech_prob_from_state(writer.state, segment));
        const int count = whisper_full_n_tokens_from_state(writer.state, segment);
        bool begins = true;
        for (int index = 0; index < count; index++) {
            const auto data = whisper_full_get_token_data_from_state(writer.state, segment, index);
            if (data.id >= end_of_text) continue;
            const char *text = whisper_full_get_token_text_from_state(writer.model, writer.state, segment, index);
            writer.tokens.push_back({text, data.t0 / 100.0f, data.t1 / 100.0f, data.p, begins});
            begins = false;
            sum += data.plog;
        }
    }
    writer.confidence = writer.tokens.empty() ? 0 : float(sum / double(writer.tokens.size()));
    const char *language = whisper_lang_str(whisper_full_lang_id_from_state(writer.state));
    writer.language = language ? language : "";
}

struct Reading {
    const unsigned char *next;
};

size_t read_silero(void *context, void *to, size_t size) {
    auto *reading = static_cast<Reading *>(context);
    const size_t left = size_t(sluice_silero_end - reading->next);
    const size_t count = size < left ? size : left;
    std::memcpy(to, reading->next, count);
    reading->next += count;
    return count;
}

bool silero_is_over(void *context) { return static_cast<Reading *>(context)->next >= sluice_silero_end; }

void close_silero(void *) {}

}  // namespace

EXPORT int sluice_speech_interface(void) { return SLUICE_SPEECH_INTERFACE; }

EXPORT const char *sluice_speech_engine(void) { return whisper_version(); }

EXPORT int sluice_speech_language(const char *name) { return whisper_lang_id(name); }

EXPORT void *sluice_model_open(const char *path) {
    try {
        auto params = whisper_context_default_params();
        params.use_gpu = false;
        params.flash_attn = true;
        return whisper_init_from_file_with_params_no_state(path, params);
    } catch (...) {
        return nullptr;
    }
}

EXPORT void sluice_model_close(void *model) { whisper_free(static_cast<whisper_context *>(model)); }

EXPORT int sluice_model_is_multilingual(void *model) {
    return whisper_is_multilingual(static_cast<whisper_context *>(model)) ? 1 : 0;
}

EXPORT void *sluice_writer_open(void *model) {
    try {
        auto *context = static_cast<whisper_context *>(model);
        auto *state = whisper_init_state(context);
        if (!state) return nullptr;
        auto *writer = new (std::nothrow) Writer;
        if (!writer) {
            whisper_free_state(state);
            return nullptr;
        }
        writer->model = context;
        writer->state = state;
        return writer;
    } catch (...) {
        return nullptr;
    }
}

EXPORT void sluice_writer_close(void *handle) {
    auto *writer = static_cast<Writer *>(handle);
    if (!writer) return;
    whisper_free_state(writer->state);
    delete writer;
}

EXPORT int sluice_writer_write(
    void *handle, const float *samples, int count, const char *language, int window, int beams, int steps,
    int (*abort)(void *), void *owner) {
    auto &writer = *static_cast<Writer *>(handle);
    writer.tokens.clear();
    Ending ending{abort, owner};
    try {
        auto params = whisper_full_default_params(
            beams > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
        params.n_threads = 1;
        params.no_context = true;
        params.print_progress = false;
        params.print_timestamps = false;
        params.token_timestamps = true;
        params.suppress_nst = true;
        params.language = language;
        params.audio_ctx = window;
        params.greedy.best_of = 2;
        params.beam_search.beam_size = beams < 8 ? beams : 8;
        if (!steps) params.temperature_inc = 0;
        params.encoder_begin_callback = may_begin;
        params.encoder_begin_callback_user_data = &ending;
        params.abort_callback = is_ended;
        params.abort_callback_user_data = &ending;
        const int code = whisper_full_with_state(writer.model, writer.state, params, samples, count);
        if (ending.ended) return -2;
        if (code != 0) return -1;
        collect(writer);
        return int(writer.tokens.size());
    } catch (...) {
        writer.tokens.clear();
        return -1;
    }
}

EXPORT const char *sluice_writer_token(void *handle, int index, float *start, float *end, float *probability) {
    const auto &token = static_cast<Writer *>(handle)->tokens[size_t(index)];
    *start = token.start;
    *end = token.end;
    *probability = token.probability;
    return token.text.c_str();
}

EXPORT int sluice_writer_begins_segment(void *handle, int index) {
    return static_cast<Writer *>(handle)->tokens[size_t(index)].begins ? 1 : 0;
}

EXPORT float sluice_writer_confidence(void *handle, float *silence) {
    const auto &writer = *static_cast<Writer *>(handle);
    *silence = writer.silence;
    return writer.confidence;
}

EXPORT const char *sluice_writer_language(void *handle) { return static_cast<Writer *>(handle)->language.c_str(); }

EXPORT void *sluice_detector_open(void) {
    try {
        Reading reading{sluice_silero_begin};
        whisper_model_loader loader{&reading, read_silero, silero_is_over, close_silero};
        auto params = whisper_vad_default_context_params();
        params.n_threads = 1;
        params.use_gpu = false;
        return whisper_vad_init_with_params(&loader, params);
    } catch (...) {
        return nullptr;
    }
}

EXPORT void sluice_detector_close(void *detector) {
    if (detector) whisper_vad_free(static_cast<whisper_vad_context *>(detector));
}

EXPORT void sluice_detector_reset(void *detector) {
    whisper_vad_reset_state(static_cast<whisper_vad_context *>(detector));
}

EXPORT float sluice_detector_next(void *handle, const float *samples) {
    auto *detector = static_cast<whisper_vad_context *>(handle);
    try {
        if (!whisper_vad_detect_speech_no_reset(detector, samples, 512)) return -1;
        return whisper_vad_n_probs(detector) < 1 ? -1 : whisper_vad_probs(detector)[0];
    } catch (...) {
        return -1;
    }
}
