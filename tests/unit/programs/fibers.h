/* SPDX-License-Identifier: GPL-2.0-only */
/* Several CPUs in one thread: each stops before every access to what they share, until it is its turn. */
#ifndef __TESTS_FIBERS_H
#define __TESTS_FIBERS_H

#include <stddef.h>

enum {
	FIBERS = 5
};

void fibers_reset(void);
/* Begin `work(argument)` on a CPU of its own, up to its first access; return its number. */
int fiber_start(void (*work)(const void *), const void *argument);
/* Let these fibers make one access each, in this order, and go on to their next one. */
void fibers_run(const unsigned char *turns, size_t count);
/* A number that two runs share if all that this fiber has read and done is the same; odd once it has ended. */
unsigned long long fiber_history(int number);
/* Wait for one's turn to access this memory, if it is shared. */
void fiber_access(const void *at, size_t size);

#endif
