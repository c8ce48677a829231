// SPDX-License-Identifier: Apache-2.0
/*
 * User-mode Linux 6.1 saves the floating-point state of its processes in a buffer that is smaller
 * than what newer processors have (AMX), and the kernel below refuses to restore from a buffer that
 * is too short. Preloaded, this pads what is restored to the size that kernel has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PEEK_FIRST = 1, PEEK_LAST = 3, GET_REGISTERS = 0x4204, SET_REGISTERS = 0x4205 };
enum { XSTATE_NOTE = 0x202, XSTATE_HEADER = 512, XSTATE_MOST = 64 * 1024 };
/* x87, SSE, AVX, MPX, AVX-512 and PKRU: what the guest can have put there. */
#define GUEST_COMPONENTS 0x2ffull

static long kernel(long request, long process, void *address, void *data)
{
	return syscall(SYS_ptrace, request, process, address, data);
}

static long set_padded(long process, struct iovec *given)
{
	static __thread unsigned char state[XSTATE_MOST] __attribute__((aligned(64)));
	struct iovec whole = { state, sizeof state };
	uint64_t components;
	size_t length;

	if (kernel(GET_REGISTERS, process, (void *)XSTATE_NOTE, &whole) < 0)
		return -1;
	length = given->iov_len < whole.iov_len ? given->iov_len : whole.iov_len;
	memcpy(state, given->iov_base, length);
	memcpy(&components, state + XSTATE_HEADER, sizeof components);
	components &= GUEST_COMPONENTS;
	memcpy(state + XSTATE_HEADER, &components, sizeof components);
	return kernel(SET_REGISTERS, process, (void *)XSTATE_NOTE, &whole);
}

long ptrace(int request, ...)
{
	va_list rest;
	long process, word, result;
	void *address, *data;

	va_start(rest, request);
	process = va_arg(rest, int);
	address = va_arg(rest, void *);
	data = va_arg(rest, void *);
	va_end(rest);
	if (request >= PEEK_FIRST && request <= PEEK_LAST) {
		result = kernel(request, process, address, &word);
		return result < 0 ? result : word;
	}
	result = kernel(request, process, address, data);
	if (result < 0 && errno == EFAULT && request == SET_REGISTERS && (long)address == XSTATE_NOTE)
		return set_padded(process, data);
	return result;
}
