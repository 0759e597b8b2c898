/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap.c - writes the id maps of the child's user namespace.
 *
 * The files lie in /proc/PID of the caller's procfs and each takes exactly one
 * write(2) (user_namespaces(7)). setgroups is written first: without privilege
 * gid_map is refused otherwise. The directory is opened once and all three
 * files below it; it cannot be a stranger's, because a child that has not been
 * waited for keeps its pid.
 */
#include "idmap.h"
#include "cleanup.h"
#include "process.h"
#include "sys.h"
#include "text.h"

/*
 * nsi_idmap_open() - /proc/PID of a child that has not been waited for
 * @pid:   of the child
 * @pidfd: of the same; borrowed
 *
 * Return: a descriptor for paths that the caller owns; -EXDEV when /proc is no
 * procfs, -ESRCH, or another -errno.
 */
int nsi_idmap_open(int pid, int pidfd)
{
	char path[sizeof("/proc/") + 20] = "/proc/";
	struct nsi_statfs info = { 0 };
	int r;

	nsi_text_number(path + sizeof("/proc/") - 1, (uint64_t)pid);
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	r = nsi_sys_fstatfs(fd, &info);
	if (r < 0)
		return r;
	if (info.type != NSI_PROC_MAGIC)
		return -EXDEV;
	r = nsi_process_signal(pidfd, 0);
	return r < 0 ? r : nsi_take_fd(&fd);
}

static int write_file(struct nsi_run *run, int dirfd, const char *name, const char *text)
{
	size_t length = nsi_text_length(text);
	long r;

	run->detail = NSI_AT_OPEN;
	NSI_AUTO_FD int fd = nsi_sys_openat(dirfd, name, O_WRONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_WRITE;
	r = nsi_sys_write(fd, text, length);
	if (r < 0)
		return (int)r;
	return (size_t)r == length ? 0 : -EIO;
}

/*
 * nsi_idmap_write() - the maps of a user namespace, once
 * @run:   value becomes 1 for setgroups, 2 for uid_map, 3 for gid_map
 * @dirfd: of nsi_idmap_open(); borrowed
 * @deny:  whether setgroups(2) is denied
 * @uids, @gids: lines; an empty map is not written
 *
 * Return: 0 or -errno.
 */
int nsi_idmap_write(struct nsi_run *run, int dirfd, int deny, const char *uids, const char *gids)
{
	int r = 0;

	run->value = 1;
	if (deny)
		r = write_file(run, dirfd, "setgroups", "deny");
	if (r == 0 && *uids) {
		run->value = 2;
		r = write_file(run, dirfd, "uid_map", uids);
	}
	if (r == 0 && *gids) {
		run->value = 3;
		r = write_file(run, dirfd, "gid_map", gids);
	}
	return r;
}

/*
 * nsi_op_idmap_write() - write setgroups, uid_map and gid_map of the child
 * @run: value becomes 1 for setgroups, 2 for uid_map, 3 for gid_map
 * @op:  idmap.write
 *
 * Return: 0 or -errno.
 */
int nsi_op_idmap_write(struct nsi_run *run, const struct nsi_op *op)
{
	if (run->pidfd < 0)
		return -ESRCH;
	run->detail = NSI_AT_RESOLVE;
	NSI_AUTO_FD int dirfd = nsi_idmap_open(run->pid, run->pidfd);
	if (dirfd < 0)
		return dirfd;
	return nsi_idmap_write(run, dirfd, NSI_IDMAP_WRITE_FLAGS(op) & 1,
			       NSI_IDMAP_WRITE_UIDS(run, op), NSI_IDMAP_WRITE_GIDS(run, op));
}
