/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - parent operations that open something of the host for the child.
 *
 * Paths here are the host's, chosen by the configuration and resolved in the
 * caller's namespaces; whatever is opened is checked to be what the Plan says
 * before it is used, and kept in a slot.
 */
#include "cleanup.h"
#include "slot.h"
#include "sys.h"
#include <linux/nsfs.h>

#define NSI_NSFS_MAGIC 0x6e736673L

/*
 * nsi_op_fd_use() - duplicate a descriptor of the caller into a slot
 * @run: the run
 * @op:  fd.use
 *
 * Return: 0 or -errno.
 */
int nsi_op_fd_use(struct nsi_run *run, const struct nsi_op *op)
{
	int fd;

	run->detail = NSI_AT_OPEN;
	if (NSI_FD_USE_FD(op) > INT32_MAX)
		return -EBADF;
	fd = nsi_sys_fcntl((int)NSI_FD_USE_FD(op), F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return fd;
	return nsi_slot_put(run, NSI_FD_USE_SLOT(op), fd);
}

/*
 * nsi_op_ns_open() - open a namespace file
 * @run: the run
 * @op:  ns.open
 *
 * Return: 0, -EINVAL when it is no namespace of the type, or another -errno.
 */
int nsi_op_ns_open(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_statfs info = { 0 };
	int r;

	run->detail = NSI_AT_OPEN;
	/* O_NONBLOCK: what stands there may be a fifo. */
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, NSI_NS_OPEN_PATH(run, op),
					    O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = nsi_sys_fstatfs(fd, &info);
	if (r < 0)
		return r;
	if (info.type != NSI_NSFS_MAGIC)
		return -EINVAL;
	r = nsi_sys_ioctl(fd, NS_GET_NSTYPE, NULL);
	if (r < 0)
		return r;
	if ((uint64_t)r != NSI_NS_OPEN_TYPE(op))
		return -EINVAL;
	return nsi_slot_put(run, NSI_NS_OPEN_SLOT(op), nsi_take_fd(&fd));
}

/*
 * nsi_op_cgroup_open() - open a cgroup directory
 * @run: the run
 * @op:  cgroup.open
 *
 * Return: 0, -ENODEV when it lies in no cgroup file system, or another -errno.
 */
int nsi_op_cgroup_open(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_statfs info = { 0 };
	int r;

	run->detail = NSI_AT_OPEN;
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, NSI_CGROUP_OPEN_PATH(run, op),
					    O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = nsi_sys_fstatfs(fd, &info);
	if (r < 0)
		return r;
	if (info.type != NSI_CGROUP2_MAGIC && info.type != NSI_CGROUP_MAGIC)
		return -ENODEV;
	return nsi_slot_put(run, NSI_CGROUP_OPEN_SLOT(op), nsi_take_fd(&fd));
}
