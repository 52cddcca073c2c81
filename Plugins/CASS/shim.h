// libass for Swift, and its messages, of which the first one that warns is kept.
#pragma once

#include <ass/ass.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char text[256];
} sluice_ass_message;

static inline void sluice_ass_hear(int level, const char *format, va_list words, void *data) {
  sluice_ass_message *message = data;
  // 2 is the level of warnings; the higher ones tell what it does.
  if (level > 2 || message->text[0]) return;
  vsnprintf(message->text, sizeof message->text, format, words);
}
static inline void sluice_ass_listen(ASS_Library *library, sluice_ass_message *message) {
  ass_set_message_cb(library, sluice_ass_hear, message);
}
