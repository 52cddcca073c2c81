// libcurl for Swift: its options are variadic, which Swift does not call.
#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

// The request. Texts are read during the call alone.
typedef struct {
  const char *method;
  const char *url;
  struct curl_slist *headers;
  // Nothing is sent where it is null.
  const void *body;
  size_t body_size;
  long connect_ms;
  long total_ms;
  // More than so many bytes of the answer end the call.
  size_t answer_limit;
  // Ends the call where it gives something else than 0; asked about once a second, and more often while bytes flow.
  int (*is_over)(void *owner);
  void *owner;
} ccurl_request;

typedef struct {
  CURL *handle;
  CURLcode code;
  // Of libcurl, in words.
  char error[CURL_ERROR_SIZE];
  long status;
  char *body;
  size_t body_size;
  size_t limit;
  int is_too_long;
  // The request could be sent.
  int was_reached;
} ccurl_answer;

static inline size_t ccurl_take(char *bytes, size_t one, size_t count, void *argument) {
  ccurl_answer *answer = (ccurl_answer *)argument;
  size_t size = one * count;
  if (answer->body_size + size > answer->limit) {
    answer->is_too_long = 1;
    return 0;
  }
  char *room = (char *)realloc(answer->body, answer->body_size + size);
  if (!room && size) return 0;
  memcpy(room + answer->body_size, bytes, size);
  answer->body = room;
  answer->body_size += size;
  return size;
}

static inline int ccurl_look(
    void *argument, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  const ccurl_request *request = (const ccurl_request *)argument;
  return request->is_over ? request->is_over(request->owner) : 0;
}

// Blocks. `answer` is all zero before, and goes through `ccurl_free` behind.
static inline void ccurl_perform(const ccurl_request *request, ccurl_answer *answer) {
  CURL *handle = curl_easy_init();
  answer->handle = handle;
  answer->limit = request->answer_limit;
  if (!handle) {
    answer->code = CURLE_OUT_OF_MEMORY;
    return;
  }
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, answer->error);
  // As OpenSSL takes it by itself, and so libwebsockets.
  const char *trusted = getenv("SSL_CERT_FILE");
  if (trusted && *trusted) curl_easy_setopt(handle, CURLOPT_CAINFO, trusted);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_URL, request->url);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
  if (request->body) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, (const char *)request->body);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, request->headers);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, request->connect_ms);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, request->total_ms);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ccurl_take);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, ccurl_look);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, request);
  answer->code = curl_easy_perform(handle);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
  curl_off_t before = 0;
  curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &before);
  answer->was_reached = before > 0;
}

// The address that answered, behind redirections; null where there is none.
static inline const char *ccurl_address(ccurl_answer *answer) {
  char *address = 0;
  if (answer->handle) curl_easy_getinfo(answer->handle, CURLINFO_EFFECTIVE_URL, &address);
  return address;
}

// The field behind `last` of the answer; null at the end.
static inline struct curl_header *ccurl_field(ccurl_answer *answer, struct curl_header *last) {
  return answer->handle ? curl_easy_nextheader(answer->handle, CURLH_HEADER, -1, last) : 0;
}

static inline void ccurl_free(ccurl_answer *answer) {
  if (answer->handle) curl_easy_cleanup(answer->handle);
  free(answer->body);
}
#endif
