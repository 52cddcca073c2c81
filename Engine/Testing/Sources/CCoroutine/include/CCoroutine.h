// Stackful coroutines for the interleaving explorer: a switch costs nanoseconds where a thread's baton costs micros.
#ifndef CCOROUTINE_H
#define CCOROUTINE_H

typedef struct coroutine coroutine;

/// A coroutine with a stack of its own, to be used over and over.
coroutine *coroutine_create(void);
void coroutine_destroy(coroutine *it);
/// The next `coroutine_resume` calls `body(context)` from the beginning; what ran before is forgotten.
void coroutine_prepare(coroutine *it, void (*body)(void *), void *context);
/// Runs it until it yields or returns.
void coroutine_resume(coroutine *it);
/// Inside it: back to whoever resumed it.
void coroutine_yield(coroutine *it);

#endif
