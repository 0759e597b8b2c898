/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - the little handling of C strings that shared code needs, without
 * libc and without allocation.
 */
#ifndef NSI_TEXT_H
#define NSI_TEXT_H

#include <stddef.h>
#include <stdint.h>

static inline size_t nsi_text_length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static inline int nsi_text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/*
 * nsi_text_append() - append @text to the NUL-terminated @buffer of @size bytes
 *
 * Return: 0, or -ENAMETOOLONG (-36) with the buffer unchanged.
 */
static inline int nsi_text_append(char *buffer, size_t size, const char *text)
{
	size_t have = nsi_text_length(buffer);
	size_t more = nsi_text_length(text);

	if (have + more + 1 > size)
		return -36;
	for (size_t i = 0; i <= more; i++)
		buffer[have + i] = text[i];
	return 0;
}

/* nsi_text_is_name() - whether @name is one component of a path: not "", ".", "..", no slash. */
static inline int nsi_text_is_name(const char *name)
{
	if (!*name || nsi_text_equal(name, ".") || nsi_text_equal(name, ".."))
		return 0;
	while (*name && *name != '/')
		name++;
	return !*name;
}

/* nsi_text_number() - @value in decimal into @out (at least 21 bytes); its length. */
static inline size_t nsi_text_number(char *out, uint64_t value)
{
	char digits[20];
	size_t n = 0, i = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		out[i++] = digits[--n];
	out[i] = 0;
	return i;
}

/* nsi_text_parse() - an unsigned decimal number; -1 when @text is not one. */
static inline int64_t nsi_text_parse(const char *text)
{
	uint64_t value = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || value > (uint64_t)INT64_MAX / 10 - 1)
			return -1;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	return (int64_t)value;
}

#endif
