/* SPDX-License-Identifier: Apache-2.0 */
/*
 * playground.h - what the tests of the child's operations share: a mount
 * namespace of their own with a tmpfs on /tmp, a hostile root below it, and
 * operations made by hand. Needs CAP_SYS_ADMIN; without it the tests say so and
 * are skipped. Every test runs in a process of its own.
 */
#ifndef NSI_PLAYGROUND_H
#define NSI_PLAYGROUND_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inroot.h"
#include "slot.h"

#define ROOT "/tmp/root"
#define CANARY "/tmp/canary"

#define CHECK(condition)                                                                         \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			fprintf(stderr, "%s:%d: %s (detail %u, errno %d)\n", __FILE__, __LINE__, \
				#condition, run.detail, errno);                                  \
			_exit(1);                                                                \
		}                                                                                \
	} while (0)

#define EXPECT(wanted, expression)                                                         \
	do {                                                                               \
		long got_ = (expression);                                                  \
		if (got_ != (wanted)) {                                                    \
			fprintf(stderr, "%s:%d: %s: %ld, not %ld (detail %u)\n", __FILE__, \
				__LINE__, #expression, got_, (long)(wanted), run.detail);  \
			_exit(1);                                                          \
		}                                                                          \
	} while (0)

static struct nsi_run run;
static _Alignas(8) uint8_t plan_bytes[65536];
static uint32_t plan_used = 1;

/* An empty run whose operations have their strings in plan_bytes. */
static inline void reset_run(void)
{
	struct nsi_plan_header *header = (void *)plan_bytes;

	nsi_run_reset(&run);
	header->pool_offset = sizeof(*header);
	header->pool_length = sizeof(plan_bytes) - sizeof(*header);
	run.plan.base = plan_bytes;
	run.plan.header = header;
	run.plan.length = sizeof(plan_bytes);
	plan_used = 1;
}

static inline struct nsi_ref put_bytes(const void *data, size_t length)
{
	struct nsi_ref ref = { plan_used, (uint32_t)length };

	CHECK(sizeof(struct nsi_plan_header) + plan_used + length + 1 < sizeof(plan_bytes));
	memcpy(plan_bytes + sizeof(struct nsi_plan_header) + plan_used, data, length);
	plan_bytes[sizeof(struct nsi_plan_header) + plan_used + length] = 0;
	plan_used += (uint32_t)length + 1;
	return ref;
}

static inline struct nsi_ref put_text(const char *text)
{
	return put_bytes(text, strlen(text));
}

/* A list from words that are separated by spaces; _ is the empty word. */
static inline struct nsi_ref put_list(const char *words)
{
	char list[512];
	size_t n = 0;

	for (const char *at = words; *at; at++)
		if (*at != '_')
			list[n++] = *at == ' ' ? 0 : *at;
	list[n++] = 0;
	return put_bytes(list, *words ? n : 0);
}

static inline void open_run_root(const char *path)
{
	run.rootfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(run.rootfd >= 0);
}

static inline void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static inline long read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n < 0 ? 0 : n] = 0;
	return n;
}

static inline int is_type(const char *path, mode_t type)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

/* How many entries a directory has besides . and .. : the canary must have none. */
static inline int entries_of(const char *path)
{
	DIR *dir = opendir(path);
	int n = -2;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* tmpfs on /tmp of a new mount namespace, an empty root and an empty canary. */
static inline void make_playground(void)
{
	int fsfd, treefd;

	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(nsi_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE,
				    &(struct mount_attr){ .propagation = MS_PRIVATE }) == 0);
	fsfd = (int)NSI_SYS2(__NR_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	CHECK(fsfd >= 0);
	EXPECT(0, NSI_SYS5(__NR_fsconfig, fsfd, FSCONFIG_CMD_CREATE, 0, 0, 0));
	treefd = (int)NSI_SYS3(__NR_fsmount, fsfd, FSMOUNT_CLOEXEC, 0);
	CHECK(treefd >= 0);
	EXPECT(0, nsi_sys_move_mount(treefd, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH));
	close(fsfd);
	close(treefd);
	umask(0);
	CHECK(mkdir(ROOT, 0755) == 0 && mkdir(CANARY, 0755) == 0);
	umask(077); /* what is made must not depend on it */
}

/* A clone of a path into a slot, as the parent's tree.open does. */
static inline void clone_into(uint32_t slot, const char *path)
{
	run.slot[slot] = nsi_sys_open_tree(AT_FDCWD, path,
					   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	CHECK(run.slot[slot] >= 0);
}

/* Runs @test in a process of its own; exits the program when it fails. */
static inline void run_test(const char *name, void (*test)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		alarm(60);
		reset_run();
		test();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "%s: failed, status 0x%x\n", name, (unsigned int)status);
		exit(1);
	}
	printf("  %s\n", name);
	fflush(stdout);
}

#define RUN(test) run_test(#test, test)

/* 1 when mount namespaces can be made here. */
static inline int can_mount(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS) == 0 ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		printf("  skipped: mount namespaces need CAP_SYS_ADMIN\n");
		return 0;
	}
	return 1;
}

#endif
