// SPDX-License-Identifier: Apache-2.0
/*
 * device.c - device nodes, links and directories of the container.
 *
 * The directory is opened once, inside the root and through real directories
 * only: a /dev that is a symlink would put nodes and links somewhere else
 * (CVE-2026-47766). Everything is made by name below that descriptor with calls
 * that follow nothing, and what has been made is opened again with O_NOFOLLOW
 * and known by type and number before its owner changes (CVE-2026-88264).
 * In a user namespace mknod(2) is refused; there the host's own node is bound.
 */
#include "cleanup.h"
#include "inroot.h"
#include "mount.h"
#include "text.h"

#define DEVICE_BIND 1u
#define LINK_REPLACE 1u
#define LINK_MAX 4096

static unsigned int device_major(uint64_t device)
{
	return (unsigned int)((device >> 8) & 0xfff) | (unsigned int)((device >> 32) & ~0xfffu);
}

static unsigned int device_minor(uint64_t device)
{
	return (unsigned int)(device & 0xff) | (unsigned int)((device >> 12) & ~0xffu);
}

/* 1 when @fd is the node of the operation, 0 when not, -errno. */
static int is_device(int fd, const struct nsi_op *op, struct statx *st)
{
	uint64_t device = NSI_DEVICE_MAKE_DEVICE(op);
	uint64_t type = NSI_DEVICE_MAKE_TYPE(op) & S_IFMT;
	int r = nsi_stat(fd, st);

	if (r < 0)
		return r;
	if ((st->stx_mode & S_IFMT) != type)
		return 0;
	return type == S_IFIFO || (st->stx_rdev_major == device_major(device) &&
				   st->stx_rdev_minor == device_minor(device));
}

static int open_node(int dirfd, const char *name)
{
	return nsi_sys_openat(dirfd, name, O_PATH | O_NOFOLLOW, 0);
}

static int make_node(struct nsi_run *run, const struct nsi_op *op, int dirfd, const char *name)
{
	uint64_t device = NSI_DEVICE_MAKE_DEVICE(op);
	unsigned int number = (device_minor(device) & 0xff) | (device_major(device) << 8) |
			      ((device_minor(device) & ~0xffu) << 12);
	uint64_t mode = (NSI_DEVICE_MAKE_TYPE(op) & S_IFMT) | (NSI_DEVICE_MAKE_MODE(op) & 07777);
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	long mask;
	int r;

	run->detail = NSI_AT_MAKE;
	mask = NSI_SYS1(__NR_umask, 0);
	r = (int)NSI_SYS4(__NR_mknodat, dirfd, name, mode, number);
	NSI_SYS1(__NR_umask, mask);
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	fd = open_node(dirfd, name);
	if (fd < 0)
		return fd;
	r = is_device(fd, op, &st);
	if (r <= 0)
		return r < 0 ? r : -ESTALE;
	run->detail = NSI_AT_ATTRIBUTES;
	return (int)NSI_SYS5(__NR_fchownat, fd, "", NSI_DEVICE_MAKE_UID(op),
			     NSI_DEVICE_MAKE_GID(op), AT_EMPTY_PATH);
}

/* The host's node of the same path, cloned; / is still the host's. */
static int clone_host_node(struct nsi_run *run, const struct nsi_op *op)
{
	const char *path = NSI_DEVICE_MAKE_PATH(run, op);
	NSI_AUTO_FD int hostfd = -1;
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	while (*path == '/')
		path++;
	run->detail = NSI_AT_OPEN;
	hostfd = nsi_sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	if (hostfd < 0)
		return hostfd;
	fd = open_node(hostfd, path);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = is_device(fd, op, &st);
	if (r <= 0)
		return r < 0 ? r : -ENODEV;
	run->detail = NSI_AT_MOUNT;
	return nsi_sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* @fd (or a file to be made, when it is -1) is covered by the host's node. */
static int bind_node(struct nsi_run *run, const struct nsi_op *op, int dirfd, const char *name,
		     int fd)
{
	NSI_AUTO_FD int treefd = clone_host_node(run, op);
	NSI_AUTO_FD int targetfd = -1;

	if (treefd < 0)
		return treefd;
	if (fd < 0) {
		int r;

		run->detail = NSI_AT_MAKE;
		r = nsi_sys_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
		if (r < 0)
			return r;
		nsi_sys_close(r);
		targetfd = open_node(dirfd, name);
		if (targetfd < 0)
			return targetfd;
		fd = targetfd;
	}
	return nsi_tree_attach(run, treefd, fd, NSI_DEVICE_MAKE_PATH(run, op), O_NOFOLLOW,
			       RESOLVE_NO_SYMLINKS);
}

/*
 * nsi_op_device_make() - a device node, made or bound
 *
 * An existing node of the same type and number is kept as it is.
 *
 * Return: 0; -EEXIST when something else has the name; -ENODEV when the host has
 * no such node to bind; -ELOOP for a symlink on the way; -errno.
 */
int nsi_op_device_make(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t bind = NSI_DEVICE_MAKE_FLAGS(op) & DEVICE_BIND;
	NSI_AUTO_FD int dirfd = -1;
	NSI_AUTO_FD int fd = -1;
	const char *name = NULL;
	struct statx st = { .stx_mask = 0 };
	int r;

	dirfd = nsi_inroot_real_parent(run, NSI_DEVICE_MAKE_PATH(run, op), &name);
	if (dirfd < 0)
		return dirfd;
	fd = open_node(dirfd, name);
	if (fd == -ENOENT)
		return bind ? bind_node(run, op, dirfd, name, -1) : make_node(run, op, dirfd, name);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = is_device(fd, op, &st);
	if (r != 0)
		return r < 0 ? r : 0;
	if (bind && (st.stx_mode & S_IFMT) == S_IFREG)
		return bind_node(run, op, dirfd, name, fd);
	return -EEXIST;
}

/* 1 when @name is a link to @target already, 2 when it is a directory, 0, -errno. */
static int look_at_link(int dirfd, const char *name, const char *target)
{
	char text[LINK_MAX];
	struct statx st = { .stx_mask = 0 };
	int r = nsi_sys_statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st);
	long n;

	if (r < 0)
		return r;
	if ((st.stx_mode & S_IFMT) == S_IFDIR)
		return 2;
	if ((st.stx_mode & S_IFMT) != S_IFLNK)
		return 0;
	n = NSI_SYS4(__NR_readlinkat, dirfd, name, text, sizeof(text) - 1);
	if (n < 0)
		return (int)n;
	text[n] = 0;
	return nsi_text_equal(text, target);
}

/*
 * nsi_op_link_make() - a symlink, e.g. /dev/fd
 *
 * An existing name is kept; with flags bit 0 it is replaced unless it is that
 * very link or a directory.
 *
 * Return: 0; -ELOOP for a symlink on the way; -errno.
 */
int nsi_op_link_make(struct nsi_run *run, const struct nsi_op *op)
{
	const char *target = NSI_LINK_MAKE_TARGET(run, op);
	NSI_AUTO_FD int dirfd = -1;
	const char *name = NULL;
	int r;

	dirfd = nsi_inroot_real_parent(run, NSI_LINK_MAKE_PATH(run, op), &name);
	if (dirfd < 0)
		return dirfd;
	run->detail = NSI_AT_MAKE;
	r = (int)NSI_SYS3(__NR_symlinkat, target, dirfd, name);
	if (r != -EEXIST)
		return r;
	if (!(NSI_LINK_MAKE_FLAGS(op) & LINK_REPLACE))
		return 0;
	r = look_at_link(dirfd, name, target);
	if (r != 0)
		return r < 0 ? r : 0;
	r = nsi_sys_unlinkat(dirfd, name, 0);
	return r < 0 ? r : (int)NSI_SYS3(__NR_symlinkat, target, dirfd, name);
}

/*
 * nsi_op_dir_make() - a directory with its parents
 *
 * Return: 0, also when it exists; -errno.
 */
int nsi_op_dir_make(struct nsi_run *run, const struct nsi_op *op)
{
	unsigned int mode = (unsigned int)(NSI_DIR_MAKE_MODE(op) & 07777);
	int fd = nsi_inroot_make(run, NSI_DIR_MAKE_PATH(run, op), NSI_TARGET_DIRECTORY, 0, mode);

	if (fd < 0)
		return fd;
	nsi_sys_close(fd);
	return 0;
}
