/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - files that are written again and again, as records of containers are.
 *
 * Such a file has a spare beside it. What is new is written into the spare, then
 * the two trade names: a reader sees the old or the new one, as by rename(2) of
 * a new file, but no inode is made and none is given back, which on a disk's
 * file system takes longer than all the rest of a start.
 *
 * The file that a reader has opened may so become the spare, and be written to:
 * nsi_file_load() looks again after reading.
 *
 * Library only.
 */
#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#define FILE_TYPE 0170000
#define FILE_REGULAR 0100000
#define MODE_BITS 07777

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static int write_at_start(int fd, const uint8_t *data, uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		long n = NSI_SYS4(__NR_pwrite64, fd, data + done, length - done, done);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		done += (uint64_t)n;
	}
	return 0;
}

/* Is it what we left there: ours alone, by one name? */
static int is_spare(const struct statx *st, uint32_t mode)
{
	return (st->stx_mode & FILE_TYPE) == FILE_REGULAR && (st->stx_mode & MODE_BITS) == mode &&
	       st->stx_nlink == 1 && st->stx_uid == (uint32_t)NSI_SYS0(__NR_geteuid);
}

/* The spare with its size; -ENOENT when there is none that can be used. */
static int open_spare(int dirfd, const char *spare, uint32_t mode, uint64_t *size)
{
	/* O_NONBLOCK: a fifo would keep us waiting. */
	NSI_AUTO_FD int fd = nsi_sys_openat(dirfd, spare, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct statx st = { 0 };
	int r;

	if (fd == -ENOENT)
		return fd;
	r = fd < 0 ? 0 :
		     nsi_sys_statx(fd, "", AT_EMPTY_PATH,
				   STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_SIZE,
				   &st);
	if (r < 0)
		return r;
	*size = st.stx_size;
	if (fd >= 0 && is_spare(&st, mode))
		return nsi_take_fd(&fd);
	r = nsi_sys_unlinkat(dirfd, spare, 0);
	return r < 0 && r != -ENOENT ? r : -ENOENT;
}

static int make_spare(int dirfd, const char *spare, uint32_t mode)
{
	NSI_AUTO_FD int fd =
		nsi_sys_openat(dirfd, spare, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	int r = fd < 0 ? fd : (int)NSI_SYS2(__NR_fchmod, fd, mode);

	return r < 0 ? r : nsi_take_fd(&fd);
}

static int fill_spare(int dirfd, const char *spare, const void *data, uint64_t length,
		      uint32_t mode)
{
	uint64_t size = 0;
	NSI_AUTO_FD int fd = open_spare(dirfd, spare, mode, &size);
	int r;

	if (fd == -ENOENT) {
		size = 0;
		fd = make_spare(dirfd, spare, mode);
	}
	if (fd < 0)
		return fd;
	r = write_at_start(fd, data, length);
	if (r == 0 && size > length)
		r = (int)NSI_SYS2(__NR_ftruncate, fd, length);
	return r;
}

/* Not every file system can trade names, and at first there is nothing to trade with. */
static int trade_names(int dirfd, const char *spare, const char *name)
{
	int r = (int)NSI_SYS5(__NR_renameat2, dirfd, spare, dirfd, name, RENAME_EXCHANGE);

	if (r == -ENOENT || r == -EINVAL || r == -ENOSYS)
		r = (int)NSI_SYS5(__NR_renameat2, dirfd, spare, dirfd, name, 0);
	return r;
}

/*
 * nsi_record_write() - write a file so that readers see the old or the new content
 * @dir:     directory; a symlink as its last component is refused
 * @name:    name in @dir to replace or make
 * @spare:   name in @dir; what is there and cannot be used is removed
 * @data:    content, of @length bytes
 * @mode:    permission bits, whatever the umask
 *
 * One writer at a time. No link is followed. Not synced to the disk, since nothing of
 * a container outlives the boot. Under @spare there may be a file afterwards, for the
 * next call.
 *
 * Return: 0, or -errno with @name as it was and no @spare.
 */
int32_t nsi_record_write(const char *dir, const char *name, const char *spare, const void *data,
			 uint64_t length, uint32_t mode)
{
	NSI_AUTO_FD int dirfd = -1;
	int r;

	if (!nsi_text_is_name(name) || !nsi_text_is_name(spare) || mode & ~0777u)
		return -EINVAL;
	dirfd = nsi_sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dirfd < 0)
		return dirfd;
	r = fill_spare(dirfd, spare, data, length, mode);
	if (r == 0)
		r = trade_names(dirfd, spare, name);
	/* The failure of the writing is the one to tell. */
	if (r < 0)
		(void)nsi_sys_unlinkat(dirfd, spare, 0);
	return r;
}
