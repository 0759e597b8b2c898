// SPDX-License-Identifier: Apache-2.0
/*
 * command.c - premount and postmount commands.
 *
 * They are programs of the host, run with the host's files at / and waited for.
 * The container's root already lies on top of /, where a walk through .. would
 * step onto it: /usr/lib/../../opt would be read from the image, by a program
 * with all rights of the host. So the command gets a mount namespace of its own
 * in which that tree is detached. It inherits no descriptor but 0 to 2; an
 * execve(2) that fails reports through a close-on-exec pipe.
 */
#include <linux/close_range.h>
#include <linux/wait.h>

#include "cleanup.h"
#include "mount.h"

#define COMMAND_WORDS_MAX 2048
#define COMMAND_UMOUNT_DETACH 2 /* MNT_DETACH */
#define COMMAND_EXITED 1        /* CLD_EXITED */
#define COMMAND_SIGNAL_BASE 128

struct command {
	const char *path;
	const char *dir;
	const char *argv[COMMAND_WORDS_MAX + 1];
	const char *envp[COMMAND_WORDS_MAX + 1];
};

/* siginfo_t of waitid(2) on 64-bit machines. */
struct command_end {
	int32_t signo, error, code, pad;
	int32_t pid;
	uint32_t uid;
	int32_t status;
	uint8_t rest[100];
};

_Static_assert(sizeof(struct command_end) == 128, "layout of siginfo_t");

static int fill_words(const char **words, struct nsi_bytes list)
{
	uint32_t n = 0;

	if (!list.data)
		list.length = 0;
	for (const char *at = list.length ? nsi_list_next(list, NULL) : NULL; at;
	     at = nsi_list_next(list, at)) {
		if (n == COMMAND_WORDS_MAX)
			return -E2BIG;
		words[n++] = at;
	}
	words[n] = NULL;
	return 0;
}

/* 1 when the container's root lies over the process's own. */
static int root_is_attached(const struct nsi_run *run)
{
	struct statx own = { .stx_mask = 0 };
	struct statx root = own;
	int r = nsi_sys_statx(AT_FDCWD, "/", 0, NSI_STAT_MASK, &own);

	if (run->rootfd < 0)
		return 0;
	if (r == 0)
		r = nsi_stat(run->rootfd, &root);
	return r < 0 ? r : own.stx_mnt_id != root.stx_mnt_id;
}

static int leave_root(const struct nsi_run *run)
{
	const struct mount_attr slave = { .propagation = MS_SLAVE };
	int r = root_is_attached(run);

	if (r <= 0)
		return r;
	/* The working directory is what unshare(2) carries over to the copied mount. */
	r = (int)NSI_SYS1(__NR_fchdir, run->rootfd);
	if (r == 0)
		r = (int)NSI_SYS1(__NR_unshare, CLONE_NEWNS);
	if (r == 0)
		r = nsi_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave);
	if (r == 0)
		r = (int)NSI_SYS2(__NR_umount2, ".", COMMAND_UMOUNT_DETACH);
	return r < 0 ? r : (int)NSI_SYS1(__NR_chdir, "/");
}

static __attribute__((noreturn)) void run_command(const struct nsi_run *run,
						  const struct command *command, int pipefd)
{
	int r = leave_root(run);

	/* The set-up runs with none; what the host's programs make is not for everyone. */
	NSI_SYS1(__NR_umask, 022);
	if (r == 0 && command->dir && *command->dir)
		r = (int)NSI_SYS1(__NR_chdir, command->dir);
	if (r == 0)
		r = (int)NSI_SYS3(__NR_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (r == 0)
		r = (int)NSI_SYS3(__NR_execve, command->path, command->argv, command->envp);
	nsi_sys_write(pipefd, &r, sizeof(r));
	nsi_sys_exit(127);
}

/* Waits for the end, whatever the exit signal; the status as a shell has it. */
static int wait_command(int pidfd)
{
	struct command_end end = { .code = 0 };
	int r;

	do {
		r = (int)NSI_SYS5(__NR_waitid, P_PIDFD, pidfd, &end, WEXITED | __WALL, 0);
	} while (r == -EINTR);
	if (r < 0)
		return r;
	return end.code == COMMAND_EXITED ? end.status : COMMAND_SIGNAL_BASE + end.status;
}

static int start_command(const struct nsi_run *run, const struct command *command, int *pidfd_out,
			 int *errorfd_out)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd_out,
	};
	int fds[2] = { -1, -1 };
	int r = (int)NSI_SYS2(__NR_pipe2, fds, O_CLOEXEC);

	if (r < 0)
		return r;
	r = (int)NSI_SYS2(__NR_clone3, &args, sizeof(args));
	if (r == 0)
		run_command(run, command, fds[1]);
	nsi_sys_close(fds[1]);
	if (r < 0)
		nsi_sys_close(fds[0]);
	else
		*errorfd_out = fds[0];
	return r < 0 ? r : 0;
}

/*
 * nsi_op_command_run() - run a program of the host and wait for it
 *
 * Return: 0; -ECANCELED with its status (128 + signal) in run->value when that is
 * not zero; the error of execve(2); -E2BIG for more than 2048 words; -errno.
 */
int nsi_op_command_run(struct nsi_run *run, const struct nsi_op *op)
{
	struct command command = {
		.path = NSI_COMMAND_RUN_PATH(run, op),
		.dir = NSI_COMMAND_RUN_DIR(run, op),
	};
	NSI_AUTO_FD int errorfd = -1;
	NSI_AUTO_FD int pidfd = -1;
	int error = 0;
	int r = fill_words(command.argv, NSI_COMMAND_RUN_ARGV(run, op));
	long n;

	run->detail = NSI_AT_CLONE;
	r = r < 0 ? r : fill_words(command.envp, NSI_COMMAND_RUN_ENVP(run, op));
	r = r < 0 ? r : start_command(run, &command, &pidfd, &errorfd);
	if (r < 0)
		return r;
	run->detail = NSI_AT_EXEC;
	do {
		n = nsi_sys_read(errorfd, &error, sizeof(error));
	} while (n == -EINTR);
	r = wait_command(pidfd);
	if (n == (long)sizeof(error) && error < 0)
		return error;
	if (r <= 0)
		return r;
	run->value = r;
	return -ECANCELED;
}
