// SPDX-License-Identifier: Apache-2.0
/*
 * test_device.c - device nodes, links, directories, masked, read-only and
 * protected paths in a hostile tree, and in a user namespace.
 */
#include <sys/prctl.h>

#include "playground.h"

static int device_at(const char *path, uint32_t flags, mode_t type, dev_t device)
{
	struct nsi_op op = {
		.kind = NSI_OP_DEVICE_MAKE,
		.flags = flags,
		.n = { type, device, 0666, 7, 8 },
		.s = { put_text(path) },
	};

	return nsi_op_device_make(&run, &op);
}

static int null_at(const char *path)
{
	return device_at(path, 0, S_IFCHR, makedev(1, 3));
}

static int link_at(const char *path, const char *target, uint32_t flags)
{
	struct nsi_op op = { .flags = flags, .s = { put_text(path), put_text(target) } };

	return nsi_op_link_make(&run, &op);
}

static int on_path(int (*execute)(struct nsi_run *, const struct nsi_op *), const char *path)
{
	struct nsi_op op = { .s = { put_text(path) } };

	return execute(&run, &op);
}

static int attach_root(void)
{
	const struct nsi_op op = { .n = { NSI_SLOT_ROOT, MS_PRIVATE } };

	clone_into(NSI_SLOT_ROOT, ROOT);
	return nsi_op_root_attach(&run, &op);
}

static void begin(void)
{
	make_playground();
	EXPECT(0, attach_root());
}

static long read_in_root(const char *path, char *out, size_t size)
{
	int fd = nsi_inroot_open(&run, path, O_RDONLY, 0);
	long n = fd < 0 ? fd : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n < 0 ? 0 : n] = 0;
	return n;
}

static void nodes_are_made_with_owner(void)
{
	struct stat st;

	begin();
	EXPECT(0, null_at("/dev/null"));
	CHECK(stat(ROOT "/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
	CHECK((st.st_mode & 07777) == 0666 && st.st_uid == 7 && st.st_gid == 8);
	CHECK(st.st_rdev == makedev(1, 3));
	EXPECT(0, device_at("/dev/big", 0, S_IFBLK, makedev(259, 70000)));
	CHECK(stat(ROOT "/dev/big", &st) == 0 && S_ISBLK(st.st_mode));
	CHECK(st.st_rdev == makedev(259, 70000));
	EXPECT(0, device_at("/dev/net/pipe", 0, S_IFIFO, 0));
	CHECK(is_type(ROOT "/dev/net/pipe", S_IFIFO));
	EXPECT(0, device_at("/dev/net/pipe", 0, S_IFIFO, 0));
	CHECK(umask(0) == 0077);
}

static void existing_nodes_must_be_the_same(void)
{
	struct stat st;

	begin();
	CHECK(mkdir(ROOT "/dev", 0755) == 0);
	CHECK(mknod(ROOT "/dev/null", S_IFCHR | 0600, makedev(1, 3)) == 0);
	EXPECT(0, null_at("/dev/null"));
	CHECK(stat(ROOT "/dev/null", &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_uid == 0);
	CHECK(mknod(ROOT "/dev/zero", S_IFCHR | 0600, makedev(1, 4)) == 0);
	EXPECT(-EEXIST, null_at("/dev/zero"));
	CHECK(mknod(ROOT "/dev/block", S_IFBLK | 0600, makedev(1, 3)) == 0);
	EXPECT(-EEXIST, null_at("/dev/block"));
	write_text(ROOT "/dev/file", "");
	EXPECT(-EEXIST, null_at("/dev/file"));
	CHECK(symlink("null", ROOT "/dev/link") == 0 && symlink("x", ROOT "/dev/dangling") == 0);
	EXPECT(-EEXIST, null_at("/dev/link"));
	EXPECT(-EEXIST, null_at("/dev/dangling"));
	EXPECT(NSI_AT_VERIFY, run.detail);
}

static void dev_must_be_a_real_directory(void)
{
	begin();
	CHECK(symlink(CANARY, ROOT "/dev") == 0);
	EXPECT(-ELOOP, null_at("/dev/null"));
	EXPECT(-ELOOP, link_at("/dev/fd", "/proc/self/fd", 0));
	EXPECT(-ELOOP, device_at("/dev/null", 1, S_IFCHR, makedev(1, 3)));
	CHECK(unlink(ROOT "/dev") == 0 && symlink("../../tmp/canary", ROOT "/dev") == 0);
	EXPECT(-ELOOP, null_at("/dev/null"));
	CHECK(unlink(ROOT "/dev") == 0);
	write_text(ROOT "/dev", "");
	EXPECT(-ENOTDIR, null_at("/dev/null"));
	EXPECT(0, entries_of(CANARY));
	CHECK(!is_type(ROOT "/tmp", S_IFDIR));
}

static void host_nodes_are_bound(void)
{
	struct statx st;
	int fd;

	begin();
	EXPECT(0, device_at("/dev/null", 1, S_IFCHR, makedev(1, 3)));
	fd = nsi_inroot_open(&run, "/dev/null", O_RDWR, 0);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	EXPECT(0, device_at("/dev/null", 1, S_IFCHR, makedev(1, 3)));
	EXPECT(-ENODEV, device_at("/dev/zero", 1, S_IFCHR, makedev(1, 3)));
	EXPECT(-ENOENT, device_at("/dev/nothing", 1, S_IFCHR, makedev(1, 3)));
	write_text(ROOT "/dev/full", "");
	EXPECT(0, device_at("/dev/full", 1, S_IFCHR, makedev(1, 7)));
	CHECK(statx(AT_FDCWD, ROOT "/dev/full", 0, STATX_BASIC_STATS, &st) == 0);
	CHECK(S_ISREG(st.stx_mode));
	CHECK(symlink("../canary", ROOT "/dev/random") == 0);
	EXPECT(-EEXIST, device_at("/dev/random", 1, S_IFCHR, makedev(1, 8)));
}

static void links_and_directories(void)
{
	char text[64];
	struct stat st;
	ssize_t n;

	begin();
	EXPECT(0, link_at("/dev/fd", "/proc/self/fd", 0));
	EXPECT(0, link_at("/dev/fd", "/other", 0));
	n = readlink(ROOT "/dev/fd", text, sizeof(text));
	CHECK(n == 13 && !memcmp(text, "/proc/self/fd", 13));
	EXPECT(0, link_at("/dev/fd", "/other", 1));
	n = readlink(ROOT "/dev/fd", text, sizeof(text));
	CHECK(n == 6 && !memcmp(text, "/other", 6));
	CHECK(mkdir(ROOT "/dev/ptmx", 0755) == 0);
	EXPECT(0, link_at("/dev/ptmx", "pts/ptmx", 1));
	CHECK(is_type(ROOT "/dev/ptmx", S_IFDIR));
	CHECK(rmdir(ROOT "/dev/ptmx") == 0);
	CHECK(mknod(ROOT "/dev/ptmx", S_IFCHR | 0600, makedev(5, 2)) == 0);
	EXPECT(0, link_at("/dev/ptmx", "pts/ptmx", 1));
	CHECK(is_type(ROOT "/dev/ptmx", S_IFLNK));
	{
		struct nsi_op op = { .n = { 01777 }, .s = { put_text("/a/tmp") } };

		EXPECT(0, nsi_op_dir_make(&run, &op));
		EXPECT(0, nsi_op_dir_make(&run, &op));
		CHECK(stat(ROOT "/a/tmp", &st) == 0 && (st.st_mode & 07777) == 01777);
		CHECK(stat(ROOT "/a", &st) == 0 && (st.st_mode & 07777) == 0755);
	}
}

static void masked_paths_are_empty(void)
{
	char text[64];
	int fd;

	begin();
	CHECK(mkdir(ROOT "/dev", 0755) == 0 && symlink(CANARY, ROOT "/dev/null") == 0);
	CHECK(mkdir(ROOT "/d", 0755) == 0);
	write_text(ROOT "/d/f", "secret");
	write_text(ROOT "/f", "secret");
	CHECK(symlink("../../../f", ROOT "/d/link") == 0 &&
	      symlink("/gone", ROOT "/dangling") == 0);
	EXPECT(0, on_path(nsi_op_path_mask, "/d/link"));
	EXPECT(0, read_in_root("/f", text, sizeof(text)));
	fd = nsi_inroot_open(&run, "/f", O_WRONLY, 0);
	CHECK(fd >= 0 && write(fd, "lost", 4) == 4);
	EXPECT(6, read_text(ROOT "/f", text, sizeof(text)));
	EXPECT(0, on_path(nsi_op_path_mask, "/d"));
	EXPECT(-ENOENT, nsi_inroot_open(&run, "/d/f", O_PATH, 0));
	EXPECT(-EROFS, nsi_inroot_open(&run, "/d/new", O_WRONLY | O_CREAT, 0));
	EXPECT(0, on_path(nsi_op_path_mask, "/none"));
	EXPECT(0, on_path(nsi_op_path_mask, "/none/deep"));
	EXPECT(0, on_path(nsi_op_path_mask, "/f/deep"));
	EXPECT(0, on_path(nsi_op_path_mask, "/dangling"));
	EXPECT(-EBUSY, on_path(nsi_op_path_mask, "/"));
}

static void masks_need_the_host_null(void)
{
	begin();
	write_text(ROOT "/f", "secret");
	/* A host whose /dev/null is something else. */
	write_text(CANARY "/null", "");
	EXPECT(0, nsi_sys_move_mount(nsi_sys_open_tree(AT_FDCWD, CANARY "/null", OPEN_TREE_CLONE),
				     "", AT_FDCWD, "/dev/null", MOVE_MOUNT_F_EMPTY_PATH));
	EXPECT(-ENODEV, on_path(nsi_op_path_mask, "/f"));
	EXPECT(-1, run.nullfd);
}

static void readonly_paths(void)
{
	const struct mount_attr nodev = { .attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID };
	struct nsi_statfs fs;
	int fd;

	begin();
	CHECK(mkdir(ROOT "/d", 0755) == 0 && mkdir(ROOT "/d/sub", 0755) == 0);
	fd = nsi_sys_open_tree(AT_FDCWD, CANARY, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	EXPECT(0, nsi_sys_mount_setattr(fd, "", AT_EMPTY_PATH, &nodev));
	EXPECT(0, nsi_sys_move_mount(fd, "", run.rootfd, "d/sub", MOVE_MOUNT_F_EMPTY_PATH));
	EXPECT(0, on_path(nsi_op_path_readonly, "/d"));
	EXPECT(-EROFS, nsi_inroot_open(&run, "/d/x", O_WRONLY | O_CREAT, 0));
	EXPECT(-EROFS, nsi_inroot_open(&run, "/d/sub/x", O_WRONLY | O_CREAT, 0));
	fd = nsi_inroot_open(&run, "/d/sub", O_PATH, 0);
	EXPECT(0, nsi_sys_fstatfs(fd, &fs));
	CHECK((fs.flags & 7) == 7); /* ST_RDONLY, ST_NOSUID, ST_NODEV */
	EXPECT(0, on_path(nsi_op_path_readonly, "/none/deep"));
	EXPECT(-EBUSY, on_path(nsi_op_path_readonly, "/d/.."));
}

static void protected_files(void)
{
	begin();
	write_text(ROOT "/container.json", "{}");
	EXPECT(0, on_path(nsi_op_file_protect, "/container.json"));
	EXPECT(-EROFS, nsi_inroot_open(&run, "/container.json", O_RDWR, 0));
	EXPECT(0, on_path(nsi_op_file_protect, "/state.json"));
	CHECK(symlink("container.json", ROOT "/link") == 0 && symlink(".", ROOT "/dir") == 0);
	EXPECT(-ELOOP, on_path(nsi_op_file_protect, "/link"));
	EXPECT(-ELOOP, on_path(nsi_op_file_protect, "/dir/container.json"));
	CHECK(mkfifo(ROOT "/fifo", 0600) == 0);
	EXPECT(-EINVAL, on_path(nsi_op_file_protect, "/fifo"));
	EXPECT(-EINVAL, on_path(nsi_op_file_protect, "/"));
}

static void pinned_directories(void)
{
	int fd;

	begin();
	CHECK(mkdir(ROOT "/home", 0755) == 0 && mkdir(ROOT "/home/inner", 0755) == 0);
	EXPECT(0, on_path(nsi_op_file_protect, "/home"));
	EXPECT(0, on_path(nsi_op_file_protect, "/home/inner"));
	CHECK(rename(ROOT "/home", ROOT "/old") < 0 && errno == EBUSY);
	CHECK(rename(ROOT "/home/inner", ROOT "/old") < 0 && errno == EBUSY);
	fd = nsi_inroot_open(&run, "/home/inner/x", O_WRONLY | O_CREAT, 0);
	CHECK(fd >= 0 && close(fd) == 0);
}

static void in_a_user_namespace(void)
{
	const struct nsi_op op = { .n = { NSI_SLOT_ROOT, MS_PRIVATE } };
	char text[16];
	int fd;

	make_playground();
	CHECK(chmod(ROOT, 0777) == 0);
	clone_into(NSI_SLOT_ROOT, ROOT);
	CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", "0 65534 1");
	write_text("/proc/self/gid_map", "0 65534 1");
	EXPECT(0, nsi_op_root_attach(&run, &op));
	EXPECT(-EPERM, device_at("/dev/null", 0, S_IFCHR, makedev(1, 3)));
	EXPECT(0, device_at("/dev/null", 1, S_IFCHR, makedev(1, 3)));
	{
		struct nsi_op make = { .n = { 0755 }, .s = { put_text("/d/sub") } };

		EXPECT(0, nsi_op_dir_make(&run, &make));
	}
	EXPECT(0, on_path(nsi_op_path_readonly, "/d/sub"));
	EXPECT(0, on_path(nsi_op_path_mask, "/d"));
	close(nsi_inroot_open(&run, "/", O_PATH, 0));
	write_text(ROOT "/file", "secret");
	EXPECT(0, on_path(nsi_op_path_mask, "/file"));
	EXPECT(0, read_in_root("/file", text, sizeof(text)));
	EXPECT(0, nsi_op_root_pivot(&run, &op));
	fd = open("/dev/null", O_RDWR);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
}

int main(void)
{
	if (!can_mount())
		return 0;
	RUN(nodes_are_made_with_owner);
	RUN(existing_nodes_must_be_the_same);
	RUN(dev_must_be_a_real_directory);
	RUN(host_nodes_are_bound);
	RUN(links_and_directories);
	RUN(masked_paths_are_empty);
	RUN(masks_need_the_host_null);
	RUN(readonly_paths);
	RUN(protected_files);
	RUN(pinned_directories);
	RUN(in_a_user_namespace);
	return 0;
}
