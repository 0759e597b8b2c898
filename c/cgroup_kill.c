/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_kill.c - killing everything inside a group.
 *
 * v2 kills by cgroup.kill (Linux 5.14) and tells by cgroup.events when the
 * last process is gone. v1 has neither: the group is frozen, so that nothing
 * can fork away or die and have its pid used again while we look, every
 * process gets SIGKILL through a pidfd, and the group is thawed to die; this
 * repeats until it is empty. Zombies whose reaper is someone else no longer
 * count as members in either version.
 *
 * Run by the library and, with no libc below it, by the monitor.
 */
#include <linux/poll.h>
#include <linux/time_types.h>

#include "cgroup.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

#define BATCH 64
#define KILL_MS 10000
#define FREEZE_MS 500
#define SIGNAL_KILL 9
/* Until then a process may just be slow to die. */
#define ADOPT_ROUND 4

struct pid_reader {
	int fd;
	uint32_t at, have;
	char data[512];
};

/* The next number of a cgroup.procs file: 1, 0 at the end, or -errno. */
static int next_pid(struct pid_reader *reader, int *pid_out)
{
	unsigned int pid = 0, digits = 0;

	for (;;) {
		char c;

		if (reader->at == reader->have) {
			int n = (int)nsi_sys_read(reader->fd, reader->data, sizeof(reader->data));

			if (n == -EINTR)
				continue;
			/* EOPNOTSUPP: a threaded v2 group; its processes are listed above it. */
			if (n <= 0)
				return nsi_cgroup_is_gone(n) || n == -EOPNOTSUPP ? 0 : n;
			reader->at = 0;
			reader->have = (uint32_t)n;
		}
		c = reader->data[reader->at++];
		if (c >= '0' && c <= '9' && digits < 9) {
			pid = pid * 10 + (unsigned int)(c - '0');
			digits++;
		} else if (c == '\n' && digits) {
			*pid_out = (int)pid;
			return 1;
		} else {
			return -EBADMSG;
		}
	}
}

enum act {
	COUNT,
	KILL,
	ADOPT,
};

struct killer {
	int self;
	enum act act;
	int freezerfd;        /* ADOPT: where to */
	unsigned int seen;    /* processes that can be killed */
	unsigned int spared;  /* init and ourselves */
	unsigned int foreign; /* of pid namespaces that we cannot see */
	unsigned int count;
	int pid[BATCH];
	int fd[BATCH];
};

/*
 * Signals the processes of the batch that are still listed in the group after
 * their pidfds were opened: a pid that was given to a stranger in between is
 * not. v1 caches the list per open file, so it is opened again.
 */
static int kill_batch(int dirfd, struct killer *killer)
{
	struct pid_reader reader = { .at = 0 };
	int pid, result = 0, r = 0;

	reader.fd = nsi_sys_openat(dirfd, "cgroup.procs", O_RDONLY | O_NOFOLLOW, 0);
	if (reader.fd < 0)
		result = nsi_cgroup_is_gone(reader.fd) ? 0 : reader.fd;
	while (reader.fd >= 0 && (r = next_pid(&reader, &pid)) > 0) {
		for (unsigned int i = 0; i < killer->count; i++) {
			if (killer->pid[i] != pid)
				continue;
			r = (int)NSI_SYS4(__NR_pidfd_send_signal, killer->fd[i], SIGNAL_KILL, NULL,
					  0);
			if (r < 0 && r != -ESRCH && !result)
				result = r;
		}
	}
	if (r < 0 && r != -ESRCH && !result)
		result = r;
	nsi_auto_close(&reader.fd);
	for (unsigned int i = 0; i < killer->count; i++)
		nsi_sys_close(killer->fd[i]);
	killer->count = 0;
	return result;
}

static int add_to_batch(int dirfd, struct killer *killer, int pid)
{
	int fd, r = 0;

	if (killer->count == BATCH)
		r = kill_batch(dirfd, killer);
	if (r < 0)
		return r;
	fd = (int)NSI_SYS2(__NR_pidfd_open, pid, 0);
	if ((fd == -EMFILE || fd == -ENFILE) && killer->count) {
		/* kill_batch() needs a descriptor itself: this one's turn comes next round. */
		nsi_sys_close(killer->fd[--killer->count]);
		r = kill_batch(dirfd, killer);
		if (r < 0)
			return r;
		fd = (int)NSI_SYS2(__NR_pidfd_open, pid, 0);
	}
	/* Died meanwhile; its number may now be that of a thread. */
	if (fd == -ESRCH || fd == -EINVAL || fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	killer->pid[killer->count] = pid;
	killer->fd[killer->count++] = fd;
	return 0;
}

static int move_to(int groupfd, int pid)
{
	char text[24];
	int r;

	text[nsi_text_number(text, (uint64_t)pid)] = 0;
	r = nsi_cgroup_write(groupfd, "cgroup.procs", text);
	return r == -ESRCH ? 0 : r;
}

/* Counts the processes of one group, and does killer->act to each. */
static int visit_kill(int parentfd, const char *name, int dirfd, void *context)
{
	struct killer *killer = context;
	struct pid_reader reader = { .at = 0 };
	int pid, r, batch;

	(void)parentfd;
	(void)name;
	reader.fd = nsi_sys_openat(dirfd, "cgroup.procs", O_RDONLY | O_NOFOLLOW, 0);
	if (reader.fd < 0)
		return nsi_cgroup_is_gone(reader.fd) ? 0 : reader.fd;
	while ((r = next_pid(&reader, &pid)) > 0) {
		if (pid == 1 || pid == killer->self) {
			killer->spared++;
		} else if (pid == 0) {
			killer->foreign++;
		} else {
			killer->seen++;
			r = killer->act == KILL ? add_to_batch(dirfd, killer, pid) : 0;
			if (killer->act == ADOPT)
				r = move_to(killer->freezerfd, pid);
			if (r < 0)
				break;
		}
	}
	nsi_sys_close(reader.fd);
	batch = kill_batch(dirfd, killer);
	return r < 0 ? r : batch;
}

static int kill_tree(int dirfd, struct killer *killer, enum act act)
{
	int r;

	killer->act = act;
	killer->seen = killer->spared = killer->foreign = killer->count = 0;
	killer->self = (int)NSI_SYS0(__NR_getpid);
	r = nsi_cgroup_walk(dirfd, visit_kill, killer);
	return r < 0 ? r : visit_kill(-1, NULL, dirfd, killer);
}

static int visit_thaw(int parentfd, const char *name, int dirfd, void *context)
{
	int r = nsi_cgroup_write(dirfd, "freezer.state", "THAWED");

	(void)parentfd;
	(void)name;
	(void)context;
	return nsi_cgroup_is_gone(r) ? 0 : r;
}

/* Thaws also the groups below: one that was frozen by itself would keep its dead. */
static int thaw(int freezerfd)
{
	int below, top;

	if (freezerfd < 0)
		return 0;
	below = nsi_cgroup_walk(freezerfd, visit_thaw, NULL);
	top = visit_thaw(-1, NULL, freezerfd, NULL);
	return below < 0 ? below : top;
}

/*
 * Takes what lives on after it was killed into the container's own freezer
 * group, which is thawed: somebody froze it in a group that is not ours to thaw.
 */
static int adopt(int dirfd, int freezerfd)
{
	struct killer killer = { .freezerfd = freezerfd };

	return freezerfd < 0 ? 0 : kill_tree(dirfd, &killer, ADOPT);
}

/*
 * Freezes and waits a while for it to take effect. Not waiting for ever: a
 * process in vfork(2) holds the state at FREEZING, and killing works anyway,
 * only in more rounds. A group with ourselves inside is never frozen.
 */
static int freeze(int freezerfd, struct killer *killer)
{
	int64_t deadline = nsi_cgroup_now_ms() + FREEZE_MS;
	unsigned int pause = 1;
	char state[32];
	int r;

	if (freezerfd < 0)
		return 0;
	r = kill_tree(freezerfd, killer, COUNT);
	if (r < 0 || killer->spared)
		return r;
	r = nsi_cgroup_write(freezerfd, "freezer.state", "FROZEN");
	while (r >= 0 && nsi_cgroup_now_ms() < deadline) {
		r = nsi_cgroup_read(freezerfd, "freezer.state", state, sizeof(state));
		if (r >= 0 && nsi_text_equal(state, "FROZEN"))
			break;
		nsi_cgroup_pause(&pause);
	}
	return r < 0 && !nsi_cgroup_is_gone(r) ? r : 0;
}

/* Kills process by process until none is left; -EBUSY when only spared ones are. */
static int kill_each(int dirfd, int freezerfd)
{
	int64_t deadline = nsi_cgroup_now_ms() + KILL_MS;
	unsigned int pause = 1;

	for (unsigned int round = 0;; round++) {
		struct killer killer;
		int thawed, r = kill_tree(dirfd, &killer, COUNT);

		if (r < 0)
			return r;
		if (!killer.seen)
			return killer.spared || killer.foreign ? -EBUSY : 0;
		if (nsi_cgroup_now_ms() >= deadline)
			return -ETIMEDOUT;
		r = freeze(freezerfd, &killer);
		if (r >= 0)
			r = kill_tree(dirfd, &killer, KILL);
		thawed = thaw(freezerfd);
		if (thawed >= 0 && round >= ADOPT_ROUND)
			thawed = adopt(dirfd, freezerfd);
		if (r < 0 || thawed < 0)
			return r < 0 ? r : thawed;
		nsi_cgroup_pause(&pause);
	}
}

/* Whether cgroup.events says that processes are inside: 1, 0 or -errno. */
static int is_populated(int eventsfd)
{
	static const char key[] = "populated 1";
	char text[256];
	long n = NSI_SYS4(__NR_pread64, eventsfd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return nsi_cgroup_is_gone(n) ? 0 : (int)n;
	text[n] = 0;
	for (const char *at = text; *at; at++) {
		size_t i = 0;

		while (key[i] && at[i] == key[i])
			i++;
		if (!key[i])
			return 1;
	}
	return 0;
}

/* Waits until the group is empty; the kernel wakes POLLPRI when cgroup.events changes. */
static int wait_empty(int eventsfd, int dirfd, int freezerfd)
{
	int64_t deadline = nsi_cgroup_now_ms() + KILL_MS;

	for (;;) {
		struct pollfd poll = { .fd = eventsfd, .events = POLLPRI };
		struct __kernel_timespec time = { .tv_nsec = 100000000 };
		int r = is_populated(eventsfd);

		if (r <= 0)
			return r;
		if (nsi_cgroup_now_ms() >= deadline)
			return -ETIMEDOUT;
		if (NSI_SYS5(__NR_ppoll, &poll, 1, &time, NULL, 0) == 0)
			r = adopt(dirfd, freezerfd);
		if (r < 0)
			return r;
	}
}

static int kill_v2(int dirfd, int freezerfd)
{
	NSI_AUTO_FD int eventsfd = nsi_sys_openat(dirfd, "cgroup.events", O_RDONLY, 0);
	struct killer killer;
	int thawed, r;

	if (eventsfd < 0)
		return nsi_cgroup_is_gone(eventsfd) ? 0 : eventsfd;
	r = is_populated(eventsfd);
	if (r <= 0)
		return r;
	/* cgroup.kill spares nobody: one of our own inside means killing one by one. */
	r = kill_tree(dirfd, &killer, COUNT);
	if (r < 0)
		return r;
	if (killer.spared)
		return kill_each(dirfd, freezerfd);
	r = nsi_cgroup_write(dirfd, "cgroup.kill", "1");
	if (r == -ENOENT)
		r = kill_each(dirfd, freezerfd);
	/* Beside a v1 freezer (hybrid): what that holds frozen is dead only when thawed. */
	thawed = thaw(freezerfd);
	if (r >= 0)
		r = thawed;
	return r < 0 && !nsi_cgroup_is_gone(r) ? r : wait_empty(eventsfd, dirfd, freezerfd);
}

/* A hierarchy's mount point is never the group of one container. */
static int check_not_mount(int dirfd)
{
	struct statx st = { 0 };
	int r = nsi_sys_statx(dirfd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);

	if (r < 0)
		return r;
	return st.stx_attributes & STATX_ATTR_MOUNT_ROOT ? -EPERM : 0;
}

/*
 * nsi_op_cgroup_kill() - kill every process of a group and of those below it
 *
 * Returns when the group is empty, at the latest after ten seconds. Never
 * signals process 1 or the caller; with one of those inside it is -EBUSY.
 *
 * Return: 0, also when the group does not exist, or -errno; -ETIMEDOUT when
 * processes do not die.
 */
int nsi_op_cgroup_kill(struct nsi_run *run, const struct nsi_op *op)
{
	const char *freezer = NSI_CGROUP_KILL_FREEZER(run, op);
	NSI_AUTO_FD int freezerfd = -1;
	NSI_AUTO_FD int dirfd = -1;
	int r;

	run->detail = NSI_AT_OPEN;
	dirfd = nsi_cgroup_open(NSI_CGROUP_KILL_PATH(run, op), O_NOFOLLOW);
	if (dirfd < 0)
		return nsi_cgroup_is_gone(dirfd) ? 0 : dirfd;
	run->detail = NSI_AT_VERIFY;
	r = check_not_mount(dirfd);
	if (r < 0)
		return r;
	if (!nsi_cgroup_belongs(dirfd, NSI_CGROUP_KILL_OWNER(run, op)))
		return 0;
	run->detail = NSI_AT_WRITE;
	if (freezer && *freezer) {
		freezerfd = nsi_cgroup_open(freezer, O_NOFOLLOW);
		if (freezerfd < 0 && !nsi_cgroup_is_gone(freezerfd))
			return freezerfd;
	}
	if (NSI_CGROUP_KILL_VERSION(op) == 2)
		return kill_v2(dirfd, freezerfd);
	return kill_each(dirfd, freezerfd);
}
