// SPDX-License-Identifier: Apache-2.0
/*
 * tree.c - detached mounts: made, given attributes, attached.
 *
 * A mount is built where nobody sees it (fsopen(2), fsmount(2), Linux 5.2), gets
 * its attributes and propagation while detached (mount_setattr(2), Linux 5.12)
 * and is attached last, on a descriptor that the kernel resolved inside the root.
 * Then the path is resolved once more: it must lead to the mount just attached,
 * or someone has swapped a component meanwhile (CVE-2021-30465) and the start
 * fails with ESTALE.
 */
#include "cleanup.h"
#include "inroot.h"
#include "mount.h"
#include "text.h"

/* fsconfig(2) copies at most 255 bytes of a value. */
#define OPTION_MAX 255

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

static int configure(int fsfd, unsigned int command, const char *key, const char *value)
{
	return (int)NSI_SYS5(__NR_fsconfig, fsfd, command, key, value, 0);
}

/*
 * nsi_fs_option() - one option of a file system that is being made
 * @fsfd:  borrowed; of nsi_fs_open()
 * @key:   name of the option
 * @value: empty for a flag
 *
 * Return: 0; -ENAMETOOLONG for more than 255 bytes; -errno.
 */
int nsi_fs_option(int fsfd, const char *key, const char *value)
{
	if (!*value)
		return configure(fsfd, FSCONFIG_SET_FLAG, key, NULL);
	if (nsi_text_length(value) > OPTION_MAX)
		return -ENAMETOOLONG;
	return configure(fsfd, FSCONFIG_SET_STRING, key, value);
}

/*
 * nsi_fs_options() - all options of a file system that is being made
 * @fsfd:    borrowed; of nsi_fs_open()
 * @options: key, value pairs; data may be NULL
 *
 * On a refused option run->value is its number, counted from 0.
 *
 * Return: 0 or -errno.
 */
int nsi_fs_options(struct nsi_run *run, int fsfd, struct nsi_bytes options)
{
	const char *key = options.data ? nsi_list_next(options, NULL) : NULL;

	run->detail = NSI_AT_OPTION;
	for (run->value = 0; key; run->value++) {
		const char *value = nsi_list_next(options, key);
		int r = value ? nsi_fs_option(fsfd, key, value) : -EINVAL;

		if (r < 0)
			return r;
		key = nsi_list_next(options, value);
	}
	run->value = 0;
	return 0;
}

/*
 * nsi_fs_open() - begin a new instance of a file system
 * @fstype: as in /proc/filesystems
 * @source: shown in mountinfo; NULL or empty for none
 *
 * Return: a descriptor for options that the caller owns, or -errno.
 */
int nsi_fs_open(struct nsi_run *run, const char *fstype, const char *source)
{
	NSI_AUTO_FD int fsfd = -1;
	int r;

	run->detail = NSI_AT_MOUNT;
	fsfd = (int)NSI_SYS2(__NR_fsopen, fstype, FSOPEN_CLOEXEC);
	if (fsfd < 0)
		return fsfd;
	run->detail = NSI_AT_OPTION;
	r = source && *source ? nsi_fs_option(fsfd, "source", source) : 0;
	return r < 0 ? r : nsi_take_fd(&fsfd);
}

/*
 * nsi_fs_finish() - the detached mount of the file system whose options are set
 * @fsfd: borrowed; of nsi_fs_open()
 * @attr: MOUNT_ATTR_*
 *
 * Return: a mount descriptor that the caller owns, or -errno.
 */
int nsi_fs_finish(struct nsi_run *run, int fsfd, uint64_t attr)
{
	int r;

	run->detail = NSI_AT_MOUNT;
	r = configure(fsfd, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (r < 0)
		return r;
	return (int)NSI_SYS3(__NR_fsmount, fsfd, FSMOUNT_CLOEXEC, attr);
}

/*
 * nsi_fs_make() - a new instance of a file system as a detached mount
 *
 * nsi_fs_open(), nsi_fs_options() and nsi_fs_finish() in one.
 *
 * Return: a mount descriptor that the caller owns, or -errno.
 */
int nsi_fs_make(struct nsi_run *run, const char *fstype, const char *source,
		struct nsi_bytes options, uint64_t attr)
{
	NSI_AUTO_FD int fsfd = nsi_fs_open(run, fstype, source);
	int r;

	if (fsfd < 0)
		return fsfd;
	r = nsi_fs_options(run, fsfd, options);
	return r < 0 ? r : nsi_fs_finish(run, fsfd, attr);
}
