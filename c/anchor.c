/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor.c - a mount namespace that holds next to nothing.
 *
 * A new mount namespace is a copy of the one it is made in, and what was copied is
 * detached again when the root is switched: both take time for each mount of the
 * host. So a process that starts many containers makes one namespace with a
 * read-only tmpfs and the host's null device in it, and keeps it by a descriptor.
 * A child enters it, and makes its own from there; the trees that it needs of the
 * host arrive as detached copies (clone.c). Besides, nothing of the host's is
 * mounted where the child works.
 *
 * It is made by a child that shares memory and descriptors and does nothing else,
 * since a process with threads cannot leave its own namespace. Library only.
 */
#include "nsinit.h"
#include "cleanup.h"
#include "mount.h"
#include "parent.h"
#include "process.h"
#include "slot.h"
#include "sys.h"
#include "vfork.h"

#define MNT_DETACH 2
#define NULL_MAJOR 1
#define NULL_MINOR 3
#define FILE_TYPE 0170000
#define FILE_CHARACTER 0020000
#define NSFS_MAGIC 0x6e736673
#define F_DUPFD_CLOEXEC 1030

static int set_option(int fsfd, const char *key, const char *value)
{
	return (int)NSI_SYS5(__NR_fsconfig, fsfd, FSCONFIG_SET_STRING, key, value, 0);
}

static int make_tmpfs(void)
{
	const unsigned int attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	NSI_AUTO_FD int fsfd = (int)NSI_SYS2(__NR_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	int r;

	if (fsfd < 0)
		return fsfd;
	r = set_option(fsfd, "mode", "0555");
	if (r == 0)
		r = set_option(fsfd, "nr_inodes", "8");
	if (r == 0)
		r = (int)NSI_SYS5(__NR_fsconfig, fsfd, FSCONFIG_CMD_CREATE, 0, 0, 0);
	if (r < 0)
		return r;
	return (int)NSI_SYS3(__NR_fsmount, fsfd, FSMOUNT_CLOEXEC, attr);
}

/* A copy of the mount of the host's null device, and of no other file. */
static int clone_null(void)
{
	NSI_AUTO_FD int fd = nsi_sys_open_tree(
		AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	struct statx st = { 0 };
	int r;

	if (fd < 0)
		return fd;
	r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st);
	if (r < 0)
		return r;
	if ((st.stx_mode & FILE_TYPE) != FILE_CHARACTER || st.stx_rdev_major != NULL_MAJOR ||
	    st.stx_rdev_minor != NULL_MINOR)
		return -ENODEV;
	return nsi_take_fd(&fd);
}

static int furnish(int rootfd, int nullfd)
{
	NSI_AUTO_FD int filefd = -1;
	int r = nsi_sys_mkdirat(rootfd, NSI_ANCHOR_DIRECTORY, 0555);

	if (r < 0)
		return r;
	filefd = nsi_sys_openat(rootfd, NSI_ANCHOR_DIRECTORY "/null",
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0444);
	if (filefd < 0)
		return filefd;
	return nsi_sys_move_mount(nullfd, "", filefd, "",
				  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* In the new namespace: all goes but the tmpfs. */
static int empty_namespace(void)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	NSI_AUTO_FD int nullfd = clone_null();
	NSI_AUTO_FD int rootfd = make_tmpfs();
	int r;

	if (nullfd < 0)
		return nullfd;
	if (rootfd < 0)
		return rootfd;
	r = nsi_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private);
	if (r == 0)
		r = nsi_sys_move_mount(rootfd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	if (r == 0)
		r = nsi_sys_mount_setattr(nullfd, "", AT_EMPTY_PATH, &private);
	if (r == 0)
		r = furnish(rootfd, nullfd);
	if (r == 0)
		r = (int)NSI_SYS1(__NR_fchdir, rootfd);
	if (r == 0)
		r = (int)NSI_SYS2(__NR_pivot_root, ".", ".");
	if (r == 0)
		r = (int)NSI_SYS2(__NR_umount2, ".", MNT_DETACH);
	return r < 0 ? r : nsi_sys_mount_setattr(rootfd, "", AT_EMPTY_PATH, &readonly);
}

static int open_namespace(void)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY, 0);
	struct nsi_statfs fs = { 0 };
	int r;

	if (fd < 0)
		return fd;
	r = nsi_sys_fstatfs(fd, &fs);
	if (r < 0)
		return r;
	return fs.type == NSFS_MAGIC ? nsi_take_fd(&fd) : -ENODEV;
}

/* First and only function of the child, whose descriptors are the caller's. */
__attribute__((noreturn)) static void child_main(void *argument)
{
	volatile int *result = argument;
	int fd = open_namespace(), r;

	r = fd < 0 ? fd : empty_namespace();
	if (r < 0 && fd >= 0)
		nsi_sys_close(fd);
	*result = r < 0 ? r : fd;
	for (;;)
		NSI_SYS1(__NR_exit, 0);
}

static int make(void)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_FILES };
	volatile int result = -ECHILD;
	int32_t status[2];
	int pidfd = -1;
	long pid = nsi_clone_vfork(&args, child_main, (void *)&result, &pidfd);

	if (pid < 0)
		return (int)pid;
	(void)nsi_process_wait(pidfd, 0, status);
	nsi_sys_close(pidfd);
	return result;
}

/*
 * nsi_anchor() - the anchor namespace, made at the first call
 *
 * Safe from several threads at once: who comes second closes its own.
 *
 * Return: a descriptor that stays open for the life of the process, or -errno: this host
 * does not allow it, as where / cannot be pivoted away.
 */
int32_t nsi_anchor(void)
{
	static int kept = -1;
	int fd = __atomic_load_n(&kept, __ATOMIC_ACQUIRE), none = -1;

	if (fd >= 0)
		return fd;
	fd = make();
	if (fd < 0)
		return fd;
	if (__atomic_compare_exchange_n(&kept, &none, fd, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fd;
	nsi_sys_close(fd);
	return none;
}

/*
 * nsi_op_anchor_open() - the anchor namespace for the child
 * @run: gets a duplicate in the slot
 * @op:  anchor.open
 *
 * Return: 0 or -errno.
 */
int nsi_op_anchor_open(struct nsi_run *run, const struct nsi_op *op)
{
	int fd = nsi_anchor();

	run->detail = NSI_AT_OPEN;
	if (fd >= 0)
		fd = nsi_sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? fd : nsi_slot_put(run, NSI_ANCHOR_OPEN_SLOT(op), fd);
}
