/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.c - system calls that JavaScript needs on descriptors of a run: ends of
 * processes, bytes, terminals. Each is one call and keeps no state.
 */
#include "cleanup.h"
#include "nsinit.h"
#include "process.h"
#include "sys.h"
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/termios.h>

/*
 * nsi_wait() - wait for the end of a child
 * @pidfd:   of the child; borrowed
 * @options: WNOHANG or 0, which blocks
 * @out:     gets si_code and si_status
 *
 * Return: 0, -EAGAIN (WNOHANG, it lives), -ECHILD, or another -errno.
 */
int32_t nsi_wait(int32_t pidfd, int32_t options, int32_t *out)
{
	return nsi_process_wait(pidfd, options, out);
}

/*
 * nsi_pidfd_open() - pidfd_open(2)
 * @pid: process id in the caller's namespace
 *
 * Return: the descriptor, owned by the caller, or -errno.
 */
int32_t nsi_pidfd_open(int32_t pid)
{
	return (int32_t)NSI_SYS2(__NR_pidfd_open, pid, 0);
}

/*
 * nsi_pidfd_signal() - pidfd_send_signal(2)
 * @pidfd:  of the process; borrowed
 * @signal: number, 0 only tests
 *
 * Return: 0 or -errno.
 */
int32_t nsi_pidfd_signal(int32_t pidfd, int32_t signal)
{
	return nsi_process_signal(pidfd, signal);
}

/*
 * nsi_close() - close(2)
 * @fd: owned by the caller
 *
 * Return: 0 or -errno.
 */
int32_t nsi_close(int32_t fd)
{
	return nsi_sys_close(fd);
}

/*
 * nsi_read() - read(2)
 * @fd:     borrowed
 * @data:   room for @length bytes
 * @length: how many at most
 *
 * Return: how many, 0 at the end, or -errno.
 */
int64_t nsi_read(int32_t fd, void *data, uint64_t length)
{
	return nsi_sys_read(fd, data, length);
}

/*
 * nsi_write() - write(2)
 * @fd:     borrowed
 * @data:   @length bytes
 * @length: how many
 *
 * A closed pipe raises SIGPIPE, which the caller's process ignores.
 *
 * Return: how many were written, or -errno.
 */
int64_t nsi_write(int32_t fd, const void *data, uint64_t length)
{
	return nsi_sys_write(fd, data, length);
}

/*
 * nsi_pipe() - a pipe, close-on-exec
 * @out: gets the end to read from and the end to write to, owned by the caller
 *
 * Return: 0 or -errno.
 */
int32_t nsi_pipe(int32_t *out)
{
	return (int32_t)NSI_SYS2(__NR_pipe2, out, O_CLOEXEC);
}

/*
 * nsi_null() - the host's null device, for detached standard streams
 *
 * Return: a descriptor for reading and writing, owned by the caller; -ENODEV when
 * /dev/null is not the null device.
 */
int32_t nsi_null(void)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, "/dev/null", O_RDWR | O_NOFOLLOW, 0);
	struct statx sx = { 0 };
	int r;

	if (fd < 0)
		return fd;
	r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx);
	if (r < 0)
		return r;
	if ((sx.stx_mode & S_IFMT) != S_IFCHR || sx.stx_rdev_major != 1 || sx.stx_rdev_minor != 3)
		return -ENODEV;
	return nsi_take_fd(&fd);
}

/*
 * nsi_isatty() - whether a descriptor is a terminal
 * @fd: borrowed
 *
 * Return: 1 or 0.
 */
int32_t nsi_isatty(int32_t fd)
{
	struct termios settings;

	return nsi_sys_ioctl(fd, TCGETS, &settings) == 0;
}

/*
 * nsi_window_size() - size of a terminal
 * @fd:  of the terminal; borrowed
 * @out: gets rows and columns
 *
 * Return: 0 or -errno.
 */
int32_t nsi_window_size(int32_t fd, uint32_t *out)
{
	struct winsize size = { 0 };
	int r = nsi_sys_ioctl(fd, TIOCGWINSZ, &size);

	if (r < 0)
		return r;
	out[0] = size.ws_row;
	out[1] = size.ws_col;
	return 0;
}

/*
 * nsi_window_resize() - set the size of a terminal
 * @fd:      of the terminal; borrowed
 * @rows:    rows, at most 65535
 * @columns: columns, at most 65535
 *
 * Return: 0, -ERANGE, or another -errno.
 */
int32_t nsi_window_resize(int32_t fd, uint32_t rows, uint32_t columns)
{
	struct winsize size = { 0 };

	if (rows > UINT16_MAX || columns > UINT16_MAX)
		return -ERANGE;
	size.ws_row = (uint16_t)rows;
	size.ws_col = (uint16_t)columns;
	return nsi_sys_ioctl(fd, TIOCSWINSZ, &size);
}

/*
 * nsi_geteuid() - effective uid of the caller
 *
 * Return: the uid; one beyond INT32_MAX comes out negative.
 */
int32_t nsi_geteuid(void)
{
	return (int32_t)NSI_SYS0(__NR_geteuid);
}

/*
 * nsi_fs_room() - bytes that may still be written to the file system of a path
 * @path: in the caller's namespaces, links followed
 *
 * Return: what statfs(2) tells to be free for all, INT64_MAX where the file
 * system counts nothing, or -errno.
 */
int64_t nsi_fs_room(const char *path)
{
	struct nsi_statfs info = { 0 };
	int64_t room;
	long r = NSI_SYS2(__NR_statfs, path, &info);

	if (r < 0)
		return r;
	if (info.blocks == 0 || __builtin_mul_overflow(info.bavail, info.bsize, &room))
		return INT64_MAX;
	return room;
}
