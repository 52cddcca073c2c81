#include "CCoroutine.h"

#include <stdint.h>
#include <stdlib.h>

enum { stack_size = 256 * 1024 };

#if defined(__x86_64__)

// Saves what the System V ABI lets a callee keep, and swaps stacks.
void coroutine_switch(void **save, void *load);
__asm__(".text\n"
        ".globl coroutine_switch\n"
        ".type coroutine_switch, @function\n"
        "coroutine_switch:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size coroutine_switch, .-coroutine_switch\n");

struct coroutine {
    void *own, *caller;
    void (*body)(void *);
    void *context;
    char *stack;
};

static __thread coroutine *starting;

static void entry(void) {
    coroutine *it = starting;
    it->body(it->context);
    for (;;) coroutine_switch(&it->own, it->caller);
}

coroutine *coroutine_create(void) {
    coroutine *it = calloc(1, sizeof *it);
    it->stack = malloc(stack_size);
    return it;
}

void coroutine_prepare(coroutine *it, void (*body)(void *), void *context) {
    it->body = body;
    it->context = context;
    uintptr_t top = ((uintptr_t)it->stack + stack_size) & ~(uintptr_t)15;
    void **frame = (void **)top;
    *--frame = 0; // keeps the stack aligned as behind a call
    *--frame = (void *)entry;
    for (int i = 0; i < 6; i++) *--frame = 0;
    it->own = frame;
}

void coroutine_resume(coroutine *it) {
    starting = it;
    coroutine_switch(&it->caller, it->own);
}

void coroutine_yield(coroutine *it) { coroutine_switch(&it->own, it->caller); }

void coroutine_destroy(coroutine *it) {
    free(it->stack);
    free(it);
}

#else

#include <ucontext.h>

struct coroutine {
    ucontext_t own, caller;
    void (*body)(void *);
    void *context;
    char *stack;
};

static __thread coroutine *starting;

static void entry(void) {
    coroutine *it = starting;
    it->body(it->context);
    for (;;) swapcontext(&it->own, &it->caller);
}

coroutine *coroutine_create(void) {
    coroutine *it = calloc(1, sizeof *it);
    it->stack = malloc(stack_size);
    return it;
}

void coroutine_prepare(coroutine *it, void (*body)(void *), void *context) {
    it->body = body;
    it->context = context;
    getcontext(&it->own);
    it->own.uc_stack.ss_sp = it->stack;
    it->own.uc_stack.ss_size = stack_size;
    it->own.uc_link = 0;
    makecontext(&it->own, entry, 0);
}

void coroutine_resume(coroutine *it) {
    starting = it;
    swapcontext(&it->caller, &it->own);
}

void coroutine_yield(coroutine *it) { swapcontext(&it->own, &it->caller); }

void coroutine_destroy(coroutine *it) {
    free(it->stack);
    free(it);
}

#endif
