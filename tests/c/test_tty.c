// SPDX-License-Identifier: Apache-2.0
/*
 * test_tty.c - the pty, the console and the standard descriptors, with devpts
 * and /dev/null that are something else.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "handshake.h"
#include "playground.h"

static int parent_sock;

static int mount_fs(const char *fstype, const char *target, const char *options)
{
	struct nsi_op op = {
		.s = { put_text(fstype), put_text(fstype), put_text(target), put_list(options) },
	};

	return nsi_op_mount_fs(&run, &op);
}

static void begin(void)
{
	const struct nsi_op op = { .n = { NSI_SLOT_ROOT, MS_PRIVATE } };
	int pair[2];

	make_playground();
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	run.sock = pair[0];
	parent_sock = pair[1];
	clone_into(NSI_SLOT_ROOT, ROOT);
	EXPECT(0, nsi_op_root_attach(&run, &op));
}

static int open_tty(void)
{
	const struct nsi_op op = { .n = { 33, 101, 5, 6, 0620 } };

	return nsi_op_tty_open(&run, &op);
}

static int console(const char *path)
{
	struct nsi_op op = { .s = { put_text(path) } };

	return nsi_op_tty_console(&run, &op);
}

static int stdio(uint32_t flags, int64_t in, int64_t out, int64_t err)
{
	const struct nsi_op op = {
		.flags = flags,
		.n = { (uint64_t)in, (uint64_t)out, (uint64_t)err },
	};

	return nsi_op_stdio_set(&run, &op);
}

static int receive_master(void)
{
	struct nsi_report report;
	uint32_t slot = 0, count = 0;
	int fds[4];

	EXPECT(1, nsi_receive(parent_sock, &report, &slot, sizeof(slot), fds, 4, &count));
	CHECK(report.type == NSI_MSG_FDS && slot == NSI_SLOT_MASTER && count == 1);
	return fds[0];
}

static void pty_is_made_in_the_container(void)
{
	struct winsize size;
	struct stat st;
	char text[16];
	int master;

	begin();
	EXPECT(0, mount_fs("devpts", "/dev/pts", "newinstance _ ptmxmode 0666"));
	EXPECT(0, open_tty());
	master = receive_master();
	CHECK(ioctl(master, TIOCGWINSZ, &size) == 0 && size.ws_row == 33 && size.ws_col == 101);
	CHECK(fstat(run.ttyfd, &st) == 0 && st.st_uid == 5 && st.st_gid == 6);
	CHECK((st.st_mode & 07777) == 0620);
	CHECK(write(run.ttyfd, "hi", 2) == 2 && read(master, text, sizeof(text)) == 2);
	CHECK(setsid() > 0);
	EXPECT(0, nsi_op_tty_control(&run, NULL));
	CHECK(tcgetsid(run.ttyfd) == getpid());
	EXPECT(0, console("/dev/console"));
	CHECK(nsi_inroot_open(&run, "/dev/console", O_RDWR | O_NOCTTY, 0) >= 0);
	EXPECT(0, stdio(1, -1, -1, -1));
	CHECK(isatty(0) && isatty(1) && !(fcntl(1, F_GETFD) & FD_CLOEXEC));
}

static int own(uint64_t gid, uint32_t mode)
{
	const struct nsi_op op = { .n = { gid, mode } };

	return nsi_op_tty_own(&run, &op);
}

static void pty_becomes_the_users(void)
{
	struct stat st;

	begin();
	EXPECT(-EBADF, own(5, 0620));
	EXPECT(0, mount_fs("devpts", "/dev/pts", "newinstance _"));
	EXPECT(0, open_tty());
	EXPECT(-EPROTO, own(5, 0620));
	run.have_user = 1;
	run.user.uid = 1000;
	EXPECT(0, own(7, 0620));
	CHECK(fstat(run.ttyfd, &st) == 0 && st.st_uid == 1000 && st.st_gid == 7);
	CHECK((st.st_mode & 07777) == 0620);
	EXPECT(0, own((uint64_t)-1, 0600));
	CHECK(fstat(run.ttyfd, &st) == 0 && st.st_uid == 1000 && st.st_gid == 7);
	CHECK((st.st_mode & 07777) == 0600);
}

static void other_devpts_are_refused(void)
{
	begin();
	EXPECT(-ENOENT, open_tty());
	CHECK(mkdir(ROOT "/dev", 0755) == 0 && mkdir(ROOT "/dev/pts", 0755) == 0);
	CHECK(mknod(ROOT "/dev/pts/ptmx", S_IFCHR | 0666, makedev(5, 2)) == 0);
	EXPECT(-ENODEV, open_tty());
	EXPECT(NSI_AT_VERIFY, run.detail);
	CHECK(unlink(ROOT "/dev/pts/ptmx") == 0 && mkfifo(ROOT "/dev/pts/ptmx", 0600) == 0);
	EXPECT(-ENODEV, open_tty());
	CHECK(unlink(ROOT "/dev/pts/ptmx") == 0 && symlink("/dev/ptmx", ROOT "/dev/pts/ptmx") == 0);
	EXPECT(-ENOENT, open_tty());
	EXPECT(-EBADF, console("/dev/console"));
	CHECK(close(0) == 0);
	EXPECT(-EBADF, nsi_op_tty_control(&run, NULL));
}

static void console_follows_nothing(void)
{
	char text[16];

	begin();
	write_text(CANARY "/file", "canary");
	EXPECT(0, mount_fs("devpts", "/pts", "newinstance _"));
	CHECK(mkdir(ROOT "/dev", 0755) == 0 && symlink("../pts", ROOT "/dev/pts") == 0);
	EXPECT(0, open_tty());
	CHECK(symlink(CANARY "/file", ROOT "/dev/console") == 0);
	EXPECT(-ELOOP, console("/dev/console"));
	CHECK(unlink(ROOT "/dev/console") == 0 && mkfifo(ROOT "/dev/console", 0600) == 0);
	EXPECT(-EEXIST, console("/dev/console"));
	CHECK(unlink(ROOT "/dev/console") == 0);
	write_text(ROOT "/dev/console", "kept");
	EXPECT(0, console("/dev/console"));
	EXPECT(4, read_text(ROOT "/dev/console", text, sizeof(text)));
	CHECK(symlink(CANARY, ROOT "/linked") == 0);
	EXPECT(-ELOOP, console("/linked/console"));
	EXPECT(1, entries_of(CANARY));
}

static int same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static void slots_become_stdio(void)
{
	int pipes[2], null;

	begin();
	CHECK(mkdir(ROOT "/dev", 0755) == 0);
	CHECK(mknod(ROOT "/dev/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	CHECK(pipe2(pipes, O_CLOEXEC) == 0);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	run.slot[NSI_SLOT_STDIN] = null;
	run.slot[NSI_SLOT_STDOUT] = pipes[1];
	EXPECT(0, stdio(0, NSI_SLOT_STDIN, NSI_SLOT_STDOUT, -1));
	CHECK(same_file(0, ROOT "/dev/null") && (fcntl(0, F_GETFL) & O_ACCMODE) == O_RDONLY);
	CHECK(write(1, "x", 1) == 1 && !(fcntl(1, F_GETFD) & FD_CLOEXEC));
	EXPECT(-EBADF, stdio(0, NSI_SLOT_STDIN, 77, -1));
	EXPECT(-EBADF, stdio(0, 5000, -1, -1));
	EXPECT(-EBADF, stdio(1, -1, -1, -1));
}

/* Slots that landed on 0 to 2 themselves, crosswise. */
static void slots_below_three_are_not_lost(void)
{
	int pipes[2];
	char text[4];

	begin();
	CHECK(pipe2(pipes, O_CLOEXEC) == 0);
	CHECK(dup2(pipes[0], 1) == 1 && dup2(pipes[1], 0) == 0);
	run.slot[NSI_SLOT_STDIN] = 1;
	run.slot[NSI_SLOT_STDOUT] = 0;
	EXPECT(0, stdio(0, NSI_SLOT_STDIN, NSI_SLOT_STDOUT, -1));
	CHECK(write(1, "ok", 2) == 2 && read(0, text, 2) == 2);
}

static void closed_stdio_becomes_null(void)
{
	begin();
	close(0);
	close(1);
	EXPECT(-ENOENT, stdio(0, -1, -1, -1));
	CHECK(mkdir(ROOT "/dev", 0755) == 0);
	CHECK(mknod(ROOT "/dev/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	EXPECT(0, stdio(0, -1, -1, -1));
	CHECK(same_file(0, ROOT "/dev/null") && same_file(1, ROOT "/dev/null"));
	CHECK(!(fcntl(0, F_GETFD) & FD_CLOEXEC) && !(fcntl(1, F_GETFD) & FD_CLOEXEC));
}

static void false_null_is_not_used(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	begin();
	CHECK(dup2(null, 0) == 0);
	CHECK(mkdir(ROOT "/dev", 0755) == 0 && mkfifo(ROOT "/dev/null", 0666) == 0);
	EXPECT(0, stdio(0, -1, -1, -1));
	CHECK(same_file(0, "/dev/null"));
	CHECK(unlink(ROOT "/dev/null") == 0);
	CHECK(mknod(ROOT "/dev/null", S_IFBLK | 0666, makedev(1, 3)) == 0);
	EXPECT(0, stdio(0, -1, -1, -1));
	CHECK(same_file(0, "/dev/null"));
	close(0);
	EXPECT(-ENODEV, stdio(0, -1, -1, -1));
}

int main(void)
{
	if (!can_mount())
		return 0;
	RUN(pty_is_made_in_the_container);
	RUN(pty_becomes_the_users);
	RUN(other_devpts_are_refused);
	RUN(console_follows_nothing);
	RUN(slots_become_stdio);
	RUN(slots_below_three_are_not_lost);
	RUN(closed_stdio_becomes_null);
	RUN(false_null_is_not_used);
	return 0;
}
