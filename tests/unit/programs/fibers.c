// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compiler calls these at each access to memory (-fsanitize=thread, whose library we do not link). Outside of fibers
 * nothing waits: then the programs run as they are.
 */
#include "fibers.h"

#include <stdint.h>
#include <ucontext.h>

extern int host_is_shared(const void *at);

enum {
	STACK = 1 << 16
};

static struct fiber {
	ucontext_t context;
	void (*work)(const void *);
	const void *argument;
	unsigned long long history;
	int ended;
	char stack[STACK];
} fibers[FIBERS];
static ucontext_t scheduler;
static int started, running = -1;

static void begin(void)
{
	struct fiber *fiber = &fibers[running];

	fiber->work(fiber->argument);
	fiber->ended = 1;
}

static void run(int number)
{
	running = number;
	swapcontext(&scheduler, &fibers[number].context);
	running = -1;
}

void fibers_reset(void)
{
	started = 0;
}

int fiber_start(void (*work)(const void *), const void *argument)
{
	struct fiber *fiber = &fibers[started];

	fiber->work = work;
	fiber->argument = argument;
	fiber->history = fiber->ended = 0;
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK;
	fiber->context.uc_link = &scheduler;
	makecontext(&fiber->context, begin, 0);
	run(started);
	return started++;
}

void fibers_run(const unsigned char *turns, size_t count)
{
	for (size_t at = 0; at < count; at++)
		run(turns[at]);
}

unsigned long long fiber_history(int number)
{
	return fibers[number].history * 2 + fibers[number].ended;
}

void fiber_access(const void *at, size_t size)
{
	struct fiber *fiber = &fibers[running];
	unsigned long long seen = 0;

	if (running < 0 || !host_is_shared(at))
		return;
	swapcontext(&fiber->context, &scheduler);
	for (size_t byte = 0; byte < size; byte++)
		seen = seen << 8 | ((const unsigned char *)at)[byte];
	fiber->history = (fiber->history ^ seen) * 0x100000001b3 + (uintptr_t)at + 1;
}

#define ACCESS(size)                                \
	void __tsan_read##size(void *at)            \
	{                                           \
		fiber_access(at, size);             \
	}                                           \
	void __tsan_write##size(void *at)           \
	{                                           \
		fiber_access(at, size);             \
	}                                           \
	void __tsan_unaligned_read##size(void *at)  \
	{                                           \
		fiber_access(at, size);             \
	}                                           \
	void __tsan_unaligned_write##size(void *at) \
	{                                           \
		fiber_access(at, size);             \
	}
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_init(void)
{
}
void __tsan_func_entry(void *caller)
{
	(void)caller;
}
void __tsan_func_exit(void)
{
}
void __tsan_read_range(void *at, size_t size)
{
	fiber_access(at, size);
}
void __tsan_write_range(void *at, size_t size)
{
	fiber_access(at, size);
}

typedef unsigned long long word;

word __tsan_atomic64_fetch_add(volatile word *at, word value, int order)
{
	(void)order;
	fiber_access((void *)at, sizeof(*at));
	*at += value;
	return *at - value;
}

word __tsan_atomic64_fetch_or(volatile word *at, word value, int order)
{
	word before;

	(void)order;
	fiber_access((void *)at, sizeof(*at));
	before = *at;
	*at |= value;
	return before;
}

word __tsan_atomic64_fetch_and(volatile word *at, word value, int order)
{
	word before;

	(void)order;
	fiber_access((void *)at, sizeof(*at));
	before = *at;
	*at &= value;
	return before;
}

word __tsan_atomic64_exchange(volatile word *at, word value, int order)
{
	word before;

	(void)order;
	fiber_access((void *)at, sizeof(*at));
	before = *at;
	*at = value;
	return before;
}

int __tsan_atomic64_compare_exchange_strong(volatile word *at, word *expected, word value,
					    int order, int failed)
{
	word before;

	(void)order, (void)failed;
	fiber_access((void *)at, sizeof(*at));
	before = *at;
	if (before == *expected) {
		*at = value;
		return 1;
	}
	*expected = before;
	return 0;
}

word __tsan_atomic64_compare_exchange_val(volatile word *at, word expected, word value, int order,
					  int failed)
{
	__tsan_atomic64_compare_exchange_strong(at, &expected, value, order, failed);
	return expected;
}
