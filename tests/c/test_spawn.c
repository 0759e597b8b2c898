/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_spawn.c - starts real children with Plans packed by hand: exit status,
 * error records, injected faults, descriptors, the stage. Needs root.
 */
#include "build_plan.h"
#include "nsinit.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct start {
	struct builder builder;
	struct nsi_run run;
	uint8_t *plan;
};

static struct start *begin(void)
{
	struct start *s = malloc(sizeof(*s));

	CHECK(s);
	builder_reset(&s->builder);
	s->plan = NULL;
	return s;
}

static void spawn(struct start *s, uint32_t flags)
{
	struct nsi_op *op = add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_SPAWN);

	op->flags = flags;
	op->n[0] = (uint64_t)-1;
}

static void point(struct start *s, uint32_t number)
{
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = number;
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_RELEASE)->n[0] = number;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SYNC)->n[0] = number;
}

static void stdio(struct start *s, int *output)
{
	static const uint32_t slot = NSI_SLOT_STDOUT;
	struct nsi_op *op;
	int fds[2];

	CHECK_EQUAL(nsi_pipe(fds), 0);
	op = add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_FD_USE);
	op->n[0] = slot;
	op->n[1] = (uint64_t)fds[1];
	*output = fds[0];
}

static struct nsi_op *program(struct start *s, struct nsi_ref paths, struct nsi_ref argv)
{
	struct nsi_op *op = add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_EXEC);

	op->s[0] = paths;
	op->s[1] = argv;
	op->s[2] = add_list(&s->builder, "PATH=/usr/bin:/bin");
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_AWAIT_EXEC);
	return op;
}

static struct nsi_op *shell(struct start *s, const char *command)
{
	char argv[4096];
	int length = snprintf(argv, sizeof(argv), "sh%c-c%c%s", 0, 0, command) + 1;

	return program(s, add_list(&s->builder, "/bin/sh"),
		       add_bytes(&s->builder, argv, (uint32_t)length));
}

static int go(struct start *s)
{
	uint32_t length;

	s->plan = pack(&s->builder, &length);
	CHECK_EQUAL(nsi_run_init(&s->run, sizeof(s->run), s->plan, length), 0);
	return nsi_run_parent(&s->run, 0, s->builder.count[NSI_LIST_PARENT]);
}

static int finish(struct start *s)
{
	int32_t status[2];
	int r = nsi_wait(s->run.pidfd, 0, status);

	CHECK_EQUAL(r, 0);
	CHECK_EQUAL(nsi_run_close(&s->run), 0);
	free(s->plan);
	free(s);
	return status[0] == CLD_EXITED ? status[1] : 128 + status[1];
}

static void fail(struct start *s)
{
	CHECK_EQUAL(nsi_run_abort(&s->run), 0);
	CHECK_EQUAL(s->run.pidfd, -1);
	CHECK_EQUAL(nsi_run_close(&s->run), 0);
	free(s->plan);
	free(s);
}

static void check_report(const struct start *s, uint32_t list, uint32_t index, int error,
			 uint32_t detail)
{
	CHECK_EQUAL(s->run.report.type, NSI_MSG_ERROR);
	CHECK_EQUAL(s->run.report.list, list);
	CHECK_EQUAL(s->run.report.index, index);
	CHECK_EQUAL(s->run.report.error, error);
	CHECK_EQUAL(s->run.report.detail, detail);
}

static int run_shell(const char *command)
{
	struct start *s = begin();

	spawn(s, 0);
	shell(s, command);
	CHECK_EQUAL(go(s), 0);
	return finish(s);
}

static void test_status(void)
{
	CHECK_EQUAL(run_shell("exit 0"), 0);
	CHECK_EQUAL(run_shell("exit 7"), 7);
	CHECK_EQUAL(run_shell("kill -9 $$"), 128 + 9);
}

static void test_missing_program(void)
{
	struct start *s = begin();

	spawn(s, 0);
	program(s, add_list(&s->builder, "/nonexistent/a\0/nonexistent/b"),
		add_list(&s->builder, "a"));
	CHECK_EQUAL(go(s), -ENOENT);
	check_report(s, NSI_LIST_CHILD, 0, ENOENT, NSI_AT_EXEC);
	fail(s);

	s = begin();
	spawn(s, 0);
	program(s, add_list(&s->builder, "/etc/passwd\0/nonexistent/b"),
		add_list(&s->builder, "a"));
	CHECK_EQUAL(go(s), -EACCES);
	check_report(s, NSI_LIST_CHILD, 0, EACCES, NSI_AT_EXEC);
	fail(s);

	/* The second path is taken when the first is missing. */
	s = begin();
	spawn(s, 0);
	program(s, add_list(&s->builder, "/nonexistent/a\0/bin/true"), add_list(&s->builder, "a"));
	CHECK_EQUAL(go(s), 0);
	CHECK_EQUAL(finish(s), 0);
}

static void test_missing_interpreter(void)
{
	char path[] = "/tmp/nsinit-test-XXXXXX";
	struct start *s = begin();
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK(write(fd, "#!/nonexistent/sh\n", 18) == 18);
	CHECK(fchmod(fd, 0755) == 0 && close(fd) == 0);
	spawn(s, 0);
	program(s, add_bytes(&s->builder, path, sizeof(path)), add_list(&s->builder, "a"));
	CHECK_EQUAL(go(s), -ENOENT);
	check_report(s, NSI_LIST_CHILD, 0, ENOENT, NSI_AT_VERIFY);
	unlink(path);
	fail(s);
}

static void test_faults(void)
{
	for (uint32_t index = 0; index < 2; index++) {
		struct start *s = begin();

		spawn(s, 0);
		point(s, NSI_POINT_EXEC);
		program(s, add_list(&s->builder, "/bin/true"), add_list(&s->builder, "true"));
		s->builder.fault_list = NSI_LIST_CHILD;
		s->builder.fault_index = index;
		s->builder.fault_errno = EDOM;
		CHECK_EQUAL(go(s), -EDOM);
		check_report(s, NSI_LIST_CHILD, index, EDOM, NSI_AT_NONE);
		fail(s);
	}
	for (uint32_t index = 0; index < 4; index++) {
		struct start *s = begin();

		spawn(s, 0);
		point(s, NSI_POINT_EXEC);
		program(s, add_list(&s->builder, "/bin/true"), add_list(&s->builder, "true"));
		s->builder.fault_list = NSI_LIST_PARENT;
		s->builder.fault_index = index;
		s->builder.fault_errno = EDOM;
		CHECK_EQUAL(go(s), -EDOM);
		check_report(s, NSI_LIST_PARENT, index, EDOM, NSI_AT_NONE);
		fail(s);
	}
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Before it executes anything the child runs from a memfd and cannot be looked into. */
static void test_before_exec(void)
{
	struct start *s = begin();
	char path[64], link[256] = "", core[4096];
	ssize_t length;
	FILE *file;

	spawn(s, 0);
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = NSI_POINT_EXEC;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SYNC)->n[0] = NSI_POINT_EXEC;
	CHECK_EQUAL(go(s), 0);
	snprintf(path, sizeof(path), "/proc/%d/exe", nsi_run_pid(&s->run));
	length = readlink(path, link, sizeof(link) - 1);
	CHECK(length > 0);
	CHECK(strncmp(link, "/memfd:nsinit", 13) == 0);
	CHECK(open(path, O_WRONLY) < 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", nsi_run_pid(&s->run));
	DIR *dir = opendir(path);
	int count = 0;
	CHECK(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	closedir(dir);
	CHECK_EQUAL(count, 4); /* 0 to 2 and the socket */
	snprintf(path, sizeof(path), "/proc/%d/status", nsi_run_pid(&s->run));
	file = fopen(path, "r");
	CHECK(file);
	length = (ssize_t)fread(core, 1, sizeof(core) - 1, file);
	core[length] = 0;
	fclose(file);
	CHECK(strstr(core, "SigBlk:\t0000000000000000"));
	CHECK(strstr(core, "SigIgn:\t0000000000000000"));
	CHECK(strstr(core, "Name:\tnsinit\n"));
	/* The maker is gone: so is the half-made child. */
	close(s->run.sock);
	s->run.sock = -1;
	CHECK(finish(s) != 0);
}

static void *start_many(void *failed)
{
	for (int i = 0; i < 20; i++)
		if (run_shell("exit 3") != 3)
			*(int *)failed = 1;
	return NULL;
}

static void test_threads(void)
{
	pthread_t thread[4];
	int failed = 0;

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&thread[i], NULL, start_many, &failed) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	CHECK(!failed);
}

/* Nothing of the caller's signals, descriptors, umask or core limit is changed on the way. */
static void test_inheritance(void)
{
	sigset_t all, before;
	int leak = open("/dev/null", O_RDONLY);

	CHECK(leak >= 3);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	signal(SIGUSR1, SIG_IGN);
	umask(027);
	CHECK_EQUAL(
		run_shell("test $(grep -c 'Sig[BI][lg][kn]:.0000000000000000' "
			  "/proc/self/status) = 2 && test $(ls /proc/self/fd | wc -l) = 4 && "
			  "test $(umask) = 0027 && test \"$(env | sort | head -1)\" = "
			  "\"PATH=/usr/bin:/bin\" -o \"$(env | sort | head -1)\" = PWD=\"$PWD\""),
		0);
	signal(SIGUSR1, SIG_DFL);
	umask(022);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(leak);
}

/* The list goes on in a clone that is our child; the stage is reaped. */
static void test_stage(void)
{
	struct start *s = begin();
	int first;

	spawn(s, 0);
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_NS_CLONE)->flags = CLONE_NEWPID;
	point(s, NSI_POINT_CLONED);
	shell(s, "test $$ = 1 && exit 9");
	uint32_t length;
	s->plan = pack(&s->builder, &length);
	CHECK_EQUAL(nsi_run_init(&s->run, sizeof(s->run), s->plan, length), 0);
	CHECK_EQUAL(nsi_run_parent(&s->run, 0, 1), 0);
	first = nsi_run_pid(&s->run);
	CHECK_EQUAL(nsi_run_parent(&s->run, 1, s->builder.count[NSI_LIST_PARENT]), 0);
	CHECK(nsi_run_pid(&s->run) != first);
	CHECK_EQUAL(s->run.stage, -1);
	CHECK_EQUAL(kill(first, 0), -1);
	CHECK_EQUAL(finish(s), 9);

	/* A clone that fails, and one that is given up while it waits. */
	for (int waits = 0; waits < 2; waits++) {
		s = begin();
		spawn(s, 0);
		add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_NS_CLONE);
		add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = NSI_POINT_CLONED;
		add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SYNC)->n[0] = NSI_POINT_CLONED;
		s->builder.fault_list = waits ? NSI_LIST_NONE : NSI_LIST_CHILD;
		s->builder.fault_index = 1;
		s->builder.fault_errno = EDOM;
		CHECK_EQUAL(go(s), waits ? 0 : -EDOM);
		fail(s);
	}
	/* Given up at any moment: neither stage nor clone is left. */
	for (useconds_t wait = 0; wait < 1500; wait += 50) {
		s = begin();
		spawn(s, 0);
		add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_NS_CLONE);
		add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SYNC)->n[0] = NSI_POINT_CLONED;
		CHECK_EQUAL(go(s), 0);
		usleep(wait);
		fail(s);
	}
}

/* Behind the filter only execve(2) is needed. */
static void test_seccomp(void)
{
	struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_sendmsg, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct start *s = begin();
	struct nsi_op *op;

	spawn(s, 0);
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_PRIVILEGES_LOCK);
	op = add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SECCOMP_LOAD);
	op->s[0] = add_bytes(&s->builder, refuse, sizeof(refuse));
	shell(s, "grep -q 'Seccomp:.2' /proc/self/status && exit 4");
	CHECK_EQUAL(go(s), 0);
	CHECK_EQUAL(finish(s), 4);

	/* The listener comes to the parent, whatever the rest of the filter refuses. */
	for (unsigned int send = 0; send < 2; send++) {
		s = begin();
		spawn(s, 0);
		add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_PRIVILEGES_LOCK);
		op = add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SECCOMP_NOTIFY);
		op->flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
		op->n[0] = send;
		op->s[0] = add_bytes(&s->builder, &refuse[3], sizeof(*refuse));
		op = add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SECCOMP_LOAD);
		op->s[0] = add_bytes(&s->builder, refuse, sizeof(refuse));
		shell(s, "exit 5");
		CHECK_EQUAL(go(s), 0);
		CHECK(nsi_run_slot(&s->run, NSI_SLOT_SECCOMP) > 2);
		CHECK_EQUAL(finish(s), 5);
	}

	/* A listener belongs to seccomp.notify alone, and that needs one. */
	for (unsigned int load = 0; load < 2; load++) {
		s = begin();
		spawn(s, 0);
		op = add_op(&s->builder, NSI_LIST_CHILD,
			    load ? NSI_OP_SECCOMP_LOAD : NSI_OP_SECCOMP_NOTIFY);
		op->flags = load ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
		op->s[0] = add_bytes(&s->builder, &refuse[3], sizeof(*refuse));
		shell(s, "exit 5");
		CHECK_EQUAL(go(s), -EINVAL);
		fail(s);
	}

	/* Not a filter: the errno comes though EXEC was announced. */
	s = begin();
	spawn(s, 0);
	op = add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SECCOMP_LOAD);
	op->s[0] = add_bytes(&s->builder, &refuse[1], sizeof(*refuse));
	shell(s, "exit 5");
	CHECK_EQUAL(go(s), -EINVAL);
	check_report(s, NSI_LIST_CHILD, 0, EINVAL, NSI_AT_NONE);
	fail(s);
}

static void test_user_namespace(void)
{
	struct start *s = begin();
	struct nsi_op *op;

	spawn(s, CLONE_NEWUSER | CLONE_NEWNS);
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = NSI_POINT_IDMAP;
	op = add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_IDMAP_WRITE);
	op->s[0] = add_text(&s->builder, "0 100000 1000\n");
	op->s[1] = add_text(&s->builder, "0 200000 1000\n");
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_RELEASE)->n[0] = NSI_POINT_IDMAP;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SYNC)->n[0] = NSI_POINT_IDMAP;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_USER_ROOT);
	shell(s, "test $(id -u) = 0 && test $(id -G) = 0 && mount -t tmpfs none /mnt && "
		 "grep -q 'CapAmb:.0000000000000000' /proc/self/status");
	CHECK_EQUAL(go(s), 0);
	CHECK_EQUAL(finish(s), 0);
}

/* Without privilege: one id, setgroups denied; the caller may open the maps. */
static void test_rootless(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		struct start *s = begin();
		struct nsi_op *op;

		CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
		CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
		spawn(s, CLONE_NEWUSER | CLONE_NEWNS);
		add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = NSI_POINT_IDMAP;
		op = add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_IDMAP_WRITE);
		op->flags = 1;
		op->s[0] = add_text(&s->builder, "0 65534 1");
		op->s[1] = add_text(&s->builder, "0 65534 1");
		add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_RELEASE)->n[0] = NSI_POINT_IDMAP;
		add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SYNC)->n[0] = NSI_POINT_IDMAP;
		add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_USER_ROOT)->flags = 1;
		shell(s, "test $(id -u) = 0 && test $(cat /proc/self/setgroups) = deny && "
			 "mount -t tmpfs none /mnt");
		CHECK_EQUAL(go(s), 0);
		CHECK_EQUAL(finish(s), 0);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQUAL(status, 0);
}

static void test_identity(void)
{
	struct start *s = begin();
	struct nsi_user user = { .uid = 1234, .gid = 55, .group_count = 2, .home_length = 2 };
	struct nsi_op *op;

	user.groups[0] = 77;
	user.groups[1] = 88;
	memcpy(user.home, "/h", 3);
	spawn(s, 0);
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_AWAIT)->n[0] = NSI_POINT_USER;
	op = add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_RELEASE);
	op->n[0] = NSI_POINT_USER;
	op->s[0] = add_bytes(&s->builder, &user, offsetof(struct nsi_user, home) + 3);
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SYNC)->n[0] = NSI_POINT_USER;
	op = add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_RLIMIT_SET);
	op->n[0] = RLIMIT_NOFILE;
	op->n[1] = 33;
	op->n[2] = 44;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_SESSION_NEW);
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_CAPS_BOUND)->n[0] = 0x400;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_USER_APPLY);
	op = add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_CAPS_SET);
	op->n[0] = op->n[1] = op->n[2] = op->n[3] = 0x400;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_PRIVILEGES_LOCK);
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_DEATH_SIGNAL)->n[0] = SIGKILL;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_UMASK_SET)->n[0] = 077;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_FDS_CLOSE)->n[0] = 2;
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_CWD_ENTER)->s[0] = add_text(&s->builder, "/usr");
	op = shell(s, "test \"$(id -u) $(id -G)\" = '1234 55 77 88' && test $HOME = /h && "
		      "test $(pwd) = /usr && test $(umask) = 0077 && test $(ulimit -Sn) = 33 && "
		      "test $(ulimit -Hn) = 44 && "
		      "test $(grep -c 'Cap...:.0000000000000400' /proc/self/status) = 5 && "
		      "grep -q 'NoNewPrivs:.1' /proc/self/status");
	op->flags = 1;
	CHECK_EQUAL(go(s), 0);
	CHECK_EQUAL(finish(s), 0);
}

static void test_descriptors(void)
{
	struct start *s = begin();
	static const uint32_t slots[] = { 16, 17 };
	int output;

	stdio(s, &output);
	for (uint64_t i = 0; i < 2; i++) {
		struct nsi_op *op = add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_FD_USE);

		op->n[0] = slots[i];
		op->n[1] = 1;
	}
	spawn(s, 0);
	add_op(&s->builder, NSI_LIST_PARENT, NSI_OP_FDS_SEND)->s[0] =
		add_bytes(&s->builder, slots, sizeof(slots));
	add_op(&s->builder, NSI_LIST_CHILD, NSI_OP_FDS_RECEIVE)->s[0] =
		add_bytes(&s->builder, slots, sizeof(slots));
	program(s, add_list(&s->builder, "/bin/true"), add_list(&s->builder, "true"));
	CHECK_EQUAL(go(s), 0);
	CHECK_EQUAL(nsi_run_slot(&s->run, 16), -EBADF);
	int fd = nsi_run_take(&s->run, NSI_SLOT_STDOUT);
	CHECK(fd > 2);
	CHECK_EQUAL(nsi_run_take(&s->run, NSI_SLOT_STDOUT), -EBADF);
	close(fd);
	close(output);
	CHECK_EQUAL(finish(s), 0);
}

static void test_open(void)
{
	static const struct {
		uint16_t kind;
		uint64_t type;
		const char *path;
		int result;
	} cases[] = {
		{ NSI_OP_NS_OPEN, CLONE_NEWNET, "/proc/self/ns/net", 0 },
		{ NSI_OP_NS_OPEN, CLONE_NEWUTS, "/proc/self/ns/net", -EINVAL },
		{ NSI_OP_NS_OPEN, CLONE_NEWNET, "/etc/passwd", -EINVAL },
		{ NSI_OP_NS_OPEN, CLONE_NEWNET, "/nonexistent", -ENOENT },
		{ NSI_OP_TREE_OPEN, 0, "/usr", 0 },
		{ NSI_OP_TREE_OPEN, 0, "/nonexistent", -ENOENT },
		{ NSI_OP_CGROUP_OPEN, 0, "/sys/fs/cgroup/unified", 0 },
		{ NSI_OP_CGROUP_OPEN, 0, "/usr", -ENODEV },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct start *s = begin();
		struct nsi_op *op = add_op(&s->builder, NSI_LIST_PARENT, cases[i].kind);

		op->n[0] = 20;
		op->n[1] = cases[i].type;
		op->s[0] = add_text(&s->builder, cases[i].path);
		CHECK_EQUAL(go(s), cases[i].result);
		CHECK_EQUAL(nsi_run_slot(&s->run, 20) >= 0, cases[i].result == 0);
		fail(s);
	}
}

/* A child killed half-way is told from one that fails. */
static void test_killed(void)
{
	struct start *s = begin();

	spawn(s, 0);
	point(s, NSI_POINT_EXEC);
	program(s, add_list(&s->builder, "/bin/true"), add_list(&s->builder, "true"));
	uint32_t length;
	s->plan = pack(&s->builder, &length);
	CHECK_EQUAL(nsi_run_init(&s->run, sizeof(s->run), s->plan, length), 0);
	CHECK_EQUAL(nsi_run_parent(&s->run, 0, 2), 0);
	CHECK_EQUAL(nsi_pidfd_signal(s->run.pidfd, SIGTERM), 0);
	usleep(10000);
	CHECK_EQUAL(nsi_run_parent(&s->run, 2, 4), -ECHILD);
	check_report(s, NSI_LIST_PARENT, 2, ECHILD, NSI_AT_CHILD);
	CHECK_EQUAL(s->run.report.value, 128 + SIGTERM);
	fail(s);
}

int main(void)
{
	if (geteuid()) {
		puts("needs root");
		return 77;
	}
	/* The helper's memfd stays open for the life of the process. */
	test_status();
	int before = count_fds();

	test_missing_program();
	test_missing_interpreter();
	test_faults();
	test_before_exec();
	test_threads();
	test_inheritance();
	test_stage();
	test_seccomp();
	test_rootless();
	test_user_namespace();
	test_identity();
	test_descriptors();
	test_open();
	test_killed();
	CHECK_EQUAL(count_fds() <= before + 1, 1);
	CHECK_EQUAL(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	CHECK_EQUAL(errno, ECHILD);
	return 0;
}
