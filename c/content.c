/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content.c - files that the runtime itself puts into a root it has made, and
 * who owns what is there.
 *
 * Written by name below a directory that was opened inside the root through real
 * directories only, with O_EXCL and O_NOFOLLOW: neither a link nor a file that is
 * there already is ever written to (CVE-2025-24965).
 */
#include "cleanup.h"
#include "inroot.h"
#include "sys.h"

static int write_all(int fd, struct nsi_bytes content)
{
	const uint8_t *data = content.data;
	size_t length = content.length;

	while (length) {
		long n = nsi_sys_write(fd, data, length);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/*
 * nsi_op_file_write() - a new file with its content
 *
 * Return: 0; -EEXIST when something has the name, -ELOOP for a symlink on the way;
 * -errno.
 */
int nsi_op_file_write(struct nsi_run *run, const struct nsi_op *op)
{
	const char *name = NULL;
	NSI_AUTO_FD int dirfd = nsi_inroot_real_parent(run, NSI_FILE_WRITE_PATH(run, op), &name);
	NSI_AUTO_FD int fd = -1;
	int r;

	if (dirfd < 0)
		return dirfd;
	run->detail = NSI_AT_MAKE;
	fd = nsi_sys_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_WRITE;
	r = write_all(fd, NSI_FILE_WRITE_CONTENT(run, op));
	if (r < 0)
		return r;
	return (int)NSI_SYS2(__NR_fchmod, fd, NSI_FILE_WRITE_MODE(op) & 07777);
}

/*
 * nsi_op_path_own() - give what is at a path an owner
 *
 * Return: 0; -ELOOP for a symlink, also as the last component; -errno.
 */
int nsi_op_path_own(struct nsi_run *run, const struct nsi_op *op)
{
	NSI_AUTO_FD int fd = -1;

	run->detail = NSI_AT_RESOLVE;
	fd = nsi_inroot_open(run, NSI_PATH_OWN_PATH(run, op), O_PATH, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_ATTRIBUTES;
	return (int)NSI_SYS5(__NR_fchownat, fd, "", NSI_PATH_OWN_UID(op), NSI_PATH_OWN_GID(op),
			     AT_EMPTY_PATH);
}
