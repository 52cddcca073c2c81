// libwebsockets as a client for Swift: its settings are structures of a hundred fields.
#ifndef CWEBSOCKETSCLIENT_SHIM_H
#define CWEBSOCKETSCLIENT_SHIM_H
#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

// Under a name of this module, since the headers hide it from all but those who see other structures than the engine.
int cwc_setname(pthread_t thread, const char *name) __asm__("pthread_setname_np");

// Room before what is written.
static const int cwc_pre = LWS_PRE;

// One protocol; the list has an empty one at its end. To be freed behind its context.
static inline struct lws_protocols *cwc_protocols(lws_callback_function *callback) {
  struct lws_protocols *all = (struct lws_protocols *)calloc(2, sizeof *all);
  if (!all) return 0;
  all[0].name = "messages";
  all[0].callback = callback;
  all[0].rx_buffer_size = 16384;
  return all;
}

// `user` comes back from lws_context_user. Certificates are checked against those that the system trusts.
static inline struct lws_context *cwc_context(void *user, const struct lws_protocols *all, int connect_s) {
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.user = user;
  info.protocols = all;
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.pt_serv_buf_size = 32768;
  info.timeout_secs = (unsigned int)connect_s;
  info.connect_timeout_secs = (unsigned int)connect_s;
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.ssl_client_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
  lws_set_log_level(0, 0);
  return lws_create_context(&info);
}

// Begins a connection to an address in digits. `host` stands in the request and in the certificate. The
// callback hears of it with `opaque`, also before this returns.
static inline struct lws *cwc_connect(struct lws_context *context, const char *address, int port, const char *host,
                                      const char *path, int has_tls, void *opaque) {
  struct lws_client_connect_info info;
  memset(&info, 0, sizeof info);
  info.context = context;
  info.address = address;
  info.port = port;
  info.host = host;
  info.path = path;
  // Its credentials are for that host alone.
  info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (has_tls ? LCCSCF_USE_SSL : 0);
  info.local_protocol_name = "messages";
  info.ietf_version_or_minus_one = -1;
  info.alpn = has_tls ? "http/1.1" : 0;
  info.opaque_user_data = opaque;
  return lws_client_connect_via_info(&info);
}

// In LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: one more field. `name` ends with a colon. Other than 0 where it has no
// room.
static inline int cwc_add_field(struct lws *wsi, const char *name, const char *value, void *in, size_t room) {
  unsigned char **place = (unsigned char **)in;
  return lws_add_http_header_by_name(wsi, (const unsigned char *)name, (const unsigned char *)value,
                                     (int)strlen(value), place, *place + room);
}

// Closes a connection soon, whatever waits in it.
static inline void cwc_kill(struct lws *wsi) { lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC); }

// For the thread that serves: its name, and no signals.
static inline void cwc_begin_thread(const char *name) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, 0);
  cwc_setname(pthread_self(), name);
}
#endif
