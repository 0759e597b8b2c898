/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_file.c - groups as descriptors, and the small files inside them.
 *
 * Everything that touches a control group goes through here: the directory is
 * opened once, checked with fstatfs(2) to be on cgroup v1 or v2, and its files
 * and the groups below are reached from that descriptor without following
 * symlinks. So a path that was replaced meanwhile, or that never was a group,
 * cannot make the runtime write or delete elsewhere.
 */
#include <linux/time_types.h>

#include "cgroup.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

#define DEPTH_MAX 64
#define PAUSE_MAX_MS 64

struct nsi_dirent {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/*
 * nsi_cgroup_check() - whether a descriptor is on a cgroup file system
 * @fd:  borrowed
 *
 * Return: 0, or -errno; -EINVAL when it is on another one.
 */
int nsi_cgroup_check(int fd)
{
	struct nsi_statfs fs = { 0 };
	int r = nsi_sys_fstatfs(fd, &fs);

	if (r < 0)
		return r;
	return fs.type == NSI_CGROUP_MAGIC || fs.type == NSI_CGROUP2_MAGIC ? 0 : -EINVAL;
}

/*
 * nsi_cgroup_open() - open a group
 * @path:   absolute path
 * @flags:  O_NOFOLLOW refuses a symlink as last component, 0 follows it (some
 *          hosts have cpu -> cpu,cpuacct as a mount's name)
 *
 * Return: a descriptor owned by the caller, or -errno; -EINVAL when @path is
 * not on a cgroup file system.
 */
int nsi_cgroup_open(const char *path, int flags)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | flags, 0);
	int r;

	if (fd < 0)
		return fd;
	r = nsi_cgroup_check(fd);
	return r < 0 ? r : nsi_take_fd(&fd);
}

/*
 * nsi_cgroup_below() - open a group below another
 * @basefd:    borrowed
 * @relative:  path below it, "" for itself
 *
 * Symlinks and other mounts on the way are refused by openat2(2) (Linux 5.6),
 * so the result is on the file system of @basefd.
 *
 * Return: a descriptor owned by the caller, or -errno.
 */
int nsi_cgroup_below(int basefd, const char *relative)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return nsi_sys_openat2(basefd, *relative ? relative : ".", &how);
}

/*
 * nsi_cgroup_relative() - strip a hierarchy's mount from a group's path
 * @base:  path of the mount or of a group
 * @path:  path that must lie at or below @base
 *
 * Return: the rest inside @path, without slashes in front; NULL when outside.
 */
const char *nsi_cgroup_relative(const char *base, const char *path)
{
	if (!*base)
		return NULL;
	while (*base && *base == *path) {
		base++;
		path++;
	}
	while (*base == '/')
		base++;
	if (*base || (*path && *path != '/' && path[-1] != '/'))
		return NULL;
	while (*path == '/')
		path++;
	return path;
}

/* Opens a file of a group; a name that leads elsewhere is refused. */
static int open_file(int dirfd, const char *file, int flags)
{
	if (!nsi_text_is_name(file))
		return -EINVAL;
	return nsi_sys_openat(dirfd, file, flags | O_NOFOLLOW, 0);
}

/*
 * nsi_cgroup_read() - read a small file of a group
 * @dirfd:  borrowed
 * @file:   name inside the group
 * @out:    NUL-terminated text, the last newline cut off
 * @size:   of @out
 *
 * Return: length of the text, or -errno; -EOVERFLOW when it does not fit.
 */
int nsi_cgroup_read(int dirfd, const char *file, char *out, size_t size)
{
	NSI_AUTO_FD int fd = open_file(dirfd, file, O_RDONLY);
	size_t have = 0;

	if (fd < 0)
		return fd;
	while (have < size) {
		long n = nsi_sys_read(fd, out + have, size - have);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	if (have == size)
		return -EOVERFLOW;
	if (have && out[have - 1] == '\n')
		have--;
	out[have] = 0;
	return (int)have;
}

/*
 * nsi_cgroup_write() - write a file of a group
 * @dirfd:  borrowed
 * @file:   name inside the group
 * @text:   the whole value; the kernel takes each write(2) as one request
 *
 * Return: 0, or -errno; -EIO when the kernel took only a part.
 */
int nsi_cgroup_write(int dirfd, const char *file, const char *text)
{
	NSI_AUTO_FD int fd = open_file(dirfd, file, O_WRONLY);
	size_t length = nsi_text_length(text);
	long n;

	if (fd < 0)
		return fd;
	/* An empty value still has to reach the kernel's handler: a bare newline does. */
	if (!length) {
		text = "\n";
		length = 1;
	}
	do {
		n = nsi_sys_write(fd, text, length);
	} while (n == -EINTR);
	if (n < 0)
		return (int)n;
	return (size_t)n == length ? 0 : -EIO;
}

/*
 * nsi_cgroup_component() - take the next component of a path below a group
 * @rest:  in: the path; out: what follows the component and its slashes
 * @name:  NSI_CGROUP_NAME_MAX bytes for the component
 *
 * Return: 0, -EINVAL for "", "." and "..", -ENAMETOOLONG.
 */
int nsi_cgroup_component(const char **rest, char *name)
{
	const char *at = *rest;
	size_t n = 0;

	while (*at && *at != '/') {
		if (n == NSI_CGROUP_NAME_MAX - 1)
			return -ENAMETOOLONG;
		name[n++] = *at++;
	}
	name[n] = 0;
	if (!n || nsi_text_equal(name, ".") || nsi_text_equal(name, ".."))
		return -EINVAL;
	while (*at == '/')
		at++;
	*rest = at;
	return 0;
}

static int walk(int dirfd, unsigned int depth, nsi_cgroup_visitor visit, void *context);

static int walk_entry(int dirfd, const struct nsi_dirent *entry, unsigned int depth,
		      nsi_cgroup_visitor visit, void *context)
{
	NSI_AUTO_FD int fd = -1;
	int r;

	if (entry->type != 4 /* DT_DIR */ || nsi_text_equal(entry->name, ".") ||
	    nsi_text_equal(entry->name, ".."))
		return 0;
	fd = nsi_cgroup_below(dirfd, entry->name);
	if (fd < 0)
		return nsi_cgroup_is_gone(fd) ? 0 : fd;
	r = walk(fd, depth + 1, visit, context);
	return r < 0 ? r : visit(dirfd, entry->name, fd, context);
}

/*
 * Visits every group below @dirfd, children before their parent. Recursion ends
 * at DEPTH_MAX with -ELOOP: one descriptor and about a kilobyte per level.
 */
static int walk(int dirfd, unsigned int depth, nsi_cgroup_visitor visit, void *context)
{
	_Alignas(8) char buffer[1024] = { 0 };

	if (depth == DEPTH_MAX)
		return -ELOOP;
	NSI_SYS3(__NR_lseek, dirfd, 0, 0 /* SEEK_SET */);
	for (;;) {
		long n = NSI_SYS3(__NR_getdents64, dirfd, buffer, sizeof(buffer));

		if (n <= 0)
			return nsi_cgroup_is_gone(n) ? 0 : (int)n;
		for (long at = 0; at < n;) {
			const void *here = buffer + at;
			const struct nsi_dirent *entry = here;
			int r = walk_entry(dirfd, entry, depth, visit, context);

			if (r < 0)
				return r;
			at += entry->length;
		}
	}
}

/*
 * nsi_cgroup_walk() - visit every group below another, children before their parent
 * @dirfd:    borrowed; not visited itself
 * @visit:    its negative result ends the walk
 * @context:  handed to @visit
 *
 * Return: 0, the result that ended it, or -errno; -ELOOP below 64 levels.
 */
int nsi_cgroup_walk(int dirfd, nsi_cgroup_visitor visit, void *context)
{
	return walk(dirfd, 0, visit, context);
}

/* nsi_cgroup_now_ms() - monotonic clock in milliseconds, for deadlines. */
int64_t nsi_cgroup_now_ms(void)
{
	struct __kernel_timespec now = { 0 };

	NSI_SYS2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* nsi_cgroup_pause() - sleep for *@ms milliseconds and double them for the next time. */
void nsi_cgroup_pause(unsigned int *ms)
{
	struct __kernel_timespec time = { .tv_nsec = (long long)*ms * 1000000 };

	NSI_SYS2(__NR_nanosleep, &time, NULL);
	*ms = *ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : *ms * 2;
}

static int mark_is(const char *value, long length, const char *owner)
{
	if (length != (long)nsi_text_length(owner))
		return 0;
	for (long i = 0; i < length; i++)
		if (value[i] != owner[i])
			return 0;
	return 1;
}

/*
 * nsi_cgroup_belongs() - whether a group is the one that an owner made
 * @dirfd: the group; borrowed
 * @owner: the owner's mark
 *
 * Return: 1; 0 when the mark names another owner or the group was never ours.
 * A file system that keeps no marks says nothing against it: 1.
 */
int nsi_cgroup_belongs(int dirfd, const char *owner)
{
	char value[NSI_CGROUP_OWNER_MAX] = { 0 };
	long trusted, user;

	trusted = NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK, value, sizeof(value));
	if (trusted >= 0)
		return mark_is(value, trusted, owner);
	user = NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK_USER, value, sizeof(value));
	if (user >= 0)
		return mark_is(value, user, owner);
	return trusted == -EOPNOTSUPP && user == -EOPNOTSUPP;
}
