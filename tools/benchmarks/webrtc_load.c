// Viewers without browsers: the ends of many WebRTC transports in one thread, told what to do by lines on standard input.
//
//   peer ID GROUP UFRAG PWD ROLE     a socket; says "peer ID PORT". ROLE is ours in ICE: controlling or controlled
//   sink ID GROUP                    a socket that counts RTP and knows no keys; says "peer ID PORT"
//   connect ID UFRAG PWD IP PORT T   the other end, and when it was asked for (CLOCK_MONOTONIC, ns)
//   close ID
//   window                           counts begin anew
//   stats GROUP                      says one JSON object
//   fingerprint                      says that of our certificate
//
// It answers checks and makes them, shakes hands as DTLS client and counts RTP. Every 16th packet is decrypted to prove
// that it is valid, and all video until the first picture is whole; SRTP by GCM or by AES_CM_128_HMAC_SHA1_80. A receiver
// report goes out once a second, a check every 2.5 s. Arrivals are the kernel's timestamps, so this program may sleep: it
// looks at its sockets every 5 ms, and wakes nobody by each packet that comes.
// build: cc -O2 webrtc_load.c -lssl -lcrypto
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, BATCH = 64, ROOM = 2048, SOURCES = 6 };
#define MS 1000000LL
#define SECOND 1000000000LL

typedef struct {
    uint32_t ssrc, packets;
    uint16_t first;
    bool is_known, is_audio;
    int64_t cycles;      // highest, counted on
    int64_t window_base; // `cycles` when the window began
    uint64_t window_count, reported_count;
    int64_t reported_cycles;
} source;

typedef struct {
    bool is_open, is_sink, is_controlling, has_remote, is_proved, is_connected, is_gcm, has_failed;
    int descriptor, number;
    char group[16], ufrag[32], password[64], remote_ufrag[64], remote_password[64];
    struct sockaddr_in remote;
    SSL *ssl;
    EVP_CIPHER_CTX *open_context, *seal_context;
    uint8_t salt[14], auth[20], control_salt[14];
    uint32_t reports;
    int64_t posted, next_check, next_report, next_handshake, connected, first_packet, first_picture, zero;
    uint32_t zero_time;
    // The first picture: its packets are whole from the start of a keyframe to the marker.
    bool in_picture;
    uint16_t picture_next;
    source sources[SOURCES];
} peer;

typedef struct { int peer; float late_ms; } sample;

static peer peers[MOST];
static int count_of_peers;
static SSL_CTX *tls;
static char fingerprint_text[100];
static sample *samples;
static size_t sample_count, sample_room;
static uint64_t proved, refused, duplicates, bytes_seen;
static int64_t real_offset, window_began;
static uint32_t crc_table[256];

static int64_t clock_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}
static int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
static uint16_t big16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t big32(const uint8_t *at) { return (uint32_t)big16(at) << 16 | big16(at + 2); }
static void put16(uint8_t *at, uint32_t value) { at[0] = value >> 8, at[1] = value; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16), put16(at + 2, value & 0xffff); }

// STUN (RFC 8489) ------------------------------------------------------------------------------------------------------

static void make_crc(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
        crc_table[i] = value;
    }
}
static uint32_t crc(const uint8_t *bytes, int count) {
    uint32_t value = ~0u;
    while (count--) value = crc_table[(value ^ *bytes++) & 255] ^ value >> 8;
    return ~value;
}
static int attribute(uint8_t *message, int at, int type, const void *value, int size) {
    put16(message + at, type), put16(message + at + 2, size);
    memset(message + at + 4, 0, (size + 3) & ~3);
    memcpy(message + at + 4, value, size);
    return at + 4 + ((size + 3) & ~3);
}
static int finish(uint8_t *message, int at, const char *password) {
    uint8_t code[20], check[4];
    put16(message + 2, at + 24 - 20);
    HMAC(EVP_sha1(), password, strlen(password), message, at, code, NULL);
    at = attribute(message, at, 0x0008, code, 20);
    put16(message + 2, at + 8 - 20);
    put32(check, crc(message, at) ^ 0x5354554e);
    return attribute(message, at, 0x8028, check, 4);
}
static void send_check(peer *p, int64_t now) {
    uint8_t message[256], priority[4], tie[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    char name[140];
    static uint32_t transaction;
    put16(message, 1), put32(message + 4, 0x2112a442);
    memset(message + 8, 0, 12), put32(message + 8, p->number), put32(message + 16, ++transaction);
    int size = snprintf(name, sizeof name, "%s:%s", p->remote_ufrag, p->ufrag), at = 20;
    at = attribute(message, at, 0x0006, name, size);
    put32(priority, 0x6e0001ff);
    at = attribute(message, at, 0x0024, priority, 4);
    at = attribute(message, at, p->is_controlling ? 0x802a : 0x8029, tie, 8);
    if (p->is_controlling) at = attribute(message, at, 0x0025, "", 0);
    at = finish(message, at, p->remote_password);
    sendto(p->descriptor, message, at, 0, (void *)&p->remote, sizeof p->remote);
    p->next_check = now + (p->is_connected ? 2500 * MS : p->is_proved ? 500 * MS : 50 * MS);
}
static void take_stun(peer *p, const uint8_t *bytes, int size, const struct sockaddr_in *from) {
    int type = size >= 20 ? big16(bytes) : 0;
    if (type == 0x0101 && p->has_remote) p->is_proved = true;
    if (type != 0x0001) return;
    uint8_t message[256], address[8] = {0, 1};
    put16(message, 0x0101);
    memcpy(message + 4, bytes + 4, 16);
    put16(address + 2, ntohs(from->sin_port) ^ 0x2112);
    put32(address + 4, ntohl(from->sin_addr.s_addr) ^ 0x2112a442);
    int at = finish(message, attribute(message, 20, 0x0020, address, 8), p->password);
    sendto(p->descriptor, message, at, 0, (void *)from, sizeof *from);
    if (p->has_remote && !p->is_controlling) {
        for (int i = 20; i + 4 <= size; i += 4 + ((big16(bytes + i + 2) + 3) & ~3))
            if (big16(bytes + i) == 0x0025) p->remote = *from, p->is_proved = true;
    }
}

// DTLS and the keys of SRTP (RFC 5764, RFC 3711 section 4.3, RFC 7714) ---------------------------------------------------

static int accept_any(int ok, X509_STORE_CTX *store) {
    (void)ok, (void)store;
    return 1;
}

static void make_certificate(void) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (void *)"load", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    uint8_t hash[32];
    X509_digest(certificate, EVP_sha256(), hash, NULL);
    for (int i = 0; i < 32; i++) sprintf(fingerprint_text + 3 * i, i < 31 ? "%02X:" : "%02X", hash[i]);
    tls = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_use_certificate(tls, certificate);
    SSL_CTX_use_PrivateKey(tls, key);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_options(tls, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_tlsext_use_srtp(tls, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
}

static void derive(const uint8_t *key, const uint8_t *salt, int salt_size, int label, uint8_t *out, int size) {
    uint8_t vector[16] = {0}, zeros[32] = {0}, made[48];
    int written;
    memcpy(vector, salt, salt_size);
    vector[7] ^= label;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), NULL, key, vector);
    EVP_EncryptUpdate(context, made, &written, zeros, 32);
    EVP_CIPHER_CTX_free(context);
    memcpy(out, made, size);
}
static void take_keys(peer *p, int64_t now) {
    SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(p->ssl);
    p->is_gcm = profile && profile->id == SRTP_AEAD_AES_128_GCM;
    int salt = p->is_gcm ? 12 : 14;
    uint8_t material[60], key[16];
    SSL_export_keying_material(p->ssl, material, 2 * (16 + salt), "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0);
    // Client's key, server's key, client's salt, server's salt.
    const uint8_t *own = material, *theirs = material + 16, *own_salt = material + 32, *their_salt = own_salt + salt;
    derive(theirs, their_salt, salt, 0, key, 16);
    derive(theirs, their_salt, salt, 1, p->auth, 20);
    derive(theirs, their_salt, salt, 2, p->salt, salt);
    p->open_context = EVP_CIPHER_CTX_new();
    EVP_DecryptInit_ex(p->open_context, p->is_gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr(), NULL, key, NULL);
    if (p->is_gcm) {
        derive(own, own_salt, salt, 3, key, 16);
        derive(own, own_salt, salt, 5, p->control_salt, salt);
        p->seal_context = EVP_CIPHER_CTX_new();
        EVP_EncryptInit_ex(p->seal_context, EVP_aes_128_gcm(), NULL, key, NULL);
    }
    p->is_connected = true;
    p->connected = now;
    p->next_report = now + SECOND;
}
static void shake_hands(peer *p, int64_t now) {
    if (p->is_connected || p->has_failed || !p->is_proved) return;
    if (!p->ssl) {
        p->ssl = SSL_new(tls);
        BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in, -1);
        BIO_set_mem_eof_return(out, -1);
        SSL_set_bio(p->ssl, in, out);
        SSL_set_connect_state(p->ssl);
        SSL_set_mtu(p->ssl, 1200);
    }
    DTLSv1_handle_timeout(p->ssl);
    int result = SSL_do_handshake(p->ssl);
    if (result != 1 && SSL_get_error(p->ssl, result) != SSL_ERROR_WANT_READ) {
        ERR_print_errors_fp(stderr);
        p->has_failed = true;
    }
    ERR_clear_error();
    char *flight;
    long size = BIO_get_mem_data(SSL_get_wbio(p->ssl), &flight);
    if (size > 0) {
        sendto(p->descriptor, flight, size, 0, (void *)&p->remote, sizeof p->remote);
        (void)BIO_reset(SSL_get_wbio(p->ssl));
    }
    if (result == 1) take_keys(p, now);
    p->next_handshake = now + 100 * MS;
}

// SRTP -------------------------------------------------------------------------------------------------------------------

static int header_size(const uint8_t *bytes, int size) {
    int at = 12 + 4 * (bytes[0] & 15);
    if (bytes[0] & 16) {
        if (at + 4 > size) return -1;
        at += 4 + 4 * big16(bytes + at + 2);
    }
    return at <= size ? at : -1;
}
// In place; the size of the packet without its tag, -1 where it is not authentic.
static int unprotect(peer *p, uint8_t *bytes, int size, uint32_t roc) {
    int at = header_size(bytes, size), tag = p->is_gcm ? 16 : 10, written, body = size - at - tag;
    if (at < 0 || body < 0) return -1;
    uint8_t vector[16] = {0};
    if (p->is_gcm) {
        memcpy(vector + 2, bytes + 8, 4), put32(vector + 6, roc), memcpy(vector + 10, bytes + 2, 2);
        for (int i = 0; i < 12; i++) vector[i] ^= p->salt[i];
        EVP_DecryptInit_ex(p->open_context, NULL, NULL, NULL, vector);
        EVP_CIPHER_CTX_ctrl(p->open_context, EVP_CTRL_AEAD_SET_TAG, 16, bytes + size - 16);
        EVP_DecryptUpdate(p->open_context, NULL, &written, bytes, at);
        EVP_DecryptUpdate(p->open_context, bytes + at, &written, bytes + at, body);
        return EVP_DecryptFinal_ex(p->open_context, bytes + at + body, &written) == 1 ? at + body : -1;
    }
    uint8_t message[ROOM + 4], code[20];
    memcpy(message, bytes, size - 10), put32(message + size - 10, roc);
    HMAC(EVP_sha1(), p->auth, 20, message, size - 6, code, NULL);
    if (memcmp(code, bytes + size - 10, 10)) return -1;
    memcpy(vector, p->salt, 14);
    for (int i = 0; i < 4; i++) vector[4 + i] ^= bytes[8 + i];
    for (int i = 0; i < 4; i++) vector[8 + i] ^= roc >> (24 - 8 * i);
    vector[12] ^= bytes[2], vector[13] ^= bytes[3];
    EVP_DecryptInit_ex(p->open_context, NULL, NULL, NULL, vector);
    EVP_DecryptUpdate(p->open_context, bytes + at, &written, bytes + at, body);
    return at + body;
}
static void send_report(peer *p, int64_t now) {
    p->next_report = now + SECOND;
    if (!p->seal_context) return;
    uint8_t bytes[256] = {0x80, 201}, vector[12] = {0};
    int count = 0, written;
    put32(bytes + 4, 0x10000000 + p->number);
    for (int i = 0; i < SOURCES; i++) {
        source *s = p->sources + i;
        if (!s->is_known) continue;
        uint8_t *block = bytes + 8 + 24 * count++;
        int64_t expected = s->cycles - s->reported_cycles, got = s->packets - s->reported_count;
        int64_t lost = s->cycles - s->first + 1 - s->packets;
        put32(block, s->ssrc);
        put32(block + 4, lost > 0 ? lost & 0xffffff : 0);
        block[4] = expected > got ? (expected - got) * 256 / (expected + 1) : 0;
        put32(block + 8, (uint32_t)s->cycles);
        memset(block + 12, 0, 12);
        s->reported_cycles = s->cycles, s->reported_count = s->packets;
    }
    if (!count) return;
    int size = 8 + 24 * count;
    bytes[0] |= count, put16(bytes + 2, size / 4 - 1);
    // RFC 7714, section 9: source and index in the vector, the index behind the tag.
    uint32_t index = ++p->reports | 1u << 31;
    memcpy(vector + 2, bytes + 4, 4), put32(vector + 8, index & ~(1u << 31));
    for (int i = 0; i < 12; i++) vector[i] ^= p->control_salt[i];
    put32(bytes + size + 16, index);
    EVP_EncryptInit_ex(p->seal_context, NULL, NULL, NULL, vector);
    EVP_EncryptUpdate(p->seal_context, NULL, &written, bytes, 8);
    EVP_EncryptUpdate(p->seal_context, NULL, &written, bytes + size + 16, 4);
    EVP_EncryptUpdate(p->seal_context, bytes + 8, &written, bytes + 8, size - 8);
    EVP_EncryptFinal_ex(p->seal_context, bytes + size, &written);
    EVP_CIPHER_CTX_ctrl(p->seal_context, EVP_CTRL_AEAD_GET_TAG, 16, bytes + size);
    sendto(p->descriptor, bytes, size + 20, 0, (void *)&p->remote, sizeof p->remote);
}

// Media ------------------------------------------------------------------------------------------------------------------

static int audio_type = 111, video_type = 96, is_h264;

// Begins a keyframe: of VP8 the first partition of a frame with its P bit clear (RFC 7741), of H.264 a parameter set or an
// IDR slice, in whatever packet (RFC 6184).
static bool begins_keyframe(const uint8_t *at, int size) {
    if (size < 4) return false;
    if (is_h264) {
        int type = at[0] & 31;
        if (type == 24) type = at[3] & 31;
        if (type == 28) type = at[1] & 128 ? at[1] & 31 : 0;
        return type == 7 || type == 5;
    }
    if (!(at[0] & 16) || at[0] & 15) return false;
    int skip = 1;
    if (at[0] & 128) {
        int more = at[1];
        skip = 2;
        if (more & 128) skip += at[skip] & 128 ? 2 : 1;
        if (more & 64) skip++;
        if (more & 48) skip++;
    }
    return skip < size && !(at[skip] & 1);
}
static source *source_of(peer *p, uint32_t ssrc) {
    for (int i = 0; i < SOURCES; i++) {
        if (p->sources[i].is_known && p->sources[i].ssrc == ssrc) return p->sources + i;
        if (!p->sources[i].is_known) return p->sources + i;
    }
    return NULL;
}
static void add_sample(int number, double late_ms) {
    if (sample_count == sample_room) samples = realloc(samples, (sample_room = sample_room * 2 + 4096) * sizeof *samples);
    samples[sample_count++] = (sample){number, (float)late_ms};
}
static void take_media(peer *p, uint8_t *bytes, int size, int64_t arrival) {
    if (size < 12 || (bytes[1] >= 192 && bytes[1] <= 223) || (!p->is_sink && !p->is_connected)) return;
    uint32_t ssrc = big32(bytes + 8);
    uint16_t sequence = big16(bytes + 2);
    int type = bytes[1] & 127;
    source *s = source_of(p, ssrc);
    if (!s) return;
    if (!s->is_known) {
        s->is_known = true, s->ssrc = ssrc, s->is_audio = type == audio_type;
        s->first = sequence, s->cycles = sequence, s->window_base = (int64_t)sequence - 1;
        s->reported_cycles = (int64_t)sequence - 1;
    } else {
        int16_t step = sequence - (uint16_t)s->cycles;
        if (step > 0) s->cycles += step;
        if (step == 0) duplicates++;
    }
    s->packets++, s->window_count++, bytes_seen += size;
    if (type == audio_type) {
        // Against the first packet; the least of each peer is taken off in the end.
        uint32_t time = big32(bytes + 4);
        if (!p->zero) p->zero = arrival, p->zero_time = time;
        add_sample((int)(p - peers), (arrival - p->zero) / 1e6 - (int32_t)(time - p->zero_time) / 48.0);
    }
    if (p->is_sink) return;
    bool wants_picture = type == video_type && !p->first_picture;
    if (!p->first_packet || wants_picture || (sequence & 15) == 0) {
        uint8_t copy[ROOM];
        memcpy(copy, bytes, size);
        int64_t index = s->cycles + (int16_t)(sequence - (uint16_t)s->cycles);
        int opened = unprotect(p, copy, size, (uint32_t)(index >> 16));
        if (opened < 0) {
            refused++;
            return;
        }
        proved++;
        if (!p->first_packet) p->first_packet = arrival;
        int at = header_size(copy, opened);
        if (!wants_picture || opened <= at) return;
        if (!p->in_picture && begins_keyframe(copy + at, opened - at)) p->in_picture = true, p->picture_next = sequence;
        if (p->in_picture && sequence == p->picture_next) {
            p->picture_next++;
            if (bytes[1] & 128) p->first_picture = arrival;
        } else p->in_picture = false;
    }
}
static void read_peer(peer *p, int64_t now) {
    static uint8_t memory[BATCH][ROOM], control[BATCH][128];
    static struct sockaddr_in names[BATCH];
    static struct iovec pieces[BATCH];
    static struct mmsghdr messages[BATCH];
    while (true) {
        for (int i = 0; i < BATCH; i++) {
            pieces[i] = (struct iovec){memory[i], ROOM};
            messages[i].msg_hdr = (struct msghdr){names + i, sizeof names[i], pieces + i, 1, control[i], sizeof control[i], 0};
        }
        int got = recvmmsg(p->descriptor, messages, BATCH, MSG_DONTWAIT, NULL);
        if (got <= 0) return;
        for (int i = 0; i < got; i++) {
            uint8_t *bytes = memory[i];
            int size = messages[i].msg_len;
            int64_t arrival = now;
            for (struct cmsghdr *c = CMSG_FIRSTHDR(&messages[i].msg_hdr); c; c = CMSG_NXTHDR(&messages[i].msg_hdr, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
                    struct timespec t;
                    memcpy(&t, CMSG_DATA(c), sizeof t);
                    arrival = t.tv_sec * SECOND + t.tv_nsec - real_offset;
                }
            if (size > 0 && bytes[0] >= 128) take_media(p, bytes, size, arrival);
            else if (p->is_sink || size < 1) continue;
            else if (bytes[0] < 4) {
                bool was = p->is_proved;
                take_stun(p, bytes, size, names + i);
                if (!was && p->is_proved) shake_hands(p, now);
            } else if (bytes[0] >= 20 && bytes[0] < 64 && p->ssl && !p->is_connected) {
                BIO_write(SSL_get_rbio(p->ssl), bytes, size);
                shake_hands(p, now);
            }
        }
        if (got < BATCH) return;
    }
}

// Orders -----------------------------------------------------------------------------------------------------------------

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}
static void say_list(const char *name, const char *group, int64_t (*value)(const peer *)) {
    printf(",\"%s\":[", name);
    bool is_first = true;
    for (int i = 0; i < count_of_peers; i++) {
        if (!peers[i].is_open || strcmp(peers[i].group, group) || !value(peers + i)) continue;
        printf("%s%.2f", is_first ? "" : ",", (value(peers + i) - peers[i].posted) / 1e6);
        is_first = false;
    }
    printf("]");
}
static int64_t connected_at(const peer *p) { return p->connected; }
static int64_t packet_at(const peer *p) { return p->first_packet; }
static int64_t picture_at(const peer *p) { return p->first_picture; }

static void say_stats(const char *group) {
    uint64_t packets = 0, lost = 0, audio = 0;
    int known = 0, connected = 0, failed = 0, gcm = 0;
    float *least = malloc(MOST * sizeof *least), *late = malloc((sample_count + 1) * sizeof *late);
    for (int i = 0; i < MOST; i++) least[i] = INFINITY;
    for (int i = 0; i < count_of_peers; i++) {
        peer *p = peers + i;
        if (!p->is_open || strcmp(p->group, group)) continue;
        known++, connected += p->is_connected, failed += p->has_failed, gcm += p->is_gcm;
        for (int k = 0; k < SOURCES; k++) {
            source *s = p->sources + k;
            if (!s->is_known) continue;
            int64_t expected = s->cycles - s->window_base;
            packets += s->window_count;
            if (s->is_audio) audio += s->window_count;
            if (expected > (int64_t)s->window_count) lost += expected - s->window_count;
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < sample_count; i++)
        if (peers[samples[i].peer].is_open && !strcmp(peers[samples[i].peer].group, group)) {
            float *l = least + samples[i].peer;
            if (samples[i].late_ms < *l) *l = samples[i].late_ms;
        }
    for (size_t i = 0; i < sample_count; i++)
        if (peers[samples[i].peer].is_open && !strcmp(peers[samples[i].peer].group, group))
            late[count++] = samples[i].late_ms - least[samples[i].peer];
    qsort(late, count, sizeof *late, compare);
    double seconds = (now_ns() - window_began) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"peers\":%d,\"connected\":%d,\"failed\":%d,\"gcm\":%d,\"seconds\":%.3f,\"packets\":%lu,\"audio\":%lu,\"lost\":%lu,"
        "\"duplicates\":%lu,\"proved\":%lu,\"refused\":%lu,\"bytes\":%lu,\"own_cpu_s\":%.3f",
        known, connected, failed, gcm, seconds, packets, audio, lost, duplicates, proved, refused, bytes_seen,
        usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    if (count) printf(",\"late_p50\":%.3f,\"late_p99\":%.3f,\"late_max\":%.3f", late[count / 2], late[count - 1 - count / 100], late[count - 1]);
    say_list("connected_ms", group, connected_at);
    say_list("packet_ms", group, packet_at);
    say_list("picture_ms", group, picture_at);
    printf("}\n");
    free(least), free(late);
}
static void begin_window(void) {
    window_began = now_ns();
    sample_count = proved = refused = duplicates = bytes_seen = 0;
    for (int i = 0; i < count_of_peers; i++)
        for (int k = 0; k < SOURCES; k++) peers[i].sources[k].window_base = peers[i].sources[k].cycles, peers[i].sources[k].window_count = 0;
}
static peer *open_peer(int number, const char *group, bool is_sink) {
    if (number < 0 || number >= MOST) return NULL;
    peer *p = peers + number;
    memset(p, 0, sizeof *p);
    p->is_open = true, p->is_sink = is_sink, p->number = number;
    snprintf(p->group, sizeof p->group, "%s", group);
    p->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int one = 1, room = 1 << 20;
    setsockopt(p->descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(p->descriptor, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t length = sizeof any;
    bind(p->descriptor, (void *)&any, sizeof any);
    getsockname(p->descriptor, (void *)&any, &length);
    if (number >= count_of_peers) count_of_peers = number + 1;
    printf("peer %d %d\n", number, ntohs(any.sin_port));
    return p;
}
static void close_peer(peer *p) {
    if (!p->is_open) return;
    close(p->descriptor);
    SSL_free(p->ssl);
    EVP_CIPHER_CTX_free(p->open_context), EVP_CIPHER_CTX_free(p->seal_context);
    memset(p, 0, sizeof *p);
}
static void obey(const char *line) {
    char group[16] = "", ufrag[64], password[64], role[16], ip[64];
    int number, port;
    long posted;
    if (sscanf(line, "peer %d %15s %31s %63s %15s", &number, group, ufrag, password, role) == 5) {
        peer *p = open_peer(number, group, false);
        if (!p) return;
        snprintf(p->ufrag, sizeof p->ufrag, "%.31s", ufrag), snprintf(p->password, sizeof p->password, "%s", password);
        p->is_controlling = !strcmp(role, "controlling");
    } else if (sscanf(line, "sink %d %15s", &number, group) == 2) {
        open_peer(number, group, true);
    } else if (sscanf(line, "connect %d %63s %63s %63s %d %ld", &number, ufrag, password, ip, &port, &posted) == 6) {
        if (number < 0 || number >= MOST || !peers[number].is_open) return;
        peer *p = peers + number;
        strcpy(p->remote_ufrag, ufrag), strcpy(p->remote_password, password);
        p->remote = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        inet_pton(AF_INET, ip, &p->remote.sin_addr);
        p->has_remote = true, p->posted = posted;
    } else if (sscanf(line, "close %d", &number) == 1) {
        if (number >= 0 && number < MOST) close_peer(peers + number);
    } else if (!strncmp(line, "window", 6)) begin_window();
    else if (sscanf(line, "stats %15s", group) == 1) say_stats(group);
    else if (sscanf(line, "types %d %d %d", &audio_type, &video_type, &is_h264) == 3) return;
    else if (!strncmp(line, "fingerprint", 11)) printf("fingerprint %s\n", fingerprint_text);
}

int main(void) {
    struct rlimit files = {8192, 8192};
    setrlimit(RLIMIT_NOFILE, &files);
    make_crc();
    make_certificate();
    fcntl(0, F_SETFL, O_NONBLOCK);
    setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    static char input[1 << 16];
    size_t filled = 0;
    real_offset = clock_ns(CLOCK_REALTIME) - now_ns();
    begin_window();
    for (bool is_busy = false;;) {
        struct pollfd in = {0, POLLIN, 0};
        struct timespec wait = {0, is_busy ? MS : 5 * MS};
        if (ppoll(&in, 1, &wait, NULL) > 0) {
            ssize_t got = read(0, input + filled, sizeof input - 1 - filled);
            if (got == 0) return 0;
            if (got > 0) filled += got;
            input[filled] = 0;
            char *line = input, *end;
            while ((end = strchr(line, '\n'))) *end = 0, obey(line), line = end + 1;
            filled = strlen(line);
            memmove(input, line, filled);
            fflush(stdout);
        }
        int64_t now = now_ns();
        is_busy = false;
        for (int i = 0; i < count_of_peers; i++) {
            peer *p = peers + i;
            if (!p->is_open) continue;
            read_peer(p, now);
            if (p->is_sink || !p->has_remote) continue;
            if (!p->is_connected) is_busy = true;
            if (p->next_check <= now) send_check(p, now);
            if (p->is_proved && !p->is_connected && p->next_handshake <= now) shake_hands(p, now);
            if (p->is_connected && p->next_report <= now) send_report(p, now);
        }
    }
}
