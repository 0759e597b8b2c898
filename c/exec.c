/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - the last steps of the child's list: entering the working directory,
 * execve(2).
 *
 * Everything exec needs is built by nsi_exec_prepare(), which a
 * seccomp filter that is loaded just before exec triggers early: behind the
 * filter only execve(2) itself is called, unless it fails.
 */
#include "handshake.h"
#include "helper.h"
#include "sys.h"
#include "text.h"
#include <linux/mman.h>

#define NSI_PROT_READ_WRITE 3
#define CWD_EARLY 1u

static struct {
	const char **argv, **envp;
} vectors;

/*
 * Changes to a directory by its path. While descriptors are open, links of procfs to
 * what they mean lead nowhere: such a directory may be ours, or hidden since
 * (CVE-2024-21626).
 */
static int change_directory(const char *path, int is_early)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_NO_MAGICLINKS };
	int fd, r;

	if (!is_early)
		return (int)NSI_SYS1(__NR_chdir, path);
	fd = nsi_sys_openat2(AT_FDCWD, path, &how);
	if (fd < 0)
		return fd;
	r = (int)NSI_SYS1(__NR_fchdir, fd);
	nsi_sys_close(fd);
	return r;
}

/*
 * nsi_op_cwd_enter() - change to the program's working directory
 * @run: the run
 * @op:  cwd.enter; one that is early leaves what it cannot do to the one that follows
 *
 * A directory reached over a leaked descriptor lies outside the root, and
 * getcwd(2) says "(unreachable)" (CVE-2024-21626): refused.
 *
 * Return: 0, -EXDEV when it lies outside the root, or another -errno.
 */
int nsi_op_cwd_enter(struct nsi_run *run, const struct nsi_op *op)
{
	int is_early = (NSI_CWD_ENTER_FLAGS(op) & CWD_EARLY) != 0;
	char *name = (char *)run->payload;
	int r;

	if (run->in_cwd)
		return 0;
	run->detail = NSI_AT_RESOLVE;
	r = change_directory(NSI_CWD_ENTER_PATH(run, op), is_early);
	if (r < 0)
		return is_early ? 0 : r;
	run->detail = NSI_AT_VERIFY;
	r = (int)NSI_SYS2(__NR_getcwd, name, sizeof(run->payload));
	if (r < 0)
		return r;
	if (name[0] != '/')
		return -EXDEV;
	run->in_cwd = is_early;
	return 0;
}

static int has_home(struct nsi_bytes envp)
{
	for (const char *at = nsi_list_next(envp, NULL); at; at = nsi_list_next(envp, at))
		if (at[0] == 'H' && at[1] == 'O' && at[2] == 'M' && at[3] == 'E' && at[4] == '=')
			return 1;
	return 0;
}

static const char **fill(const char **vector, struct nsi_bytes list)
{
	for (const char *at = nsi_list_next(list, NULL); at; at = nsi_list_next(list, at))
		*vector++ = at;
	return vector;
}

static int build_vectors(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes argv = NSI_EXEC_ARGV(run, op), envp = NSI_EXEC_ENVP(run, op);
	size_t count = (size_t)nsi_list_count(argv) + nsi_list_count(envp) + 3;
	size_t size = count * sizeof(char *) + sizeof("HOME=") + NSI_HOME_MAX;
	const char **end;
	char *home;
	long address;
	int r = 0;

	address = NSI_SYS6(__NR_mmap, 0, size, NSI_PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	if (address < 0 && address > -4096)
		return (int)address;
	vectors.argv = (const char **)address;
	end = fill(vectors.argv, argv);
	*end++ = NULL;
	vectors.envp = end;
	end = fill(vectors.envp, envp);
	if ((NSI_EXEC_FLAGS(op) & 1) && !has_home(envp)) {
		if (!run->have_user)
			return -EPROTO;
		home = (char *)(vectors.argv + count);
		r = nsi_text_append(home, sizeof("HOME=") + NSI_HOME_MAX, "HOME=");
		if (r == 0)
			r = nsi_text_append(home, sizeof("HOME=") + NSI_HOME_MAX, run->user.home);
		*end++ = home;
	}
	*end = NULL;
	return r;
}

/*
 * nsi_exec_prepare() - do everything that exec needs but execve(2) itself
 * @run: exec_sent is set
 * @op:  exec
 *
 * Called twice it does nothing the second time.
 *
 * Return: 0, -EPIPE when the parent is gone, or another -errno.
 */
int nsi_exec_prepare(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_report report = { .type = NSI_MSG_EXEC, .list = NSI_LIST_CHILD };
	int r;

	if (run->exec_sent)
		return 0;
	r = build_vectors(run, op);
	if (r == 0)
		r = nsi_child_restore(run);
	if (r < 0)
		return r;
	run->detail = NSI_AT_PROTOCOL;
	r = nsi_send(run->sock, &report, NULL, NULL, 0);
	if (r == 0)
		run->exec_sent = 1;
	return r;
}

/*
 * nsi_op_exec() - execute the program
 * @run: value becomes the index of the path whose failure is returned
 * @op:  exec; as execvp(3), a path that is missing or may not be executed leads to
 *       the next one
 *
 * The detail NSI_AT_VERIFY with ENOENT means that the file is there and what is
 * missing is its interpreter or loader.
 *
 * Return: -errno; it does not return on success.
 */
int nsi_op_exec(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes paths = NSI_EXEC_PATHS(run, op);
	int result = -ENOENT, r;
	int64_t index = 0;

	r = nsi_exec_prepare(run, op);
	if (r < 0)
		return r;
	run->detail = NSI_AT_EXEC;
	for (const char *at = nsi_list_next(paths, NULL); at; at = nsi_list_next(paths, at)) {
		r = (int)NSI_SYS3(__NR_execve, at, vectors.argv, vectors.envp);
		if (r != -ENOENT && r != -ENOTDIR && r != -EACCES) {
			run->detail = NSI_AT_EXEC;
			run->value = index;
			return r;
		}
		/* EACCES says more than a later ENOENT (execvp(3)). */
		if (r == -EACCES && result != -EACCES) {
			result = r;
			run->detail = NSI_AT_EXEC;
			run->value = index;
		} else if (r == -ENOENT && result != -EACCES && run->detail != NSI_AT_VERIFY &&
			   NSI_SYS3(__NR_faccessat, AT_FDCWD, at, 0) == 0) {
			run->detail = NSI_AT_VERIFY;
			run->value = index;
		}
		index++;
	}
	return result;
}

static int check_file(const char *path)
{
	struct statx st = { 0 };
	int r = (int)NSI_SYS3(__NR_faccessat, AT_FDCWD, path, X_OK);

	if (r == 0)
		r = nsi_sys_statx(AT_FDCWD, path, 0, STATX_TYPE, &st);
	if (r < 0)
		return r;
	return (st.stx_mode & S_IFMT) == S_IFREG ? 0 : -EACCES;
}

/*
 * nsi_op_program_find() - look for the program before it is executed
 * @run: the run
 * @op:  program.find
 *
 * What is found now may be another file when it is executed: this only tells
 * early what would fail.
 *
 * Return: 0, -ENOENT when there is none, -EACCES when there is one that may not be
 * executed, or another -errno.
 */
int nsi_op_program_find(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes paths = NSI_PROGRAM_FIND_PATHS(run, op);
	int result = -ENOENT;

	run->detail = NSI_AT_EXEC;
	for (const char *at = nsi_list_next(paths, NULL); at; at = nsi_list_next(paths, at)) {
		int r = check_file(at);

		if (r != -ENOENT && r != -ENOTDIR && r != -EACCES)
			return r;
		if (r == -EACCES)
			result = r;
	}
	return result;
}
