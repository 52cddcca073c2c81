// libvpx for Swift: its init and control calls are macros and variadics, and its packets hold a union, none of which
// Swift imports.
#ifndef CVPX_SHIM_H
#define CVPX_SHIM_H
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

static inline vpx_codec_err_t cvpx_encoder_init(vpx_codec_ctx_t *c, const vpx_codec_enc_cfg_t *cfg) {
  return vpx_codec_enc_init(c, vpx_codec_vp8_cx(), cfg, 0);
}
static inline vpx_codec_err_t cvpx_set_cpu_used(vpx_codec_ctx_t *c, int v) { return vpx_codec_control(c, VP8E_SET_CPUUSED, v); }
static inline const uint8_t *cvpx_frame_data(const vpx_codec_cx_pkt_t *p) {
  return p->kind == VPX_CODEC_CX_FRAME_PKT ? (const uint8_t *)p->data.frame.buf : 0;
}
static inline size_t cvpx_frame_size(const vpx_codec_cx_pkt_t *p) { return p->data.frame.sz; }
static inline int cvpx_frame_is_key(const vpx_codec_cx_pkt_t *p) { return (p->data.frame.flags & VPX_FRAME_IS_KEY) != 0; }
static inline void cvpx_set_plane(vpx_image_t *i, int plane, uint8_t *bytes, int stride) {
  i->planes[plane] = bytes;
  i->stride[plane] = stride;
}
static const unsigned long cvpx_deadline_realtime = VPX_DL_REALTIME;
static const vpx_enc_frame_flags_t cvpx_force_keyframe = VPX_EFLAG_FORCE_KF;

#endif
