// SPDX-License-Identifier: Apache-2.0
/*
 * tree.c - detached mounts: made, given attributes, attached.
 *
 * A mount is built where nobody sees it (fs.c, or a clone of a tree), gets
 * its attributes and propagation while detached (mount_setattr(2), Linux 5.12)
 * and is attached last, on a descriptor that the kernel resolved inside the root.
 * Then the path is resolved once more: it must lead to the mount just attached,
 * or someone has swapped a component meanwhile (CVE-2021-30465) and the start
 * fails with ESTALE.
 */
#include "cleanup.h"
#include "inroot.h"
#include "mount.h"

/*
 * nsi_stat() - what a descriptor refers to, with the id of its mount
 * @fd:  borrowed; may be O_PATH
 * @out: filled on success
 *
 * Return: 0 or -errno; -EOPNOTSUPP before Linux 5.8, which gives no mount id.
 */
int nsi_stat(int fd, struct statx *out)
{
	int r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, NSI_STAT_MASK, out);

	if (r < 0)
		return r;
	return out->stx_mask & STATX_MNT_ID ? 0 : -EOPNOTSUPP;
}

/*
 * nsi_on_fs() - whether a descriptor lies on a kind of file system
 * @fd:    borrowed; may be O_PATH
 * @magic: f_type of statfs(2)
 *
 * Return: 1, 0 or -errno.
 */
int nsi_on_fs(int fd, int64_t magic)
{
	struct nsi_statfs fs = { .type = 0 };
	int r = nsi_sys_fstatfs(fd, &fs);

	return r < 0 ? r : fs.type == magic;
}

static int same_place(const struct statx *a, const struct statx *b)
{
	return a->stx_mnt_id == b->stx_mnt_id && a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/*
 * nsi_tree_set() - attributes and propagation of a mount in one call
 * @treefd:      borrowed
 * @flags:       0 or AT_RECURSIVE
 * @set, @clear: MOUNT_ATTR_*
 * @propagation: MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE, or 0
 *
 * Return: 0 or -errno; nothing is changed on failure.
 */
int nsi_tree_set(struct nsi_run *run, int treefd, unsigned int flags, uint64_t set, uint64_t clear,
		 uint64_t propagation)
{
	struct mount_attr attr = {
		.attr_set = set,
		.attr_clr = clear,
		.propagation = propagation,
	};

	if (!set && !clear && !propagation)
		return 0;
	run->detail = NSI_AT_ATTRIBUTES;
	return nsi_sys_mount_setattr(treefd, "", AT_EMPTY_PATH | flags, &attr);
}

/*
 * nsi_tree_attach() - put a detached tree on a place of the container
 * @treefd:   the detached tree; borrowed, refers to the mount afterwards as well
 * @targetfd: where to, opened inside the root; borrowed
 * @path:     the same place by name, only to verify
 * @flags:    O_NOFOLLOW when the last component was not followed
 * @resolve:  the RESOLVE_* bits it was opened with
 *
 * Return: 0; -EBUSY for the root itself, -ESTALE (or the error of looking) when
 * the path does not lead to the new mount, -errno.
 */
int nsi_tree_attach(struct nsi_run *run, int treefd, int targetfd, const char *path, int flags,
		    uint64_t resolve)
{
	struct statx root = { .stx_mask = 0 };
	struct statx target = root;
	struct statx tree = root;
	NSI_AUTO_FD int checkfd = -1;
	int r;

	run->detail = NSI_AT_VERIFY;
	r = nsi_stat(run->rootfd, &root);
	if (r == 0)
		r = nsi_stat(targetfd, &target);
	if (r < 0)
		return r;
	if (same_place(&root, &target))
		return -EBUSY;
	run->detail = NSI_AT_ATTACH;
	r = nsi_sys_move_mount(treefd, "", targetfd, "",
			       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	checkfd = nsi_inroot_open(run, path, O_PATH | flags, resolve);
	if (checkfd < 0)
		return checkfd;
	r = nsi_stat(checkfd, &target);
	if (r == 0)
		r = nsi_stat(treefd, &tree);
	if (r < 0)
		return r;
	return same_place(&tree, &target) ? 0 : -ESTALE;
}
