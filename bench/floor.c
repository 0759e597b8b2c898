/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c - the kernel work of one container of the bench, and nothing else.
 *
 * No configuration, no state, no checks of what is hostile: the calls that
 * bench/config.ts comes to, written down one after the other. What a runtime
 * takes longer than this is its own.
 *
 *   floor [-g DIR]... [-u DIR] [-w FILE=TEXT]... [-s FILTER] [-b DIR=NAME]...
 *         ROOTFS PROGRAM [ARG...]
 *
 *   -g  version 1 group: made, joined by its tasks file, removed
 *   -u  version 2 group: made, entered by clone3(2), removed
 *   -w  written before the start
 *   -b  a group shown at /sys/fs/cgroup/NAME
 *   -s  seccomp program, as seccomp(2) takes it
 *
 * Prints two times in microseconds: from the first call to the end of the
 * program, and until all is removed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY 64
#define PLAIN (MS_NOSUID | MS_NODEV | MS_NOEXEC)

struct list {
	char *item[MANY];
	int count;
};

static struct list groups, writes, binds;
static char *unified, *rootfs;
static struct sock_fprog filter;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(125);
}

#define MUST(call)                  \
	do {                        \
		if ((call) < 0)     \
			die(#call); \
	} while (0)

static void add(struct list *list, char *item)
{
	if (list->count == MANY) {
		errno = E2BIG;
		die("arguments");
	}
	list->item[list->count++] = item;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void make_groups(void)
{
	for (int i = 0; i < groups.count; i++)
		MUST(mkdir(groups.item[i], 0755));
	if (unified)
		MUST(mkdir(unified, 0755));
	for (int i = 0; i < writes.count; i++) {
		char *value = strchr(writes.item[i], '=');

		*value = 0;
		write_text(writes.item[i], value + 1);
		*value = '=';
	}
}

static void remove_groups(void)
{
	for (int i = 0; i < groups.count; i++)
		MUST(rmdir(groups.item[i]));
	if (unified)
		MUST(rmdir(unified));
}

/* Itself, while it has one thread: the kernel takes no lock for that. */
static void join_groups(void)
{
	char path[4096];

	for (int i = 0; i < groups.count; i++) {
		snprintf(path, sizeof(path), "%s/tasks", groups.item[i]);
		write_text(path, "0");
	}
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(fd);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	MUST(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static void mount_groups(void)
{
	char path[4096];

	MUST(mount("cgroup", "sys/fs/cgroup", "tmpfs", PLAIN, "mode=755"));
	for (int i = 0; i < binds.count; i++) {
		char *name = strchr(binds.item[i], '=');

		*name = 0;
		snprintf(path, sizeof(path), "sys/fs/cgroup/%s", name + 1);
		MUST(mkdir(path, 0755));
		MUST(mount(binds.item[i], path, NULL, MS_BIND, NULL));
		MUST(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | PLAIN, NULL));
	}
	MUST(mount(NULL, "sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | PLAIN, NULL));
}

static void fill_dev(void)
{
	static const struct {
		const char *path;
		int major, minor;
	} nodes[] = {
		{ "dev/null", 1, 3 }, { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
		{ "dev/tty", 5, 0 },  { "dev/urandom", 1, 9 }, { "dev/random", 1, 8 },
	};
	static const char *const links[][2] = {
		{ "/proc/self/fd", "dev/fd" },       { "/proc/self/fd/0", "dev/stdin" },
		{ "/proc/self/fd/1", "dev/stdout" }, { "/proc/self/fd/2", "dev/stderr" },
		{ "/proc/kcore", "dev/core" },       { "pts/ptmx", "dev/ptmx" },
	};
	mode_t mask = umask(0);

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		MUST(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		/* A kernel without /proc/kcore gets no link to it. */
		if (!strcmp(links[i][0], "/proc/kcore") && access("proc/kcore", F_OK))
			continue;
		MUST(symlink(links[i][0], links[i][1]));
	}
	umask(mask);
}

static void close_paths(void)
{
	static const char *const readonly[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
						"proc/sysrq-trigger" };
	static const char *const masked[] = { "proc/acpi",          "proc/asound",
					      "proc/kcore",         "proc/keys",
					      "proc/latency_stats", "proc/timer_list",
					      "proc/timer_stats",   "proc/sched_debug",
					      "sys/firmware",       "proc/scsi" };

	for (size_t i = 0; i < sizeof(readonly) / sizeof(*readonly); i++) {
		if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0)
			continue;
		MUST(mount(NULL, readonly[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | PLAIN,
			   NULL));
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++) {
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
			continue;
		MUST(mount("none", masked[i], "tmpfs", MS_RDONLY | PLAIN, "nr_inodes=1,mode=555"));
	}
}

static void build_root(void)
{
	MUST(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL));
	MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(rootfs));
	MUST(mount("proc", "proc", "proc", PLAIN, NULL));
	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755"));
	MUST(mkdir("dev/pts", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	MUST(mkdir("dev/shm", 0755));
	MUST(mount("shm", "dev/shm", "tmpfs", PLAIN, "mode=1777,size=65536k"));
	MUST(mkdir("dev/mqueue", 0755));
	MUST(mount("mqueue", "dev/mqueue", "mqueue", PLAIN, NULL));
	MUST(mount("sysfs", "sys", "sysfs", PLAIN | MS_RDONLY, NULL));
	mount_groups();
	fill_dev();
	close_paths();
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
}

/* Those of the template; see defaultCapabilities. */
#define KEPT 0xa80425fbull

static void drop_privileges(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { (uint32_t)KEPT, (uint32_t)KEPT, 0 },
						  { 0, 0, 0 } };

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (!(KEPT >> cap & 1))
			MUST(prctl(PR_CAPBSET_DROP, cap));
	}
	MUST(setgroups(0, NULL));
	MUST(setresgid(0, 0, 0));
	MUST(setresuid(0, 0, 0));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(syscall(SYS_capset, &header, data));
}

static void be_contained(char **argv)
{
	static char *const env[] = { "PATH=/bin:/usr/bin", "HOME=/root", NULL };
	const struct rlimit limit = { 1024, 1024 };

	join_groups();
	MUST(setsid());
	raise_loopback();
	build_root();
	MUST(sethostname("bench", 5));
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	drop_privileges();
	umask(022);
	MUST(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC));
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
	if (filter.len)
		MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
	execve(argv[0], argv, env);
	die(argv[0]);
}

static void read_filter(const char *path)
{
	static struct sock_filter program[BPF_MAXINSNS];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	MUST(fd);
	MUST(length = read(fd, program, sizeof(program)));
	close(fd);
	filter.len = (unsigned short)((size_t)length / sizeof(*program));
	filter.filter = program;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static pid_t start(int group, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET |
			 CLONE_PIDFD,
		.pidfd = (uintptr_t)pidfd,
	};

	if (group >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)group;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Runs one container; gives its exit status. */
static int run(char **argv)
{
	double begin = now(), ended;
	siginfo_t info = { 0 };
	int group = -1, pidfd;
	pid_t pid;

	make_groups();
	if (unified)
		MUST(group = open(unified, O_PATH | O_DIRECTORY | O_CLOEXEC));
	MUST(pid = start(group, &pidfd));
	if (pid == 0)
		be_contained(argv);
	MUST(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL));
	ended = now();
	remove_groups();
	printf("%.1f %.1f\n", ended - begin, now() - begin);
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+g:u:w:b:s:")) >= 0) {
		switch (option) {
		case 'g':
			add(&groups, optarg);
			break;
		case 'u':
			unified = optarg;
			break;
		case 'w':
			add(&writes, optarg);
			break;
		case 'b':
			add(&binds, optarg);
			break;
		case 's':
			read_filter(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2)
		return 2;
	rootfs = argv[optind];
	return run(argv + optind + 1);
}
