// SPDX-License-Identifier: Apache-2.0
/*
 * mask.c - paths hidden from the container or made read-only.
 *
 * What covers a file is the host's null device, opened once before the root is
 * switched and known by type and number, never the container's /dev/null, which
 * the image may have made a link to something else (CVE-2025-31133). A missing
 * path is fine, there is nothing to hide; a missing null device is not. What is
 * made read-only is a clone of the path itself, so flags that it already has
 * (nosuid, nodev, noexec) stay.
 */
#include "cleanup.h"
#include "inroot.h"
#include "mount.h"

#define NULL_MAJOR 1
#define NULL_MINOR 3

/*
 * nsi_null_device() - the host's null device
 *
 * Must be called first while / is the host's. The descriptor is of no use for
 * clones once the host's mounts are detached, so root.pivot closes it.
 *
 * Return: run->nullfd, which stays the run's; -ENODEV for anything else under
 * that name; -errno.
 */
int nsi_null_device(struct nsi_run *run)
{
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	if (run->nullfd >= 0)
		return run->nullfd;
	fd = nsi_sys_openat(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	r = nsi_stat(fd, &st);
	if (r < 0)
		return r;
	if ((st.stx_mode & S_IFMT) != S_IFCHR || st.stx_rdev_major != NULL_MAJOR ||
	    st.stx_rdev_minor != NULL_MINOR)
		return -ENODEV;
	run->nullfd = nsi_take_fd(&fd);
	return run->nullfd;
}

static int clone_null(struct nsi_run *run)
{
	int fd;

	run->detail = NSI_AT_OPEN;
	fd = nsi_null_device(run);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_MOUNT;
	return nsi_sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/*
 * An empty directory that cannot be written to. All that hide something are one
 * file system: the first one's descriptor refers to it once it is attached, and
 * clones of it cost less than file systems.
 */
static int make_empty(struct nsi_run *run)
{
	static const uint8_t options[] = "mode\0000555\0nr_inodes\0001";
	const struct nsi_bytes list = { options, sizeof(options) };

	if (run->emptyfd >= 0) {
		run->detail = NSI_AT_MOUNT;
		return nsi_sys_open_tree(run->emptyfd, "",
					 AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	}
	return nsi_fs_make(run, "tmpfs", NULL, list,
			   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				   MOUNT_ATTR_NOEXEC);
}

/* Opens a path to be covered; -ENOENT also when a parent is no directory. */
static int open_covered(struct nsi_run *run, const char *path, int flags, uint64_t resolve,
			struct statx *st_out)
{
	NSI_AUTO_FD int fd = -1;
	int r;

	run->detail = NSI_AT_RESOLVE;
	fd = nsi_inroot_open(run, path, O_PATH | flags, resolve);
	if (fd < 0)
		return fd == -ENOTDIR ? -ENOENT : fd;
	r = nsi_stat(fd, st_out);
	return r < 0 ? r : nsi_take_fd(&fd);
}

/*
 * nsi_op_path_mask() - hide a path
 *
 * Return: 0, also when the path is missing; -errno.
 */
int nsi_op_path_mask(struct nsi_run *run, const struct nsi_op *op)
{
	const char *path = NSI_PATH_MASK_PATH(run, op);
	NSI_AUTO_FD int treefd = -1;
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int is_directory, r;

	fd = open_covered(run, path, 0, 0, &st);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	is_directory = (st.stx_mode & S_IFMT) == S_IFDIR;
	treefd = is_directory ? make_empty(run) : clone_null(run);
	if (treefd < 0)
		return treefd;
	r = nsi_tree_attach(run, treefd, fd, path, 0, 0);
	if (r == 0 && is_directory && run->emptyfd < 0)
		run->emptyfd = nsi_take_fd(&treefd);
	return r;
}

/* A clone of what @fd refers to with the attributes @attr, over itself. */
static int cover(struct nsi_run *run, int fd, uint64_t attr, const char *path, int flags,
		 uint64_t resolve)
{
	NSI_AUTO_FD int treefd = -1;
	int r;

	run->detail = NSI_AT_MOUNT;
	treefd = nsi_sys_open_tree(
		fd, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (treefd < 0)
		return treefd;
	r = attr ? nsi_tree_set(run, treefd, AT_RECURSIVE, attr, 0, 0) : 0;
	return r < 0 ? r : nsi_tree_attach(run, treefd, fd, path, flags, resolve);
}

/*
 * nsi_op_path_readonly() - make a path read-only with everything below it
 *
 * Return: 0, also when the path is missing; -errno.
 */
int nsi_op_path_readonly(struct nsi_run *run, const struct nsi_op *op)
{
	const char *path = NSI_PATH_READONLY_PATH(run, op);
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };

	fd = open_covered(run, path, 0, 0, &st);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return cover(run, fd, MOUNT_ATTR_RDONLY, path, 0, 0);
}

/*
 * nsi_op_file_protect() - make one regular file of the root read-only
 *
 * A directory becomes a mount as it is: what is mounted cannot be renamed, and
 * so neither can the way to a file.
 *
 * Return: 0, also when the file is missing; -ELOOP for a link, -EINVAL for the
 * root and anything that is neither a regular file nor a directory; -errno.
 */
int nsi_op_file_protect(struct nsi_run *run, const struct nsi_op *op)
{
	const char *path = NSI_FILE_PROTECT_PATH(run, op);
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int is_directory;

	fd = open_covered(run, path, O_NOFOLLOW, RESOLVE_NO_SYMLINKS, &st);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	run->detail = NSI_AT_VERIFY;
	if ((st.stx_mode & S_IFMT) == S_IFLNK)
		return -ELOOP;
	is_directory = (st.stx_mode & S_IFMT) == S_IFDIR && path[0] == '/' && path[1] != '\0';
	if ((st.stx_mode & S_IFMT) != S_IFREG && !is_directory)
		return -EINVAL;
	return cover(run, fd, is_directory ? 0 : MOUNT_ATTR_RDONLY, path, O_NOFOLLOW,
		     RESOLVE_NO_SYMLINKS);
}
