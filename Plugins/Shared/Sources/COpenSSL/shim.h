// OpenSSL 3.0, with its macros as functions. SHA1_Init and its kin count as deprecated; see Secrets.swift.
#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// OpenSSL tidies up when the process ends, under the feet of threads that still run. This tells it not to, unless
// something in the process has started it before. Cheap from the second time on.
static inline int openssl_start(void) { return OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); }

static inline unsigned char *openssl_hmac_sha256(const void *key, int key_size, const unsigned char *bytes, size_t size,
                                                  unsigned char *code, unsigned int *count) {
  return HMAC(EVP_sha256(), key, key_size, bytes, size, code, count);
}

static inline EVP_PKEY *openssl_make_p256_key(void) { return EVP_EC_gen("P-256"); }

// DTLS 1.2 alone.
static inline int openssl_allow_dtls12(SSL_CTX *context) {
  return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) &&
         SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
}

static inline int openssl_set_groups(SSL_CTX *context, const char *names) {
  return (int)SSL_CTX_set1_groups_list(context, names);
}

// No renegotiation, no tickets, no sessions to resume, no questions about the path's MTU.
static inline void openssl_set_plain_handshakes(SSL_CTX *context, long most_certificate_bytes) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, most_certificate_bytes);
}

static inline void openssl_set_datagram_size(SSL *ssl, long bytes) { SSL_set_mtu(ssl, bytes); }
static inline int openssl_set_owner(SSL *ssl, void *owner) { return SSL_set_app_data(ssl, owner); }
static inline void *openssl_owner(const SSL *ssl) { return SSL_get_app_data(ssl); }
static inline int openssl_handle_timeout(SSL *ssl) { return (int)DTLSv1_handle_timeout(ssl); }
static inline void openssl_read_again(BIO *bio) { BIO_set_retry_read(bio); }
static inline void openssl_read_done(BIO *bio) { BIO_clear_retry_flags(bio); }

#endif
