// SPDX-License-Identifier: Apache-2.0
/*
 * test_mount.c - mounts and the change of root, in a hostile tree, with a pid
 * namespace and inside a user namespace of an unprivileged user.
 */
#include <linux/limits.h>
#include <sys/prctl.h>

#include "playground.h"

#define TREE_RECURSIVE 1
#define TREE_STRICT 2
#define TREE_IN_PROC 4
#define TREE_IS_PROC 8
#define TREE_IS_SYSFS 16
#define SLOT 20
#define ROUNDS 2000
#define PROC_ATTR (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int mount_fs(uint32_t flags, uint64_t attr, const char *fstype, const char *target,
		    const char *options)
{
	struct nsi_op op = {
		.kind = NSI_OP_MOUNT_FS,
		.flags = flags,
		.n = { attr, MS_PRIVATE },
		.s = { put_text(fstype), put_text(fstype), put_text(target), put_list(options) },
	};

	return nsi_op_mount_fs(&run, &op);
}

static int mount_tree(uint32_t flags, uint64_t set, const char *target)
{
	struct nsi_op op = {
		.kind = NSI_OP_MOUNT_TREE,
		.flags = flags,
		.n = { SLOT, set, 0, 0 },
		.s = { put_text(target) },
	};

	return nsi_op_mount_tree(&run, &op);
}

static int attach_root(const char *path)
{
	const struct nsi_op op = { .kind = NSI_OP_ROOT_ATTACH, .n = { NSI_SLOT_ROOT, MS_PRIVATE } };

	clone_into(NSI_SLOT_ROOT, path);
	return nsi_op_root_attach(&run, &op);
}

/* The root attached, as in a start. */
static void begin(void)
{
	make_playground();
	write_text(CANARY "/secret", "host");
	EXPECT(0, attach_root(ROOT));
	EXPECT(-EBADF, nsi_slot_get(&run, NSI_SLOT_ROOT));
}

static int host_is_visible(void)
{
	return access("/etc/hostname", F_OK) == 0 || access(CANARY "/secret", F_OK) == 0 ||
	       access("/../../tmp/canary/secret", F_OK) == 0;
}

static int in_root(const char *path, struct statx *st)
{
	int fd = nsi_inroot_open(&run, path, O_PATH, 0);
	int r = fd < 0 ? fd : nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, st);

	if (fd >= 0)
		close(fd);
	return r;
}

static void file_systems_are_mounted(void)
{
	struct statx st;

	begin();
	EXPECT(0, mount_fs(0, MOUNT_ATTR_NOSUID, "tmpfs", "/dev", "mode 0755 size 64k"));
	EXPECT(0, in_root("/dev", &st));
	CHECK((st.stx_mode & 07777) == 0755);
	EXPECT(0, mount_fs(0, MOUNT_ATTR_NOEXEC, "devpts", "/dev/pts",
			   "newinstance _ ptmxmode 0666 mode 0620"));
	EXPECT(0, in_root("/dev/pts/ptmx", &st));
	EXPECT(0, mount_fs(0, PROC_ATTR, "mqueue", "/dev/mqueue", ""));
	EXPECT(0, mount_fs(1, PROC_ATTR | MOUNT_ATTR_RDONLY, "sysfs", "/sys", ""));
	EXPECT(0, mount_fs(1, PROC_ATTR, "proc", "/proc", ""));
	EXPECT(0, in_root("/proc/self/status", &st));
	EXPECT(-EINVAL, mount_fs(0, 0, "tmpfs", "/x", "size 1k nonsense 1"));
	EXPECT(NSI_AT_OPTION, run.detail);
	EXPECT(1, run.value);
	EXPECT(-ENODEV, mount_fs(0, 0, "nosuchfs", "/x", ""));
	EXPECT(-EBUSY, mount_fs(0, 0, "tmpfs", "/", ""));
	EXPECT(-EBUSY, mount_fs(0, 0, "tmpfs", "/x/..", ""));
}

static void tmpfs_takes_mode_and_owner(void)
{
	struct statx st;

	begin();
	CHECK(mkdir(ROOT "/t", 0755) == 0 && chmod(ROOT "/t", 01777) == 0);
	CHECK(chown(ROOT "/t", 12, 34) == 0);
	EXPECT(0, mount_fs(2, 0, "tmpfs", "/t", ""));
	EXPECT(0, in_root("/t", &st));
	CHECK((st.stx_mode & 07777) == 01777 && st.stx_uid == 12 && st.stx_gid == 34);
	EXPECT(0, mount_fs(2, 0, "tmpfs", "/t", "mode 0700"));
	EXPECT(0, in_root("/t", &st));
	CHECK((st.stx_mode & 07777) == 0700 && st.stx_uid == 12);
	EXPECT(0, mount_fs(2, 0, "tmpfs", "/new", ""));
	EXPECT(0, in_root("/new", &st));
	CHECK((st.stx_mode & 07777) == 01777 && st.stx_uid == 0);
}

static void procfs_is_not_covered(void)
{
	begin();
	EXPECT(0, mount_fs(1, PROC_ATTR, "proc", "/proc", ""));
	CHECK(symlink("/proc/sys", ROOT "/innocent") == 0);
	EXPECT(-EPERM, mount_fs(0, 0, "tmpfs", "/proc", ""));
	EXPECT(-EPERM, mount_fs(0, 0, "tmpfs", "/innocent", ""));
	EXPECT(NSI_AT_VERIFY, run.detail);
	EXPECT(-EPERM, mount_fs(0, 0, "proc", "/proc/sys", ""));
	clone_into(SLOT, CANARY);
	EXPECT(-EPERM, mount_tree(0, 0, "/proc/self/attr"));
	EXPECT(-EPERM, mount_tree(0, 0, "/innocent"));
	EXPECT(-EPERM, mount_tree(TREE_IS_PROC, 0, "/proc"));
	EXPECT(-EPERM, mount_tree(TREE_IS_SYSFS, 0, "/proc"));
	close(run.slot[SLOT]);
	clone_into(SLOT, CANARY "/secret");
	EXPECT(-ELOOP, mount_tree(TREE_IN_PROC, 0, "/proc/self/uptime"));
	EXPECT(-ENOENT, mount_tree(TREE_IN_PROC, 0, "/proc/nothing"));
	EXPECT(0, mount_tree(TREE_IN_PROC, 0, "/proc/uptime"));
	/* A procfs may cover a procfs. */
	EXPECT(0, mount_fs(1, PROC_ATTR, "proc", "/proc", ""));
	clone_into(SLOT, "/proc");
	EXPECT(0, mount_tree(TREE_IS_PROC | TREE_STRICT, 0, "/proc"));
	clone_into(SLOT, "/proc/sys");
	EXPECT(-EPERM, mount_tree(TREE_IS_PROC, 0, "/p"));
}

static void strict_targets_are_no_links(void)
{
	begin();
	CHECK(symlink("/tmp/canary", ROOT "/proc") == 0 && symlink("real", ROOT "/sys") == 0);
	CHECK(mkdir(ROOT "/real", 0755) == 0);
	EXPECT(-ELOOP, mount_fs(1, 0, "proc", "/proc", ""));
	EXPECT(-ELOOP, mount_fs(1, 0, "sysfs", "/sys", ""));
	clone_into(SLOT, CANARY);
	EXPECT(-ELOOP, mount_tree(TREE_STRICT, 0, "/proc"));
	EXPECT(1, entries_of(CANARY));
	CHECK(unlink(ROOT "/proc") == 0);
	write_text(ROOT "/proc", "file");
	EXPECT(-ENOTDIR, mount_fs(1, 0, "proc", "/proc", ""));
}

static void trees_get_attributes(void)
{
	struct statx st;
	int fd;

	begin();
	CHECK(mkdir(CANARY "/below", 0755) == 0);
	clone_into(SLOT, CANARY);
	EXPECT(0, nsi_sys_move_mount(run.slot[SLOT], "", AT_FDCWD, CANARY "/below",
				     MOVE_MOUNT_F_EMPTY_PATH));
	close(run.slot[SLOT]);
	clone_into(SLOT, CANARY);
	EXPECT(0, mount_tree(TREE_RECURSIVE, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, "/mnt/data"));
	EXPECT(-1, run.slot[SLOT]);
	EXPECT(-EROFS, nsi_inroot_open(&run, "/mnt/data/secret", O_RDWR, 0));
	EXPECT(-EROFS, nsi_inroot_open(&run, "/mnt/data/below/secret", O_RDWR, 0));
	fd = nsi_inroot_open(&run, "/mnt/data/below/secret", O_RDONLY, 0);
	CHECK(fd >= 0);
	/* Only the top mount. */
	clone_into(SLOT, CANARY);
	EXPECT(0, mount_tree(0, MOUNT_ATTR_RDONLY, "/mnt/top"));
	EXPECT(-EROFS, nsi_inroot_open(&run, "/mnt/top/secret", O_RDWR, 0));
	CHECK(nsi_inroot_open(&run, "/mnt/top/below/secret", O_RDWR, 0) >= 0);
	/* A file makes a file. */
	clone_into(SLOT, CANARY "/secret");
	EXPECT(0, mount_tree(0, 0, "/etc/resolv.conf"));
	EXPECT(0, in_root("/etc/resolv.conf", &st));
	CHECK(st.stx_size == 4);
	clone_into(SLOT, CANARY "/secret");
	EXPECT(-EISDIR, mount_tree(0, 0, "/etc"));
	EXPECT(-EBADF, (run.slot[SLOT] = -1, mount_tree(0, 0, "/etc")));
	EXPECT(NSI_AT_OPEN, run.detail);
}

/* mountinfo's optional fields: nothing of the container may be a peer of the host. */
static void bound_trees_are_no_peers(void)
{
	char text[16384];
	const struct mount_attr shared = { .propagation = MS_SHARED };

	make_playground();
	EXPECT(0, nsi_sys_mount_setattr(AT_FDCWD, "/tmp", 0, &shared));
	clone_into(SLOT, CANARY);
	EXPECT(0, attach_root(ROOT));
	EXPECT(0, mount_tree(0, 0, "/data"));
	CHECK(read_text("/proc/self/mountinfo", text, sizeof(text)) > 0);
	CHECK(strstr(text, " /canary "));
	CHECK(strstr(strstr(text, " /canary "), "master:"));
}

static void racing_target_is_never_outside(void)
{
	pid_t racer;
	int done = 0;

	begin();
	CHECK(mkdir(ROOT "/v", 0755) == 0 && mkdir(ROOT "/v/dir", 0755) == 0);
	CHECK(mkdir(ROOT "/v/dir/t", 0755) == 0 && mkdir(CANARY "/t", 0755) == 0);
	CHECK(symlink("../../canary", ROOT "/v/link") == 0);
	racer = fork();
	if (!racer)
		for (;;)
			syscall(__NR_renameat2, AT_FDCWD, ROOT "/v/dir", AT_FDCWD, ROOT "/v/link",
				2);
	for (int i = 0; i < ROUNDS; i++) {
		struct statx st;
		int r;

		plan_used = 1;
		r = mount_fs(0, 0, "tmpfs", "/v/dir/t", "");
		CHECK(r == 0 || r == -ESTALE || r == -ENOENT || r == -ENOTDIR || r == -EAGAIN);
		done += r == 0;
		CHECK(statx(AT_FDCWD, CANARY "/t", 0, STATX_MNT_ID, &st) == 0);
		CHECK(!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT));
		/* Unstack, or the pile grows. */
		EXPECT(0, mount_fs(0, 0, "tmpfs", "/other", ""));
		NSI_SYS2(__NR_umount2, ROOT "/v/dir/t", 2);
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	CHECK(done > 0);
}

static void check_inside(void)
{
	CHECK(!host_is_visible());
	CHECK(access("/marker", F_OK) == 0);
	CHECK(nsi_inroot_open(&run, "/marker", O_PATH, 0) >= 0);
}

static void pivot_leaves_only_the_root(void)
{
	const struct nsi_op op = { .kind = 0 };
	char text[4096];

	begin();
	write_text(ROOT "/marker", "");
	EXPECT(0, mount_fs(1, PROC_ATTR, "proc", "/proc", ""));
	EXPECT(0, nsi_null_device(&run) < 0);
	EXPECT(0, nsi_op_root_pivot(&run, &op));
	EXPECT(-1, run.nullfd);
	check_inside();
	CHECK(read_text("/proc/self/mountinfo", text, sizeof(text)) > 0);
	CHECK(strchr(text, '\n') &&
	      strchr(strchr(text, '\n') + 1, '\n') == text + strlen(text) - 1);
	EXPECT(0, nsi_op_root_readonly(&run, &op));
	CHECK(open("/new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
}

/* By the old call, as the host's own mounts are made: 0 or the errno. */
static int mount_at(const char *fstype, const char *path)
{
	return (int)-NSI_SYS5(__NR_mount, fstype, path, fstype, 0, 0);
}

/* What a user namespace below gets that mounts a procfs of its own: 0 or the errno. */
static int new_procfs_below(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID))
			_exit(255);
		pid = fork();
		if (pid == 0)
			_exit(mount_at("proc", "/proc"));
		_exit(waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 254);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WEXITSTATUS(status);
}

/* As masks do, which must hold in user namespaces below. */
static void cover_part_of_proc(void)
{
	EXPECT(0, new_procfs_below());
	CHECK(mount_at("tmpfs", "/proc/sys") == 0);
	EXPECT(EPERM, new_procfs_below());
}

/* A procfs in other places of the host, one of them with blanks, one covered by others. */
static void more_procfs(void)
{
	CHECK(mkdir(CANARY "/a b", 0755) == 0 && mkdir(CANARY "/c", 0755) == 0);
	CHECK(mkdir(CANARY "/c/d", 0755) == 0 && chmod(CANARY "/c", 0755) == 0);
	CHECK(mount_at("proc", CANARY "/a b") == 0);
	CHECK(mount_at("proc", CANARY "/a b") == 0);
	CHECK(mount_at("sysfs", CANARY "/c/d") == 0);
}

static void cover_more_procfs(void)
{
	CHECK(mount_at("proc", CANARY "/c/d") == 0);
	CHECK(mount_at("tmpfs", CANARY "/c") == 0);
}

static void move_leaves_no_way_up(void)
{
	const struct nsi_op op = { .kind = 0 };
	static char text[65536];

	begin();
	more_procfs();
	cover_more_procfs();
	write_text(ROOT "/marker", "");
	CHECK(mkdir(ROOT "/jail", 0755) == 0);
	EXPECT(0, mount_fs(1, PROC_ATTR, "proc", "/proc", ""));
	EXPECT(0, nsi_op_root_move(&run, &op));
	check_inside();
	cover_part_of_proc();
	CHECK(read_text("/proc/self/mountinfo", text, sizeof(text)) > 0);
	CHECK(!strstr(text, CANARY) && !strstr(text, " sysfs ") && !strstr(text, " - cgroup"));
	CHECK(strstr(text, " - proc ") && !strstr(strstr(text, " - proc ") + 1, " - proc "));
	/* The classic way out of a chroot ends at the same root. */
	CHECK(chroot("/jail") == 0);
	for (int i = 0; i < 20; i++)
		CHECK(chdir("..") == 0);
	CHECK(chroot(".") == 0);
	check_inside();
}

static void current_and_enter(void)
{
	struct nsi_op op = { .kind = 0, .s = { put_text(CANARY) } };
	char text[PATH_MAX];

	begin();
	close(run.rootfd);
	run.rootfd = -1;
	EXPECT(-EBADF, nsi_op_root_pivot(&run, &op));
	EXPECT(-EBADF, nsi_op_root_readonly(&run, &op));
	EXPECT(0, nsi_op_root_enter(&run, &op));
	CHECK(getcwd(text, sizeof(text)) && !strcmp(text, CANARY));
	CHECK(nsi_inroot_open(&run, "/etc", O_PATH, 0) >= 0);
	op.s[0] = put_text("/nowhere");
	EXPECT(-ENOENT, nsi_op_root_enter(&run, &op));
	op.n[0] = MS_SLAVE;
	EXPECT(0, nsi_op_mount_propagation(&run, &op));
}

static void write_map(const char *path, const char *text)
{
	write_text(path, text);
}

/* All of it as uid 65534, root only of a user namespace of its own. */
static void in_user_namespace(int (*enter)(struct nsi_run *, const struct nsi_op *), int wanted,
			      void (*prepare)(void))
{
	const struct nsi_op op = { .kind = 0, .n = { NSI_SLOT_ROOT, MS_PRIVATE } };
	const struct nsi_op propagation = { .n = { MS_SLAVE } };
	struct nsi_op attach = op;
	int status = 1;
	pid_t pid;

	make_playground();
	write_text(ROOT "/marker", "");
	CHECK(chown(ROOT, 65534, 65534) == 0);
	CHECK(chmod(CANARY, 0755) == 0);
	write_text(CANARY "/secret", "host");
	clone_into(NSI_SLOT_ROOT, ROOT);
	clone_into(SLOT, CANARY);
	more_procfs();
	if (prepare)
		prepare();
	CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC) ==
	      0);
	write_map("/proc/self/setgroups", "deny");
	write_map("/proc/self/uid_map", "0 65534 1");
	write_map("/proc/self/gid_map", "0 65534 1");
	pid = fork();
	if (pid) {
		CHECK(waitpid(pid, &status, 0) == pid);
		EXPECT(0, status);
		return;
	}
	EXPECT(0, nsi_op_proc_open(&run, &op));
	EXPECT(0, nsi_op_mount_propagation(&run, &propagation));
	EXPECT(0, nsi_op_root_attach(&run, &attach));
	EXPECT(0, mount_fs(1, PROC_ATTR, "proc", "/proc", ""));
	EXPECT(0, mount_fs(1, PROC_ATTR, "sysfs", "/sys", ""));
	EXPECT(0, mount_fs(2, MOUNT_ATTR_NOSUID, "tmpfs", "/dev", "mode 755"));
	EXPECT(0,
	       mount_fs(0, MOUNT_ATTR_NOSUID, "devpts", "/dev/pts", "newinstance _ ptmxmode 0666"));
	EXPECT(0, mount_fs(0, PROC_ATTR, "mqueue", "/dev/mqueue", ""));
	EXPECT(0, mount_tree(TREE_RECURSIVE, MOUNT_ATTR_RDONLY, "/data"));
	EXPECT(wanted, enter(&run, &op));
	if (wanted)
		_exit(0);
	check_inside();
	cover_part_of_proc();
	CHECK(access("/data/secret", F_OK) == 0 && access("/proc/1/status", F_OK) == 0);
	EXPECT(0, nsi_op_root_readonly(&run, &op));
	_exit(0);
}

static void everything_in_a_user_namespace(void)
{
	in_user_namespace(nsi_op_root_pivot, 0, cover_more_procfs);
}

static void also_without_pivot(void)
{
	in_user_namespace(nsi_op_root_move, 0, NULL);
}

/* It would count as whole for namespaces below, and no path leads to it. */
static void but_not_over_a_procfs_out_of_reach(void)
{
	in_user_namespace(nsi_op_root_move, -EBUSY, cover_more_procfs);
}

int main(void)
{
	if (!can_mount())
		return 0;
	RUN(file_systems_are_mounted);
	RUN(tmpfs_takes_mode_and_owner);
	RUN(procfs_is_not_covered);
	RUN(strict_targets_are_no_links);
	RUN(trees_get_attributes);
	RUN(bound_trees_are_no_peers);
	RUN(racing_target_is_never_outside);
	RUN(pivot_leaves_only_the_root);
	RUN(move_leaves_no_way_up);
	RUN(current_and_enter);
	RUN(everything_in_a_user_namespace);
	RUN(also_without_pivot);
	RUN(but_not_over_a_procfs_out_of_reach);
	return 0;
}
