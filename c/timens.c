/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timens.c - a time namespace of the container's own (time_namespaces(7)).
 *
 * Offsets can be written until the first process is in the namespace. clone3(2)
 * with CLONE_NEWTIME would put the child in at once; unshare(2) only prepares the
 * namespace for children, so the helper writes the offsets and then enters what it
 * has prepared by setns(2), which a process with one thread may (Linux 5.6).
 *
 * The file belongs to root of the user namespace that the helper was executed in
 * while it is not dumpable (proc(5)), which a caller without privilege is not. In
 * a user namespace that is new the flag is lifted for the moment, as for the id
 * maps: the ids are still the caller's, and nobody else is in there. In one that
 * is joined somebody may be, with the right to trace us.
 */
#include "cleanup.h"
#include "helper.h"
#include "inroot.h"
#include <linux/prctl.h>

static int write_offsets(struct nsi_run *run, const char *offsets, int alone)
{
	int r, undone;

	run->detail = NSI_AT_WRITE;
	r = nsi_proc_write(run, "self/timens_offsets", offsets);
	if (r != -EACCES || !alone)
		return r;
	r = nsi_sys_prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (r < 0)
		return r;
	r = nsi_proc_write(run, "self/timens_offsets", offsets);
	undone = nsi_undumpable();
	return r < 0 ? r : undone;
}

/*
 * nsi_op_time_enter() - make a time namespace and enter it
 * @run: with the private procfs
 * @op:  time.enter
 *
 * Return: 0, -ERANGE for a clock that would be negative, or another -errno.
 */
int nsi_op_time_enter(struct nsi_run *run, const struct nsi_op *op)
{
	const char *offsets = NSI_TIME_ENTER_OFFSETS(run, op);
	int r;

	run->detail = NSI_AT_CLONE;
	r = (int)NSI_SYS1(__NR_unshare, CLONE_NEWTIME);
	if (r == 0 && offsets)
		r = write_offsets(run, offsets, NSI_TIME_ENTER_FLAGS(op) & 1);
	if (r < 0)
		return r;
	run->detail = NSI_AT_OPEN;
	NSI_AUTO_FD int dirfd = nsi_proc_open(run, "self/ns", O_RDONLY | O_DIRECTORY);
	if (dirfd < 0)
		return dirfd;
	/* The one link that is followed: setns(2) takes nothing but a time namespace from it. */
	NSI_AUTO_FD int fd = nsi_sys_openat(dirfd, "time_for_children", O_RDONLY, 0);
	if (fd < 0)
		return fd;
	run->detail = NSI_AT_JOIN;
	r = (int)NSI_SYS2(__NR_setns, fd, CLONE_NEWTIME);
	return r < 0 ? r : nsi_undumpable();
}
