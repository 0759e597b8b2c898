/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_end.c - removing groups.
 *
 * The group of a container goes with all that were made below it, then its
 * parents as far as they carry our mark and are empty. Whether a parent is
 * still used is not asked but tried: rmdir(2) of a group fails while it holds
 * processes or groups, and cgroup.make starts again when it loses the race.
 *
 * Run by the library and, with no libc below it, by the monitor. A group that
 * is already gone is no error: several may clean up after the same owner.
 */
#include "cgroup.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

#define REMOVE_MS 2000
#define MANAGER_MS 2000
#define FLAG_MANAGED 1u

/* Removes what can be removed now; the caller comes back for the rest. */
static int visit_remove(int parentfd, const char *name, int dirfd, void *context)
{
	int r = nsi_sys_unlinkat(parentfd, name, AT_REMOVEDIR);

	(void)dirfd;
	(void)context;
	return nsi_cgroup_is_gone(r) || r == -EBUSY || r == -ENOTEMPTY ? 0 : r;
}

/*
 * A group stays busy for a moment after its last process has been reported
 * dead, so rmdir(2) is tried again for up to two seconds. Groups below are
 * looked for only when it has failed: most containers make none.
 */
static int remove_group(int parentfd, const char *name)
{
	int64_t deadline = nsi_cgroup_now_ms() + REMOVE_MS;
	unsigned int pause = 1;

	for (unsigned int round = 0;; round++) {
		NSI_AUTO_FD int dirfd = -1;
		int r = nsi_sys_unlinkat(parentfd, name, AT_REMOVEDIR);

		if (r != -EBUSY && r != -ENOTEMPTY)
			return nsi_cgroup_is_gone(r) ? 0 : r;
		if (nsi_cgroup_now_ms() >= deadline)
			return r;
		if (round)
			nsi_cgroup_pause(&pause);
		dirfd = nsi_cgroup_below(parentfd, name);
		if (dirfd < 0)
			return nsi_cgroup_is_gone(dirfd) ? 0 : dirfd;
		r = nsi_cgroup_walk(dirfd, visit_remove, NULL);
		if (r < 0)
			return r;
	}
}

/*
 * Gives a service manager time to see that its group is empty, and to remove
 * it: one that was removed under its hands it would go on taking for alive.
 */
static void await_manager(int parentfd, const char *name)
{
	int64_t deadline = nsi_cgroup_now_ms() + MANAGER_MS;
	unsigned int pause = 1;

	while (nsi_cgroup_now_ms() < deadline) {
		NSI_AUTO_FD int dirfd = nsi_cgroup_below(parentfd, name);

		if (dirfd < 0)
			return;
		nsi_cgroup_pause(&pause);
	}
}

static int is_ours(int dirfd)
{
	struct statx st = { 0 };

	if (NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK, NULL, 0) >= 0 ||
	    NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK_USER, NULL, 0) >= 0)
		return 1;
	return nsi_sys_statx(dirfd, "", AT_EMPTY_PATH, STATX_MODE, &st) == 0 &&
	       (st.stx_mode & (NSI_CGROUP_MODE & ~0777u));
}

/* Copies @rest to @path with single slashes; refuses "." and "..". */
static int normalize(const char *rest, char *path, size_t size)
{
	char name[NSI_CGROUP_NAME_MAX];
	int r = 0;

	*path = 0;
	while (*rest && !r) {
		r = nsi_cgroup_component(&rest, name);
		if (!r && *path)
			r = nsi_text_append(path, size, "/");
		if (!r)
			r = nsi_text_append(path, size, name);
	}
	return r;
}

/* Opens the parent of @path; *slash_out is where its last component begins, less the slash. */
static int open_parent(int basefd, char *path, size_t *slash_out)
{
	size_t n = nsi_text_length(path);
	int fd;

	while (n && path[n] != '/')
		n--;
	*slash_out = n;
	if (!n)
		return nsi_cgroup_below(basefd, "");
	path[n] = 0;
	fd = nsi_cgroup_below(basefd, path);
	path[n] = '/';
	return fd;
}

/* Removes @path if it is ours and empty: 1 when it is gone, 0 when it stays. */
static int remove_parent(int basefd, char *path)
{
	NSI_AUTO_FD int dirfd = nsi_cgroup_below(basefd, path);
	NSI_AUTO_FD int parentfd = -1;
	size_t slash;
	int r;

	if (dirfd < 0)
		return nsi_cgroup_is_gone(dirfd);
	if (!is_ours(dirfd))
		return 0;
	parentfd = open_parent(basefd, path, &slash);
	if (parentfd < 0)
		return nsi_cgroup_is_gone(parentfd);
	r = nsi_sys_unlinkat(parentfd, path + slash + (slash != 0), AT_REMOVEDIR);
	return r == 0 || nsi_cgroup_is_gone(r);
}

/*
 * Whether the group may go: it is its owner's, or was made but not yet marked
 * with the owner when the maker was killed, in which case nothing is in it.
 */
static int may_remove(int parentfd, const char *name, const char *owner)
{
	NSI_AUTO_FD int dirfd = nsi_cgroup_below(parentfd, name);

	if (dirfd < 0)
		return 1;
	if (nsi_cgroup_belongs(dirfd, owner))
		return 1;
	return NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK, NULL, 0) == -ENODATA &&
	       NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK_USER, NULL, 0) < 0 && is_ours(dirfd);
}

/*
 * nsi_op_cgroup_remove() - remove a group, those below it, and our empty parents
 *
 * Never removes @base. The processes must have been killed before.
 *
 * Return: 0, also when the group does not exist, or -errno; -EBUSY when it
 * still holds processes after two seconds.
 */
int nsi_op_cgroup_remove(struct nsi_run *run, const struct nsi_op *op)
{
	const char *base = NSI_CGROUP_REMOVE_BASE(run, op);
	const char *rest = nsi_cgroup_relative(base, NSI_CGROUP_REMOVE_PATH(run, op));
	NSI_AUTO_FD int parentfd = -1;
	NSI_AUTO_FD int basefd = -1;
	char path[NSI_CGROUP_PATH_MAX];
	size_t slash;
	int r;

	run->detail = NSI_AT_RESOLVE;
	if (!rest || !*rest)
		return -EINVAL;
	r = normalize(rest, path, sizeof(path));
	if (r < 0)
		return r;
	run->detail = NSI_AT_OPEN;
	basefd = nsi_cgroup_open(base, 0);
	if (basefd < 0)
		return nsi_cgroup_is_gone(basefd) ? 0 : basefd;
	parentfd = open_parent(basefd, path, &slash);
	if (parentfd < 0 && !nsi_cgroup_is_gone(parentfd))
		return parentfd;
	run->detail = NSI_AT_NONE;
	if (parentfd >= 0 &&
	    !may_remove(parentfd, path + slash + (slash != 0), NSI_CGROUP_REMOVE_OWNER(run, op)))
		return 0;
	if (parentfd >= 0 && (NSI_CGROUP_REMOVE_FLAGS(op) & FLAG_MANAGED))
		await_manager(parentfd, path + slash + (slash != 0));
	r = parentfd < 0 ? 0 : remove_group(parentfd, path + slash + (slash != 0));
	if (r < 0)
		return r;
	while (slash) {
		path[slash] = 0;
		if (!remove_parent(basefd, path))
			break;
		while (slash && path[slash] != '/')
			slash--;
	}
	return 0;
}
