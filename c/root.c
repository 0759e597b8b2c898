// SPDX-License-Identifier: Apache-2.0
/*
 * root.c - the container's root: attached, filled, then switched to.
 *
 * The tree of the root arrives detached and is attached on top of / of the
 * child's own mount namespace. Absolute paths still mean the host's files, as
 * the process's root is the mount below, while run->rootfd is the container's
 * root for everything that inroot.c resolves. For hooks that enter the namespace it is
 * attached where the host has it instead. (Only a walk that comes back to /
 * through .. lands in the new tree; command.c takes care of that.) Then either
 * pivot_root(2) with the old root stacked on the new one and detached, or, where
 * / is the initramfs that cannot be pivoted away, chroot(2) into the tree, which
 * covers everything below it.
 */
#include "cleanup.h"
#include "hide.h"
#include "inroot.h"
#include "mount.h"
#include "slot.h"

#define UMOUNT_DETACH 2 /* MNT_DETACH */
#define PLACE_MODE 0700

static void set_root(struct nsi_run *run, int fd)
{
	if (run->rootfd >= 0)
		nsi_sys_close(run->rootfd);
	run->rootfd = fd;
}

static int umount(const char *path, int flags)
{
	return (int)NSI_SYS2(__NR_umount2, path, flags);
}

/*
 * Attaches a detached tree over /, or on the directory @at where that can be reached;
 * the descriptor is the run's root from then on.
 */
static int cover_root(struct nsi_run *run, int treefd, const char *at, uint64_t propagation)
{
	int r = nsi_tree_set(run, treefd, AT_RECURSIVE, 0, 0, propagation ? propagation : MS_SLAVE);

	if (r < 0)
		return r;
	run->detail = NSI_AT_ATTACH;
	r = at ? nsi_sys_move_mount(treefd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) : -ENOENT;
	/* In a user namespace the way there may be closed. */
	if (r < 0)
		r = nsi_sys_move_mount(treefd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return r;
	set_root(run, treefd);
	return 0;
}

/* A root is a directory; @treefd may be the -errno of its slot. */
static int check_tree(struct nsi_run *run, int treefd)
{
	struct statx st = { .stx_mask = 0 };
	int r;

	run->detail = NSI_AT_OPEN;
	if (treefd < 0)
		return treefd;
	r = nsi_stat(treefd, &st);
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	return (st.stx_mode & S_IFMT) == S_IFDIR ? 0 : -ENOTDIR;
}

/*
 * nsi_op_root_attach() - attach the tree of the root on top of /
 *
 * With no propagation in the Plan the tree becomes a slave of what it was cloned
 * from; pivot_root(2) wants the mount that it is attached to not to be shared,
 * which mount.propagation has seen to.
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_attach(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t propagation = NSI_ROOT_ATTACH_PROPAGATION(op) & ~(uint64_t)MS_REC;
	int treefd = nsi_slot_get(run, NSI_ROOT_ATTACH_SLOT(op));
	int r;

	r = check_tree(run, treefd);
	if (r < 0)
		return r;
	r = cover_root(run, treefd, NSI_ROOT_ATTACH_AT(run, op), propagation);
	if (r == 0)
		run->slot[NSI_ROOT_ATTACH_SLOT(op)] = -1;
	return r;
}

/*
 * nsi_op_root_make() - a new, empty root on top of /
 *
 * A tmpfs of the child's own: in a user namespace its root may write there.
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_make(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t propagation = NSI_ROOT_MAKE_PROPAGATION(op) & ~(uint64_t)MS_REC;
	NSI_AUTO_FD int treefd = nsi_fs_make(run, "tmpfs", "root", NSI_ROOT_MAKE_OPTIONS(run, op),
					     NSI_ROOT_MAKE_ATTR(op));
	int r;

	if (treefd < 0)
		return treefd;
	r = cover_root(run, treefd, NULL, propagation);
	if (r == 0)
		(void)nsi_take_fd(&treefd);
	return r;
}

/*
 * nsi_op_root_place() - attach the tree of the root on a directory of the host
 *
 * For a container in mounts that are not its own: nowhere else, or they would be
 * covered. The directory is of the container's state, which root alone can enter;
 * the tree is made private first, so that what is mounted in it later stays there.
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_place(struct nsi_run *run, const struct nsi_op *op)
{
	const char *at = NSI_ROOT_PLACE_AT(run, op);
	int treefd = nsi_slot_get(run, NSI_ROOT_PLACE_SLOT(op));
	int r;

	r = check_tree(run, treefd);
	if (r < 0)
		return r;
	r = nsi_tree_set(run, treefd, AT_RECURSIVE, 0, 0, MS_PRIVATE);
	if (r < 0)
		return r;
	run->detail = NSI_AT_ATTACH;
	r = nsi_sys_mkdirat(AT_FDCWD, at, PLACE_MODE);
	if (r == 0)
		r = nsi_sys_move_mount(treefd, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH);
	/* A parent that is shared has made it shared again. */
	if (r == 0)
		r = nsi_tree_set(run, treefd, AT_RECURSIVE, 0, 0, MS_PRIVATE);
	if (r < 0)
		return r;
	set_root(run, treefd);
	run->slot[NSI_ROOT_PLACE_SLOT(op)] = -1;
	return 0;
}

static int open_root(struct nsi_run *run)
{
	run->detail = NSI_AT_OPEN;
	return nsi_sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
}

/*
 * nsi_op_root_current() - what is / now is the root of all later paths
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_current(struct nsi_run *run, const struct nsi_op *op)
{
	int fd = open_root(run);

	(void)op;
	if (fd < 0)
		return fd;
	set_root(run, fd);
	return 0;
}

/* / is now what rootfd was: same mount, same directory. */
static int check_root(struct nsi_run *run)
{
	NSI_AUTO_FD int fd = open_root(run);
	struct statx now = { .stx_mask = 0 };
	struct statx wanted = now;
	int r;

	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = nsi_stat(fd, &now);
	r = r < 0 ? r : nsi_stat(run->rootfd, &wanted);
	if (r < 0)
		return r;
	if (now.stx_mnt_id != wanted.stx_mnt_id || now.stx_ino != wanted.stx_ino)
		return -ESTALE;
	set_root(run, nsi_take_fd(&fd));
	return 0;
}

static void drop_null(struct nsi_run *run)
{
	if (run->nullfd >= 0)
		nsi_sys_close(run->nullfd);
	run->nullfd = -1;
}

/*
 * A detached mount that is given up waits for a grace period of the kernel by itself. So our
 * procfs is attached to the anchor, where nobody sees it, and goes with that in one. Its
 * descriptor serves as before. Where the kernel refuses it stays detached.
 */
static void leave_procfs(const struct nsi_run *run)
{
	NSI_AUTO_FD int anchorfd = -1;

	if (!run->anchored || run->procfd < 0)
		return;
	anchorfd = nsi_sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	if (anchorfd >= 0)
		(void)nsi_sys_move_mount(run->procfd, "", anchorfd, NSI_ANCHOR_DIRECTORY,
					 MOVE_MOUNT_F_EMPTY_PATH);
}

/*
 * nsi_op_root_pivot() - switch to the attached root and let the old one go
 *
 * pivot_root(2) with both arguments "." stacks the old root on the new one, so no
 * directory is needed for it and read-only images work.
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_pivot(struct nsi_run *run, const struct nsi_op *op)
{
	int r;

	(void)op;
	if (run->rootfd < 0)
		return -EBADF;
	drop_null(run);
	leave_procfs(run);
	run->detail = NSI_AT_MOUNT;
	r = (int)NSI_SYS1(__NR_fchdir, run->rootfd);
	if (r == 0)
		r = (int)NSI_SYS2(__NR_pivot_root, ".", ".");
	if (r == 0)
		r = umount(".", UMOUNT_DETACH);
	if (r == 0)
		r = (int)NSI_SYS1(__NR_chdir, "/");
	return r < 0 ? r : check_root(run);
}

/*
 * nsi_op_root_move() - switch to the attached root, the old one staying below
 *
 * The tree lies on top of / already, which is what moving it there would do, so
 * .. never leads out: at the top of the namespace the kernel steps onto the
 * topmost mount again. What is mounted on the old one is detached or covered
 * (hide.c). For an / that pivot_root(2) refuses.
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_move(struct nsi_run *run, const struct nsi_op *op)
{
	int r;

	(void)op;
	if (run->rootfd < 0)
		return -EBADF;
	drop_null(run);
	r = nsi_hide_host(run);
	if (r < 0)
		return r;
	run->detail = NSI_AT_MOUNT;
	r = (int)NSI_SYS1(__NR_fchdir, run->rootfd);
	if (r == 0)
		r = (int)NSI_SYS1(__NR_chroot, ".");
	if (r == 0)
		r = (int)NSI_SYS1(__NR_chdir, "/");
	return r < 0 ? r : check_root(run);
}

/*
 * nsi_op_root_change() - switch to the root in mounts that are not the container's own
 *
 * No more than chroot(2) is: who may call it himself gets out. A process that joins
 * names the directory.
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_change(struct nsi_run *run, const struct nsi_op *op)
{
	const char *path = NSI_ROOT_CHANGE_PATH(run, op);
	int fd;
	int r;

	run->detail = NSI_AT_OPEN;
	if (path) {
		fd = nsi_sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd < 0)
			return fd;
		set_root(run, fd);
	}
	if (run->rootfd < 0)
		return -EBADF;
	drop_null(run);
	run->detail = NSI_AT_MOUNT;
	r = (int)NSI_SYS1(__NR_fchdir, run->rootfd);
	if (r == 0)
		r = (int)NSI_SYS1(__NR_chroot, ".");
	if (r == 0)
		r = (int)NSI_SYS1(__NR_chdir, "/");
	return r < 0 ? r : check_root(run);
}

/*
 * nsi_op_root_readonly() - the root's top mount, not those below it
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_readonly(struct nsi_run *run, const struct nsi_op *op)
{
	(void)op;
	if (run->rootfd < 0)
		return -EBADF;
	return nsi_tree_set(run, run->rootfd, 0, MOUNT_ATTR_RDONLY, 0, 0);
}

/*
 * nsi_op_root_enter() - work in a directory of the host
 *
 * For containers without a mount namespace: the root stays the host's.
 *
 * Return: 0 or -errno.
 */
int nsi_op_root_enter(struct nsi_run *run, const struct nsi_op *op)
{
	int r = (int)NSI_SYS1(__NR_chdir, NSI_ROOT_ENTER_PATH(run, op));

	run->detail = NSI_AT_OPEN;
	return r < 0 || run->rootfd >= 0 ? r : nsi_op_root_current(run, op);
}
