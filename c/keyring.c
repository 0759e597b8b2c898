/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.c - the session keyring of a container (keyrings(7)).
 *
 * A session keyring is inherited, and with it the possession of the caller's
 * keys. So the first thing that the helper does is to take an empty one, which
 * is charged to the caller, and whoever finds no other keeps that. Once it is in
 * the container's user namespace it joins the keyring that all processes of the
 * container share by its name; names belong to a user namespace (Linux 5.3).
 *
 * A keyring with a name is charged to root of the container, who may have 200
 * of them over all containers with the same ids: beyond that (EDQUOT) the empty
 * one has to do. EPERM is the answer of a filter around the caller, which then
 * covers the program too, and ENOSYS that of a kernel without keys.
 */
#include "helper.h"
#include "sys.h"
#include <linux/keyctl.h>

/* Possessor: everything. Same user: view, read, search, link. The kernel leaves out the
 * search, without which the next process would not find the keyring by its name. */
#define NSI_KEYRING_PERMISSIONS (0x3f000000 | 0x001b0000)

static int can_do_without(long r)
{
	return r == -EPERM || r == -ENOSYS || r == -EDQUOT || r == -EACCES;
}

/*
 * nsi_keyring_drop() - let an empty session keyring take the place of the caller's
 * @run: with the Plan open; a child's list without keyring.join keeps the caller's
 *
 * Return: 0 or -errno.
 */
int nsi_keyring_drop(const struct nsi_run *run)
{
	long r = 0;

	for (uint32_t i = 0; i < run->plan.count[NSI_LIST_CHILD]; i++)
		if (run->plan.op[NSI_LIST_CHILD][i].kind == NSI_OP_KEYRING_JOIN)
			r = NSI_SYS2(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
	return r >= 0 || r == -EPERM || r == -ENOSYS ? 0 : (int)r;
}

/*
 * nsi_op_keyring_join() - join the container's session keyring
 * @run: the run
 * @op:  keyring.join
 *
 * Return: 0, also when the empty keyring of the start has to do; or -errno.
 */
int nsi_op_keyring_join(struct nsi_run *run, const struct nsi_op *op)
{
	const char *name = NSI_KEYRING_JOIN_NAME(run, op);
	long id, r;

	if (!name)
		return 0;
	id = NSI_SYS2(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
	if (id < 0)
		return can_do_without(id) ? 0 : (int)id;
	r = NSI_SYS3(__NR_keyctl, KEYCTL_SETPERM, id, NSI_KEYRING_PERMISSIONS);
	return r < 0 && !can_do_without(r) ? (int)r : 0;
}
