/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.c - the freestanding program that becomes a container's process.
 *
 * It is executed from a sealed memfd, so that nothing of the host can be reached
 * through its /proc/PID/exe (CVE-2019-5736), with an empty environment, default
 * signal dispositions and no descriptors but 0 to 2, the Plan and the socket.
 * Before anything else it makes itself untraceable and closes what it does not
 * know; then it maps the Plan and takes the role that argv[1] names.
 *
 * Its whole state is one struct nsi_run; the process has one thread.
 */
#include "helper.h"
#include "slot.h"
#include "sys.h"
#include "text.h"
#include <linux/mman.h>
#include <linux/prctl.h>

#define NSI_PROT_READ 1
#define NSI_PROT_WRITE 2
#define NSI_F_GET_SEALS 1034
#define NSI_SEALS 0x000f /* SEAL, SHRINK, GROW, WRITE */

static struct nsi_run helper_run;

/*
 * nsi_undumpable() - nobody may trace this process or open its /proc files
 *
 * To be repeated after every change of credentials: the kernel then sets the
 * flag to fs.suid_dumpable (commit_creds()), which a debugging host has at 1.
 *
 * Return: 0 or -errno.
 */
int nsi_undumpable(void)
{
	return nsi_sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* What spawn.c raised so that a new user namespace's capabilities pass execve(2) must not
 * pass the next one. */
static int drop_ambient(void)
{
	struct {
		uint32_t version;
		int32_t pid;
	} header = { 0x20080522, 0 };
	struct {
		uint32_t effective, permitted, inheritable;
	} sets[2] = { 0 };
	int r;

	/* EINVAL: a kernel without ambient capabilities (before 4.3) has none to drop. */
	r = nsi_sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (r < 0)
		return r;
	r = (int)NSI_SYS2(__NR_capget, &header, sets);
	if (r < 0)
		return r;
	if (!sets[0].inheritable && !sets[1].inheritable)
		return 0;
	sets[0].inheritable = sets[1].inheritable = 0;
	return (int)NSI_SYS2(__NR_capset, &header, sets);
}

static int close_unknown(int sock)
{
	int r;

	if (sock < 3)
		return (int)NSI_SYS3(__NR_close_range, 3, ~0U, 0);
	if (sock > 3) {
		r = (int)NSI_SYS3(__NR_close_range, 3, sock - 1, 0);
		if (r < 0)
			return r;
	}
	return (int)NSI_SYS3(__NR_close_range, sock + 1, ~0U, 0);
}

/*
 * nsi_plan_map() - map a Plan and check it
 * @plan: filled in; unusable after a failure
 * @fd:   memfd that holds it, sealed; stays open
 *
 * Return: 0 or -errno, -EBADMSG for what is none.
 */
int nsi_plan_map(struct nsi_plan *plan, int fd)
{
	struct statx info = { 0 };
	long address;
	int r;

	/* Nobody may change what has been checked. */
	r = nsi_sys_fcntl(fd, NSI_F_GET_SEALS, 0);
	if (r >= 0 && (r & NSI_SEALS) != NSI_SEALS)
		r = -EBADMSG;
	if (r >= 0)
		r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &info);
	if (r < 0)
		return r;
	if (!info.stx_size || info.stx_size > UINT32_MAX)
		return -EBADMSG;
	address = NSI_SYS6(__NR_mmap, 0, info.stx_size, NSI_PROT_READ, MAP_PRIVATE, fd, 0);
	if (address < 0 && address > -4096)
		return (int)address;
	return nsi_plan_open(plan, (const void *)address, info.stx_size);
}

static int take_plan(struct nsi_run *run, int planfd)
{
	int r = nsi_plan_map(&run->plan, planfd);

	nsi_sys_close(planfd);
	return r;
}

/* The page stays when its descriptor is closed, until the program is executed. */
static int map_note(struct nsi_run *run, int notefd)
{
	long address = NSI_SYS6(__NR_mmap, 0, NSI_NOTE_SIZE, NSI_PROT_READ | NSI_PROT_WRITE,
				MAP_SHARED, notefd, 0);

	if (address < 0 && address > -4096)
		return (int)address;
	run->note = (int32_t *)address;
	return 0;
}

static int init_role(struct nsi_run *run, int planfd, int sock, int notefd)
{
	int r;

	r = nsi_undumpable();
	if (r == 0)
		r = nsi_sys_fcntl(sock, F_SETFD, FD_CLOEXEC);
	if (r == 0)
		r = take_plan(run, planfd);
	if (r == 0 && notefd >= 0)
		r = map_note(run, notefd);
	if (r == 0)
		r = close_unknown(sock);
	if (r == 0)
		r = drop_ambient();
	if (r == 0)
		r = nsi_keyring_drop(run);
	if (r < 0)
		return NSI_EXIT_BROKEN;
	run->sock = sock;
	return nsi_child(run);
}

/*
 * nsi_helper() - take the role that the arguments name
 * @argc: number of arguments
 * @argv: "nsinit", role, number of the Plan's descriptor, number of the socket, and that of
 *        the note if it will clone itself
 *
 * Return: exit status; a child that executes its program does not return.
 */
int nsi_helper(int argc, const char *const *argv)
{
	struct nsi_run *run = &helper_run;
	int64_t planfd, sock, notefd = -1;

	if (argc < 3)
		return NSI_EXIT_BROKEN;
	nsi_run_reset(run);
	planfd = nsi_text_parse(argv[2]);
	if (planfd < 3 || planfd > INT32_MAX)
		return NSI_EXIT_BROKEN;
	/* Else ps(1) shows the descriptor that execveat(2) was given. */
	nsi_sys_prctl(PR_SET_NAME, (unsigned long)(uintptr_t) "nsinit", 0, 0, 0);
	if (nsi_text_equal(argv[1], "init") && (argc == 4 || argc == 5)) {
		sock = nsi_text_parse(argv[3]);
		if (sock < 3 || sock > INT32_MAX || sock == planfd)
			return NSI_EXIT_BROKEN;
		if (argc == 5)
			notefd = nsi_text_parse(argv[4]);
		if (notefd > INT32_MAX)
			return NSI_EXIT_BROKEN;
		return init_role(run, (int)planfd, (int)sock, (int)notefd);
	}
	if (nsi_text_equal(argv[1], "monitor") && argc == 3) {
		if (take_plan(run, (int)planfd) < 0)
			return NSI_EXIT_BROKEN;
		return nsi_monitor(run);
	}
	return NSI_EXIT_BROKEN;
}
