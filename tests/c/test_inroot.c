// SPDX-License-Identifier: Apache-2.0
/*
 * test_inroot.c - resolution and making of paths in a hostile tree, and against
 * a racer that swaps a directory for a link out of the root.
 */
#include "playground.h"

#define ROUNDS 2000

static int make(const char *path, enum nsi_target kind)
{
	int fd = nsi_inroot_target(&run, path, kind);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int make_dir(const char *path)
{
	return make(path, NSI_TARGET_DIRECTORY);
}

static int make_file(const char *path)
{
	return make(path, NSI_TARGET_FILE);
}

static void begin(void)
{
	make_playground();
	open_run_root(ROOT);
}

static void missing_parts_are_made(void)
{
	struct stat st;

	begin();
	EXPECT(0, make_dir("/a/b/c"));
	CHECK(stat(ROOT "/a/b/c", &st) == 0 && S_ISDIR(st.st_mode));
	CHECK((st.st_mode & 07777) == 0755);
	EXPECT(0, make_file("a/./b//d///"));
	CHECK(stat(ROOT "/a/b/d", &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0);
	CHECK((st.st_mode & 07777) == 0644);
	EXPECT(0, make_dir("/a/x/./"));
	CHECK(is_type(ROOT "/a/x", S_IFDIR));
	EXPECT(0, make_dir("/"));
	EXPECT(0, make_dir("../../.."));
	EXPECT(-ENOTDIR, make_dir("/a/b/d"));
	EXPECT(-ENOTDIR, make_dir("/a/b/d/e"));
	EXPECT(-EISDIR, make_file("/a/b/c"));
	EXPECT(-ENOENT, make_dir("/a/missing/../y"));
	CHECK(!is_type(ROOT "/a/y", S_IFDIR));
	CHECK(umask(0) == 0077);
}

static void links_stay_inside(void)
{
	begin();
	CHECK(symlink(CANARY, ROOT "/absolute") == 0);
	CHECK(symlink("../../../../../tmp/canary", ROOT "/dots") == 0);
	CHECK(symlink("/tmp/canary/deep/er", ROOT "/dangling") == 0);
	CHECK(symlink("/proc/self/root/tmp/canary", ROOT "/proc") == 0);
	EXPECT(-ENOENT, nsi_inroot_open(&run, "/absolute", O_PATH, 0));
	EXPECT(0, make_dir("/absolute/x"));
	CHECK(is_type(ROOT "/tmp/canary/x", S_IFDIR));
	EXPECT(0, make_file("/dots/y/z"));
	CHECK(is_type(ROOT "/tmp/canary/y/z", S_IFREG));
	EXPECT(0, make_dir("/dangling"));
	CHECK(is_type(ROOT "/tmp/canary/deep/er", S_IFDIR));
	EXPECT(-ELOOP, make_dir("/proc/w")); /* leads to itself */
	EXPECT(0, entries_of(CANARY));
}

static void relative_links_are_spliced(void)
{
	begin();
	CHECK(mkdir(ROOT "/d", 0755) == 0);
	CHECK(symlink("down/to", ROOT "/d/link") == 0);
	CHECK(symlink("../up/to", ROOT "/d/up") == 0);
	CHECK(symlink("gone/../to", ROOT "/d/gap") == 0);
	EXPECT(0, make_file("/d/link/file"));
	CHECK(is_type(ROOT "/d/down/to/file", S_IFREG));
	EXPECT(0, make_dir("d/up/x"));
	CHECK(is_type(ROOT "/up/to/x", S_IFDIR));
	EXPECT(-ENOENT, make_dir("/d/gap/x"));
	/* The last component as well, for either kind. */
	CHECK(symlink("made", ROOT "/d/last") == 0);
	EXPECT(0, make_file("/d/last"));
	CHECK(is_type(ROOT "/d/made", S_IFREG));
}

static void chain(const char *dir, int length, const char *end)
{
	char name[64], target[64];

	CHECK(mkdir(dir, 0755) == 0);
	for (int i = 0; i < length; i++) {
		snprintf(name, sizeof(name), "%s/l%d", dir, i);
		snprintf(target, sizeof(target), "l%d", i + 1);
		CHECK(symlink(i + 1 == length ? end : target, name) == 0);
	}
}

static void chains_of_links_end(void)
{
	begin();
	chain(ROOT "/c40", 40, "/made40");
	chain(ROOT "/c41", 41, "/made41");
	EXPECT(0, make_dir("/c40/l0"));
	CHECK(is_type(ROOT "/made40", S_IFDIR));
	EXPECT(-ELOOP, make_dir("/c41/l0"));
	CHECK(!is_type(ROOT "/made41", S_IFDIR));
	CHECK(symlink("loop", ROOT "/loop") == 0);
	EXPECT(-ELOOP, make_dir("/loop"));
	/* Grows by one component each time it is spliced in. */
	CHECK(symlink("grow/x", ROOT "/grow") == 0);
	EXPECT(-ELOOP, make_dir("/grow"));
	CHECK(mkdir(ROOT "/p", 0755) == 0 && symlink("/p/q/r", ROOT "/p/q") == 0);
	EXPECT(-ELOOP, make_file("/p/q"));
}

static void strict_paths_refuse_links(void)
{
	int fd;

	begin();
	CHECK(mkdir(ROOT "/real", 0755) == 0);
	CHECK(symlink("real", ROOT "/link") == 0 && symlink("none", ROOT "/dangling") == 0);
	EXPECT(-ELOOP,
	       nsi_inroot_make(&run, "/link", NSI_TARGET_DIRECTORY, RESOLVE_NO_SYMLINKS, 0755));
	EXPECT(-ELOOP,
	       nsi_inroot_make(&run, "/link/x", NSI_TARGET_DIRECTORY, RESOLVE_NO_SYMLINKS, 0755));
	EXPECT(-ELOOP,
	       nsi_inroot_make(&run, "/dangling", NSI_TARGET_FILE, RESOLVE_NO_SYMLINKS, 0644));
	fd = nsi_inroot_make(&run, "/real/x/y", NSI_TARGET_DIRECTORY, RESOLVE_NO_SYMLINKS, 01777);
	CHECK(fd >= 0);
	CHECK(!is_type(ROOT "/none", S_IFREG) && is_type(ROOT "/real/x/y", S_IFDIR));
}

static void parents_and_names(void)
{
	const char *name = NULL;

	begin();
	CHECK(nsi_inroot_parent(&run, "/dev/net/tun", &name) >= 0 && !strcmp(name, "tun"));
	CHECK(is_type(ROOT "/dev/net", S_IFDIR) && !is_type(ROOT "/dev/net/tun", S_IFDIR));
	CHECK(nsi_inroot_parent(&run, "top", &name) >= 0 && !strcmp(name, "top"));
	CHECK(nsi_inroot_parent(&run, "/top", &name) >= 0 && !strcmp(name, "top"));
	EXPECT(-EINVAL, nsi_inroot_parent(&run, "/", &name));
	EXPECT(-EINVAL, nsi_inroot_parent(&run, "", &name));
	EXPECT(-EINVAL, nsi_inroot_parent(&run, "/a/", &name));
	EXPECT(-EINVAL, nsi_inroot_parent(&run, "/a/..", &name));
	CHECK(symlink("/tmp/canary", ROOT "/lib") == 0);
	EXPECT(-ELOOP, nsi_inroot_real_parent(&run, "/lib/x", &name));
}

static void long_paths_are_errors(void)
{
	static char path[9000];

	begin();
	memset(path, 'a', sizeof(path) - 1);
	EXPECT(-ENAMETOOLONG, make_dir(path));
	path[300] = 0;
	EXPECT(-ENAMETOOLONG, make_dir(path));
	for (size_t i = 0; i < 4090; i++)
		path[i] = i % 200 ? 'b' : '/';
	path[4090] = 0;
	EXPECT(0, make_dir(path));
	CHECK(symlink(path, ROOT "/long") == 0);
	EXPECT(0, make_dir("/long"));
	EXPECT(0, make_dir("/long/cc/dd"));
	path[1] = 'c'; /* now the link dangles and its text has to be spliced in */
	CHECK(symlink(path, ROOT "/longer") == 0);
	EXPECT(-ENAMETOOLONG, make_dir("/longer/cc/dd"));
}

/* Swaps ROOT/v/dir, a directory, with ROOT/v/link, a link out of the root. */
static pid_t start_racer(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;)
		syscall(__NR_renameat2, AT_FDCWD, ROOT "/v/dir", AT_FDCWD, ROOT "/v/link", 2);
}

static void racer_cannot_lead_out(void)
{
	char path[64];
	pid_t racer;
	int made = 0;

	begin();
	CHECK(mkdir(ROOT "/v", 0755) == 0 && mkdir(ROOT "/v/dir", 0755) == 0);
	CHECK(symlink("../../canary", ROOT "/v/link") == 0);
	racer = start_racer();
	CHECK(racer > 0);
	for (int i = 0; i < ROUNDS; i++) {
		int r;

		snprintf(path, sizeof(path), "/v/dir/m%d/n/../../k%d/f", i, i);
		r = make_dir(path);
		CHECK(r == 0 || r == -ENOENT || r == -ENOTDIR || r == -EAGAIN);
		snprintf(path, sizeof(path), "/v/dir/x%d/y", i);
		r = i % 2 ? make_file(path) : make_dir(path);
		CHECK(r == 0 || r == -ENOENT || r == -ENOTDIR);
		made += r == 0;
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	EXPECT(0, entries_of(CANARY));
	CHECK(made > ROUNDS / 2);
}

int main(void)
{
	if (!can_mount())
		return 0;
	RUN(missing_parts_are_made);
	RUN(links_stay_inside);
	RUN(relative_links_are_spliced);
	RUN(chains_of_links_end);
	RUN(strict_paths_refuse_links);
	RUN(parents_and_names);
	RUN(long_paths_are_errors);
	RUN(racer_cannot_lead_out);
	return 0;
}
