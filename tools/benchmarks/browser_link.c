// A link for UDP with delay, jitter, loss, and a rate with a queue, each way its own.
//
//   browser_link ADDRESS TARGET PORT…      datagrams to ADDRESS:PORT go on to ADDRESS:TARGET (0: to PORT + 100), answers back
//
// Lines on standard input change it, and each is answered with one:
//
//   there|back DELAY_MS JITTER_MS LOSS KBPS QUEUE_MS ORDERED   LOSS is a part of 1, KBPS 0 is no bound; ORDERED 1 keeps the order
//   block        nothing gets through     open        all does again
//   counts       passed and lost datagrams there, back, then bytes there, back
//
// Each caller has a socket of its own behind the link, and the link itself is shared by all. Jitter is even, from −JITTER_MS
// to JITTER_MS, and may change the order as that of netem does. Build: cc -O2 browser_link.c -o browser_link
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CALLERS = 64, PORTS = 8, WAITING = 8192, SIZE = 2048 };
typedef struct { double delay_ms, jitter_ms, loss, kbps, queue_ms; int ordered; int64_t free_at, last; long passed, lost, bytes; } way;
typedef struct { int outer, inner; struct sockaddr_in from; } caller;
typedef struct { int64_t due; uint64_t number; int to, size, is_back; uint8_t bytes[SIZE]; } datagram;

static way ways[2] = {{.queue_ms = 1000}, {.queue_ms = 1000}};
static caller callers[CALLERS];
static datagram *heap[WAITING];
static int caller_count, heap_count, is_blocked;
static uint64_t numbers, dice = 88172645463325252ULL;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static double chance(void) {
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    return (dice >> 11) / 9007199254740992.0;
}
static int is_before(const datagram *a, const datagram *b) {
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}
static void push(datagram *one) {
    int at = heap_count++;
    for (; at > 0 && is_before(one, heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = one;
}
static datagram *pop(void) {
    datagram *first = heap[0], *last = heap[--heap_count];
    int at = 0;
    for (int child; (child = 2 * at + 1) < heap_count; at = child) {
        if (child + 1 < heap_count && is_before(heap[child + 1], heap[child])) child++;
        if (!is_before(heap[child], last)) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

static void take(int who, int is_back, const uint8_t *bytes, int size) {
    way *w = ways + is_back;
    int64_t at = now();
    if (is_blocked || chance() < w->loss || heap_count == WAITING) { w->lost++; return; }
    if (w->kbps > 0) {
        // UDP and IP have 28 bytes.
        int64_t begin = w->free_at > at ? w->free_at : at;
        if (begin - at > w->queue_ms * 1e6) { w->lost++; return; }
        at = w->free_at = begin + (int64_t)((size + 28) * 8e6 / w->kbps);
    }
    at += (int64_t)((w->delay_ms + (2 * chance() - 1) * w->jitter_ms) * 1e6);
    if (w->ordered && at < w->last) at = w->last;
    w->last = at;
    w->passed++, w->bytes += size + 28;
    datagram *one = malloc(sizeof *one);
    *one = (datagram){.due = at, .number = numbers++, .to = who, .size = size, .is_back = is_back};
    memcpy(one->bytes, bytes, size);
    push(one);
}

static int bound(const char *address, int port) {
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), room = 1 << 22;
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(address)};
    if (bind(s, (void *)&a, sizeof a) != 0) perror("bind"), exit(1);
    return s;
}
/// The caller, known by address; a new one gets a socket towards the target.
static int find(int outer, struct sockaddr_in from, const char *address, int target) {
    for (int i = 0; i < caller_count; i++)
        if (callers[i].outer == outer && callers[i].from.sin_port == from.sin_port && callers[i].from.sin_addr.s_addr == from.sin_addr.s_addr)
            return i;
    if (caller_count == CALLERS) return -1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(target), .sin_addr.s_addr = inet_addr(address)};
    callers[caller_count] = (caller){.outer = outer, .inner = bound(address, 0), .from = from};
    if (connect(callers[caller_count].inner, (void *)&a, sizeof a) != 0) perror("connect"), exit(1);
    return caller_count++;
}
static void obey(const char *line) {
    char which[8];
    way w = {0};
    if (strncmp(line, "block", 5) == 0) is_blocked = 1;
    if (strncmp(line, "open", 4) == 0) is_blocked = 0;
    if (sscanf(line, "%7s %lf %lf %lf %lf %lf %d", which, &w.delay_ms, &w.jitter_ms, &w.loss, &w.kbps, &w.queue_ms, &w.ordered) == 7) {
        way *one = ways + (strcmp(which, "back") == 0);
        w.passed = one->passed, w.lost = one->lost, w.bytes = one->bytes;
        *one = w;
    }
    printf("%ld %ld %ld %ld %ld %ld\n", ways[0].passed, ways[0].lost, ways[1].passed, ways[1].lost, ways[0].bytes, ways[1].bytes);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 4) return fprintf(stderr, "usage: browser_link ADDRESS TARGET PORT…\n"), 2;
    prctl(PR_SET_TIMERSLACK, 1);
    // A link waits for nobody, where this user may have that.
    struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_FIFO, &first);
    const char *address = argv[1];
    int ports[PORTS], outers[PORTS], port_count = argc - 3 < PORTS ? argc - 3 : PORTS;
    for (int i = 0; i < port_count; i++) outers[i] = bound(address, ports[i] = atoi(argv[3 + i]));
    for (;;) {
        struct pollfd fds[1 + PORTS + CALLERS] = {{.fd = 0, .events = POLLIN}};
        int count = 1;
        for (int i = 0; i < port_count; i++) fds[count++] = (struct pollfd){.fd = outers[i], .events = POLLIN};
        int known = caller_count;
        for (int i = 0; i < known; i++) fds[count++] = (struct pollfd){.fd = callers[i].inner, .events = POLLIN};
        int64_t pause = heap_count ? heap[0]->due - now() : 1000000000;
        struct timespec t = {.tv_sec = pause > 0 ? pause / 1000000000 : 0, .tv_nsec = pause > 0 ? pause % 1000000000 : 0};
        ppoll(fds, count, &t, NULL);
        uint8_t bytes[SIZE];
        struct sockaddr_in from;
        for (int i = 0; i < port_count; i++)
            for (;;) {
                socklen_t length = sizeof from;
                int size = recvfrom(outers[i], bytes, SIZE, 0, (void *)&from, &length);
                if (size < 0) break;
                int who = find(outers[i], from, address, atoi(argv[2]) ? atoi(argv[2]) : ports[i] + 100);
                if (who >= 0) take(who, 0, bytes, size);
            }
        for (int i = 0; i < known; i++)
            for (int size; (size = recv(callers[i].inner, bytes, SIZE, 0)) >= 0;) take(i, 1, bytes, size);
        for (int64_t at = now(); heap_count && heap[0]->due <= at;) {
            datagram *one = pop();
            const caller *c = callers + one->to;
            if (one->is_back) sendto(c->outer, one->bytes, one->size, 0, (void *)&c->from, sizeof c->from);
            else send(c->inner, one->bytes, one->size, 0);
            free(one);
        }
        if (fds[0].revents) {
            static char line[256];
            static int filled;
            int got = read(0, line + filled, sizeof line - 1 - filled);
            if (got <= 0) return 0;
            line[filled += got] = 0;
            for (char *end; (end = strchr(line, '\n'));) {
                *end = 0;
                obey(line);
                memmove(line, end + 1, filled -= end + 1 - line);
                line[filled] = 0;
            }
        }
    }
}
