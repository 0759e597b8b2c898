/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - a program of the host that is talked to over a socket: CRIU, which
 * serves requests on a SOCK_SEQPACKET descriptor that it is started with.
 *
 * It leads a session of its own, so that what a user types at a command does not
 * reach it: ended half-way it would leave the processes that it works on stopped.
 * It has no key of the caller, descriptors 0 to 2, the socket as 3 and behind it
 * those that it is given. It is a child of the calling thread, as is what it makes
 * with CLONE_PARENT.
 *
 * With trees it gets a mount namespace of its own, in which detached mounts of the
 * caller lie at numbered places of a small tmpfs. Nothing of that is seen on the
 * host, and it goes with the program and the mount namespaces made of it.
 *
 * Messages carry at most one descriptor. Library only.
 */
#include "nsinit.h"
#include "cleanup.h"
#include "process.h"
#include "sys.h"
#include "text.h"
#include "vfork.h"
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sys/socket.h>

#define WORKER_WORDS_MAX 256
#define WORKER_FDS_MAX 64
#define WORKER_TREES_MAX 480
#define WORKER_FIRST 3
#define WORKER_TYPE_MASK 0170000
#define WORKER_DIRECTORY 0040000
#define WORKER_REGULAR 0100000
#define WORKER_NOSUID_NODEV_NOEXEC 14

struct worker {
	const char *argv[WORKER_WORDS_MAX + 1];
	const char *envp[WORKER_WORDS_MAX + 1];
	int32_t fd[WORKER_FDS_MAX + WORKER_FIRST + 1];
	uint32_t fd_count;
	const char *base;
	const int32_t *tree;
	uint32_t tree_count;
	volatile int error;
};

/* Words end with a NUL each, the last one with two. */
static int fill_words(const char **words, const char *list)
{
	uint32_t n = 0;

	for (; *list; list += nsi_text_length(list) + 1) {
		if (n == WORKER_WORDS_MAX)
			return -E2BIG;
		words[n++] = list;
	}
	words[n] = NULL;
	return 0;
}

/* A tree covers a directory, or a file when it is none. */
static int attach_tree(int basefd, int treefd, uint32_t number)
{
	struct statx st = { 0 };
	char name[24];
	int r = nsi_sys_statx(treefd, "", AT_EMPTY_PATH, STATX_TYPE, &st);

	nsi_text_number(name, number);
	if (r < 0)
		return r;
	if ((st.stx_mode & WORKER_TYPE_MASK) == WORKER_DIRECTORY)
		r = nsi_sys_mkdirat(basefd, name, 0755);
	else
		r = (int)NSI_SYS4(__NR_mknodat, basefd, name, WORKER_REGULAR | 0644, 0);
	if (r < 0)
		return r;
	return nsi_sys_move_mount(treefd, "", basefd, name, MOVE_MOUNT_F_EMPTY_PATH);
}

static int show_trees(const struct worker *worker)
{
	/* MS_SLAVE: what is mounted on the host later may be seen, nothing goes back. */
	const struct mount_attr slave = { .propagation = 1U << 19 };
	int r = (int)NSI_SYS1(__NR_unshare, CLONE_NEWNS), basefd;

	if (r == 0)
		r = nsi_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave);
	if (r == 0)
		r = (int)NSI_SYS5(__NR_mount, "nsinit", worker->base, "tmpfs",
				  WORKER_NOSUID_NODEV_NOEXEC, "mode=755");
	if (r < 0)
		return r;
	basefd = nsi_sys_openat(AT_FDCWD, worker->base, O_PATH | O_DIRECTORY, 0);
	if (basefd < 0)
		return basefd;
	for (uint32_t i = 0; i < worker->tree_count && r == 0; i++)
		r = attach_tree(basefd, worker->tree[i], i);
	nsi_sys_close(basefd);
	return r;
}

/* Sources first leave the numbers that are given out: one may be another's target. */
static int place_descriptors(struct worker *worker)
{
	const int end = (int)worker->fd_count;
	int r = 0;

	for (int i = 0; i < end; i++) {
		r = nsi_sys_fcntl(worker->fd[i], F_DUPFD_CLOEXEC, end);
		if (r < 0)
			return r;
		worker->fd[i] = r;
	}
	for (int i = 0; i < end && r >= 0; i++)
		r = nsi_sys_dup3(worker->fd[i], i, 0);
	if (r < 0)
		return r;
	return (int)NSI_SYS3(__NR_close_range, end, ~0U, CLOSE_RANGE_CLOEXEC);
}

static int prepare(struct worker *worker)
{
	long r = NSI_SYS0(__NR_setsid);

	nsi_clone_default_signals();
	NSI_SYS1(__NR_umask, 022);
	if (r >= 0)
		r = NSI_SYS2(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
	if (r == -EPERM || r == -ENOSYS)
		r = 0;
	if (r >= 0 && worker->tree_count)
		r = show_trees(worker);
	if (r >= 0)
		r = place_descriptors(worker);
	return r < 0 ? (int)r : nsi_clone_unblock_signals();
}

/* First and only function of the process; the caller is suspended until it has gone. */
__attribute__((noreturn)) static void worker_main(void *argument)
{
	struct worker *worker = argument;
	int r = prepare(worker);

	if (r >= 0)
		r = (int)NSI_SYS3(__NR_execve, worker->argv[0], worker->argv, worker->envp);
	worker->error = r;
	for (;;)
		NSI_SYS1(__NR_exit, 127);
}

static int start(struct worker *worker, int *pidfd_out)
{
	struct clone_args args = { .flags = 0 };
	int32_t status[2];
	NSI_AUTO_FD int pidfd = -1;
	long pid = nsi_clone_vfork(&args, worker_main, worker, &pidfd);

	if (pid < 0)
		return (int)pid;
	if (worker->error < 0) {
		(void)nsi_process_wait(pidfd, 0, status);
		return worker->error;
	}
	*pidfd_out = nsi_take_fd(&pidfd);
	return (int)pid;
}

/*
 * nsi_worker_start() - start the program argv[0] with a socket
 * @argv: words, each with its NUL, and one NUL more
 * @envp: the same
 * @fds:  @fd_count descriptors: stdin, stdout, stderr, and those that become 4, 5, ...
 * @fd_count: 3 to 64
 * @base: directory that the trees are shown in, as base/0, base/1, ...
 * @trees: @tree_count detached mounts, borrowed; they cannot be attached again
 * @tree_count: 0 for the mount namespace of the caller
 * @out: gets our end of the socket, nonblocking, and the pidfd, owned by the caller
 *
 * Return: pid, or -errno: of execve(2) or of what precedes it.
 */
int32_t nsi_worker_start(const char *argv, const char *envp, const int32_t *fds, uint32_t fd_count,
			 const char *base, const int32_t *trees, uint32_t tree_count, int32_t *out)
{
	struct worker worker = { .base = base, .tree = trees, .tree_count = tree_count };
	int pair[2] = { -1, -1 }, pidfd = -1, r;

	if (fd_count < WORKER_FIRST || fd_count > WORKER_FDS_MAX || tree_count > WORKER_TREES_MAX)
		return -EINVAL;
	r = fill_words(worker.argv, argv);
	if (r == 0)
		r = fill_words(worker.envp, envp);
	if (r < 0)
		return r;
	if (!worker.argv[0])
		return -EINVAL;
	r = (int)NSI_SYS4(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
	if (r < 0)
		return r;
	NSI_AUTO_FD int ours = pair[0];
	NSI_AUTO_FD int theirs = pair[1];
	for (uint32_t i = 0; i < fd_count; i++)
		worker.fd[i < WORKER_FIRST ? i : i + 1] = fds[i];
	worker.fd[WORKER_FIRST] = theirs;
	worker.fd_count = fd_count + 1;
	r = nsi_nonblock(ours);
	if (r == 0)
		r = start(&worker, &pidfd);
	if (r < 0)
		return r;
	out[0] = nsi_take_fd(&ours);
	out[1] = pidfd;
	return r;
}

/*
 * nsi_worker_send() - send one message
 * @sock:   of nsi_worker_start()
 * @data:   @length bytes
 *
 * Return: 0, -EAGAIN when there is no room, -EPIPE when the program has gone, or another -errno.
 */
int32_t nsi_worker_send(int32_t sock, const void *data, uint32_t length)
{
	long r = NSI_SYS6(__NR_sendto, sock, data, length, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);

	return r < 0 ? (int32_t)r : 0;
}

/* The only descriptor of a message; more than was asked for are closed. */
static int take_descriptor(struct msghdr *message)
{
	int fd = -1;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int one;

		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			__builtin_memcpy(&one, CMSG_DATA(at) + i * sizeof(one), sizeof(one));
			if (fd < 0)
				fd = one;
			else
				nsi_sys_close(one);
		}
	}
	return fd;
}

/*
 * nsi_worker_receive() - take one message
 * @sock:   of nsi_worker_start()
 * @data:   room for @size bytes
 * @size:   of @data
 * @fd_out: gets the descriptor of the message, close-on-exec and owned by the caller, or -1
 *
 * Return: its length, 0 when the program has gone, -EAGAIN when there is none yet,
 * -EMSGSIZE for one that is longer than @size, or another -errno.
 */
int32_t nsi_worker_receive(int32_t sock, void *data, uint32_t size, int32_t *fd_out)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct iovec part = { .iov_base = data, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	long r;

	*fd_out = -1;
	do {
		r = NSI_SYS3(__NR_recvmsg, sock, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (r == -EINTR);
	if (r < 0)
		return (int32_t)r;
	*fd_out = take_descriptor(&message);
	if (!(message.msg_flags & MSG_TRUNC))
		return (int32_t)r;
	if (*fd_out >= 0)
		nsi_sys_close(*fd_out);
	*fd_out = -1;
	return -EMSGSIZE;
}

/*
 * nsi_dir_open() - open a directory
 * @path: its last link is not followed
 *
 * Return: a descriptor, owned by the caller, or -errno.
 */
int32_t nsi_dir_open(const char *path)
{
	return nsi_sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}
