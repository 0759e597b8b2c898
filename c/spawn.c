/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.c - starts the helper as a child of the caller's process.
 *
 * The helper's bytes are part of the library. Once per process they are put in
 * a memfd, sealed, and opened again read-only: the writable descriptor is closed,
 * or execve(2) would say ETXTBSY. The child is made by clone3(2) with CLONE_VM
 * and CLONE_VFORK on a stack of its own, so nothing of a large, multi-threaded
 * process is copied, and it only makes system calls until it executes the memfd:
 * dispositions and mask to default, every descriptor close-on-exec but the two
 * that the helper gets. It has its own descriptor table and signal handlers (no
 * CLONE_FILES, no CLONE_SIGHAND), so none of that is seen by the caller.
 *
 * Signals are blocked in the calling thread meanwhile. clone3(2) is asked for no
 * exit signal, but execve(2) makes it SIGCHLD; waiting with __WALL is right in
 * both cases. PR_SET_PDEATHSIG in the child means the calling thread. Needs Linux
 * 5.11 (CLOSE_RANGE_CLOEXEC).
 */
#include "spawn.h"
#include "cleanup.h"
#include "parent.h"
#include "process.h"
#include "slot.h"
#include "sys.h"
#include "text.h"
#include "vfork.h"
#include <linux/close_range.h>
#include <linux/memfd.h>
#include <linux/prctl.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* Linux 6.3 */
#endif

#define NSI_F_ADD_SEALS 1033
#define NSI_SEALS 0x000f /* SEAL, SHRINK, GROW, WRITE */

#define NSI_CLONE_NEW                                                                            \
	((uint64_t)CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

extern const uint8_t nsi_helper_image[] __attribute__((visibility("hidden")));
extern const uint8_t nsi_helper_image_end[] __attribute__((visibility("hidden")));

__asm__(".section .rodata\n"
	".balign 64\n"
	".globl nsi_helper_image\n"
	".hidden nsi_helper_image\n"
	"nsi_helper_image:\n"
	".incbin \"" NSI_HELPER_PATH "\"\n"
	".globl nsi_helper_image_end\n"
	".hidden nsi_helper_image_end\n"
	"nsi_helper_image_end:\n"
	".previous\n");

static int write_all(int fd, const void *data, size_t length)
{
	const uint8_t *at = data;
	long r;

	while (length) {
		r = nsi_sys_write(fd, at, length);
		if (r == -EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? (int)r : -EIO;
		at += r;
		length -= (size_t)r;
	}
	return 0;
}

/* Each kernel takes the seals it knows: EXEC since 6.3, FUTURE_WRITE since 5.1. */
static int seal(int fd)
{
	int r = nsi_sys_fcntl(fd, NSI_F_ADD_SEALS, NSI_SEALS | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC);

	if (r == -EINVAL)
		r = nsi_sys_fcntl(fd, NSI_F_ADD_SEALS, NSI_SEALS | F_SEAL_FUTURE_WRITE);
	if (r == -EINVAL)
		r = nsi_sys_fcntl(fd, NSI_F_ADD_SEALS, NSI_SEALS);
	return r;
}

/*
 * nsi_memfd() - a sealed memfd holding @length bytes of @data
 * @name: shown in /proc
 * @flags: MFD_* flags besides close-on-exec and sealing
 *
 * Return: the descriptor, owned by the caller, or -errno.
 */
int nsi_memfd(const char *name, unsigned int flags, const void *data, size_t length)
{
	const unsigned int always = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	NSI_AUTO_FD int fd = (int)NSI_SYS2(__NR_memfd_create, name, always | flags);
	int r;

	/* A kernel that does not know MFD_EXEC makes every memfd executable. */
	if (fd == -EINVAL && flags)
		fd = (int)NSI_SYS2(__NR_memfd_create, name, always);
	if (fd < 0)
		return fd;
	r = write_all(fd, data, length);
	if (r == 0)
		r = seal(fd);
	return r < 0 ? r : nsi_take_fd(&fd);
}

static int reopen_readonly(int fd)
{
	char path[sizeof("/proc/self/fd/") + 20] = "/proc/self/fd/";
	struct statx ours = { 0 }, theirs = { 0 };
	int r;

	nsi_text_number(path + sizeof("/proc/self/fd/") - 1, (uint64_t)fd);
	NSI_AUTO_FD int reopened = nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (reopened < 0)
		return reopened;
	r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &ours);
	if (r == 0)
		r = nsi_sys_statx(reopened, "", AT_EMPTY_PATH, STATX_INO, &theirs);
	if (r < 0)
		return r;
	/* Whoever mounted something else on /proc does not get to choose our program. */
	if (ours.stx_ino != theirs.stx_ino || ours.stx_dev_minor != theirs.stx_dev_minor ||
	    ours.stx_dev_major != theirs.stx_dev_major)
		return -EXDEV;
	return nsi_take_fd(&reopened);
}

/*
 * nsi_helper_fd() - the helper in a sealed memfd, made at the first call
 *
 * Safe from several threads at once: who comes second closes its own.
 *
 * Return: a descriptor that stays open for the life of the process, or -errno.
 */
int nsi_helper_fd(void)
{
	static int kept = -1;
	int fd = __atomic_load_n(&kept, __ATOMIC_ACQUIRE), none = -1;
	int made;

	if (fd >= 0)
		return fd;
	made = nsi_memfd("nsinit", MFD_EXEC, nsi_helper_image,
			 (size_t)(nsi_helper_image_end - nsi_helper_image));
	if (made < 0)
		return made;
	fd = reopen_readonly(made);
	nsi_sys_close(made);
	if (fd < 0)
		return fd;
	if (__atomic_compare_exchange_n(&kept, &none, fd, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fd;
	nsi_sys_close(fd);
	return none;
}

/* What the child needs, in memory that it shares with the waiting caller. */
struct start {
	int helperfd, planfd, sock, notefd; /* notefd: -1 without a clone */
	int keep_caps;
	volatile int error;
	char plan_number[24], sock_number[24], note_number[24];
};

/* A process without a mapped uid loses its capabilities at execve(2), unless they are
 * ambient (capabilities(7)). The helper drops them from that set at once. */
static int keep_caps(void)
{
	struct {
		uint32_t version;
		int32_t pid;
	} header = { 0x20080522, 0 };
	struct {
		uint32_t effective, permitted, inheritable;
	} sets[2] = { 0 };
	int r = (int)NSI_SYS2(__NR_capget, &header, sets);

	if (r < 0)
		return r;
	sets[0].inheritable = sets[0].permitted;
	sets[1].inheritable = sets[1].permitted;
	r = (int)NSI_SYS2(__NR_capset, &header, sets);
	for (unsigned int cap = 0; cap < 64 && r == 0; cap++)
		if (sets[cap / 32].permitted >> cap % 32 & 1)
			r = nsi_sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return r;
}

static int clean_up_inheritance(const struct start *start)
{
	int r;

	nsi_clone_default_signals();
	r = (int)NSI_SYS3(__NR_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (r == 0)
		r = nsi_sys_fcntl(start->planfd, F_SETFD, 0);
	if (r == 0)
		r = nsi_sys_fcntl(start->sock, F_SETFD, 0);
	if (r == 0 && start->notefd >= 0)
		r = nsi_sys_fcntl(start->notefd, F_SETFD, 0);
	if (r == 0 && start->keep_caps)
		r = keep_caps();
	return r == 0 ? nsi_clone_unblock_signals() : r;
}

/* First and only function of the child; the caller is suspended until it has gone. */
__attribute__((noreturn)) static void child_main(void *argument)
{
	struct start *start = argument;
	const char *note = start->notefd < 0 ? NULL : start->note_number;
	const char *argv[] = {
		"nsinit", "init", start->plan_number, start->sock_number, note, NULL
	};
	const char *envp[] = { NULL };
	int r = clean_up_inheritance(start);

	if (r == 0)
		r = (int)NSI_SYS5(__NR_execveat, start->helperfd, "", argv, envp, AT_EMPTY_PATH);
	start->error = r;
	for (;;)
		NSI_SYS1(__NR_exit, 127);
}

static int clone_child(struct nsi_run *run, struct start *start, uint64_t flags, int cgroupfd)
{
	struct clone_args args = { .flags = flags };
	int32_t status[2];
	int pidfd = -1;
	long pid;

	if (cgroupfd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)cgroupfd;
	}
	pid = nsi_clone_vfork(&args, child_main, start, &pidfd);
	if (pid < 0) {
		run->detail = NSI_AT_CLONE;
		return (int)pid;
	}
	if (start->error < 0) {
		run->detail = NSI_AT_EXEC;
		(void)nsi_process_wait(pidfd, 0, status);
		nsi_sys_close(pidfd);
		return start->error;
	}
	run->pid = (int)pid;
	run->pidfd = pidfd;
	return 0;
}

/* A place that outlives a stage, for the pid of its clone; see namespace.c. */
static int open_note(struct nsi_run *run)
{
	NSI_AUTO_FD int fd = (int)NSI_SYS2(__NR_memfd_create, "nsinit-clone", MFD_CLOEXEC);
	int r = fd < 0 ? fd : (int)NSI_SYS2(__NR_ftruncate, fd, NSI_NOTE_SIZE);

	if (r == 0)
		run->notefd = nsi_take_fd(&fd);
	return r;
}

/*
 * nsi_op_spawn() - start the helper with the Plan
 * @run: gets pid, pidfd and the socket
 * @op:  spawn
 *
 * Return: 0, -EALREADY when the run has a child, or another -errno.
 */
int nsi_op_spawn(struct nsi_run *run, const struct nsi_op *op)
{
	struct start start = { .keep_caps = (NSI_SPAWN_FLAGS(op) & CLONE_NEWUSER) != 0 };
	int pair[2] = { -1, -1 }, cgroupfd = -1, r;

	if (run->pidfd >= 0 || run->sock >= 0)
		return -EALREADY;
	if (NSI_SPAWN_FLAGS(op) & ~NSI_CLONE_NEW)
		return -EINVAL;
	if (NSI_SPAWN_CGROUP(op) != -1) {
		cgroupfd = nsi_slot_get(run, (uint64_t)NSI_SPAWN_CGROUP(op));
		if (cgroupfd < 0)
			return cgroupfd;
	}
	run->detail = NSI_AT_OPEN;
	start.helperfd = nsi_helper_fd();
	if (start.helperfd < 0)
		return start.helperfd;
	NSI_AUTO_FD int planfd = nsi_memfd("nsinit-plan", 0, run->plan.base, run->plan.length);
	if (planfd < 0)
		return planfd;
	/* AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC */
	r = (int)NSI_SYS4(__NR_socketpair, 1, 5 | O_CLOEXEC, 0, pair);
	if (r < 0)
		return r;
	NSI_AUTO_FD int ours = pair[0], theirs = pair[1];
	if (run->notefd < 0 && nsi_parent_has_clone(run))
		r = open_note(run);
	if (r < 0)
		return r;
	start.planfd = planfd;
	start.sock = theirs;
	start.notefd = run->notefd;
	nsi_text_number(start.note_number, (uint64_t)(unsigned int)run->notefd);
	nsi_text_number(start.plan_number, (uint64_t)planfd);
	nsi_text_number(start.sock_number, (uint64_t)theirs);
	r = clone_child(run, &start, NSI_SPAWN_FLAGS(op), cgroupfd);
	if (r < 0)
		return r;
	run->sock = nsi_take_fd(&ours);
	return 0;
}
