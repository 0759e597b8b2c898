/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.c - who the program is and what it may do: user and groups,
 * capabilities (capabilities(7)), no_new_privs, limits, session, personality.
 *
 * Order in a Plan: caps.bound while CAP_SETPCAP is held, then user.apply, which
 * keeps the permitted set over setresuid(2), then caps.set with the final sets.
 * Every set is stated; nothing is left as it was inherited. Changing credentials
 * clears the parent-death signal, so death.signal follows them.
 */
#include "helper.h"
#include "sys.h"
#include <linux/capability.h>
#include <linux/poll.h>
#include <linux/prctl.h>

/* Numbers that a 64-bit set can name; EINVAL tells the kernel's last. */
#define NSI_CAPS_MAX 64

struct caps {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
};

static int read_caps(struct caps *caps)
{
	caps->header.version = _LINUX_CAPABILITY_VERSION_3;
	caps->header.pid = 0;
	return (int)NSI_SYS2(__NR_capget, &caps->header, caps->data);
}

static int become(uint32_t uid, uint32_t gid)
{
	int r = (int)NSI_SYS3(__NR_setresgid, gid, gid, gid);

	if (r == 0)
		r = (int)NSI_SYS3(__NR_setresuid, uid, uid, uid);
	if (r == 0)
		r = nsi_undumpable();
	return r;
}

/*
 * nsi_op_user_root() - become root of the user namespace
 * @run: the run
 * @op:  user.root
 *
 * Return: 0 or -errno.
 */
int nsi_op_user_root(struct nsi_run *run, const struct nsi_op *op)
{
	int r = 0;

	(void)run;
	if (!(NSI_USER_ROOT_FLAGS(op) & 1))
		r = (int)NSI_SYS2(__NR_setgroups, 0, 0);
	if (r < 0)
		return r;
	return become(0, 0);
}

/*
 * nsi_op_caps_bound() - drop everything outside mask from the bounding set
 * @run: value becomes the capability that could not be dropped
 * @op:  caps.bound
 *
 * Return: 0 or -errno.
 */
int nsi_op_caps_bound(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t mask = NSI_CAPS_BOUND_MASK(op);
	int r;

	for (unsigned int cap = 0; cap < NSI_CAPS_MAX; cap++) {
		r = nsi_sys_prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (r == -EINVAL)
			return 0;
		if (r == 0 || (mask >> cap & 1))
			continue;
		if (r > 0)
			r = nsi_sys_prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
		if (r < 0) {
			run->value = cap;
			return r;
		}
	}
	return 0;
}

/* setresuid(2) away from root clears the effective set, not the kept permitted one. */
static int raise_effective(void)
{
	struct caps caps = { 0 };
	int r = read_caps(&caps);

	if (r < 0)
		return r;
	caps.data[0].effective = caps.data[0].permitted;
	caps.data[1].effective = caps.data[1].permitted;
	return (int)NSI_SYS2(__NR_capset, &caps.header, caps.data);
}

/*
 * nsi_op_user_apply() - become the released user
 * @run: with the user record
 * @op:  user.apply
 *
 * Return: 0, -EPROTO without a record, -EPERM for groups where setgroups(2) is
 * denied, or another -errno.
 */
int nsi_op_user_apply(struct nsi_run *run, const struct nsi_op *op)
{
	const struct nsi_user *user = &run->user;
	int r;

	if (!run->have_user)
		return -EPROTO;
	if (NSI_USER_APPLY_FLAGS(op) & 1) {
		if (user->group_count)
			return -EPERM;
	} else {
		r = (int)NSI_SYS2(__NR_setgroups, user->group_count, user->groups);
		if (r < 0)
			return r;
	}
	r = nsi_sys_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (r == 0)
		r = become(user->uid, user->gid);
	if (r == 0)
		r = nsi_sys_prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	if (r == 0)
		r = raise_effective();
	return r;
}

/*
 * nsi_op_caps_set() - set the four process sets
 * @run: value becomes the capability whose ambient bit was refused
 * @op:  caps.set
 *
 * Return: 0 or -errno.
 */
int nsi_op_caps_set(struct nsi_run *run, const struct nsi_op *op)
{
	uint64_t ambient = NSI_CAPS_SET_AMBIENT(op);
	struct caps caps = {
		.header.version = _LINUX_CAPABILITY_VERSION_3,
		.data[0] = {
			.effective = (uint32_t)NSI_CAPS_SET_EFFECTIVE(op),
			.permitted = (uint32_t)NSI_CAPS_SET_PERMITTED(op),
			.inheritable = (uint32_t)NSI_CAPS_SET_INHERITABLE(op),
		},
		.data[1] = {
			.effective = (uint32_t)(NSI_CAPS_SET_EFFECTIVE(op) >> 32),
			.permitted = (uint32_t)(NSI_CAPS_SET_PERMITTED(op) >> 32),
			.inheritable = (uint32_t)(NSI_CAPS_SET_INHERITABLE(op) >> 32),
		},
	};
	int r;

	r = nsi_sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (r == 0)
		r = (int)NSI_SYS2(__NR_capset, &caps.header, caps.data);
	for (unsigned int cap = 0; cap < NSI_CAPS_MAX && r == 0; cap++) {
		if (!(ambient >> cap & 1))
			continue;
		r = nsi_sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
		if (r < 0)
			run->value = cap;
	}
	if (r == 0)
		r = nsi_undumpable();
	return r;
}

/*
 * nsi_op_privileges_lock() - no execve(2) may give privileges from here on
 * @run: the run
 * @op:  privileges.lock
 *
 * Return: 0 or -errno.
 */
int nsi_op_privileges_lock(struct nsi_run *run, const struct nsi_op *op)
{
	(void)run;
	(void)op;
	return nsi_sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/*
 * nsi_op_death_signal() - get a signal when the thread that started us ends
 * @run: the run
 * @op:  death.signal
 *
 * The thread may have ended before the signal was armed; getppid(2) tells nothing
 * across pid namespaces, so the socket is asked.
 *
 * Return: 0, -EPIPE when the parent is gone, or another -errno.
 */
int nsi_op_death_signal(struct nsi_run *run, const struct nsi_op *op)
{
	struct pollfd poll = { .fd = run->sock, .events = POLLHUP };
	struct {
		int64_t seconds, nanoseconds;
	} now = { 0, 0 };
	int r;

	r = nsi_sys_prctl(PR_SET_PDEATHSIG, NSI_DEATH_SIGNAL_SIGNAL(op), 0, 0, 0);
	if (r < 0)
		return r;
	r = (int)NSI_SYS5(__NR_ppoll, &poll, 1, &now, 0, 8);
	if (r < 0)
		return r;
	return poll.revents & (POLLHUP | POLLERR) ? -EPIPE : 0;
}

/*
 * nsi_op_umask_set() - set the program's umask
 * @run: the run
 * @op:  umask.set
 *
 * Return: 0.
 */
int nsi_op_umask_set(struct nsi_run *run, const struct nsi_op *op)
{
	(void)run;
	NSI_SYS1(__NR_umask, NSI_UMASK_SET_MASK(op));
	return 0;
}

/*
 * nsi_op_rlimit_set() - set one limit of itself
 * @run: value becomes the resource that was refused
 * @op:  rlimit.set
 *
 * Return: 0 or -errno.
 */
int nsi_op_rlimit_set(struct nsi_run *run, const struct nsi_op *op)
{
	struct {
		uint64_t soft, hard;
	} limit = { NSI_RLIMIT_SET_SOFT(op), NSI_RLIMIT_SET_HARD(op) };
	int r = (int)NSI_SYS4(__NR_prlimit64, 0, NSI_RLIMIT_SET_RESOURCE(op), &limit, 0);

	if (r < 0)
		run->value = (int64_t)NSI_RLIMIT_SET_RESOURCE(op);
	return r;
}

/*
 * nsi_op_session_new() - lead a new session, without a controlling terminal
 * @run: the run
 * @op:  session.new
 *
 * Return: 0 or -errno.
 */
int nsi_op_session_new(struct nsi_run *run, const struct nsi_op *op)
{
	int r = (int)NSI_SYS0(__NR_setsid);

	(void)run;
	(void)op;
	return r < 0 ? r : 0;
}

/*
 * nsi_op_personality_set() - which kernel the program believes to run on
 * @run: the run
 * @op:  personality.set
 *
 * Return: 0 or -errno.
 */
int nsi_op_personality_set(struct nsi_run *run, const struct nsi_op *op)
{
	int r = (int)NSI_SYS1(__NR_personality, NSI_PERSONALITY_SET_DOMAIN(op));

	(void)run;
	return r < 0 ? r : 0;
}
