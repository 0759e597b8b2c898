/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone.c - detached copies of mount trees of the host (open_tree(2), Linux 5.2),
 * and what is changed of a copy before it is attached.
 *
 * Root's are taken by the caller's process, before the child has a mount namespace
 * of its own, so that it needs no path of the host inside. Who is not root may
 * copy mounts only where he has power over the mount namespace: inside, while /
 * is still the host's. There the mounts below a directory are locked to it
 * (mount_namespaces(7)): they can be copied only together with it.
 */
#include "slot.h"
#include "sys.h"

/*
 * nsi_op_tree_open() - a detached copy of the mount tree at a host path
 * @run: the run
 * @op:  tree.open
 *
 * Return: 0 or -errno.
 */
int nsi_op_tree_open(struct nsi_run *run, const struct nsi_op *op)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int fd;

	run->detail = NSI_AT_OPEN;
	if (NSI_TREE_OPEN_FLAGS(op) & 1)
		flags |= AT_RECURSIVE;
	fd = nsi_sys_open_tree(AT_FDCWD, NSI_TREE_OPEN_PATH(run, op), flags);
	if (fd < 0)
		return fd;
	return nsi_slot_put(run, NSI_TREE_OPEN_SLOT(op), fd);
}

/*
 * nsi_op_tree_set() - attributes of every mount of a detached tree
 *
 * Return: 0 or -errno; nothing is changed on failure.
 */
int nsi_op_tree_set(struct nsi_run *run, const struct nsi_op *op)
{
	const struct mount_attr attr = {
		.attr_set = NSI_TREE_SET_SET(op),
		.attr_clr = NSI_TREE_SET_CLEAR(op),
	};
	int treefd = nsi_slot_get(run, NSI_TREE_SET_SLOT(op));

	run->detail = NSI_AT_OPEN;
	if (treefd < 0)
		return treefd;
	run->detail = NSI_AT_ATTRIBUTES;
	return nsi_sys_mount_setattr(treefd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
}

/*
 * nsi_op_tree_idmap() - show other ids through a detached tree
 *
 * A mount can be mapped only while nobody sees it, by one who has power over its
 * file system; a file system has to know how.
 *
 * @run: the run
 * @op:  tree.idmap; flags bit 0: submounts as well
 *
 * Return: 0; -EINVAL when a file system cannot be id-mapped, -EPERM when it is
 * not the caller's to map, or is mapped already; another -errno.
 */
int nsi_op_tree_idmap(struct nsi_run *run, const struct nsi_op *op)
{
	unsigned int deep = NSI_TREE_IDMAP_FLAGS(op) & 1 ? AT_RECURSIVE : 0;
	int treefd = nsi_slot_get(run, NSI_TREE_IDMAP_SLOT(op));
	int usernsfd = nsi_slot_get(run, NSI_TREE_IDMAP_USERNS(op));
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };

	run->detail = NSI_AT_ATTRIBUTES;
	if (treefd < 0 || usernsfd < 0)
		return -EBADF;
	attr.userns_fd = (uint64_t)(unsigned int)usernsfd;
	return nsi_sys_mount_setattr(treefd, "", AT_EMPTY_PATH | deep, &attr);
}
