// A stream of RTP on an exact schedule, for servers that pass it on: Opus of 160 bytes every 20 ms, and VP8 of 800 kb/s in
// 30 pictures a second with a keyframe every two seconds. Pictures have true headers and no more than noise behind them.
// usage: webrtc_source SECONDS AUDIOPORTS VIDEOPORTS      ports of 127.0.0.1 with commas between them, or "-"
// build: cc -O2 webrtc_source.c
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

enum { PAYLOAD = 1080, GROUP = 60, KEYFRAME = 16000, PICTURE = 3110 };
typedef struct { int count; struct sockaddr_in addresses[16]; } list;

static list ports(char *text) {
    list l = {0};
    for (char *word = strtok(text, ","); word && l.count < 16 && *word != '-'; word = strtok(NULL, ","))
        l.addresses[l.count++] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(word)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return l;
}
static void header(uint8_t *packet, int type, uint16_t sequence, uint32_t time, uint32_t ssrc) {
    packet[0] = 0x80, packet[1] = type, packet[2] = sequence >> 8, packet[3] = sequence;
    uint32_t words[2] = {htonl(time), htonl(ssrc)};
    memcpy(packet + 4, words, 8);
}
static void send_to(int out, const list *to, const uint8_t *packet, int size) {
    for (int i = 0; i < to->count; i++) sendto(out, packet, size, 0, (void *)(to->addresses + i), sizeof to->addresses[i]);
}

int main(int argc, char **argv) {
    if (argc < 4) return fprintf(stderr, "usage: webrtc_source SECONDS AUDIOPORTS VIDEOPORTS\n"), 2;
    // A sleep ends within a microsecond of its time, not within 50.
    prctl(PR_SET_TIMERSLACK, 1);
    // The clock that lateness is measured against waits for nobody, where this user may have that.
    struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_FIFO, &first);
    list audio = ports(argv[2]), video = ports(argv[3]);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    static uint8_t noise[KEYFRAME], packet[1500];
    for (int i = 0; i < KEYFRAME; i++) noise[i] = rand();
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int64_t began = start.tv_sec * 1000000000LL + start.tv_nsec, end = (int64_t)(atof(argv[1]) * 1e9);
    uint16_t sequences[2] = {0, 0};
    for (int64_t sounds = 0, pictures = 0;;) {
        int64_t sound_due = sounds * 20000000, picture_due = pictures * 1000000000 / 30;
        int is_video = picture_due < sound_due;
        int64_t due = is_video ? picture_due : sound_due, at = began + due;
        if (due > end) return 0;
        struct timespec until = {at / 1000000000, at % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        if (!is_video) {
            header(packet, 111, sequences[0]++, sounds++ * 960, 1000);
            memcpy(packet + 12, noise, 160);
            // Fullband, 20 ms, one frame (RFC 6716, section 3.1).
            packet[12] = 0xf8;
            send_to(out, &audio, packet, 172);
            continue;
        }
        int is_keyframe = pictures % GROUP == 0, size = is_keyframe ? KEYFRAME : PICTURE - (KEYFRAME - PICTURE) / (GROUP - 1);
        // RFC 6386, section 9.1: the frame tag, and of a keyframe start code and size.
        uint8_t head[10] = {is_keyframe ? 0x10 : 0x11, 2, 0, 0x9d, 1, 0x2a, 0x00, 0x05, 0xd0, 0x02};
        memcpy(noise, head, is_keyframe ? 10 : 3);
        for (int sent = 0; sent < size;) {
            int part = size - sent < PAYLOAD ? size - sent : PAYLOAD;
            header(packet, 96 | (sent + part == size ? 128 : 0), sequences[1]++, pictures * 3000, 2000);
            packet[12] = sent ? 0 : 0x10;
            memcpy(packet + 13, noise + sent, part);
            send_to(out, &video, packet, 13 + part);
            sent += part;
        }
        pictures++;
    }
}
