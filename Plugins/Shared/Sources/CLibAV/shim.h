// libavformat, libavcodec, libswscale and libavutil for Swift, and what of them Swift does not see: macros and
// variadics.
#pragma once

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

static inline int sluice_averror(int code) { return AVERROR(code); }
static inline int sluice_averror_eof(void) { return AVERROR_EOF; }
static inline int sluice_averror_again(void) { return AVERROR(EAGAIN); }
static inline int sluice_averror_exit(void) { return AVERROR_EXIT; }
static inline int sluice_averror_encoder_not_found(void) { return AVERROR_ENCODER_NOT_FOUND; }
static inline int sluice_averror_invalid_data(void) { return AVERROR_INVALIDDATA; }
static inline int64_t sluice_no_pts(void) { return AV_NOPTS_VALUE; }

// Messages of libav go nowhere, but for a thread that listens, which keeps the first of the gravest.
typedef struct {
  char text[256];
  // Of `text`; what is graver replaces it. 0 while nobody listens: nothing but a panic is graver, and that is no news.
  int level;
} sluice_heard;
static inline sluice_heard *sluice_heard_here(void) {
  static _Thread_local sluice_heard heard;
  return &heard;
}
static inline void sluice_log_hear(void *context, int level, const char *format, va_list words) {
  sluice_heard *heard = sluice_heard_here();
  int prefix = 0;
  if (level >= heard->level || level <= AV_LOG_PANIC) return;
  heard->level = level;
  av_log_format_line2(0, level, format, words, heard->text, sizeof heard->text, &prefix);
}
static inline void sluice_log_quiet(void) { av_log_set_callback(sluice_log_hear); }
// To messages as grave as `level`, and graver; 0 ends it.
static inline void sluice_log_listen(int level) {
  sluice_heard *heard = sluice_heard_here();
  heard->level = level ? level + 1 : 0;
  if (level) heard->text[0] = 0;
}
static inline const char *sluice_log_heard(void) { return sluice_heard_here()->text; }

static inline void sluice_err2str(int code, char *text, size_t size) { av_strerror(code, text, size); }

// Flags that are macros with casts.
static inline int sluice_pkt_flag_key(void) { return AV_PKT_FLAG_KEY; }
static inline int sluice_pkt_flag_discard(void) { return AV_PKT_FLAG_DISCARD; }
static inline int sluice_pkt_flag_corrupt(void) { return AV_PKT_FLAG_CORRUPT; }
static inline int sluice_fmt_flag_bitexact(void) { return AVFMT_FLAG_BITEXACT; }
static inline int sluice_fmt_flag_flush_packets(void) { return AVFMT_FLAG_FLUSH_PACKETS; }
static inline int sluice_fmt_flag_custom_io(void) { return AVFMT_FLAG_CUSTOM_IO; }
static inline int sluice_codec_is_intra_only(void) { return AV_CODEC_PROP_INTRA_ONLY; }
static inline int sluice_codec_flag_low_delay(void) { return AV_CODEC_FLAG_LOW_DELAY; }
static inline int sluice_codec_flag_global_header(void) { return AV_CODEC_FLAG_GLOBAL_HEADER; }
static inline int sluice_codec_flag_bitexact(void) { return AV_CODEC_FLAG_BITEXACT; }
static inline int sluice_opt_search_children(void) { return AV_OPT_SEARCH_CHILDREN; }
static inline int sluice_opt_search_fake_object(void) { return AV_OPT_SEARCH_FAKE_OBJ; }
static inline int sluice_seek_size(void) { return AVSEEK_SIZE; }
static inline int sluice_seek_force(void) { return AVSEEK_FORCE; }

// Refuses every other file or address that a demuxer asks for.
static inline int sluice_refuse_open(
    struct AVFormatContext *context, AVIOContext **io, const char *url, int flags, AVDictionary **options) {
  return AVERROR(EACCES);
}
static inline void sluice_open_nothing_else(AVFormatContext *context) { context->io_open = sluice_refuse_open; }

// The largest picture that a decoder may make, and the last one that was refused. Read and written by its threads.
typedef struct {
  int max_width, max_height;
  int64_t max_pixels;
  int refused_width, refused_height;
} sluice_picture_limit;
static inline void sluice_note_refused(sluice_picture_limit *limit, int width, int height) {
  __atomic_store_n(&limit->refused_height, height, __ATOMIC_RELAXED);
  __atomic_store_n(&limit->refused_width, width, __ATOMIC_RELAXED);
}
// For `get_buffer2`: refuses a picture over the limit that `opaque` points to before it has memory.
static inline int sluice_get_buffer(AVCodecContext *context, AVFrame *frame, int flags) {
  sluice_picture_limit *limit = context->opaque;
  if (context->codec_type == AVMEDIA_TYPE_VIDEO &&
      (frame->width > limit->max_width || frame->height > limit->max_height ||
       (int64_t)frame->width * frame->height > limit->max_pixels)) {
    sluice_note_refused(limit, frame->width, frame->height);
    return AVERROR(E2BIG);
  }
  return avcodec_default_get_buffer2(context, frame, flags);
}
// The width of the last one that was refused, once, and its height; 0 where there is none.
static inline int sluice_take_refused(sluice_picture_limit *limit, int *height) {
  *height = __atomic_load_n(&limit->refused_height, __ATOMIC_RELAXED);
  return __atomic_exchange_n(&limit->refused_width, 0, __ATOMIC_RELAXED);
}
static inline void sluice_limit_pictures(AVCodecContext *context, sluice_picture_limit *limit) {
  context->opaque = limit;
  // The memory that a decoder keeps for itself grows with the pixels, and is made before the first picture asks for
  // memory.
  int64_t sides = (int64_t)limit->max_width * limit->max_height;
  context->max_pixels = sides < limit->max_pixels ? sides : limit->max_pixels;
  context->get_buffer2 = sluice_get_buffer;
}
