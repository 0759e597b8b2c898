/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_text.c - what differs from one kept start to the next, and the texts that it is in.
 */
#include "kept.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

#define START_TIME_FIELD 19

static const char *value_of(const struct nsi_kept_values *values, uint8_t letter)
{
	switch (letter) {
	case NSI_KEPT_MARK:
		return values->mark;
	case NSI_KEPT_CREATED:
		return values->created;
	case NSI_KEPT_OWNER:
		return values->owner;
	case NSI_KEPT_OWNER_START:
		return values->owner_start;
	case NSI_KEPT_PID:
		return values->pid;
	case NSI_KEPT_START:
		return values->start;
	case NSI_KEPT_INODE:
		return values->inode[0];
	case NSI_KEPT_SECOND:
		return values->inode[1];
	case NSI_KEPT_STATUS:
		return values->status;
	default:
		return NULL;
	}
}

/*
 * nsi_kept_fill() - append a text with its values
 * @text:   the text
 * @values: what stands in it
 * @out:    of @size bytes, of which @length are there
 *
 * Return: the new length, -EMSGSIZE when there is no room, -EBADMSG for a value that is
 * unknown.
 */
int64_t nsi_kept_fill(const struct nsi_kept_part *text, const struct nsi_kept_values *values,
		      uint8_t *out, int64_t length, int64_t size)
{
	const char *value;

	for (uint32_t i = 0; i < text->length; i++) {
		if (length + NSI_KEPT_TIME > size)
			return -EMSGSIZE;
		if (text->data[i] != NSI_KEPT_ESCAPE) {
			out[length++] = text->data[i];
			continue;
		}
		value = ++i < text->length ? value_of(values, text->data[i]) : NULL;
		if (!value)
			return -EBADMSG;
		while (*value)
			out[length++] = (uint8_t)*value++;
	}
	return length;
}

/* State letter and field 22 of the stat file of a process. */
static int read_stat(const char *pid, char *state, char out[NSI_KEPT_NUMBER])
{
	char path[64] = "/proc/", text[2048] = { 0 };
	size_t length = 0;
	long n, at;

	if (nsi_text_append(path, sizeof(path), pid) < 0 ||
	    nsi_text_append(path, sizeof(path), "/stat") < 0)
		return -ENAMETOOLONG;
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	n = nsi_sys_read(fd, text, sizeof(text));
	/* The command's name may hold spaces and brackets: fields follow the last one. */
	for (at = n - 1; at > 0 && text[at] != ')'; at--)
		;
	at += 2;
	*state = 'X';
	if (at < n)
		*state = text[at];
	for (int field = 0; field < START_TIME_FIELD && at < n; at++)
		field += text[at] == ' ';
	while (at < n && text[at] >= '0' && text[at] <= '9' && length < NSI_KEPT_NUMBER - 1)
		out[length++] = text[at++];
	out[length] = 0;
	return length ? 0 : -ESRCH;
}

/*
 * nsi_kept_start_time() - start time of a process
 * @pid: in decimal
 * @out: gets clock ticks since boot, in decimal
 *
 * Return: 0 or -errno.
 */
int nsi_kept_start_time(const char *pid, char out[NSI_KEPT_NUMBER])
{
	char state;

	return read_stat(pid, &state, out);
}

/*
 * nsi_kept_lives() - whether a process lives; a zombie does not
 * @pid:   in decimal
 * @start: its start time
 */
int nsi_kept_lives(const char *pid, const char *start)
{
	char found[NSI_KEPT_NUMBER], state;

	return read_stat(pid, &state, found) == 0 && state != 'Z' && state != 'X' &&
	       nsi_text_equal(found, start);
}

static void two_digits(char *out, int64_t value)
{
	out[0] = (char)('0' + value / 10 % 10);
	out[1] = (char)('0' + value % 10);
}

/*
 * nsi_kept_time() - a time as RFC 3339 has it, in UTC
 * @out:         gets it
 * @seconds:     since 1970, up to the year 9999
 * @thousandths: of a second
 */
void nsi_kept_time(char out[NSI_KEPT_TIME], int64_t seconds, int64_t thousandths)
{
	static const char form[NSI_KEPT_TIME] = "0000-00-00T00:00:00.000Z";
	const int64_t rest = seconds % 86400;
	/* Days since March of the year 0: so leap days end a year, and 400 years are alike. */
	const int64_t days = seconds / 86400 + 719468, era = days / 146097, day = days % 146097;
	const int64_t in_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	const int64_t in_year = day - (365 * in_era + in_era / 4 - in_era / 100);
	const int64_t from_march = (5 * in_year + 2) / 153;
	const int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
	const int64_t year = era * 400 + in_era + (month <= 2);

	__builtin_memcpy(out, form, NSI_KEPT_TIME);
	two_digits(out, year / 100);
	two_digits(out + 2, year);
	two_digits(out + 5, month);
	two_digits(out + 8, in_year - (153 * from_march + 2) / 5 + 1);
	two_digits(out + 11, rest / 3600);
	two_digits(out + 14, rest / 60 % 60);
	two_digits(out + 17, rest % 60);
	out[20] = (char)('0' + thousandths / 100 % 10);
	two_digits(out + 21, thousandths);
}

/*
 * nsi_kept_values() - find what is known before anything is made
 * @values: gets a new mark, the time, and this process
 *
 * Return: 0 or -errno.
 */
int nsi_kept_values(struct nsi_kept_values *values)
{
	uint8_t random[NSI_KEPT_MARK_DIGITS / 2] = { 0 };
	int64_t now[2];

	if (NSI_SYS3(__NR_getrandom, random, sizeof(random), 0) != (long)sizeof(random))
		return -EAGAIN;
	for (int i = 0; i < NSI_KEPT_MARK_DIGITS; i++)
		values->mark[i] = "0123456789abcdef"[random[i / 2] >> (i & 1 ? 0 : 4) & 15];
	values->mark[NSI_KEPT_MARK_DIGITS] = 0;
	if (NSI_SYS2(__NR_clock_gettime, 0 /* CLOCK_REALTIME */, now) < 0)
		return -EINVAL;
	nsi_kept_time(values->created, now[0], now[1] / 1000000);
	nsi_text_number(values->owner, (uint64_t)NSI_SYS0(__NR_getpid));
	return nsi_kept_start_time(values->owner, values->owner_start);
}
