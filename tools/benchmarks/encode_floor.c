// The cost of encoding without an engine: a bare loop over libavcodec (libx264), libvpx or libopus with the settings of
// the nodes h264-encoder, vp8-encoder and opus-encoder. Its packets are to be theirs, byte for byte.
//
//   encode_floor h264 FILE WIDTH HEIGHT FPS KBPS OUT      i420 pictures without padding; GOP 1 s, CBR over 0.5 s
//   encode_floor vp8  FILE WIDTH HEIGHT FPS KBPS OUT      the same; keyframes at most 2 s apart, cpu-used -8
//   encode_floor opus FILE RATE CHANNELS FRAME_MS KBPS OUT   s16 samples; restricted low delay, CBR, complexity 0
//
// OUT takes the packets one behind the other; "-" drops them. Prints one JSON object; the CPU time is that of the loop.
// Build: cc -O2 encode_floor.c -o encode_floor -lavcodec -lavutil -lvpx -lopus
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <math.h>
#include <opus/opus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

static const uint8_t *input;
static size_t input_size, packets, bytes;
static FILE *out;

static void fail(const char *what) {
  fprintf(stderr, "encode_floor: %s\n", what);
  exit(1);
}

static void keep(const void *data, size_t size) {
  packets++;
  bytes += size;
  if (out && fwrite(data, 1, size, out) != size) fail("writing the packets failed");
}

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static const char *lowest_level(int width, int height, int fps, int kbps) {
  static const struct { const char *name; int rate, size, kbps; } levels[] = {
      {"1.0", 1485, 99, 64},         {"1.1", 3000, 396, 192},        {"1.2", 6000, 396, 384},
      {"1.3", 11880, 396, 768},      {"2.0", 11880, 396, 2000},      {"2.1", 19800, 792, 4000},
      {"2.2", 20250, 1620, 4000},    {"3.0", 40500, 1620, 10000},    {"3.1", 108000, 3600, 14000},
      {"3.2", 216000, 5120, 20000},  {"4.0", 245760, 8192, 20000},   {"4.1", 245760, 8192, 50000},
      {"4.2", 522240, 8704, 50000},  {"5.0", 589824, 22080, 135000}, {"5.1", 983040, 36864, 240000},
      {"5.2", 2073600, 36864, 240000}};
  int columns = (width + 15) / 16, rows = (height + 15) / 16, size = columns * rows;
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if (size <= levels[i].size && size * fps <= levels[i].rate && kbps <= levels[i].kbps &&
        columns * columns <= levels[i].size * 8 && rows * rows <= levels[i].size * 8)
      return levels[i].name;
  fail("no level of H.264 holds this");
  return 0;
}

static void receive(AVCodecContext *context, AVPacket *packet) {
  while (avcodec_receive_packet(context, packet) >= 0) {
    keep(packet->data, packet->size);
    av_packet_unref(packet);
  }
}

static void h264(int width, int height, int fps, int kbps) {
  av_log_set_level(AV_LOG_QUIET);
  const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
  if (!codec) fail("libavcodec has no libx264");
  AVCodecContext *context = avcodec_alloc_context3(codec);
  context->width = width;
  context->height = height;
  context->pix_fmt = AV_PIX_FMT_YUV420P;
  context->framerate = (AVRational){fps, 1};
  context->time_base = (AVRational){1, fps};
  // Keyframes by time: each is asked for.
  context->gop_size = 1 << 30;
  context->max_b_frames = 0;
  context->thread_count = 1;
  context->bit_rate = context->rc_max_rate = kbps * 1000LL;
  context->rc_buffer_size = kbps * 500;
  const char *options[][2] = {
      {"preset", "ultrafast"}, {"tune", "zerolatency"}, {"profile", "baseline"},
      {"level", lowest_level(width, height, fps, kbps > 10000 ? kbps : 10000)}, {"forced-idr", "1"},
      {"x264-params", "scenecut=0"}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (av_opt_set(context->priv_data, options[i][0], options[i][1], 0) < 0) fail("an option was refused");
  if (avcodec_open2(context, codec, 0) < 0) fail("libx264 does not open");
  AVFrame *frame = av_frame_alloc();
  AVPacket *packet = av_packet_alloc();
  size_t luma = (size_t)width * height, size = luma * 3 / 2;
  // One reference over the whole file, so that libavcodec does not copy pictures.
  AVBufferRef *whole = av_buffer_create((uint8_t *)input, input_size, 0, 0, AV_BUFFER_FLAG_READONLY);
  for (size_t i = 0; i < input_size / size; i++) {
    frame->width = width;
    frame->height = height;
    frame->format = AV_PIX_FMT_YUV420P;
    frame->buf[0] = av_buffer_ref(whole);
    frame->data[0] = (uint8_t *)input + i * size;
    frame->data[1] = frame->data[0] + luma;
    frame->data[2] = frame->data[1] + luma / 4;
    frame->linesize[0] = width;
    frame->linesize[1] = frame->linesize[2] = width / 2;
    frame->extended_data = frame->data;
    frame->pts = i;
    frame->pict_type = i % fps ? AV_PICTURE_TYPE_NONE : AV_PICTURE_TYPE_I;
    if (avcodec_send_frame(context, frame) < 0) fail("encoding a picture failed");
    av_frame_unref(frame);
    receive(context, packet);
  }
  avcodec_send_frame(context, 0);
  receive(context, packet);
}

static void vp8(int width, int height, int fps, int kbps) {
  vpx_codec_enc_cfg_t config;
  if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0)) fail("libvpx has no VP8 encoder");
  config.g_w = width;
  config.g_h = height;
  config.g_timebase = (struct vpx_rational){1, 90000};
  config.g_pass = VPX_RC_ONE_PASS;
  config.g_lag_in_frames = 0;
  config.g_threads = 1;
  config.g_error_resilient = 0;
  config.rc_end_usage = VPX_CBR;
  config.rc_target_bitrate = kbps;
  config.rc_buf_sz = 1000;
  config.rc_buf_initial_sz = 500;
  config.rc_buf_optimal_sz = 600;
  config.kf_mode = VPX_KF_AUTO;
  config.kf_max_dist = 2 * fps;
  vpx_codec_ctx_t codec;
  if (vpx_codec_enc_init(&codec, vpx_codec_vp8_cx(), &config, 0)) fail("libvpx does not open");
  vpx_codec_control(&codec, VP8E_SET_CPUUSED, -8);
  size_t size = (size_t)width * height + (size_t)((width + 1) / 2) * ((height + 1) / 2) * 2;
  for (size_t i = 0; i < input_size / size; i++) {
    vpx_image_t image;
    vpx_img_wrap(&image, VPX_IMG_FMT_I420, width, height, 1, (uint8_t *)input + i * size);
    int64_t start = (int64_t)i * 90000 / fps, end = (int64_t)(i + 1) * 90000 / fps;
    if (vpx_codec_encode(&codec, &image, start, end - start, 0, VPX_DL_REALTIME)) fail("encoding a picture failed");
    vpx_codec_iter_t iterator = 0;
    const vpx_codec_cx_pkt_t *packet;
    while ((packet = vpx_codec_get_cx_data(&codec, &iterator)))
      if (packet->kind == VPX_CODEC_CX_FRAME_PKT) keep(packet->data.frame.buf, packet->data.frame.sz);
  }
}

static void opus(int rate, int channels, double frame_ms, int kbps) {
  int error, lookahead = 0;
  OpusEncoder *encoder = opus_encoder_create(rate, channels, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error);
  if (!encoder) fail(opus_strerror(error));
  opus_encoder_ctl(encoder, OPUS_SET_VBR(0));
  opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(0));
  opus_encoder_ctl(encoder, OPUS_SET_BITRATE(kbps * 1000));
  opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD(&lookahead));
  int samples = (int)lrint(frame_ms * rate / 1000);
  size_t size = (size_t)samples * channels * 2, total = input_size / (channels * 2);
  uint8_t *last = calloc(1, size), packet[4000];
  // Silence fills the last frame and pushes the encoder's delay out.
  for (size_t fed = 0; fed < total + lookahead; fed += samples) {
    const uint8_t *pcm = input + fed * channels * 2;
    if (fed + samples > total) {
      memset(last, 0, size);
      if (fed < total) memcpy(last, pcm, (total - fed) * channels * 2);
      pcm = last;
    }
    int count = opus_encode(encoder, (const opus_int16 *)pcm, samples, packet, sizeof packet);
    if (count < 0) fail(opus_strerror(count));
    keep(packet, count);
  }
}

int main(int count, char **words) {
  if (count != 8) {
    fprintf(stderr, "usage: encode_floor h264|vp8 FILE WIDTH HEIGHT FPS KBPS OUT\n"
                    "       encode_floor opus FILE RATE CHANNELS FRAME_MS KBPS OUT\n");
    return 2;
  }
  int file = open(words[2], O_RDONLY);
  struct stat status;
  if (file < 0 || fstat(file, &status) || !status.st_size) fail("the input cannot be read or is empty");
  input_size = status.st_size;
  input = mmap(0, input_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (input == MAP_FAILED) fail("the input cannot be mapped");
  if (strcmp(words[7], "-") && !(out = fopen(words[7], "wb"))) fail("the output cannot be opened");
  int a = atoi(words[3]), b = atoi(words[4]), kbps = atoi(words[6]);
  double start = cpu_seconds();
  if (!strcmp(words[1], "h264")) h264(a, b, atoi(words[5]), kbps);
  else if (!strcmp(words[1], "vp8")) vp8(a, b, atoi(words[5]), kbps);
  else if (!strcmp(words[1], "opus")) opus(a, b, atof(words[5]), kbps);
  else fail("the codec is h264, vp8 or opus");
  double seconds = cpu_seconds() - start;
  if (out && fclose(out)) fail("writing the packets failed");
  printf("{\"codec\":\"%s\",\"packets\":%zu,\"bytes\":%zu,\"cpu_us_per_packet\":%.2f}\n", words[1], packets, bytes,
         packets ? seconds / packets * 1e6 : 0);
  return 0;
}
