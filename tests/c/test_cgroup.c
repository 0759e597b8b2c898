/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_cgroup.c - groups of our own name in every hierarchy that is mounted.
 * Needs root; tests v1 and v2 as far as this machine has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "pack.h"
#include "slot.h"

#define V1_MAGIC 0x27e0eb
#define V2_MAGIC 0x63677270

static struct nsi_run run;
static char top[64];
static const char *v2;

static const char *format(const char *template, ...)
{
	static char texts[64][512];
	static unsigned int next;
	char *text = texts[next++ % 64];
	va_list list;

	va_start(list, template);
	vsnprintf(text, sizeof(texts[0]), template, list);
	va_end(list);
	return text;
}

static long magic_of(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) < 0 ? 0 : (long)fs.f_type;
}

/* Mount of a v1 hierarchy, or NULL. */
static const char *v1(const char *controller)
{
	const char *path = format("/sys/fs/cgroup/%s", controller);

	return magic_of(path) == V1_MAGIC ? path : NULL;
}

static int exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* On whose behalf the operations act. */
static const char *owner = "nsinit:test";

static int make(uint32_t flags, const char *base, const char *path)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_MAKE);

	op->flags = flags;
	op->n[0] = ~(uint64_t)0;
	op->s[0] = pack_text(base);
	op->s[1] = pack_text(path);
	op->s[2] = pack_text(owner);
	return nsi_op_cgroup_make(&run, pack_open(&run, NSI_LIST_PARENT));
}

static int cpuset(const char *base, const char *path)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_CPUSET);

	op->s[0] = pack_text(base);
	op->s[1] = pack_text(path);
	return nsi_op_cgroup_cpuset(&run, pack_open(&run, NSI_LIST_PARENT));
}

static int put(uint32_t flags, const char *path, const char *file, const char *value)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_WRITE);

	op->flags = flags;
	op->s[0] = pack_text(path);
	op->s[1] = pack_text(file);
	op->s[2] = pack_text(value);
	return nsi_op_cgroup_write(&run, pack_open(&run, NSI_LIST_PARENT));
}

static int enable(const char *base, const char *path, const char *list, size_t length)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_ENABLE);

	op->s[0] = pack_text(base);
	op->s[1] = pack_text(path);
	op->s[2] = pack_bytes(list, length);
	return nsi_op_cgroup_enable(&run, pack_open(&run, NSI_LIST_PARENT));
}

static int join(const char *path, const char *file)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_JOIN);

	op->n[0] = ~(uint64_t)0;
	op->s[0] = pack_text(path);
	op->s[1] = pack_text(file);
	return nsi_op_cgroup_join(&run, pack_open(&run, NSI_LIST_CHILD));
}

static int kill_group(unsigned int version, const char *path, const char *freezer)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_KILL);

	op->n[0] = version;
	op->s[0] = pack_text(path);
	op->s[1] = pack_text(owner);
	op->s[2] = pack_text(freezer);
	return nsi_op_cgroup_kill(&run, pack_open(&run, NSI_LIST_UNDO));
}

static int remove_group(const char *base, const char *path)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_REMOVE);

	op->s[0] = pack_text(base);
	op->s[1] = pack_text(path);
	op->s[2] = pack_text(owner);
	return nsi_op_cgroup_remove(&run, pack_open(&run, NSI_LIST_UNDO));
}

/* A process that joins the groups and then forks or waits for its end. */
static pid_t member(int forking, const char *a, const char *b)
{
	int ends[2];
	char ready;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		if (join(a, "cgroup.procs") < 0 || (b && join(b, "cgroup.procs") < 0))
			_exit(3);
		if (write(ends[1], "x", 1) != 1)
			_exit(4);
		close(ends[1]);
		signal(SIGCHLD, SIG_IGN);
		while (forking)
			fork();
		for (;;)
			pause();
	}
	close(ends[1]);
	CHECK_EQ(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	return pid;
}

static int ended_by(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 1000 + WEXITSTATUS(status);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Making marks each group; names that lead elsewhere are refused. */
static void test_make(const char *base)
{
	const char *path = format("%s/%s/a/b", base, top);
	struct stat st;
	char value[64];

	CHECK_EQ(make(1, base, path), 0);
	CHECK_EQ(stat(format("%s/%s", base, top), &st), 0);
	CHECK(st.st_mode & S_ISVTX);
	CHECK_EQ(getxattr(path, "trusted.nsinit", value, sizeof(value)), strlen(owner));
	CHECK_EQ(make(1, base, path), -EEXIST);
	CHECK_EQ(run.detail, NSI_AT_MAKE);
	CHECK_EQ(make(0, base, path), 0);
	CHECK_EQ(make(1, base, base), -EEXIST);
	CHECK_EQ(make(0, base, "/sys/fs"), -EINVAL);
	CHECK_EQ(make(0, base, format("%sx/y", base)), -EINVAL);
	CHECK_EQ(make(0, base, format("%s/%s/../../../x", base, top)), -EINVAL);
	CHECK_EQ(make(0, base, format("%s/cgroup.procs/x", base)), -ENOTDIR);
	CHECK_EQ(make(0, "/tmp", "/tmp/x"), -EINVAL);
	CHECK(!exists("/tmp/x"));
	CHECK_EQ(make(0, "/nonexistent", "/nonexistent/x"), -ENOENT);
	CHECK_EQ(run.detail, NSI_AT_OPEN);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK(!exists(format("%s/%s", base, top)));
}

/* A group that is there is taken over only while nobody is in it or below it. */
static void test_vacant(const char *base)
{
	const char *path = format("%s/%s", base, top);
	const char *below = format("%s/below", path);
	pid_t pid;

	CHECK_EQ(mkdir(path, 0755), 0);
	CHECK_EQ(mkdir(below, 0755), 0);
	pid = member(0, below, NULL);
	CHECK_EQ(make(2, base, path), -ENOTEMPTY);
	CHECK_EQ(make(2, base, below), -ENOTEMPTY);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(ended_by(pid), SIGKILL);
	CHECK_EQ(make(2, base, path), 0);
	CHECK_EQ(make(2, base, path), 0);
	CHECK_EQ(make(2, base, format("%s/new", path)), 0);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK(!exists(path));
}

/* A group that was made with a slot is joined by it, whatever its path is by then. */
static void test_slot(const char *base)
{
	const char *path = format("%s/%s/slot", base, top);
	struct nsi_op *op;
	pid_t pid;
	int status;

	nsi_run_reset(&run);
	op = pack_first(NSI_OP_CGROUP_MAKE);
	op->flags = 1;
	op->n[0] = 20;
	op->s[0] = pack_text(base);
	op->s[1] = pack_text(path);
	op->s[2] = pack_text(owner);
	CHECK_EQ(nsi_op_cgroup_make(&run, pack_open(&run, NSI_LIST_PARENT)), 0);
	CHECK(run.slot[20] >= 0);
	pid = fork();
	if (pid == 0) {
		op = pack_first(NSI_OP_CGROUP_JOIN);
		op->n[0] = 20;
		op->s[0] = pack_text("/nonexistent");
		op->s[1] = pack_text("cgroup.procs");
		status = nsi_op_cgroup_join(&run, pack_open(&run, NSI_LIST_CHILD));
		_exit(status == 0 && run.slot[20] < 0 ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	close(run.slot[20]);
	run.slot[20] = -1;
	CHECK_EQ(remove_group(base, path), 0);
}

/* Groups below go, parents of others stay, the base is never touched. */
static void test_remove(const char *base)
{
	const char *path = format("%s/%s/a/b", base, top);

	CHECK_EQ(make(0, base, path), 0);
	CHECK_EQ(mkdir(format("%s/c", path), 0755), 0);
	CHECK_EQ(mkdir(format("%s/c/d", path), 0755), 0);
	CHECK_EQ(mkdir(format("%s/e", path), 0755), 0);
	CHECK_EQ(make(0, base, format("%s/%s/other", base, top)), 0);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK(!exists(format("%s/%s/a", base, top)));
	CHECK(exists(format("%s/%s/other", base, top)));
	CHECK_EQ(remove_group(base, path), 0);
	CHECK(exists(format("%s/%s/other", base, top)));
	CHECK_EQ(remove_group(base, format("%s/%s/other/", base, top)), 0);
	CHECK(!exists(format("%s/%s", base, top)));

	CHECK_EQ(mkdir(format("%s/%s", base, top), 0755), 0);
	CHECK_EQ(make(0, base, path), 0);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK(!exists(format("%s/%s/a", base, top)));
	CHECK(exists(format("%s/%s", base, top)));
	CHECK_EQ(rmdir(format("%s/%s", base, top)), 0);

	CHECK_EQ(remove_group(base, base), -EINVAL);
	CHECK_EQ(remove_group(base, format("%s/%s/..", base, top)), -EINVAL);
	CHECK_EQ(remove_group("/tmp", "/tmp/x"), -EINVAL);
	CHECK_EQ(remove_group("/nonexistent", "/nonexistent/x"), 0);
}

/* A group of the same name that somebody else made is neither killed nor removed. */
static void test_stranger(const char *base)
{
	const char *path = format("%s/%s/mine", base, top);
	const char *own = owner;
	pid_t pid;

	CHECK_EQ(make(1, base, path), 0);
	pid = member(0, path, NULL);
	owner = "nsinit:other";
	CHECK_EQ(make(1, base, path), -EEXIST);
	CHECK_EQ(kill_group(1, path, NULL), 0);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK_EQ(kill(pid, 0), 0);
	CHECK(exists(path));
	owner = own;
	CHECK_EQ(kill_group(1, path, NULL), 0);
	CHECK_EQ(ended_by(pid), SIGKILL);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK(!exists(format("%s/%s", base, top)));
}

/* Runs that share a parent make and remove it under each other's hands. */
static void test_race(const char *base)
{
	pid_t pids[3];

	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int round = 0; round < 400; round++) {
			const char *path = format("%s/%s/p/q/c%d", base, top, i);
			int r = make(1, base, path);

			if (r == 0)
				r = remove_group(base, path);
			if (r < 0)
				_exit(-r);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ended_by(pids[i]), 1000);
	CHECK(!exists(format("%s/%s", base, top)));
}

static void test_write(void)
{
	const char *pids = v1("pids"), *cpu = v1("cpu");

	if (pids) {
		const char *path = format("%s/%s", pids, top);

		CHECK_EQ(make(0, pids, path), 0);
		CHECK_EQ(put(1, path, "pids.max", "10"), 0);
		CHECK_EQ(put(1, path, "pids.max", "max"), 0);
		CHECK_EQ(put(0, path, "pids.max", "no"), -EINVAL);
		CHECK_EQ(run.detail, NSI_AT_WRITE);
		CHECK_EQ(put(0, path, "pids.none", "1"), -ENOENT);
		CHECK_EQ(put(2, path, "pids.none", "1"), 0);
		CHECK_EQ(put(2, path, "pids.max", "no"), -EINVAL);
		CHECK_EQ(put(2, format("%s/none", path), "pids.max", "1"), -ENOENT);
		CHECK_EQ(put(0, path, "../pids.max", "1"), -EINVAL);
		CHECK_EQ(put(0, "/tmp", "x", "1"), -EINVAL);
		CHECK_EQ(remove_group(pids, path), 0);
	}
	if (cpu) {
		const char *path = format("%s/%s", cpu, top);

		CHECK_EQ(make(0, cpu, path), 0);
		CHECK_EQ(put(1, path, "cpu.shares", "1"), -ERANGE);
		CHECK_EQ(run.detail, NSI_AT_VERIFY);
		CHECK_EQ(put(1, path, "cpu.shares", "512"), 0);
		CHECK_EQ(put(1, path, "cpu.cfs_quota_us", "-1"), 0);
		CHECK_EQ(remove_group(cpu, path), 0);
	}
}

static void test_cpuset(void)
{
	const char *base = v1("cpuset"), *path = format("%s/%s/a/b", base, top);
	pid_t pid;

	if (!base)
		return;
	CHECK_EQ(make(0, base, path), 0);
	pid = fork();
	if (pid == 0)
		_exit(join(path, "tasks") == -ENOSPC ? 0 : 1);
	CHECK_EQ(ended_by(pid), 1000);
	CHECK_EQ(cpuset(base, path), 0);
	CHECK_EQ(cpuset(base, path), 0);
	pid = fork();
	if (pid == 0)
		_exit(-join(path, "tasks"));
	CHECK_EQ(ended_by(pid), 1000);
	CHECK_EQ(put(0, path, "cpuset.cpus", ""), 0);
	CHECK_EQ(remove_group(base, path), 0);
}

/* Plain, frozen, in groups below, and forking as fast as they can. */
static void test_kill_v1(void)
{
	const char *freezer = v1("freezer"), *pids = v1("pids");
	const char *frozen = format("%s/%s/k", freezer, top);
	const char *limited = format("%s/%s/k", pids, top);
	const char *below = format("%s/below", frozen);
	pid_t a, b, c;

	if (!freezer || !pids)
		return;
	CHECK_EQ(make(0, freezer, frozen), 0);
	CHECK_EQ(make(0, freezer, below), 0);
	CHECK_EQ(make(0, pids, limited), 0);
	CHECK_EQ(put(0, limited, "pids.max", "150"), 0);

	a = member(0, frozen, NULL);
	b = member(0, below, NULL);
	CHECK_EQ(put(0, below, "freezer.state", "FROZEN"), 0);
	CHECK_EQ(remove_group(freezer, frozen), -EBUSY);
	CHECK_EQ(kill_group(1, frozen, frozen), 0);
	CHECK_EQ(ended_by(a), SIGKILL);
	CHECK_EQ(ended_by(b), SIGKILL);

	c = member(1, frozen, limited);
	usleep(50000);
	CHECK_EQ(kill_group(1, limited, frozen), 0);
	CHECK_EQ(ended_by(c), SIGKILL);
	CHECK_EQ(remove_group(pids, limited), 0);

	CHECK_EQ(join(frozen, "tasks"), 0);
	a = member(0, frozen, NULL);
	CHECK_EQ(kill_group(1, frozen, frozen), -EBUSY);
	CHECK_EQ(ended_by(a), SIGKILL);
	CHECK_EQ(join(freezer, "tasks"), 0);

	CHECK_EQ(kill_group(1, freezer, NULL), -EPERM);
	CHECK_EQ(run.detail, NSI_AT_VERIFY);
	CHECK_EQ(remove_group(freezer, frozen), 0);
	CHECK_EQ(kill_group(1, frozen, frozen), 0);
	CHECK_EQ(kill_group(1, "/tmp", NULL), -EINVAL);
	CHECK(!exists(format("%s/%s", freezer, top)));
}

/* Moved by a stranger into a freezer group of theirs, and frozen there. */
static void test_kill_frozen_elsewhere(void)
{
	const char *freezer = v1("freezer"), *pids = v1("pids");
	const char *own = format("%s/%s/own", freezer, top);
	const char *limited = format("%s/%s/own", pids, top);
	const char *foreign = format("%s/%s/foreign", freezer, top);
	int64_t start = now_ms();
	pid_t a;

	if (!freezer || !pids)
		return;
	CHECK_EQ(make(0, freezer, own), 0);
	CHECK_EQ(make(0, pids, limited), 0);
	CHECK_EQ(mkdir(foreign, 0755), 0);
	a = member(0, foreign, limited);
	CHECK_EQ(put(0, foreign, "freezer.state", "FROZEN"), 0);
	CHECK_EQ(kill_group(1, limited, own), 0);
	CHECK_EQ(ended_by(a), SIGKILL);
	CHECK(now_ms() - start < 5000);
	CHECK_EQ(rmdir(foreign), 0);
	CHECK_EQ(remove_group(pids, limited), 0);
	CHECK_EQ(remove_group(freezer, own), 0);
}

static void test_kill_v2(void)
{
	const char *path = format("%s/%s/k", v2, top), *below = format("%s/below", path);
	int64_t start;
	pid_t a, b;

	CHECK_EQ(make(0, v2, path), 0);
	CHECK_EQ(make(0, v2, below), 0);
	CHECK_EQ(kill_group(2, path, NULL), 0);
	a = member(0, path, NULL);
	b = member(0, below, NULL);
	CHECK_EQ(put(0, path, "cgroup.freeze", "1"), 0);
	start = now_ms();
	CHECK_EQ(kill_group(2, path, NULL), 0);
	CHECK(now_ms() - start < 1000);
	CHECK_EQ(ended_by(a), SIGKILL);
	CHECK_EQ(ended_by(b), SIGKILL);
	CHECK_EQ(put(0, path, "cgroup.freeze", "0"), 0);

	CHECK_EQ(join(path, "cgroup.procs"), 0);
	a = member(0, below, NULL);
	CHECK_EQ(kill_group(2, path, NULL), -EBUSY);
	CHECK_EQ(ended_by(a), SIGKILL);
	CHECK_EQ(join(v2, "cgroup.procs"), 0);
	CHECK_EQ(kill_group(2, v2, NULL), -EPERM);
	CHECK_EQ(remove_group(v2, path), 0);
	CHECK(!exists(format("%s/%s", v2, top)));
}

static int has(const char *path, const char *word)
{
	char text[4096] = "";
	FILE *file = fopen(path, "re");
	int found = file && fgets(text, sizeof(text), file) && strstr(text, word) != NULL;

	if (file)
		fclose(file);
	return found;
}

static void test_enable(void)
{
	static const char both[] = "+pids\0+memory", unknown[] = "+pids\0+none";
	const char *path = format("%s/%s/a/b", v2, top);

	CHECK_EQ(make(0, v2, path), 0);
	if (has(format("%s/cgroup.controllers", v2), "pids")) {
		pid_t pid;

		CHECK_EQ(enable(v2, path, both, sizeof(both)), 0);
		CHECK(has(format("%s/%s/a/cgroup.subtree_control", v2, top), "pids"));
		CHECK(!has(format("%s/cgroup.subtree_control", path), "pids"));
		CHECK_EQ(enable(v2, path, both, sizeof(both)), 0);
		CHECK_EQ(put(1, path, "pids.max", "7"), 0);
		CHECK_EQ(enable(v2, path, unknown, sizeof(unknown)), -EOPNOTSUPP);
		CHECK_EQ(run.value, 1);
		/* A group with processes of its own cannot hand memory down, pids it could. */
		CHECK_EQ(make(0, v2, format("%s/c", path)), 0);
		pid = member(0, path, NULL);
		CHECK_EQ(enable(v2, format("%s/c", path), both, sizeof(both)), -EBUSY);
		CHECK_EQ(run.detail, NSI_AT_WRITE);
		CHECK_EQ(run.value, 1);
		CHECK(!has(format("%s/cgroup.subtree_control", path), "pids"));
		CHECK(has(format("%s/cgroup.type", path), "domain\n"));
		CHECK_EQ(kill_group(2, path, NULL), 0);
		CHECK_EQ(ended_by(pid), SIGKILL);
	} else {
		CHECK_EQ(enable(v2, path, both, sizeof(both)), -EOPNOTSUPP);
		CHECK_EQ(run.value, 0);
		CHECK_EQ(run.detail, NSI_AT_VERIFY);
	}
	CHECK_EQ(enable(v2, path, "", 0), 0);
	CHECK_EQ(remove_group(v2, path), 0);
}

static int attach(uint32_t flags, const char *path, const void *code, size_t length)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_DEVICES);

	op->flags = flags;
	op->s[0] = pack_text(path);
	op->s[1] = pack_bytes(code, length);
	return nsi_op_cgroup_devices(&run, pack_open(&run, NSI_LIST_PARENT));
}

/* 1 when a process in the group may not open the null device, 0 when it may. */
static int is_closed(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (join(path, "cgroup.procs") < 0)
			_exit(2);
		_exit(open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 && errno == EPERM);
	}
	return ended_by(pid) - 1000;
}

/* Programs add up: allowing after denying allows nothing, unless it replaces. */
static void test_devices(void)
{
	const struct bpf_insn deny[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn allow[2] = { deny[0], deny[1] };
	const char *path = format("%s/%s", v2, top);

	allow[0].imm = 1;
	CHECK_EQ(make(0, v2, path), 0);
	CHECK_EQ(attach(0, path, allow, sizeof(deny)), 0);
	CHECK_EQ(is_closed(path), 0);
	CHECK_EQ(attach(0, path, deny, sizeof(deny)), 0);
	CHECK_EQ(is_closed(path), 1);
	CHECK_EQ(attach(0, path, deny, 8), -EINVAL);
	CHECK_EQ(run.detail, NSI_AT_MAKE);
	CHECK_EQ(attach(0, path, deny, 7), -EBADMSG);
	CHECK_EQ(attach(0, "/tmp", deny, sizeof(deny)), -EINVAL);
	CHECK_EQ(remove_group(v2, path), 0);

	CHECK_EQ(make(0, v2, path), 0);
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(attach(1, path, deny, sizeof(deny)), 0);
		CHECK_EQ(is_closed(path), 1);
		CHECK_EQ(attach(1, path, allow, sizeof(deny)), 0);
		CHECK_EQ(is_closed(path), 0);
	}
	CHECK_EQ(remove_group(v2, path), 0);
}

static int adopt(const char *path, const char *who)
{
	struct nsi_op *op = pack_first(NSI_OP_CGROUP_ADOPT);

	op->s[0] = pack_text(path);
	op->s[1] = pack_text(who);
	return nsi_op_cgroup_adopt(&run, pack_open(&run, NSI_LIST_PARENT));
}

/* A group that somebody else made becomes ours, and can then be removed. */
static void test_adopt(const char *base)
{
	const char *path = format("%s/%s", base, top);
	struct stat st;

	CHECK_EQ(adopt(path, "me"), -ENOENT);
	CHECK_EQ(mkdir(path, 0755), 0);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(adopt(path, owner), 0);
	CHECK_EQ(adopt(path, owner), 0);
	CHECK_EQ(adopt(path, "somebody else"), -EEXIST);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 01755);
	CHECK_EQ(adopt(base, owner), -EPERM);
	CHECK_EQ(adopt("/tmp", owner), -EINVAL);
	CHECK_EQ(remove_group(base, path), 0);
	CHECK_EQ(stat(path, &st), -1);
}

int main(void)
{
	static const char *const hierarchies[] = { "freezer", "pids", "cpuset" };

	if (geteuid() != 0)
		return CHECK_SKIPPED;
	snprintf(top, sizeof(top), "nsinit-test-%d", (int)getpid());
	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		char base[64];

		if (!v1(hierarchies[i]))
			continue;
		snprintf(base, sizeof(base), "%s", v1(hierarchies[i]));
		test_make(base);
		test_remove(base);
		test_adopt(base);
		test_race(base);
	}
	if (v1("pids")) {
		test_stranger(v1("pids"));
		test_slot(v1("pids"));
		test_vacant(v1("pids"));
	}
	test_write();
	test_cpuset();
	test_kill_v1();
	test_kill_frozen_elsewhere();
	if (magic_of("/sys/fs/cgroup/unified") == V2_MAGIC)
		v2 = "/sys/fs/cgroup/unified";
	else if (magic_of("/sys/fs/cgroup") == V2_MAGIC)
		v2 = "/sys/fs/cgroup";
	if (v2) {
		test_make(v2);
		test_vacant(v2);
		test_remove(v2);
		test_adopt(v2);
		test_race(v2);
		test_kill_v2();
		test_enable();
		test_devices();
	}
	return check_result();
}
