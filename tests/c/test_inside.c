// SPDX-License-Identifier: Apache-2.0
/*
 * test_inside.c - procfs writes, names, user files and commands.
 */
#include <sys/socket.h>
#include <sys/utsname.h>

#include "account.h"
#include "handshake.h"
#include "playground.h"

static int parent_sock;

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

static int with_text(int (*execute)(struct nsi_run *, const struct nsi_op *), const char *first,
		     const char *second)
{
	struct nsi_op op = { .s = { put_text(first), put_text(second) } };

	return execute(&run, &op);
}

static void sysctls_are_written_below_sys(void)
{
	struct utsname name;
	struct nsi_op op = { .kind = 0 };

	CHECK(unshare(CLONE_NEWUTS | CLONE_NEWIPC) == 0);
	EXPECT(-EBADF, with_text(nsi_op_sysctl_write, "kernel/msgmax", "1"));
	EXPECT(0, nsi_op_proc_open(&run, &op));
	EXPECT(0, with_text(nsi_op_sysctl_write, "kernel/domainname", "by.sysctl"));
	CHECK(uname(&name) == 0 && !strcmp(name.domainname, "by.sysctl"));
	EXPECT(0, with_text(nsi_op_sysctl_write, "kernel/shm_rmid_forced", "1"));
	EXPECT(-EINVAL, with_text(nsi_op_sysctl_write, "kernel/shm_rmid_forced", "x"));
	EXPECT(NSI_AT_WRITE, run.detail);
	EXPECT(-ENOENT, with_text(nsi_op_sysctl_write, "kernel/nothing", "1"));
	EXPECT(-EXDEV, with_text(nsi_op_sysctl_write, "../self/oom_score_adj", "1"));
	EXPECT(-EXDEV, with_text(nsi_op_sysctl_write, "/proc/self/oom_score_adj", "1"));
	EXPECT(-EXDEV, with_text(nsi_op_sysctl_write, "kernel/../../self/oom_score_adj", "1"));
	EXPECT(0, with_text(nsi_op_hostname_set, "tester", ""));
	EXPECT(0, with_text(nsi_op_domainname_set, "example", ""));
	CHECK(uname(&name) == 0 && !strcmp(name.nodename, "tester"));
	CHECK(!strcmp(name.domainname, "example"));
}

static void proc_is_private_and_self_is_the_caller(void)
{
	struct nsi_op op = { .kind = 0 };
	char text[32];
	int fd;

	make_playground();
	/* A fake /proc does not matter, nor does a mount over a file of it. */
	EXPECT(0, nsi_sys_move_mount(nsi_sys_open_tree(AT_FDCWD, CANARY, OPEN_TREE_CLONE), "",
				     AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH));
	EXPECT(0, nsi_op_proc_open(&run, &op));
	EXPECT(0, with_text(nsi_op_oom_adjust, "321", ""));
	fd = nsi_proc_open(&run, "self/oom_score_adj", O_RDONLY);
	CHECK(fd >= 0 && read(fd, text, sizeof(text)) == 4 && !memcmp(text, "321\n", 4));
	EXPECT(-EINVAL, with_text(nsi_op_oom_adjust, "99999", ""));
	EXPECT(-ELOOP, nsi_proc_open(&run, "self/exe", O_RDONLY));
	EXPECT(-ELOOP, nsi_proc_open(&run, "self/root/etc", O_PATH));
	EXPECT(-ENOENT, nsi_proc_open(&run, "selfish", O_PATH));
	EXPECT(-EXDEV, nsi_proc_open(&run, "/etc/passwd", O_PATH));
	EXPECT(0, entries_of(CANARY));
}

static void proc_falls_back_to_a_checked_one(void)
{
	struct nsi_op op = { .kind = 0 };

	make_playground();
	/* A user namespace that does not own its pid namespace may not make a procfs. */
	CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	write_text("/proc/self/uid_map", "0 0 1");
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/gid_map", "0 0 1");
	EXPECT(0, nsi_op_proc_open(&run, &op));
	EXPECT(0, with_text(nsi_op_oom_adjust, "500", ""));
	write_text(CANARY "/fake", "");
	EXPECT(0,
	       nsi_sys_move_mount(nsi_sys_open_tree(AT_FDCWD, CANARY "/fake", OPEN_TREE_CLONE), "",
				  AT_FDCWD, "/proc/self/oom_score_adj", MOVE_MOUNT_F_EMPTY_PATH));
	EXPECT(-EXDEV, with_text(nsi_op_oom_adjust, "501", ""));
	EXPECT(0, nsi_sys_move_mount(nsi_sys_open_tree(AT_FDCWD, CANARY, OPEN_TREE_CLONE), "",
				     AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH));
	EXPECT(-ENODEV, nsi_op_proc_open(&run, &op));
}

static void labels_fail_closed(void)
{
	struct nsi_op op = { .kind = 0 };

	EXPECT(0, nsi_op_proc_open(&run, &op));
	if (access("/sys/kernel/security/apparmor", F_OK) == 0 ||
	    access("/sys/fs/selinux", F_OK) == 0)
		return;
	CHECK(with_text(nsi_op_label_apparmor, "exec no-such-profile", "") < 0);
	CHECK(with_text(nsi_op_label_selinux, "no:such:label:s0", "") < 0);
}

static uint32_t receive(int *fds, uint32_t *slots)
{
	struct nsi_report report;
	uint32_t count = 0;

	EXPECT(1, nsi_receive(parent_sock, &report, slots, 8, fds, 4, &count));
	CHECK(report.type == NSI_MSG_FDS && report.length == count * 4);
	return count;
}

static void user_files_are_regular(void)
{
	struct nsi_op op = { .kind = 0 };
	uint32_t slots[2];
	char text[16];
	int fds[4];

	begin();
	EXPECT(0, nsi_op_user_files(&run, &op));
	EXPECT(0, receive(fds, slots));
	CHECK(symlink("../../../real", ROOT "/etc") == 0 && mkdir(ROOT "/real", 0755) == 0);
	write_text(ROOT "/real/group", "group");
	CHECK(symlink(CANARY "/passwd", ROOT "/real/passwd") == 0);
	write_text(CANARY "/passwd", "host");
	EXPECT(0, nsi_op_user_files(&run, &op));
	EXPECT(1, receive(fds, slots));
	CHECK(slots[0] == NSI_SLOT_GROUP && read(fds[0], text, sizeof(text)) == 5);
	CHECK(unlink(ROOT "/real/passwd") == 0);
	write_text(ROOT "/real/passwd", "passwd");
	EXPECT(0, nsi_op_user_files(&run, &op));
	EXPECT(2, receive(fds, slots));
	CHECK(slots[0] == NSI_SLOT_PASSWD && slots[1] == NSI_SLOT_GROUP);
	CHECK(read(fds[0], text, sizeof(text)) == 6);
	CHECK(unlink(ROOT "/real/passwd") == 0 && mkfifo(ROOT "/real/passwd", 0666) == 0);
	EXPECT(-EINVAL, nsi_op_user_files(&run, &op));
	CHECK(unlink(ROOT "/real/passwd") == 0 && mkdir(ROOT "/real/passwd", 0755) == 0);
	EXPECT(-EINVAL, nsi_op_user_files(&run, &op));
	CHECK(rmdir(ROOT "/real/passwd") == 0);
	CHECK(mknod(ROOT "/real/passwd", S_IFCHR | 0666, makedev(1, 5)) == 0);
	EXPECT(-EINVAL, nsi_op_user_files(&run, &op));
	CHECK(unlink(ROOT "/real/passwd") == 0 && symlink("passwd", ROOT "/real/passwd") == 0);
	EXPECT(-ELOOP, nsi_op_user_files(&run, &op));
}

/* The files of the root, in the state that they are in. */
static void look(struct nsi_account *accounts)
{
	int passwd = open(ROOT "/etc/passwd", O_RDONLY | O_CLOEXEC);
	int group = open(ROOT "/etc/group", O_RDONLY | O_CLOEXEC);

	EXPECT(0, nsi_account_look(passwd, &accounts[0]));
	EXPECT(0, nsi_account_look(group, &accounts[1]));
	if (passwd >= 0)
		CHECK(close(passwd) == 0);
	if (group >= 0)
		CHECK(close(group) == 0);
}

static int user_files(const struct nsi_account *known, const struct nsi_user *user)
{
	const size_t length = offsetof(struct nsi_user, home) + user->home_length + 1;
	struct nsi_op op = { .s = { put_bytes(known, 2 * sizeof(*known)),
				    put_bytes(user, length) } };

	return nsi_op_user_files(&run, &op);
}

static void known_files_need_no_answer(void)
{
	struct nsi_user user = { .uid = 7, .gid = 8, .home_length = 2, .home = "/h" };
	struct nsi_account known[2];
	uint32_t slots[2];
	int fds[4];

	begin();
	CHECK(mkdir(ROOT "/etc", 0755) == 0);
	write_text(ROOT "/etc/passwd", "passwd");
	look(known);
	CHECK(known[0].exists && !known[1].exists);
	EXPECT(0, user_files(known, &user));
	CHECK(run.have_user && run.user.uid == 7 && !strcmp(run.user.home, "/h"));
	CHECK(recv(parent_sock, slots, sizeof(slots), MSG_DONTWAIT) < 0);
	run.have_user = 0;
	write_text(ROOT "/etc/group", "group");
	EXPECT(0, user_files(known, &user));
	EXPECT(2, receive(fds, slots));
	CHECK(!run.have_user);
	look(known);
	CHECK(unlink(ROOT "/etc/passwd") == 0);
	write_text(ROOT "/etc/passwd", "another");
	EXPECT(0, user_files(known, &user));
	EXPECT(2, receive(fds, slots));
	CHECK(!run.have_user);
	look(known);
	user.home[2] = 'x';
	EXPECT(-EPROTO, user_files(known, &user));
	CHECK(!run.have_user);
}

static int command(const char *path, const char *argv, const char *envp, const char *dir)
{
	struct nsi_op op = { .s = { put_text(path), put_list(argv), put_list(envp),
				    put_text(dir) } };

	return nsi_op_command_run(&run, &op);
}

static void script(const char *text)
{
	write_text(CANARY "/script", text);
}

static int run_script(void)
{
	return command("/bin/sh", "sh " CANARY "/script", "A=1 B=2", CANARY);
}

static void commands_run_on_the_host(void)
{
	char text[64];

	begin();
	script("echo $A$B$PWD >" CANARY "/out; test -e /etc/passwd");
	EXPECT(0, run_script());
	CHECK(read_text(CANARY "/out", text, sizeof(text)) > 0 && !strcmp(text, "12" CANARY "\n"));
	umask(0);
	script("rm out; echo >out; test $(stat -c %a out) = 644");
	EXPECT(0, command("/bin/sh", "sh " CANARY "/script", "PATH=/bin:/usr/bin", CANARY));
	script("exit 7");
	EXPECT(-ECANCELED, run_script());
	EXPECT(7, run.value);
	script("kill -9 $$");
	EXPECT(-ECANCELED, run_script());
	EXPECT(128 + 9, run.value);
	EXPECT(-ENOENT, command("/no/such/program", "x", "", ""));
	EXPECT(NSI_AT_EXEC, run.detail);
	EXPECT(-EACCES, command("/etc/passwd", "x", "", ""));
	EXPECT(-ENOENT, command("/bin/true", "true", "", "/no/such/dir"));
	EXPECT(0, command("/bin/true", "true", "", ""));
}

static void commands_never_see_the_container(void)
{
	begin();
	write_text(ROOT "/marker", "");
	CHECK(open("/", O_RDONLY) >= 0); /* not for the command */
	script("test ! -e /marker && test ! -e /etc/../marker && test ! -e /usr/bin/../../marker");
	EXPECT(0, run_script());
	script("for n in 3 4 5 6 7 8 9; do test ! -e /proc/self/fd/$n || exit 1; done");
	EXPECT(0, run_script());
	/* Its mounts are its own, and the root of this process is untouched. */
	CHECK(nsi_inroot_open(&run, "/marker", O_PATH, 0) >= 0);
	CHECK(access("/etc/../marker", F_OK) == 0);
}

int main(void)
{
	if (!can_mount())
		return 0;
	RUN(sysctls_are_written_below_sys);
	RUN(proc_is_private_and_self_is_the_caller);
	RUN(proc_falls_back_to_a_checked_one);
	RUN(labels_fail_closed);
	RUN(user_files_are_regular);
	RUN(known_files_need_no_answer);
	RUN(commands_run_on_the_host);
	RUN(commands_never_see_the_container);
	return 0;
}
