/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone.c - detached copies of mount trees of the host (open_tree(2), Linux 5.2).
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
