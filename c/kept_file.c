/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_file.c - the files of what is kept.
 *
 * Directory and file must be the superuser's and nobody else's to write, so whoever
 * could forge one could do as much without. Names of files are hashes cut short: one
 * command line takes another's place, and there are never more than 256 of them, and
 * 4096 of containers.
 */
#include "kept.h"
#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#define FILE_TYPE 0170000
#define FILE_REGULAR 0100000
#define FILE_DIRECTORY 0040000
#define OTHERS_WRITE 022
#define READ_SIZE 65536

static void name_of(enum nsi_kept_subject subject, uint64_t hash, char name[NSI_KEPT_NAME_SIZE])
{
	int digits = subject == NSI_KEPT_CONTAINER ? NSI_KEPT_NAME + 1 : NSI_KEPT_NAME;
	int at = 0;

	if (subject == NSI_KEPT_CONTAINER)
		name[at++] = 'c';
	while (digits--)
		name[at++] = "0123456789abcdef"[hash >> 4 * digits & 15];
	name[at] = 0;
}

/* Is it of the kind, the superuser's, and nobody else's to write? */
static int is_ours(int fd, uint32_t type)
{
	struct statx st = { 0 };

	return nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0 &&
	       st.stx_uid == 0 && (st.stx_mode & FILE_TYPE) == type &&
	       !(st.stx_mode & OTHERS_WRITE);
}

/*
 * nsi_kept_read_all() - read a file to its end
 * @fd:  borrowed
 * @out: of NSI_KEPT_SIZE bytes
 *
 * Return: bytes read, or -1 when it cannot be read, or is larger.
 */
int64_t nsi_kept_read_all(int fd, uint8_t *out)
{
	uint64_t done = 0;
	long n;

	while (done <= NSI_KEPT_SIZE - READ_SIZE) {
		/* Files of sysctl(2) refuse a large buffer. */
		n = nsi_sys_read(fd, out + done, READ_SIZE);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return (int64_t)done;
		done += (uint64_t)n;
	}
	return -1;
}

static int open_directory(void)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, NSI_KEPT_DIRECTORY,
					    O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0 || !is_ours(fd, FILE_DIRECTORY))
		return -1;
	return nsi_take_fd(&fd);
}

/*
 * nsi_kept_load() - read the file of a subject
 * @subject: what it is about
 * @hash:    of its key
 * @out:     of NSI_KEPT_SIZE bytes
 *
 * Return: bytes read, or -1 when there is none that can be trusted.
 */
int64_t nsi_kept_load(enum nsi_kept_subject subject, uint64_t hash, uint8_t *out)
{
	char name[NSI_KEPT_NAME_SIZE];
	NSI_AUTO_FD int dirfd = open_directory();
	NSI_AUTO_FD int fd = -1;

	if (dirfd < 0)
		return -1;
	name_of(subject, hash, name);
	fd = nsi_sys_openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0 || !is_ours(fd, FILE_REGULAR))
		return -1;
	return nsi_kept_read_all(fd, out);
}

static int replace(enum nsi_kept_subject subject, uint64_t hash, const void *data, uint64_t length)
{
	char name[NSI_KEPT_NAME_SIZE], temporary[NSI_KEPT_NAME_SIZE + 1] = ".";
	int r;

	name_of(subject, hash, name);
	(void)nsi_text_append(temporary, sizeof(temporary), name);
	r = nsi_file_replace(NSI_KEPT_DIRECTORY, name, temporary, data, length, 0600, 0);
	/* Whoever was killed before its rename left that. */
	if (r == -EEXIST)
		(void)nsi_file_unlink(NSI_KEPT_DIRECTORY, temporary);
	return r;
}

/*
 * nsi_kept_make_directory() - make the directory of all files where it is missing
 *
 * Nothing is kept where that cannot be.
 */
void nsi_kept_make_directory(void)
{
	if (NSI_SYS0(__NR_geteuid) == 0)
		(void)nsi_sys_mkdirat(AT_FDCWD, NSI_KEPT_DIRECTORY, 0700);
}

/*
 * nsi_kept_note() - note that a command line has been seen
 * @hash: nsi_kept_hash()
 */
void nsi_kept_note(uint64_t hash)
{
	const struct nsi_kept_head head = { NSI_KEPT_MAGIC, NSI_KEPT_FORMAT, hash };

	nsi_kept_make_directory();
	NSI_AUTO_FD int dirfd = open_directory();
	if (dirfd >= 0)
		(void)replace(NSI_KEPT_COMMAND, hash, &head, sizeof(head));
}

/*
 * nsi_kept_write() - replace the file of a container
 * @kept: read before
 *
 * Return: 0 or -errno.
 */
int nsi_kept_write(const struct nsi_kept *kept)
{
	return replace(NSI_KEPT_CONTAINER, kept->hash, kept->bytes, kept->length);
}
