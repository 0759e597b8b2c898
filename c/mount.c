// SPDX-License-Identifier: Apache-2.0
/*
 * mount.c - mounts of the container, by tree.c.
 *
 * New instances of file systems are made here; trees of the host arrive in slots
 * as detached clones that the caller's process took with open_tree(2). The target
 * is resolved inside the root to a descriptor and never looked up again but to
 * verify. Nothing may be put inside procfs unless the Plan says so: what lies
 * there decides about labels and sysctls (CVE-2015-3631, CVE-2019-16884); only a
 * procfs may cover a procfs, at its root.
 */
#include "cleanup.h"
#include "copyup.h"
#include "handshake.h"
#include "inroot.h"
#include "mount.h"
#include "slot.h"
#include "text.h"

#define FS_STRICT 1u
#define FS_KEEP_MODE 2u
#define FS_COPY 4u

#define TREE_RECURSIVE 1u
#define TREE_STRICT 2u
#define TREE_IN_PROC 4u
#define TREE_IS_PROC 8u
#define TREE_IS_SYSFS 16u
#define TREE_KEEPS 32u

#define INSIDE_GIVE 2u

/* Of statfs(2): ro, nosuid, nodev, noexec; noatime, nodiratime, relatime. */
#define KEPT_PLAIN 0x000f
#define KEPT_TIMES 0x1c00

#define PROC_ROOT_INO 1
#define OVERFLOW_ID 65534u

static int set_number(int fsfd, const char *key, unsigned int value, int octal)
{
	char text[24];

	if (octal) {
		size_t n = 0;

		for (int shift = 9; shift >= 0; shift -= 3)
			text[n++] = (char)('0' + ((value >> shift) & 7u));
		text[n] = 0;
	} else {
		nsi_text_number(text, value);
	}
	return nsi_fs_option(fsfd, key, text);
}

/*
 * The mode and owner of the directory that a tmpfs will cover. Ids that the user
 * namespace does not know show as the overflow id and are left at root.
 */
static int keep_mode(struct nsi_run *run, int fsfd, const struct statx *covered)
{
	int r;

	run->detail = NSI_AT_OPTION;
	r = set_number(fsfd, "mode", covered->stx_mode & 07777u, 1);
	if (r == 0 && covered->stx_uid != OVERFLOW_ID)
		r = set_number(fsfd, "uid", covered->stx_uid, 0);
	if (r == 0 && covered->stx_gid != OVERFLOW_ID)
		r = set_number(fsfd, "gid", covered->stx_gid, 0);
	return r;
}

/* 0 when a mount may cover @targetfd; procfs only by a procfs, at its root. */
static int check_target(struct nsi_run *run, int targetfd, int is_proc)
{
	struct statx st = { .stx_mask = 0 };
	int r;

	run->detail = NSI_AT_VERIFY;
	r = nsi_on_fs(targetfd, NSI_PROC_MAGIC);
	if (r <= 0)
		return r;
	r = nsi_stat(targetfd, &st);
	if (r < 0)
		return r;
	return is_proc && st.stx_ino == PROC_ROOT_INO ? 0 : -EPERM;
}

/*
 * The detached mount of the file system whose options are set, filled with what
 * it will cover when the Plan says so; only then it becomes read-only.
 */
static int finish_fs(struct nsi_run *run, const struct nsi_op *op, int fsfd, int coveredfd)
{
	int copies = coveredfd >= 0 && NSI_MOUNT_FS_FLAGS(op) & FS_COPY;
	uint64_t attr = NSI_MOUNT_FS_ATTR(op);
	uint64_t later = copies ? attr & MOUNT_ATTR_RDONLY : 0;
	NSI_AUTO_FD int treefd = nsi_fs_finish(run, fsfd, attr & ~later);
	int r;

	if (treefd < 0)
		return treefd;
	r = copies ? nsi_copy_tree(run, coveredfd, treefd) : 0;
	r = r < 0 ? r :
		    nsi_tree_set(run, treefd, 0, later, 0,
				 NSI_MOUNT_FS_PROPAGATION(op) & ~(uint64_t)MS_REC);
	return r < 0 ? r : nsi_take_fd(&treefd);
}

/*
 * nsi_op_mount_fs() - mount a new instance of a file system
 *
 * Return: 0 or -errno.
 */
int nsi_op_mount_fs(struct nsi_run *run, const struct nsi_op *op)
{
	const char *target = NSI_MOUNT_FS_TARGET(run, op);
	const char *fstype = NSI_MOUNT_FS_FSTYPE(run, op);
	uint64_t resolve = NSI_MOUNT_FS_FLAGS(op) & FS_STRICT ? RESOLVE_NO_SYMLINKS : 0;
	NSI_AUTO_FD int coveredfd = -1;
	NSI_AUTO_FD int targetfd = -1;
	NSI_AUTO_FD int fsfd = -1;
	NSI_AUTO_FD int treefd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	if (NSI_MOUNT_FS_FLAGS(op) & (FS_KEEP_MODE | FS_COPY))
		coveredfd = nsi_inroot_open(run, target, O_PATH | O_DIRECTORY, resolve);
	targetfd = nsi_inroot_make(run, target, NSI_TARGET_DIRECTORY, resolve, 0755);
	if (targetfd < 0)
		return targetfd;
	r = check_target(run, targetfd, nsi_text_equal(fstype, "proc"));
	if (r < 0)
		return r;
	fsfd = nsi_fs_open(run, fstype, NSI_MOUNT_FS_SOURCE(run, op));
	if (fsfd < 0)
		return fsfd;
	if (coveredfd >= 0 && NSI_MOUNT_FS_FLAGS(op) & FS_KEEP_MODE) {
		r = nsi_stat(coveredfd, &st);
		r = r < 0 ? r : keep_mode(run, fsfd, &st);
		if (r < 0)
			return r;
	}
	r = nsi_fs_options(run, fsfd, NSI_MOUNT_FS_OPTIONS(run, op));
	if (r < 0)
		return r;
	treefd = finish_fs(run, op, fsfd, coveredfd);
	if (treefd < 0)
		return treefd;
	return nsi_tree_attach(run, treefd, targetfd, target, 0, resolve);
}

/* A bound /proc must be a procfs, and from its root; likewise /sys. */
static int check_tree(struct nsi_run *run, int treefd, uint64_t flags, const struct statx *st)
{
	int r = 1;

	run->detail = NSI_AT_VERIFY;
	if (flags & TREE_IS_PROC)
		r = nsi_on_fs(treefd, NSI_PROC_MAGIC);
	if (r == 1 && (flags & TREE_IS_PROC) && st->stx_ino != PROC_ROOT_INO)
		r = 0;
	if (r == 1 && (flags & TREE_IS_SYSFS))
		r = nsi_on_fs(treefd, NSI_SYSFS_MAGIC);
	if (r < 0)
		return r;
	return r ? 0 : -EPERM;
}

/*
 * Attributes, then propagation. A tree cloned from a shared mount of the host is
 * a peer of it: mounts made in the container would appear on the host. Unless
 * the Plan wants it shared it becomes a slave (a private one stays private).
 */
static int set_tree(struct nsi_run *run, const struct nsi_op *op, int treefd)
{
	unsigned int flags = NSI_MOUNT_TREE_FLAGS(op) & TREE_RECURSIVE ? AT_RECURSIVE : 0;
	uint64_t wanted = NSI_MOUNT_TREE_PROPAGATION(op);
	unsigned int deep = wanted & MS_REC ? AT_RECURSIVE : 0;
	int r;

	r = nsi_tree_set(run, treefd, flags, NSI_MOUNT_TREE_SET(op), NSI_MOUNT_TREE_CLEAR(op), 0);
	if (r == 0 && !(wanted & MS_SHARED))
		r = nsi_tree_set(run, treefd, AT_RECURSIVE, 0, 0, MS_SLAVE);
	if (r == 0)
		r = nsi_tree_set(run, treefd, deep, 0, 0, wanted & ~(uint64_t)MS_REC);
	return r;
}

/*
 * The same, but for what the kernel would refuse where the tree had been copied with
 * the mounts of a user namespace, mount_namespaces(7): there no attribute that keeps
 * something away is lost, and no setting of times changes. The tree is seen by nobody
 * yet. (A file system that is read-only itself stays so, whatever its mount says.)
 */
static int set_keeping_tree(struct nsi_run *run, const struct nsi_op *op, int treefd)
{
	struct nsi_statfs before = { 0 }, after = { 0 };
	int r = nsi_sys_fstatfs(treefd, &before);

	r = r < 0 ? r : set_tree(run, op, treefd);
	r = r < 0 ? r : nsi_sys_fstatfs(treefd, &after);
	if (r < 0)
		return r;
	run->detail = NSI_AT_ATTRIBUTES;
	if (before.flags & ~after.flags & KEPT_PLAIN)
		return -EPERM;
	return (before.flags ^ after.flags) & KEPT_TIMES ? -EPERM : 0;
}

static int open_target(struct nsi_run *run, const char *path, uint64_t flags, int directory)
{
	enum nsi_target kind = directory ? NSI_TARGET_DIRECTORY : NSI_TARGET_FILE;

	if (flags & TREE_IN_PROC) {
		run->detail = NSI_AT_RESOLVE;
		return nsi_inroot_open(run, path, O_PATH | (directory ? O_DIRECTORY : 0),
				       RESOLVE_NO_SYMLINKS);
	}
	return nsi_inroot_make(run, path, kind, flags & TREE_STRICT ? RESOLVE_NO_SYMLINKS : 0,
			       directory ? 0755 : 0644);
}

/*
 * nsi_op_mount_change() - attributes and propagation of a mount that is there
 *
 * Return: 0; -EINVAL where nothing is mounted; -errno.
 */
int nsi_op_mount_change(struct nsi_run *run, const struct nsi_op *op)
{
	unsigned int deep = NSI_MOUNT_CHANGE_FLAGS(op) & TREE_RECURSIVE ? AT_RECURSIVE : 0;
	uint64_t wanted = NSI_MOUNT_CHANGE_PROPAGATION(op);
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	run->detail = NSI_AT_RESOLVE;
	fd = nsi_inroot_open(run, NSI_MOUNT_CHANGE_TARGET(run, op), O_PATH, 0);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = nsi_stat(fd, &st);
	if (r < 0)
		return r;
	if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return -EINVAL;
	r = nsi_tree_set(run, fd, deep, NSI_MOUNT_CHANGE_SET(op), NSI_MOUNT_CHANGE_CLEAR(op), 0);
	deep = wanted & MS_REC ? AT_RECURSIVE : 0;
	return r < 0 ? r : nsi_tree_set(run, fd, deep, 0, 0, wanted & ~(uint64_t)MS_REC);
}

/* The parent gets the tree into the same slot. */
static int give_tree(struct nsi_run *run, uint64_t slot)
{
	const uint32_t number = (uint32_t)slot;
	struct nsi_report report = { .type = NSI_MSG_FDS, .length = sizeof(number) };
	int fd = nsi_slot_get(run, slot);

	run->detail = NSI_AT_WRITE;
	return fd < 0 ? fd : nsi_send(run->sock, &report, &number, &fd, 1);
}

/*
 * nsi_op_tree_inside() - a detached copy of what earlier mounts of the container made
 *
 * Who can write below one of them could have a link lead to the procfs inside,
 * which would appear at a place where nothing hides its files: so none is followed.
 *
 * Return: 0; -ELOOP when there is a link on the way; -errno.
 */
int nsi_op_tree_inside(struct nsi_run *run, const struct nsi_op *op)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
	NSI_AUTO_FD int sourcefd = -1;
	int fd, r;

	run->detail = NSI_AT_RESOLVE;
	if (NSI_TREE_INSIDE_FLAGS(op) & TREE_RECURSIVE)
		flags |= AT_RECURSIVE;
	sourcefd = nsi_inroot_open(run, NSI_TREE_INSIDE_PATH(run, op), O_PATH, RESOLVE_NO_SYMLINKS);
	if (sourcefd < 0)
		return sourcefd;
	run->detail = NSI_AT_OPEN;
	fd = nsi_sys_open_tree(sourcefd, "", flags);
	r = fd < 0 ? fd : nsi_slot_put(run, NSI_TREE_INSIDE_SLOT(op), fd);
	if (r == 0 && (NSI_TREE_INSIDE_FLAGS(op) & INSIDE_GIVE))
		r = give_tree(run, NSI_TREE_INSIDE_SLOT(op));
	return r;
}

/*
 * nsi_op_mount_tree() - attach a tree that the caller's process has cloned
 *
 * Return: 0 or -errno.
 */
int nsi_op_mount_tree(struct nsi_run *run, const struct nsi_op *op)
{
	const char *target = NSI_MOUNT_TREE_TARGET(run, op);
	uint64_t flags = NSI_MOUNT_TREE_FLAGS(op);
	uint64_t resolve = flags & (TREE_STRICT | TREE_IN_PROC) ? RESOLVE_NO_SYMLINKS : 0;
	int treefd = nsi_slot_get(run, NSI_MOUNT_TREE_SLOT(op));
	NSI_AUTO_FD int targetfd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	run->detail = NSI_AT_OPEN;
	if (treefd < 0)
		return treefd;
	r = nsi_stat(treefd, &st);
	r = r < 0 ? r : check_tree(run, treefd, flags, &st);
	if (r == 0)
		r = flags & TREE_KEEPS ? set_keeping_tree(run, op, treefd) :
					 set_tree(run, op, treefd);
	if (r < 0)
		return r;
	targetfd = open_target(run, target, flags, (st.stx_mode & S_IFMT) == S_IFDIR);
	if (targetfd < 0)
		return targetfd;
	r = flags & TREE_IN_PROC ? 0 : check_target(run, targetfd, !!(flags & TREE_IS_PROC));
	r = r < 0 ? r : nsi_tree_attach(run, treefd, targetfd, target, 0, resolve);
	if (r < 0)
		return r;
	/* The mount stays; its descriptor has no further use. */
	nsi_slot_drop(run, NSI_MOUNT_TREE_SLOT(op));
	return 0;
}

/*
 * nsi_op_mount_propagation() - propagation of every mount below /, or of / alone
 *
 * Return: 0 or -errno.
 */
int nsi_op_mount_propagation(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t wanted = NSI_MOUNT_PROPAGATION_PROPAGATION(op);
	struct mount_attr attr = {
		.propagation = wanted & ~(uint64_t)MS_REC,
	};

	run->detail = NSI_AT_ATTRIBUTES;
	return nsi_sys_mount_setattr(AT_FDCWD, "/", wanted & MS_REC ? AT_RECURSIVE : 0, &attr);
}
