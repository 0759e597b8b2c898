// SPDX-License-Identifier: Apache-2.0
/*
 * test_overlay.c - the root's overlay, made here or by a process of its own, and
 * what the runtime puts into a root that it makes.
 */
#include <sys/utsname.h>

#include "playground.h"

#define LOWER "/tmp/lower"
#define UPPER "/tmp/upper"
#define WORK "/tmp/work"
#define SLOT 20

static int overlay(uint32_t flags, const char *lower, const char *upper, const char *work)
{
	static const char options[] = "size\0"
				      "65536\0"
				      "nr_inodes\0"
				      "64";
	static const char settings[] = "metacopy\0off\0index\0off";
	struct nsi_op op = {
		.flags = flags,
		.n = { SLOT },
		.s = { put_text(lower) },
	};

	if (upper) {
		op.s[1] = put_text(upper);
		op.s[2] = put_text(work);
	}
	op.s[3] = put_bytes(options, sizeof(options));
	op.s[4] = put_bytes(settings, sizeof(settings));
	return nsi_op_overlay_open(&run, &op);
}

static void begin(void)
{
	make_playground();
	CHECK(mkdir(LOWER, 0700) == 0 && chmod(LOWER, 0751) == 0 && chown(LOWER, 7, 8) == 0);
	CHECK(mkdir(LOWER "/inner", 0755) == 0);
}

static int count_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	int lines = 0, c;

	CHECK(file);
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void check_written(void)
{
	int root = run.slot[SLOT];
	struct stat st;
	int fd;

	CHECK(fstat(root, &st) == 0);
	CHECK((st.st_mode & 07777) == 0751 && st.st_uid == 7 && st.st_gid == 8);
	fd = openat(root, "inner/new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK(write(fd, "x", 1) == 1);
	close(fd);
	CHECK(access(LOWER "/inner/new", F_OK) < 0 && errno == ENOENT);
}

static void thrown_away(uint32_t flags)
{
	int mounts, descriptors;

	begin();
	mounts = count_mounts();
	descriptors = count_descriptors();
	EXPECT(0, overlay(flags, LOWER, NULL, NULL));
	EXPECT(mounts, count_mounts());
	EXPECT(descriptors + 1, count_descriptors());
	check_written();
}

static void made_here(void)
{
	thrown_away(0);
}

static void made_by_a_process_of_its_own(void)
{
	thrown_away(1);
	/* It has gone, and was waited for. */
	EXPECT(-1, waitpid(-1, NULL, WNOHANG | __WALL));
	EXPECT(ECHILD, errno);
}

static void size_is_limited(void)
{
	static char block[65536];
	int fd;

	begin();
	EXPECT(0, overlay(1, LOWER, NULL, NULL));
	fd = openat(run.slot[SLOT], "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK(write(fd, block, sizeof(block)) > 0);
	CHECK(write(fd, block, sizeof(block)) < 0 && errno == ENOSPC);
	close(fd);
}

static void layer_is_kept(void)
{
	struct stat st;

	begin();
	EXPECT(0, overlay(0, LOWER, UPPER, WORK));
	check_written();
	CHECK(access(UPPER "/inner/new", F_OK) == 0);
	CHECK(stat(WORK, &st) == 0 && (st.st_mode & 07777) == 0700);
}

static void failure_leaves_nothing(void)
{
	int descriptors;

	begin();
	descriptors = count_descriptors();
	EXPECT(-ENOENT, overlay(0, "/tmp/none", UPPER, WORK));
	EXPECT(-ENOTDIR, overlay(1, "/proc/self/status", NULL, NULL));
	/* No file system that can be written to as a layer. */
	CHECK(overlay(0, LOWER, UPPER, "/proc/work") < 0);
	CHECK(access(UPPER, F_OK) < 0 && errno == ENOENT);
	EXPECT(-ENOENT, overlay(0, LOWER, "/tmp/none/upper", WORK));
	CHECK(access(WORK, F_OK) < 0 && errno == ENOENT);
	EXPECT(descriptors, count_descriptors());
}

static int write_at(const char *path, const char *text)
{
	struct nsi_op op = {
		.n = { 0640 },
		.s = { put_text(path), put_bytes(text, strlen(text)) },
	};

	return nsi_op_file_write(&run, &op);
}

static int own_at(const char *path)
{
	struct nsi_op op = { .n = { 5, 6 }, .s = { put_text(path) } };

	return nsi_op_path_own(&run, &op);
}

static int make_root(void)
{
	static const char options[] = "mode\0000755";
	struct nsi_op op = { .n = { 0, MS_PRIVATE }, .s = { put_bytes(options, sizeof(options)) } };

	return nsi_op_root_make(&run, &op);
}

static void root_is_empty_and_filled(void)
{
	char text[16] = "";
	struct stat st;
	int fd;

	make_playground();
	EXPECT(0, make_root());
	EXPECT(0, write_at("/etc/passwd", "root"));
	fd = nsi_inroot_open(&run, "/etc/passwd", O_RDONLY, 0);
	CHECK(fd >= 0 && read(fd, text, sizeof(text)) == 4 && !strcmp(text, "root"));
	EXPECT(0, own_at("/etc/passwd"));
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0640);
	CHECK(st.st_uid == 5 && st.st_gid == 6);
	close(fd);
}

static void nothing_is_written_through_what_is_there(void)
{
	make_playground();
	EXPECT(0, make_root());
	EXPECT(0, write_at("/a/file", "first"));
	EXPECT(-EEXIST, write_at("/a/file", "second"));
	EXPECT(0, symlinkat("/a", run.rootfd, "link"));
	EXPECT(-ELOOP, write_at("/link/new", "x"));
	EXPECT(-EEXIST, write_at("/link", "x"));
	EXPECT(-ELOOP, own_at("/link"));
	EXPECT(-ELOOP, own_at("/link/file"));
	EXPECT(-ENOENT, own_at("/none"));
}

/* Whether a layer need not be attached: since Linux 6.15. */
static int takes_detached_layers(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major > 6 || (major == 6 && minor >= 15);
}

int main(void)
{
	if (!can_mount())
		return 0;
	if (takes_detached_layers())
		RUN(made_here);
	else
		printf("  skipped: made_here: detached layers need Linux 6.15\n");
	RUN(made_by_a_process_of_its_own);
	RUN(size_is_limited);
	RUN(layer_is_kept);
	RUN(failure_leaves_nothing);
	RUN(root_is_empty_and_filled);
	RUN(nothing_is_written_through_what_is_there);
	return 0;
}
