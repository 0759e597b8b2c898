/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copyup.c - a new tmpfs that begins with what it covers (mount option tmpcopyup).
 *
 * The tmpfs is filled while it is detached, so nobody sees half of it. What is
 * copied belongs to the container: every name is opened once, without following
 * links, and what was opened is what is copied. Other mounts are not entered
 * (RESOLVE_NO_XDEV); depth is bounded here, size and number of files by the tmpfs.
 */
#include <linux/stat.h>

#include "cleanup.h"
#include "copyup.h"
#include "mount.h"
#include "sys.h"
#include "text.h"

#define DEPTH_MAX 64
#define NAMES_SIZE 4096
#define LINK_MAX_BYTES 4096
#define SEND_MAX 0x7ffff000L

/* What getdents64(2) gives. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static int open_beneath(int dirfd, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return nsi_sys_openat2(dirfd, name, &how);
}

/* Owner before mode: a change of owner takes the set-user-id bit away. */
static int copy_owner(int tofd, const struct statx *st)
{
	int r = (int)NSI_SYS5(__NR_fchownat, tofd, "", st->stx_uid, st->stx_gid, AT_EMPTY_PATH);

	return r < 0 ? r : (int)NSI_SYS2(__NR_fchmod, tofd, st->stx_mode & 07777u);
}

static int copy_file(int fromdir, int todir, const char *name)
{
	NSI_AUTO_FD int fromfd = open_beneath(fromdir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	NSI_AUTO_FD int tofd = -1;
	struct statx st = { .stx_mask = 0 };
	long n = 1;
	int r;

	if (fromfd < 0)
		return fromfd;
	r = nsi_stat(fromfd, &st);
	if (r < 0)
		return r;
	/* Someone has put something else in its place. */
	if ((st.stx_mode & S_IFMT) != S_IFREG)
		return -ESTALE;
	tofd = nsi_sys_openat(todir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (tofd < 0)
		return tofd;
	while (n > 0)
		n = NSI_SYS4(__NR_sendfile, tofd, fromfd, NULL, SEND_MAX);
	return n < 0 ? (int)n : copy_owner(tofd, &st);
}

static int copy_link(int fromdir, int todir, const char *name, const struct statx *st)
{
	char target[LINK_MAX_BYTES];
	long n = NSI_SYS4(__NR_readlinkat, fromdir, name, target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return (int)n;
	target[n] = 0;
	r = (int)NSI_SYS3(__NR_symlinkat, target, todir, name);
	if (r < 0)
		return r;
	return (int)NSI_SYS5(__NR_fchownat, todir, name, st->stx_uid, st->stx_gid,
			     AT_SYMLINK_NOFOLLOW);
}

/* Nodes, pipes and sockets, in a tree that nobody else can reach. */
static int copy_node(int todir, const char *name, const struct statx *st)
{
	uint64_t device = (st->stx_rdev_minor & 0xffu) | (uint64_t)st->stx_rdev_major << 8 |
			  (uint64_t)(st->stx_rdev_minor & ~0xffu) << 12;
	int r = (int)NSI_SYS4(__NR_mknodat, todir, name, st->stx_mode, device);

	if (r < 0)
		return r;
	r = (int)NSI_SYS5(__NR_fchownat, todir, name, st->stx_uid, st->stx_gid,
			  AT_SYMLINK_NOFOLLOW);
	return r < 0 ? r : (int)NSI_SYS3(__NR_fchmodat, todir, name, st->stx_mode & 07777u);
}

static int copy_entries(int fromfd, int tofd, int depth);

static int copy_directory(int fromdir, int todir, const char *name, int depth)
{
	NSI_AUTO_FD int fromfd = open_beneath(fromdir, name, O_RDONLY | O_DIRECTORY);
	NSI_AUTO_FD int tofd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	/* Something is mounted there: a place for it is all that is copied. */
	if (fromfd == -EXDEV)
		return nsi_sys_mkdirat(todir, name, 0755);
	if (fromfd < 0)
		return fromfd;
	r = nsi_stat(fromfd, &st);
	r = r < 0 ? r : nsi_sys_mkdirat(todir, name, 0700);
	if (r < 0)
		return r;
	tofd = open_beneath(todir, name, O_RDONLY | O_DIRECTORY);
	if (tofd < 0)
		return tofd;
	r = copy_entries(fromfd, tofd, depth + 1);
	return r < 0 ? r : copy_owner(tofd, &st);
}

static int copy_entry(int fromfd, int tofd, const char *name, int depth)
{
	struct statx st = { .stx_mask = 0 };
	int r = nsi_sys_statx(fromfd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st);

	if (r < 0)
		return r;
	switch (st.stx_mode & S_IFMT) {
	case S_IFDIR:
		return copy_directory(fromfd, tofd, name, depth);
	case S_IFREG:
		return copy_file(fromfd, tofd, name);
	case S_IFLNK:
		return copy_link(fromfd, tofd, name, &st);
	default:
		return copy_node(tofd, name, &st);
	}
}

static int copy_entries(int fromfd, int tofd, int depth)
{
	_Alignas(8) uint8_t names[NAMES_SIZE] = { 0 };

	if (depth >= DEPTH_MAX)
		return -ELOOP;
	for (;;) {
		long n = NSI_SYS3(__NR_getdents64, fromfd, names, sizeof(names));

		if (n <= 0)
			return (int)n;
		for (long at = 0; at < n;) {
			const struct entry *entry = (const struct entry *)(names + at);
			const char *name = entry->name;
			int r = 0;

			at += entry->length;
			if (!nsi_text_equal(name, ".") && !nsi_text_equal(name, ".."))
				r = copy_entry(fromfd, tofd, name, depth);
			if (r < 0)
				return r;
		}
	}
}

/*
 * nsi_copy_tree() - copy what is in a directory
 * @run:  the run
 * @from: borrowed; may be O_PATH
 * @to:   borrowed; a mount that nobody has attached yet
 *
 * Contents, links, nodes, owners and modes; not extended attributes and times.
 *
 * Return: 0; -ELOOP for more than 64 levels, -ENOSPC when @to is full; -errno.
 */
int nsi_copy_tree(struct nsi_run *run, int from, int to)
{
	NSI_AUTO_FD int fromfd = -1;
	NSI_AUTO_FD int tofd = -1;

	run->detail = NSI_AT_COPY;
	fromfd = nsi_sys_openat(from, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fromfd < 0)
		return fromfd;
	tofd = nsi_sys_openat(to, ".", O_RDONLY | O_DIRECTORY, 0);
	if (tofd < 0)
		return tofd;
	return copy_entries(fromfd, tofd, 0);
}
