// The least that 100 viewers cost: one stream protected for each by OpenSSL (AES-128-GCM, RFC 7714) and sent by sendmmsg,
// with no session, no repair and no reports behind it.
// usage: webrtc_floor audio|video|segments SECONDS < PORTS
//   audio     50 packets of 160 bytes a second to each port of 127.0.0.1
//   video     besides 30 pictures a second of three packets of 1,100 bytes, 800 kb/s, one by one
//   segments  the same, the packets of a picture as one message that the kernel cuts (UDP_SEGMENT)
// It says how many packets it has sent and what CPU that took, as JSON. build: cc -O2 webrtc_floor.c -lcrypto
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { MOST = 1000, PIECES = 3, ROOM = 1200, CALL = 1000 };
typedef struct {
    EVP_CIPHER_CTX *context;
    uint8_t salt[12];
    struct sockaddr_in address;
} viewer;

static viewer viewers[MOST];
static uint8_t memory[MOST * PIECES][ROOM];
static struct iovec pieces[MOST * PIECES];
static struct mmsghdr messages[MOST * PIECES];
static char controls[MOST][CMSG_SPACE(2)];

static double seconds(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
static int protect(viewer *v, uint8_t *packet, int size, uint8_t type, uint32_t ssrc, uint16_t sequence) {
    uint8_t vector[12] = {0};
    int written;
    packet[0] = 0x80, packet[1] = type, packet[2] = sequence >> 8, packet[3] = sequence;
    memcpy(packet + 8, &ssrc, 4);
    memcpy(vector + 2, packet + 8, 4), memcpy(vector + 10, packet + 2, 2);
    for (int i = 0; i < 12; i++) vector[i] ^= v->salt[i];
    EVP_EncryptInit_ex(v->context, NULL, NULL, NULL, vector);
    EVP_EncryptUpdate(v->context, NULL, &written, packet, 12);
    EVP_EncryptUpdate(v->context, packet + 12, &written, packet + 12, size - 12);
    EVP_EncryptFinal_ex(v->context, packet + size, &written);
    EVP_CIPHER_CTX_ctrl(v->context, EVP_CTRL_AEAD_GET_TAG, 16, packet + size);
    return size + 16;
}
static void send_all(int socket, int count) {
    for (int at = 0; at < count;) {
        int sent = sendmmsg(socket, messages + at, count - at < CALL ? count - at : CALL, 0);
        if (sent <= 0) perror("sendmmsg"), exit(1);
        at += sent;
    }
}

int main(int argc, char **argv) {
    if (argc < 3) return fprintf(stderr, "usage: webrtc_floor audio|video|segments SECONDS < PORTS\n"), 2;
    int cuts = !strcmp(argv[1], "segments"), has_video = cuts || !strcmp(argv[1], "video"), count = 0, port;
    double length = atof(argv[2]);
    static uint8_t audio[172], video[12 + 1100];
    while (count < MOST && scanf("%d", &port) == 1) {
        viewer *v = viewers + count++;
        uint8_t key[16];
        for (int i = 0; i < 16; i++) key[i] = rand();
        for (int i = 0; i < 12; i++) v->salt[i] = rand();
        v->context = EVP_CIPHER_CTX_new();
        EVP_EncryptInit_ex(v->context, EVP_aes_128_gcm(), NULL, key, NULL);
        v->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    }
    int out = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
    setsockopt(out, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    double began = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), next_audio = began, next_video = began;
    uint16_t sequences[2] = {0, 0};
    unsigned long sent = 0;
    while (next_audio < began + length) {
        double due = has_video && next_video < next_audio ? next_video : next_audio;
        struct timespec until = {(time_t)due, (long)((due - (time_t)due) * 1e9)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        int is_video = due != next_audio, parts = is_video ? PIECES : 1, made = 0;
        for (int i = 0; i < count; i++) {
            for (int part = 0; part < parts; part++) {
                int at = i * parts + part, size = is_video ? sizeof video : sizeof audio;
                memcpy(memory[at], is_video ? video : audio, size);
                size = protect(viewers + i, memory[at], size, is_video ? 96 : 111, 2 * i + is_video, sequences[is_video] + part);
                pieces[at] = (struct iovec){memory[at], size};
                if (cuts && is_video && part) continue;
                struct msghdr *h = &messages[made++].msg_hdr;
                *h = (struct msghdr){&viewers[i].address, sizeof viewers[i].address, pieces + at, 1, NULL, 0, 0};
                if (!cuts || !is_video) continue;
                h->msg_iovlen = parts, h->msg_control = controls[i], h->msg_controllen = sizeof controls[i];
                struct cmsghdr *c = CMSG_FIRSTHDR(h);
                c->cmsg_level = SOL_UDP, c->cmsg_type = UDP_SEGMENT, c->cmsg_len = CMSG_LEN(2);
                *(uint16_t *)CMSG_DATA(c) = size;
            }
        }
        sequences[is_video] += parts;
        send_all(out, made);
        sent += parts * count;
        if (is_video) next_video += 1.0 / 30; else next_audio += 0.02;
    }
    printf("{\"packets\":%lu,\"cpu_s\":%.6f}\n", sent, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}
