/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook_inside.c - hooks in the container's namespaces.
 *
 * Before the root is entered a hook is a program of the host that sees the host's
 * files. The container's root lies over / by then, and a walk through .. would
 * step onto it: the program could be made to read /usr/lib/../../etc from an image
 * that nobody trusts. So it gets a mount namespace of its own, in which that tree
 * is at its host path instead. What the hook mounts on it is to be the
 * container's: the mount of the root is a peer of its copy for so long.
 *
 * Inside the finished container a hook is a program of the container, with no
 * right that the container's program will not have: user, capabilities and labels
 * are in force, and the filter that comes with exec is loaded here.
 */
#include "cleanup.h"
#include "hook.h"
#include "mount.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

#define HOOK_UMOUNT_DETACH 2 /* MNT_DETACH */

/* 1 when the container's root lies over the process's own. */
static int root_is_attached(const struct nsi_run *run)
{
	struct statx own = { .stx_mask = 0 };
	struct statx root = own;
	int r;

	if (run->rootfd < 0)
		return 0;
	r = nsi_sys_statx(AT_FDCWD, "/", 0, NSI_STAT_MASK, &own);
	if (r == 0)
		r = nsi_stat(run->rootfd, &root);
	return r < 0 ? r : own.stx_mnt_id != root.stx_mnt_id;
}

/*
 * nsi_hook_share_root() - let mounts on a copy of the root be mounts on the root
 * @run:    the run
 * @op:     hook.run; its propagation is what the mount has otherwise
 * @shared: 1 before the hook, 0 after it
 *
 * Return: 0 or -errno.
 */
int nsi_hook_share_root(const struct nsi_run *run, const struct nsi_op *op, int shared)
{
	const struct mount_attr attr = {
		.propagation = shared ? MS_SHARED : NSI_HOOK_RUN_PROPAGATION(op),
	};
	int r = NSI_HOOK_RUN_ROOT(run, op) ? root_is_attached(run) : 0;

	if (r <= 0 || !attr.propagation)
		return r;
	return nsi_sys_mount_setattr(run->rootfd, "", AT_EMPTY_PATH, &attr);
}

/*
 * nsi_hook_show_root() - put the attached root where the host has it
 * @run: the run
 * @op:  hook.run
 *
 * Return: 0 or -errno.
 */
int nsi_hook_show_root(const struct nsi_run *run, const struct nsi_op *op)
{
	const struct mount_attr private = { .propagation = MS_PRIVATE };
	const char *path = NSI_HOOK_RUN_ROOT(run, op);
	int r = root_is_attached(run), treefd;

	if (r <= 0)
		return r;
	/* A copy made now: a clone of the tree in the new namespace would have no peers. */
	treefd = nsi_sys_open_tree(run->rootfd, "",
				   AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
					   OPEN_TREE_CLOEXEC);
	if (treefd < 0)
		return treefd;
	/* The working directory is what unshare(2) carries over to the copied mount. */
	r = (int)NSI_SYS1(__NR_fchdir, run->rootfd);
	if (r == 0)
		r = (int)NSI_SYS1(__NR_unshare, CLONE_NEWNS);
	if (r == 0)
		r = nsi_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private);
	if (r == 0)
		r = (int)NSI_SYS2(__NR_umount2, ".", HOOK_UMOUNT_DETACH);
	if (r == 0)
		r = (int)NSI_SYS1(__NR_chdir, "/");
	if (r == 0 && path)
		r = nsi_sys_move_mount(treefd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
	return r;
}

static const struct nsi_op *find_filter(const struct nsi_run *run, const struct nsi_op *op)
{
	const struct nsi_op *first = run->plan.op[NSI_LIST_CHILD];
	const struct nsi_op *end = first + run->plan.count[NSI_LIST_CHILD];

	if (op < first || op >= end)
		return NULL;
	while (++op < end)
		if (op->kind == NSI_OP_SECCOMP_LOAD)
			return op;
	return NULL;
}

/*
 * nsi_hook_load_filter() - load the filter that a later operation loads
 * @run: the run
 * @op:  hook.run, of the child's list
 *
 * Without a listener: what would be asked of it is refused by the kernel (ENOSYS).
 *
 * Return: 0 or -errno.
 */
int nsi_hook_load_filter(const struct nsi_run *run, const struct nsi_op *op)
{
	const uint64_t others = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
				SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
				SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	const struct nsi_op *load = find_filter(run, op);
	struct nsi_bytes program;
	struct sock_fprog filter;

	if (!load)
		return 0;
	program = NSI_SECCOMP_LOAD_PROGRAM(run, load);
	filter.len = (unsigned short)(program.length / sizeof(struct sock_filter));
	filter.filter = (struct sock_filter *)(uintptr_t)program.data;
	return (int)NSI_SYS3(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
			     NSI_SECCOMP_LOAD_FLAGS(load) & ~others, &filter);
}
