/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.c - the files by which containers are known: locks on their state
 * directories, files read and replaced in one step, identities of files.
 *
 * Library only. Deno has no flock(2) on directories, no O_NOFOLLOW and no
 * O_EXCL with a mode that the umask does not change; these files need all of
 * them, since the directory may be a container's root and so hostile.
 */
#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#define LOCK_SHARED 1
#define LOCK_EXCLUSIVE 2
#define LOCK_NO_WAIT 4
#define LOCK_NONE 8

#define FLAG_SHARED 1u
#define FLAG_NO_WAIT 2u
#define FLAG_MAKE 1u
#define FLAG_KEEP_OPEN 1u
#define FLAG_ONLY_REGULAR 2u

#define FILE_TYPE 0170000
#define FILE_REGULAR 0100000

/* So often a file is read that others replace meanwhile. */
#define LOAD_ROUNDS 1000

static int lock(int fd, int operation)
{
	int r;

	do {
		r = (int)NSI_SYS2(__NR_flock, fd, operation);
	} while (r == -EINTR);
	return r;
}

/*
 * nsi_dir_lock() - open a directory and take its lock
 * @path:   the directory; a symlink as its last component is refused
 * @flags:  bit 0: shared, bit 1: do not wait
 *
 * While waiting, the holder may have removed the directory: its lock is then
 * worth nothing, and a new directory of that name may be someone else's.
 *
 * Return: the descriptor, owned by the caller, or -errno: -ENOENT when there
 * is none, -EAGAIN when it is held, -ESTALE when @path is another directory by
 * now or gone, so that the caller starts over.
 */
int32_t nsi_dir_lock(const char *path, uint32_t flags)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int operation = flags & FLAG_SHARED ? LOCK_SHARED : LOCK_EXCLUSIVE;
	struct statx held = { 0 }, named = { 0 };
	int r;

	if (fd < 0)
		return fd;
	r = lock(fd, flags & FLAG_NO_WAIT ? operation | LOCK_NO_WAIT : operation);
	if (r < 0)
		return r;
	r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &held);
	if (r < 0)
		return r;
	r = nsi_sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO, &named);
	if (r == -ENOENT)
		return -ESTALE;
	if (r < 0)
		return r;
	if (held.stx_ino != named.stx_ino || held.stx_dev_major != named.stx_dev_major ||
	    held.stx_dev_minor != named.stx_dev_minor)
		return -ESTALE;
	return nsi_take_fd(&fd);
}

/* Whoever owns the root, or may write to it, decides what is in the states. */
static int open_root(const char *path)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	struct statx st = { 0 };
	int r;

	if (fd < 0)
		return fd;
	r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_MODE | STATX_UID, &st);
	if (r < 0)
		return r;
	if (st.stx_uid != (uint32_t)NSI_SYS0(__NR_geteuid) || st.stx_mode & 022)
		return -EPERM;
	return nsi_take_fd(&fd);
}

/* A directory with exactly the mode 0700, if the name is free. */
static int make_private(int rootfd, const char *name)
{
	struct statx st = { 0 };
	int r = nsi_sys_mkdirat(rootfd, name, 0700);

	if (r < 0)
		return r == -EEXIST ? 0 : r;
	/* The umask may have taken bits. Somebody may have taken it for a remain and it away. */
	r = nsi_sys_statx(rootfd, name, AT_SYMLINK_NOFOLLOW, STATX_MODE, &st);
	if (r == 0 && (st.stx_mode & 07777) != 0700)
		r = (int)NSI_SYS3(__NR_fchmodat, rootfd, name, 0700);
	return r == -ENOENT ? 0 : r;
}

/*
 * nsi_state_lock() - take the lock of a container's directory below a state root
 * @root:   the state root
 * @name:   name of the directory in it
 * @flags:  bit 0: make the directory when it is missing; never the root
 *
 * Return: the descriptor, owned by the caller, or -errno: -ENOENT when there is none,
 * -EAGAIN when it is held, -ESTALE as nsi_dir_lock(), -EPERM when the root belongs to
 * somebody else or others may write to it.
 */
int32_t nsi_state_lock(const char *root, const char *name, uint32_t flags)
{
	NSI_AUTO_FD int rootfd = open_root(root);
	NSI_AUTO_FD int fd = -1;
	struct statx held = { 0 }, named = { 0 };
	int r = 0;

	if (rootfd < 0)
		return rootfd;
	if (!nsi_text_is_name(name))
		return -EINVAL;
	if (flags & FLAG_MAKE)
		r = make_private(rootfd, name);
	if (r < 0)
		return r;
	fd = nsi_sys_openat(rootfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT && flags & FLAG_MAKE ? -ESTALE : fd;
	r = lock(fd, LOCK_EXCLUSIVE | LOCK_NO_WAIT);
	if (r == 0)
		r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &held);
	if (r < 0)
		return r;
	r = nsi_sys_statx(rootfd, name, AT_SYMLINK_NOFOLLOW, STATX_INO, &named);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	return held.stx_ino == named.stx_ino ? nsi_take_fd(&fd) : -ESTALE;
}

/*
 * nsi_dir_unlock() - give a lock back
 * @fd:  from nsi_dir_lock(); stays open
 *
 * Return: 0, or -errno.
 */
int32_t nsi_dir_unlock(int32_t fd)
{
	return lock(fd, LOCK_NONE);
}

static int write_all(int fd, const uint8_t *data, uint64_t length)
{
	while (length) {
		long n = nsi_sys_write(fd, data, length);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		data += n;
		length -= (uint64_t)n;
	}
	return 0;
}

/* Makes @temporary with exactly @mode and the content; its descriptor, or -errno. */
static int write_new(int dirfd, const char *temporary, const void *data, uint64_t length,
		     uint32_t mode)
{
	NSI_AUTO_FD int fd =
		nsi_sys_openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	int r;

	if (fd < 0)
		return fd;
	r = (int)NSI_SYS2(__NR_fchmod, fd, mode);
	if (!r)
		r = write_all(fd, data, length);
	if (!r)
		return nsi_take_fd(&fd);
	/* The failure of the writing is the one to tell. */
	(void)nsi_sys_unlinkat(dirfd, temporary, 0);
	return r;
}

static int check_replaceable(int dirfd, const char *name)
{
	struct statx st = { 0 };
	int r = nsi_sys_statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return (st.stx_mode & FILE_TYPE) == FILE_REGULAR ? 0 : -EEXIST;
}

/*
 * nsi_file_replace() - write a file so that readers see the old or the new one
 * @dir:        directory; a symlink as its last component is refused
 * @name:       name in @dir to replace or make
 * @temporary:  name in @dir that must not exist
 * @data:       content, of @length bytes
 * @mode:       permission bits, whatever the umask
 * @flags:      bit 0: return an O_WRONLY descriptor of the file; bit 1: refuse
 *              with -EEXIST when @name exists and is not a regular file
 *
 * No link is followed: rename(2) replaces a symlink itself. Not synced to the
 * disk, since nothing of a container outlives the boot.
 *
 * Return: the descriptor or 0, or -errno with neither file left behind.
 */
int32_t nsi_file_replace(const char *dir, const char *name, const char *temporary, const void *data,
			 uint64_t length, uint32_t mode, uint32_t flags)
{
	NSI_AUTO_FD int dirfd = -1;
	NSI_AUTO_FD int fd = -1;
	int r;

	if (!nsi_text_is_name(name) || !nsi_text_is_name(temporary) || mode & ~0777u)
		return -EINVAL;
	dirfd = nsi_sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dirfd < 0)
		return dirfd;
	if (flags & FLAG_ONLY_REGULAR) {
		r = check_replaceable(dirfd, name);
		if (r < 0)
			return r;
	}
	fd = write_new(dirfd, temporary, data, length, mode);
	if (fd < 0)
		return fd;
	r = (int)NSI_SYS5(__NR_renameat2, dirfd, temporary, dirfd, name, 0);
	if (r < 0) {
		(void)nsi_sys_unlinkat(dirfd, temporary, 0);
		return r;
	}
	return flags & FLAG_KEEP_OPEN ? nsi_take_fd(&fd) : 0;
}

/*
 * nsi_file_inode() - inode number of a regular file
 * @dir:   directory; a symlink as its last component is refused
 * @name:  name in it, no link followed
 * @out:   set on success
 *
 * Return: 0, or -errno; -EINVAL when it is not a regular file.
 */
int32_t nsi_file_inode(const char *dir, const char *name, uint64_t *out)
{
	NSI_AUTO_FD int dirfd = -1;
	struct statx st = { 0 };
	int r;

	if (!nsi_text_is_name(name))
		return -EINVAL;
	dirfd = nsi_sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dirfd < 0)
		return dirfd;
	r = nsi_sys_statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_INO, &st);
	if (r < 0)
		return r;
	if ((st.stx_mode & FILE_TYPE) != FILE_REGULAR)
		return -EINVAL;
	*out = st.stx_ino;
	return 0;
}

/* Whether a file that was open is still the one of the name, and as it was. */
static int is_unchanged(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor && a->stx_size == b->stx_size &&
	       a->stx_ctime.tv_sec == b->stx_ctime.tv_sec &&
	       a->stx_ctime.tv_nsec == b->stx_ctime.tv_nsec;
}

/* Reads @size bytes at most; how many, or -errno. */
static long read_up_to(int fd, uint8_t *out, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		long n = nsi_sys_read(fd, out + done, size - done);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (uint64_t)n;
	}
	return (long)done;
}

/* As nsi_file_load(), once; -EAGAIN when the file was replaced meanwhile. */
static long load_once(const char *path, void *out, uint64_t size)
{
	/* O_NONBLOCK: a fifo would keep us waiting. */
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	const unsigned int mask = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_CTIME;
	struct statx st = { 0 }, named = { 0 };
	long n;
	int r;

	if (fd < 0)
		return fd;
	r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, mask, &st);
	if (r < 0)
		return r;
	if ((st.stx_mode & FILE_TYPE) != FILE_REGULAR)
		return -EINVAL;
	if (st.stx_size > size)
		return (long)st.stx_size;
	/* Files of procfs have no size. */
	n = read_up_to(fd, out, st.stx_size ? st.stx_size : size);
	if (n < 0)
		return n;
	r = nsi_sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, mask, &named);
	/* Removed, it is nobody's spare: what was read is what it held last. */
	if (r == -ENOENT)
		return n;
	return r < 0 ? r : is_unchanged(&st, &named) ? n : -EAGAIN;
}

/*
 * nsi_file_load() - read a regular file
 * @path:  no link is followed as its last component
 * @out:   gets at most @size bytes
 * @size:  room in @out
 *
 * A file without a size, as all of procfs, is read as far as there is room. One that is
 * replaced meanwhile is read again: nsi_record_write() may write to the
 * one that was open.
 *
 * Return: bytes read; the file's size when that is more than @size, and nothing is read;
 * or -errno, -EINVAL when it is not a regular file.
 */
int64_t nsi_file_load(const char *path, void *out, uint64_t size)
{
	long n = -EAGAIN;

	for (int i = 0; i < LOAD_ROUNDS && n == -EAGAIN; i++)
		n = load_once(path, out, size);
	return n;
}

static uint64_t hash_of(const void *bytes, uint64_t length)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (uint64_t i = 0; i < length; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
	return hash;
}

/*
 * nsi_file_stamp() - which file it is, and since when it is as it is
 * @path: no link is followed as its last component
 *
 * Return: a number that is another one, but for an accident, for another file and for one that
 * has been written to; 0 when it is missing or no regular file.
 */
uint64_t nsi_file_stamp(const char *path)
{
	const unsigned int mask = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_CTIME;
	struct statx st = { 0 };
	uint64_t found[5];
	uint64_t hash;

	if (nsi_sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, mask, &st) < 0 ||
	    (st.stx_mode & FILE_TYPE) != FILE_REGULAR)
		return 0;
	found[0] = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	found[1] = st.stx_ino;
	found[2] = st.stx_size;
	found[3] = (uint64_t)st.stx_ctime.tv_sec;
	found[4] = st.stx_ctime.tv_nsec;
	hash = hash_of(found, sizeof(found));
	return hash ? hash : 1;
}

/*
 * nsi_file_unlink() - remove a name that is no directory's
 * @dir:   directory; a symlink as its last component is refused
 * @name:  name in it
 *
 * Return: 0, also when there is none, or -errno.
 */
int32_t nsi_file_unlink(const char *dir, const char *name)
{
	NSI_AUTO_FD int dirfd = -1;
	int r;

	if (!nsi_text_is_name(name))
		return -EINVAL;
	dirfd = nsi_sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dirfd < 0)
		return dirfd == -ENOENT ? 0 : dirfd;
	r = nsi_sys_unlinkat(dirfd, name, 0);
	return r == -ENOENT ? 0 : r;
}

/*
 * nsi_hash() - FNV-1a of 64 bits: a name for bytes, no proof of them
 * @bytes:   of @length bytes
 * @length:  how many
 *
 * Return: the hash.
 */
uint64_t nsi_hash(const void *bytes, uint64_t length)
{
	return hash_of(bytes, length);
}
