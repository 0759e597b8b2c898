/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places.c - whether what is mounted at some places is what was mounted there.
 *
 * On a machine where others run containers too the mount table changes all the
 * time. Looking at the few places that matter costs a fraction of reading it.
 * Library only.
 */
#include "nsinit.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

#define NSI_FNV_BASIS 0xcbf29ce484222325ULL
#define NSI_FNV_PRIME 0x100000001b3ULL

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * NSI_FNV_PRIME;
	return hash;
}

/* The mount that a path leads into, and what of it. */
static uint64_t mix_place(uint64_t hash, const char *path)
{
	struct statx st = { 0 };
	int64_t found[4] = { 0 };

	found[0] = nsi_sys_statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_INO | STATX_MNT_ID, &st);
	if (found[0] == 0) {
		found[1] = (int64_t)st.stx_mnt_id;
		found[2] = (int64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
		found[3] = (int64_t)st.stx_ino;
	}
	return mix(hash, found, sizeof(found));
}

static uint64_t mix_file(uint64_t hash, const char *path)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	char text[1024] = { 0 };
	long n = fd;

	while (fd >= 0 && (n = nsi_sys_read(fd, text, sizeof(text))) > 0)
		hash = mix(hash, text, (size_t)n);
	return mix(hash, &n, sizeof(n));
}

/*
 * nsi_places_stamp() - a number for what is mounted at some places
 * @file:   its content counts too
 * @places: paths, each with its NUL, and one NUL more
 *
 * Return: a number that is another one, but for an accident, when something has changed.
 */
uint64_t nsi_places_stamp(const char *file, const char *places)
{
	uint64_t hash = mix_file(NSI_FNV_BASIS, file);

	for (; *places; places += nsi_text_length(places) + 1)
		hash = mix_place(hash, places);
	return hash;
}
