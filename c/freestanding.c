/* SPDX-License-Identifier: Apache-2.0 */
/*
 * freestanding.c - the four functions that the compiler may call on its own in
 * the helper, which has no libc. Only the helper links this file. It is
 * compiled with -fno-tree-loop-distribute-patterns: else the compiler would
 * turn the loops below into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *a, const void *b, size_t length);

/* memcpy() - copy @length bytes between areas that do not overlap. */
void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	uint8_t *out = to;
	const uint8_t *in = from;

	while (length--)
		*out++ = *in++;
	return to;
}

/* memmove() - copy @length bytes between areas that may overlap. */
void *memmove(void *to, const void *from, size_t length)
{
	uint8_t *out = to;
	const uint8_t *in = from;

	if ((uintptr_t)out <= (uintptr_t)in) {
		while (length--)
			*out++ = *in++;
	} else {
		while (length--)
			out[length] = in[length];
	}
	return to;
}

/* memset() - fill @length bytes with @value. */
void *memset(void *to, int value, size_t length)
{
	uint8_t *out = to;

	while (length--)
		*out++ = (uint8_t)value;
	return to;
}

/* memcmp() - compare @length bytes. */
int memcmp(const void *a, const void *b, size_t length)
{
	const uint8_t *left = a, *right = b;

	for (; length; length--, left++, right++)
		if (*left != *right)
			return *left < *right ? -1 : 1;
	return 0;
}
