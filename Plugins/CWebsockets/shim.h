// libwebsockets for Swift: its settings are structures of a hundred fields, its names for closing are macros. And the
// calls that Glibc's Swift module hides.
#ifndef CWEBSOCKETS_SHIM_H
#define CWEBSOCKETS_SHIM_H
#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// Under names of this module, since the headers hide them from all but those who see other structures than the engine.
int cws_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) __asm__("accept4");
int cws_setname(pthread_t thread, const char *name) __asm__("pthread_setname_np");

// Room before what is written.
static const int cws_pre = LWS_PRE;

// One protocol, whose connections are plain bytes; the list has an empty one at its end. To be freed behind its context.
static inline struct lws_protocols *cws_protocols(lws_callback_function *callback) {
  struct lws_protocols *all = (struct lws_protocols *)calloc(2, sizeof *all);
  if (!all) return 0;
  all[0].name = "bytes";
  all[0].callback = callback;
  return all;
}

// Without an address to listen at; `user` comes back from lws_context_user.
static inline struct lws_context *cws_context(void *user, const struct lws_protocols *all, unsigned int descriptors,
                                              int has_tls) {
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.user = user;
  info.protocols = all;
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.fd_limit_per_thread = descriptors;
  info.pt_serv_buf_size = 16384 + LWS_PRE + 16;
  info.timeout_secs = 10;
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | (has_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0);
  lws_set_log_level(0, 0);
  return lws_create_context(&info);
}

static inline struct lws_vhost *cws_host(struct lws_context *context, const struct lws_protocols *all,
                                         const char *certificate, const char *key) {
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.protocols = all;
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
  info.vhost_name = "http";
  if (certificate) {
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.ssl_cert_filepath = certificate;
    info.ssl_private_key_filepath = key;
    info.ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
    info.alpn = "http/1.1";
  }
  return lws_create_vhost(context, &info);
}

// Takes a descriptor in: a connection (with TLS where its host has it), or a socket that listens, which is only watched.
// NULL where it was closed instead.
static inline struct lws *cws_adopt(struct lws_vhost *host, int descriptor, int is_connection, void *opaque) {
  struct lws_adopt_desc what;
  memset(&what, 0, sizeof what);
  what.vh = host;
  what.type = is_connection ? (lws_adoption_type)(LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL) : LWS_ADOPT_RAW_FILE_DESC;
  what.fd.sockfd = descriptor;
  what.opaque = opaque;
  return lws_adopt_descriptor_vhost_via_info(&what);
}

// Closes a connection soon, whatever waits in it.
static inline void cws_kill(struct lws *wsi) { lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC); }

static inline void cws_sha1(const unsigned char *bytes, size_t count, unsigned char *digest) {
  lws_SHA1(bytes, count, digest);
}

// Why OpenSSL does not take the files as a pair, in `text`; 0 where it does. Nothing of a key gets into it.
static inline int cws_pair_fault(const char *certificate, const char *key, char *text, size_t size) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  const char *what = "OpenSSL does not start";
  if (context) {
    what = "the certificate cannot be read";
    if (SSL_CTX_use_certificate_chain_file(context, certificate) == 1) {
      what = "the key cannot be read, or is another certificate's";
      if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(context) == 1)
        what = 0;
    }
    SSL_CTX_free(context);
  }
  const char *reason = what ? ERR_reason_error_string(ERR_peek_last_error()) : 0;
  ERR_clear_error();
  if (what) snprintf(text, size, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
  return what != 0;
}

static inline int cws_accept(int listener, struct sockaddr *address, socklen_t *length) {
  return cws_accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// For the thread that serves: its name, and no signals.
static inline void cws_begin_thread(const char *name) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, 0);
  cws_setname(pthread_self(), name);
}
#endif
