// SPDX-License-Identifier: Apache-2.0
/*
 * userfiles.c - the container's passwd and group files, opened for the caller.
 *
 * The caller's process reads them, as it knows how to parse and how much to
 * take; it only ever gets descriptors of regular files that were resolved inside
 * the root. A fifo would make a reader wait for ever and opening a device can
 * have effects, so each name is looked at with O_PATH first and the opened file
 * must be the one that was seen.
 */
#include "account.h"
#include "cleanup.h"
#include "handshake.h"
#include "inroot.h"
#include "mount.h"

/* -ENOENT when missing or masked by the null device, -EINVAL for what is not a regular file. */
static int open_regular(struct nsi_run *run, const char *path)
{
	NSI_AUTO_FD int pathfd = -1;
	NSI_AUTO_FD int fd = -1;
	struct statx seen = { .stx_mask = 0 };
	struct statx st = seen;
	int r;

	run->detail = NSI_AT_RESOLVE;
	pathfd = nsi_inroot_open(run, path, O_PATH, 0);
	if (pathfd < 0)
		return pathfd == -ENOTDIR ? -ENOENT : pathfd;
	r = nsi_stat(pathfd, &seen);
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	if ((seen.stx_mode & S_IFMT) == S_IFCHR && seen.stx_rdev_major == 1 &&
	    seen.stx_rdev_minor == 3)
		return -ENOENT;
	if ((seen.stx_mode & S_IFMT) != S_IFREG)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	fd = nsi_inroot_open(run, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	r = nsi_stat(fd, &st);
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	if (st.stx_ino != seen.stx_ino || st.stx_mnt_id != seen.stx_mnt_id ||
	    (st.stx_mode & S_IFMT) != S_IFREG)
		return -ESTALE;
	return nsi_take_fd(&fd);
}

/* Are these the files that the user of the operation was looked up in? */
static int are_known(struct nsi_run *run, const struct nsi_op *op, int passwdfd, int groupfd)
{
	struct nsi_bytes known = NSI_USER_FILES_KNOWN(run, op);
	struct nsi_account found[2];
	int r;

	if (known.length != sizeof(found))
		return known.length ? -EPROTO : 0;
	run->detail = NSI_AT_VERIFY;
	r = nsi_account_look(passwdfd, &found[0]);
	if (r == 0)
		r = nsi_account_look(groupfd, &found[1]);
	return r < 0 ? r : !__builtin_memcmp(found, known.data, sizeof(found));
}

static int send_files(struct nsi_run *run, int passwdfd, int groupfd)
{
	struct nsi_report report = { .type = NSI_MSG_FDS };
	uint32_t slots[2];
	int fds[2];
	uint32_t count = 0;

	if (passwdfd >= 0) {
		slots[count] = NSI_SLOT_PASSWD;
		fds[count++] = passwdfd;
	}
	if (groupfd >= 0) {
		slots[count] = NSI_SLOT_GROUP;
		fds[count++] = groupfd;
	}
	report.length = count * (uint32_t)sizeof(slots[0]);
	run->detail = NSI_AT_WRITE;
	return nsi_send(run->sock, &report, slots, fds, count);
}

/*
 * nsi_op_user_files() - give etc/passwd and etc/group to the parent
 * @run: gets the user when these are the files that it was looked up in before
 * @op:  user.files
 *
 * Always one message, where the files are not known; a missing file is simply not in it.
 *
 * Return: 0; -EINVAL when one is there and not a regular file; -errno.
 */
int nsi_op_user_files(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes user = NSI_USER_FILES_USER(run, op);
	NSI_AUTO_FD int passwdfd = -1;
	NSI_AUTO_FD int groupfd = -1;
	int r;

	passwdfd = open_regular(run, "/etc/passwd");
	if (passwdfd < 0 && passwdfd != -ENOENT)
		return passwdfd;
	groupfd = open_regular(run, "/etc/group");
	if (groupfd < 0 && groupfd != -ENOENT)
		return groupfd;
	r = are_known(run, op, passwdfd, groupfd);
	if (r < 0)
		return r;
	return r ? nsi_user_keep(run, user.data, user.length) : send_files(run, passwdfd, groupfd);
}
