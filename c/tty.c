// SPDX-License-Identifier: Apache-2.0
/*
 * tty.c - the terminal and the standard descriptors.
 *
 * The pty is made in the container's own devpts. Its outer end is known by
 * device number and file system before it is used, its inner end comes from the
 * kernel (TIOCGPTPEER, Linux 4.13), never from a path like /dev/pts/0 that the
 * image controls (CVE-2025-52565). The outer end goes to the caller's process
 * and is closed here. Binding the inner end on /dev/console follows no link.
 * Last, descriptors 0 to 2: a descriptor of the host's null device would keep a
 * host mount reachable, so the container's own takes its place where there is
 * one that really is the null device.
 */
#include <asm/ioctls.h>
#include <linux/termios.h>

#include "cleanup.h"
#include "handshake.h"
#include "inroot.h"
#include "mount.h"
#include "slot.h"

#define PTMX_MAJOR 5
#define PTMX_MINOR 2
#define PTS_MAJOR_FIRST 136
#define PTS_MAJOR_LAST 143
#define NULL_MAJOR 1
#define NULL_MINOR 3

#define OPEN_PLAIN 1u
#define STDIO_TTY 1u
#define STDIO_COUNT 3

struct window {
	uint16_t rows, columns, width, height;
};

static int is_null(const struct statx *st)
{
	return (st->stx_mode & S_IFMT) == S_IFCHR && st->stx_rdev_major == NULL_MAJOR &&
	       st->stx_rdev_minor == NULL_MINOR;
}

/* 0 when @fd is a character device on devpts with a major in [first, last]. */
static int check_pty(int fd, uint32_t first, uint32_t last, struct statx *st)
{
	int r = nsi_on_fs(fd, NSI_DEVPTS_MAGIC);

	if (r <= 0)
		return r < 0 ? r : -ENODEV;
	r = nsi_stat(fd, st);
	if (r < 0)
		return r;
	if ((st->stx_mode & S_IFMT) != S_IFCHR || st->stx_rdev_major < first ||
	    st->stx_rdev_major > last)
		return -ENODEV;
	return 0;
}

static int check_ptmx(int fd)
{
	struct statx st = { .stx_mask = 0 };
	int r = check_pty(fd, PTMX_MAJOR, PTMX_MAJOR, &st);

	return r < 0 || st.stx_rdev_minor == PTMX_MINOR ? r : -ENODEV;
}

/* Looks before it opens: opening a device that is something else has effects. */
static int open_master(struct nsi_run *run)
{
	NSI_AUTO_FD int pathfd = -1;
	NSI_AUTO_FD int fd = -1;
	int r;

	run->detail = NSI_AT_OPEN;
	pathfd = nsi_inroot_open(run, "/dev/pts/ptmx", O_PATH, 0);
	if (pathfd < 0)
		return pathfd;
	run->detail = NSI_AT_VERIFY;
	r = check_ptmx(pathfd);
	if (r < 0)
		return r;
	run->detail = NSI_AT_OPEN;
	fd = nsi_inroot_open(run, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = check_ptmx(fd);
	return r < 0 ? r : nsi_take_fd(&fd);
}

static int open_slave(struct nsi_run *run, int masterfd)
{
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int unlock = 0;
	int r;

	run->detail = NSI_AT_OPEN;
	r = nsi_sys_ioctl(masterfd, TIOCSPTLCK, &unlock);
	if (r < 0)
		return r;
	fd = (int)NSI_SYS3(__NR_ioctl, masterfd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = check_pty(fd, PTS_MAJOR_FIRST, PTS_MAJOR_LAST, &st);
	return r < 0 ? r : nsi_take_fd(&fd);
}

/* Newlines then come out as the program writes them. */
static int set_plain(int slavefd)
{
	struct termios settings = { 0 };
	int r = nsi_sys_ioctl(slavefd, TCGETS, &settings);

	if (r < 0)
		return r;
	settings.c_oflag &= ~(unsigned int)ONLCR;
	return nsi_sys_ioctl(slavefd, TCSETS, &settings);
}

/*
 * nsi_op_tty_open() - make a pty in the container's devpts
 *
 * Return: 0 with the inner end in run->ttyfd; -ENODEV when the container's
 * /dev/pts is not a devpts; -errno.
 */
int nsi_op_tty_open(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_report report = { .type = NSI_MSG_FDS, .length = sizeof(uint32_t) };
	const uint32_t slot = NSI_SLOT_MASTER;
	struct window size = {
		.rows = (uint16_t)NSI_TTY_OPEN_ROWS(op),
		.columns = (uint16_t)NSI_TTY_OPEN_COLUMNS(op),
	};
	NSI_AUTO_FD int masterfd = -1;
	NSI_AUTO_FD int slavefd = -1;
	int r = 0;

	masterfd = open_master(run);
	if (masterfd < 0)
		return masterfd;
	slavefd = open_slave(run, masterfd);
	if (slavefd < 0)
		return slavefd;
	run->detail = NSI_AT_ATTRIBUTES;
	if (size.rows && size.columns)
		r = nsi_sys_ioctl(slavefd, TIOCSWINSZ, &size);
	if (r == 0 && (NSI_TTY_OPEN_FLAGS(op) & OPEN_PLAIN))
		r = set_plain(slavefd);
	if (r == 0)
		r = (int)NSI_SYS3(__NR_fchown, slavefd, NSI_TTY_OPEN_UID(op), NSI_TTY_OPEN_GID(op));
	if (r == 0)
		r = (int)NSI_SYS2(__NR_fchmod, slavefd, NSI_TTY_OPEN_MODE(op) & 07777);
	if (r < 0)
		return r;
	run->detail = NSI_AT_WRITE;
	r = nsi_send(run->sock, &report, &slot, &masterfd, 1);
	if (r < 0)
		return r;
	if (run->ttyfd >= 0)
		nsi_sys_close(run->ttyfd);
	run->ttyfd = nsi_take_fd(&slavefd);
	return 0;
}

/*
 * nsi_op_tty_own() - give the pty to the program's user
 *
 * Others of the user may then open it by its name, as after a login; writing to
 * it is for the group of terminals (tty(1), wall(1)).
 *
 * Return: 0; -EINVAL for an id that the user namespace does not have; -EPROTO
 * before the user is known; -errno.
 */
int nsi_op_tty_own(struct nsi_run *run, const struct nsi_op *op)
{
	int r;

	if (run->ttyfd < 0)
		return -EBADF;
	if (!run->have_user)
		return -EPROTO;
	r = (int)NSI_SYS3(__NR_fchown, run->ttyfd, run->user.uid, NSI_TTY_OWN_GID(op));
	if (r == 0)
		r = (int)NSI_SYS2(__NR_fchmod, run->ttyfd, NSI_TTY_OWN_MODE(op) & 07777);
	return r;
}

/* O_PATH on a new empty file, or on a file or character device that is there. */
static int open_console(struct nsi_run *run, int dirfd, const char *name)
{
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	run->detail = NSI_AT_MAKE;
	r = nsi_sys_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (r >= 0)
		nsi_sys_close(r);
	else if (r != -EEXIST)
		return r;
	fd = nsi_sys_openat(dirfd, name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_VERIFY;
	r = nsi_stat(fd, &st);
	if (r < 0)
		return r;
	if ((st.stx_mode & S_IFMT) == S_IFLNK)
		return -ELOOP;
	if ((st.stx_mode & S_IFMT) != S_IFREG && (st.stx_mode & S_IFMT) != S_IFCHR)
		return -EEXIST;
	return nsi_take_fd(&fd);
}

/*
 * nsi_op_tty_console() - bind the pty's inner end, e.g. on /dev/console
 *
 * Return: 0; -ELOOP when the name or a directory before it is a symlink; -EEXIST
 * when the name is neither a file nor a character device; -errno.
 */
int nsi_op_tty_console(struct nsi_run *run, const struct nsi_op *op)
{
	const char *path = NSI_TTY_CONSOLE_PATH(run, op);
	NSI_AUTO_FD int dirfd = -1;
	NSI_AUTO_FD int targetfd = -1;
	NSI_AUTO_FD int treefd = -1;
	const char *name = NULL;

	if (run->ttyfd < 0)
		return -EBADF;
	dirfd = nsi_inroot_real_parent(run, path, &name);
	if (dirfd < 0)
		return dirfd;
	targetfd = open_console(run, dirfd, name);
	if (targetfd < 0)
		return targetfd;
	run->detail = NSI_AT_MOUNT;
	treefd = nsi_sys_open_tree(run->ttyfd, "",
				   AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (treefd < 0)
		return treefd;
	return nsi_tree_attach(run, treefd, targetfd, path, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
}

/*
 * nsi_op_tty_control() - make the pty the controlling terminal of the session
 *
 * After fds.close only descriptor 0 is left of the inner end; stdio.set put it there.
 *
 * Return: 0 or -errno; -EPERM when the caller leads no session.
 */
int nsi_op_tty_control(struct nsi_run *run, const struct nsi_op *op)
{
	(void)op;
	return nsi_sys_ioctl(run->ttyfd < 0 ? 0 : run->ttyfd, TIOCSCTTY, NULL);
}

/* The container's null device, opened for @mode; -ENODEV when it is not one. */
static int open_null(struct nsi_run *run, int mode)
{
	NSI_AUTO_FD int pathfd = -1;
	NSI_AUTO_FD int fd = -1;
	struct statx st = { .stx_mask = 0 };
	int r;

	pathfd = nsi_inroot_open(run, "/dev/null", O_PATH, 0);
	if (pathfd < 0)
		return pathfd;
	r = nsi_stat(pathfd, &st);
	if (r < 0 || !is_null(&st))
		return r < 0 ? r : -ENODEV;
	fd = nsi_inroot_open(run, "/dev/null", mode | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	r = nsi_stat(fd, &st);
	if (r < 0 || !is_null(&st))
		return r < 0 ? r : -ENODEV;
	return nsi_take_fd(&fd);
}

/* @fd takes the place of @number; it is closed unless it is that already. */
static int place(int fd, int number)
{
	int r;

	if (fd == number) /* the lowest free number was the wanted one */
		return nsi_sys_fcntl(fd, F_SETFD, 0);
	r = nsi_sys_dup3(fd, number, 0);
	nsi_sys_close(fd);
	return r < 0 ? r : 0;
}

/* Closed becomes null; null of the host becomes that of the container. */
static int settle(struct nsi_run *run, int number)
{
	struct statx st = { .stx_mask = 0 };
	int r = nsi_stat(number, &st);
	int fd, mode;

	if (r == -EBADF) {
		fd = open_null(run, O_RDWR);
		return fd < 0 ? fd : place(fd, number);
	}
	if (r < 0)
		return r;
	if (!is_null(&st))
		return 0;
	mode = nsi_sys_fcntl(number, F_GETFL, 0);
	if (mode < 0)
		return mode;
	fd = open_null(run, mode & O_ACCMODE);
	return fd < 0 ? 0 : place(fd, number);
}

/* A duplicate above 2 of the descriptor for @number, so that none is overwritten. */
static int source_of(struct nsi_run *run, const struct nsi_op *op, int number)
{
	const int64_t slots[STDIO_COUNT] = {
		NSI_STDIO_SET_STDIN(op),
		NSI_STDIO_SET_STDOUT(op),
		NSI_STDIO_SET_STDERR(op),
	};
	int fd;

	if (NSI_STDIO_SET_FLAGS(op) & STDIO_TTY)
		fd = run->ttyfd;
	else if (slots[number] == -1)
		return -ENOENT;
	else
		fd = nsi_slot_get(run, (uint64_t)slots[number]);
	return fd < 0 ? -EBADF : nsi_sys_fcntl(fd, F_DUPFD_CLOEXEC, STDIO_COUNT);
}

/*
 * nsi_op_stdio_set() - descriptors 0, 1 and 2 of the program
 *
 * Runs before the user is dropped, who may not open the null device.
 *
 * Return: 0; the error of opening the container's null device when a descriptor
 * was closed on entry; -errno.
 */
int nsi_op_stdio_set(struct nsi_run *run, const struct nsi_op *op)
{
	int fds[STDIO_COUNT];
	int r = 0;

	run->detail = NSI_AT_OPEN;
	for (int i = 0; i < STDIO_COUNT; i++)
		fds[i] = source_of(run, op, i);
	for (int i = 0; i < STDIO_COUNT; i++) {
		if (fds[i] >= 0 && r == 0)
			r = place(fds[i], i);
		else if (fds[i] >= 0)
			nsi_sys_close(fds[i]);
		else if (fds[i] != -ENOENT && r == 0)
			r = fds[i];
	}
	for (int i = 0; i < STDIO_COUNT && r == 0; i++)
		r = settle(run, i);
	return r;
}

/*
 * nsi_op_stdio_own() - give pipes on descriptors 0, 1 and 2 to the program's user
 *
 * A pipe is made by the caller with mode 0600, and /dev/stderr is a name for it
 * that the program opens with its own rights. Files are left alone: they are
 * the caller's. In a user namespace the owner may be none that it has, then the
 * kernel refuses (EPERM, EINVAL) and the descriptors work all the same.
 *
 * Return: 0; -EPROTO before the user is known; -errno.
 */
int nsi_op_stdio_own(struct nsi_run *run, const struct nsi_op *op)
{
	struct statx st;
	int r;

	(void)op;
	if (!run->have_user)
		return -EPROTO;
	for (int i = 0; i < STDIO_COUNT; i++) {
		r = nsi_stat(i, &st);
		if (r < 0)
			return r;
		if ((st.stx_mode & S_IFMT) != S_IFIFO || st.stx_uid == run->user.uid)
			continue;
		r = (int)NSI_SYS3(__NR_fchown, i, run->user.uid, -1);
		if (r < 0 && r != -EPERM && r != -EINVAL)
			return r;
	}
	return 0;
}
