/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c - making control groups, setting their limits and joining them.
 *
 * Order of use: cgroup.make for each hierarchy, cgroup.cpuset (v1) or
 * cgroup.enable (v2), cgroup.write for the limits, then the child joins by
 * cgroup.join unless clone3(2) has put it there. Which file takes which value
 * is decided by the planner; nothing here knows a limit's meaning.
 *
 * A group is found component by component below the hierarchy's mount, as a
 * descriptor, never through a symlink. Other runs may remove an empty parent
 * at any time: cgroup.make then starts again from the mount.
 */
#include "cgroup.h"
#include "cleanup.h"
#include "slot.h"
#include "sys.h"
#include "text.h"

#define MAKE_ROUNDS 50
#define FLAG_NEW 1u
#define FLAG_VACANT 2u
#define FLAG_VERIFY 1u
#define FLAG_OPTIONAL 2u

/*
 * The mode given to mkdir(2) has marked the group already, with no moment in
 * between. The xattr names the owner, so that nobody kills or removes a group
 * of the same name that another container holds. It may be refused (no
 * CAP_SYS_ADMIN, no user.* on v1): then only the mode tells.
 */
static void mark(int fd, const char *owner)
{
	size_t length = nsi_text_length(owner);

	if (NSI_SYS5(__NR_fsetxattr, fd, NSI_CGROUP_MARK, owner, length, 0) < 0)
		NSI_SYS5(__NR_fsetxattr, fd, NSI_CGROUP_MARK_USER, owner, length, 0);
}

/* Takes an empty group that is there: its mark is that of a container that has ended. */
static int take_vacant(int dirfd, const char *owner)
{
	int r = nsi_cgroup_vacant(dirfd);

	if (r < 0)
		return r;
	mark(dirfd, owner);
	return (int)NSI_SYS2(__NR_fchmod, dirfd, NSI_CGROUP_MODE);
}

/*
 * The group alone, where its parents are there: no file system of groups has symlinks.
 * -ENOENT when one is missing.
 */
static int make_last(int basefd, const char *path, const char *owner)
{
	NSI_AUTO_FD int fd = -1;
	int r = nsi_sys_mkdirat(basefd, path, NSI_CGROUP_MODE);

	if (r < 0)
		return r;
	fd = nsi_sys_openat(basefd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	mark(fd, owner);
	r = nsi_cgroup_check(fd);
	return r < 0 ? r : nsi_take_fd(&fd);
}

/* The group with its parents, found component by component; a descriptor, or -errno. */
static int make_all(int basefd, const char *rest, uint64_t flags, const char *owner)
{
	NSI_AUTO_FD int heldfd = nsi_cgroup_below(basefd, "");
	char name[NSI_CGROUP_NAME_MAX];
	int r;

	if (heldfd < 0)
		return heldfd;
	while (*rest) {
		int made, nextfd;

		r = nsi_cgroup_component(&rest, name);
		if (r < 0)
			return r;
		made = nsi_sys_mkdirat(heldfd, name, NSI_CGROUP_MODE);
		if (made < 0 && (made != -EEXIST || (!*rest && (flags & FLAG_NEW))))
			return made;
		nextfd = nsi_sys_openat(heldfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (nextfd < 0)
			return nextfd;
		if (!made)
			mark(nextfd, *rest ? "parent" : owner);
		r = made && !*rest && (flags & FLAG_VACANT) ? take_vacant(nextfd, owner) : 0;
		if (r < 0) {
			nsi_sys_close(nextfd);
			return r;
		}
		nsi_auto_close(&heldfd);
		heldfd = nextfd;
	}
	r = nsi_cgroup_check(heldfd);
	return r < 0 ? r : nsi_take_fd(&heldfd);
}

/* No component of the path is . or .., which would lead elsewhere. */
static int is_plain(const char *rest)
{
	char name[NSI_CGROUP_NAME_MAX];

	while (*rest)
		if (nsi_cgroup_component(&rest, name) < 0)
			return 0;
	return 1;
}

static int make_once(int basefd, const char *rest, uint64_t flags, const char *owner)
{
	int fd = -ENOENT;

	if ((flags & (FLAG_NEW | FLAG_VACANT)) && is_plain(rest))
		fd = make_last(basefd, rest, owner);
	if (fd == -ENOENT || (fd == -EEXIST && (flags & FLAG_VACANT)))
		fd = make_all(basefd, rest, flags, owner);
	return fd;
}

/*
 * nsi_op_cgroup_make() - make a group with its parents
 *
 * Return: 0, or -errno; -EEXIST when the group had to be new. Of one that had
 * to be vacant, -ENOTEMPTY when it holds processes and -EBUSY when it is frozen.
 */
int nsi_op_cgroup_make(struct nsi_run *run, const struct nsi_op *op)
{
	const char *base = NSI_CGROUP_MAKE_BASE(run, op);
	const char *rest = nsi_cgroup_relative(base, NSI_CGROUP_MAKE_PATH(run, op));
	NSI_AUTO_FD int basefd = -1;
	int r = -ENOENT;

	run->detail = NSI_AT_RESOLVE;
	if (!rest)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	basefd = nsi_cgroup_open(base, 0);
	if (basefd < 0)
		return basefd;
	run->detail = NSI_AT_MAKE;
	if (!*rest && (NSI_CGROUP_MAKE_FLAGS(op) & FLAG_NEW))
		return -EEXIST;
	/* ENOENT and ENODEV: a parent was removed between our finding and using it. */
	for (unsigned int round = 0; round < MAKE_ROUNDS; round++) {
		r = make_once(basefd, rest, NSI_CGROUP_MAKE_FLAGS(op),
			      NSI_CGROUP_MAKE_OWNER(run, op));
		if (r != -ENOENT && r != -ENODEV)
			break;
	}
	if (r < 0)
		return r;
	if (NSI_CGROUP_MAKE_SLOT(op) >= 0)
		return nsi_slot_put(run, (uint64_t)NSI_CGROUP_MAKE_SLOT(op), r);
	nsi_sys_close(r);
	return 0;
}

/*
 * nsi_op_cgroup_adopt() - mark a group that a service manager made for us
 *
 * Only marked groups are killed and removed at the end. The group of another
 * owner, or a hierarchy's mount point, is never taken.
 *
 * Return: 0, or -errno; -EEXIST when it is another owner's.
 */
int nsi_op_cgroup_adopt(struct nsi_run *run, const struct nsi_op *op)
{
	const char *owner = NSI_CGROUP_ADOPT_OWNER(run, op);
	struct statx st = { 0 };
	NSI_AUTO_FD int dirfd = -1;
	int r;

	run->detail = NSI_AT_OPEN;
	dirfd = nsi_cgroup_open(NSI_CGROUP_ADOPT_PATH(run, op), O_NOFOLLOW);
	if (dirfd < 0)
		return dirfd;
	run->detail = NSI_AT_VERIFY;
	r = nsi_sys_statx(dirfd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st);
	if (r < 0)
		return r;
	if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return -EPERM;
	if (NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK, NULL, 0) >= 0 ||
	    NSI_SYS4(__NR_fgetxattr, dirfd, NSI_CGROUP_MARK_USER, NULL, 0) >= 0)
		return nsi_cgroup_belongs(dirfd, owner) ? 0 : -EEXIST;
	run->detail = NSI_AT_WRITE;
	mark(dirfd, owner);
	return (int)NSI_SYS2(__NR_fchmod, dirfd, NSI_CGROUP_MODE);
}

/* Copies the parent's value of a cpuset file where the child's is empty. */
static int fill(int parentfd, int childfd, const char *file)
{
	char text[NSI_CGROUP_FILE_MAX];
	int r = nsi_cgroup_read(childfd, file, text, sizeof(text));

	if (r != 0)
		return r < 0 ? r : 0;
	r = nsi_cgroup_read(parentfd, file, text, sizeof(text));
	if (r < 0)
		return r;
	return r == 0 ? -ENODATA : nsi_cgroup_write(childfd, file, text);
}

/*
 * nsi_op_cgroup_cpuset() - make the cpuset groups down to a path usable
 *
 * A new v1 cpuset has neither processors nor memory nodes, and no process can
 * enter it (cpusets(7)). Filling is harmless to do twice, so runs that share a
 * parent may do it at the same time.
 *
 * Return: 0, or -errno.
 */
int nsi_op_cgroup_cpuset(struct nsi_run *run, const struct nsi_op *op)
{
	const char *base = NSI_CGROUP_CPUSET_BASE(run, op);
	const char *rest = nsi_cgroup_relative(base, NSI_CGROUP_CPUSET_PATH(run, op));
	NSI_AUTO_FD int parentfd = -1;
	char name[NSI_CGROUP_NAME_MAX];
	int r;

	run->detail = NSI_AT_RESOLVE;
	if (!rest)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	parentfd = nsi_cgroup_open(base, 0);
	if (parentfd < 0)
		return parentfd;
	while (*rest) {
		int childfd;

		run->detail = NSI_AT_OPEN;
		r = nsi_cgroup_component(&rest, name);
		if (r < 0)
			return r;
		childfd = nsi_cgroup_below(parentfd, name);
		if (childfd < 0)
			return childfd;
		run->detail = NSI_AT_WRITE;
		r = fill(parentfd, childfd, "cpuset.cpus");
		if (!r)
			r = fill(parentfd, childfd, "cpuset.mems");
		nsi_auto_close(&parentfd);
		parentfd = childfd;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Whether the space-separated @text holds @word. */
static int has_word(const char *text, const char *word)
{
	while (*text) {
		size_t n = 0;

		while (word[n] && text[n] == word[n])
			n++;
		if (!word[n] && (!text[n] || text[n] == ' '))
			return 1;
		while (*text && *text != ' ')
			text++;
		while (*text == ' ')
			text++;
	}
	return 0;
}

static const char *controller_name(const char *item)
{
	return *item == '+' ? item + 1 : item;
}

/* Writes @sign and the controller to cgroup.subtree_control. */
static int switch_one(int dirfd, const char *sign, const char *item)
{
	char request[NSI_CGROUP_NAME_MAX] = "";

	if (nsi_text_append(request, sizeof(request), sign) < 0 ||
	    nsi_text_append(request, sizeof(request), controller_name(item)) < 0)
		return -E2BIG;
	return nsi_cgroup_write(dirfd, "cgroup.subtree_control", request);
}

/*
 * Enables one controller after the other, after all together failed with
 * @joint, to learn which is refused. Those that went through are taken back:
 * a thread-aware one alone turns a group with processes into a thread root,
 * which changes what others can do with it. For the same reason the errno of
 * the joint attempt is the true one.
 */
static int enable_each(struct nsi_run *run, int dirfd, struct nsi_bytes list, const char *on,
		       int joint)
{
	int64_t index = 0, failed = -1;

	for (const char *at = nsi_list_next(list, NULL); at; at = nsi_list_next(list, at)) {
		if (switch_one(dirfd, "+", at) < 0) {
			failed = index;
			break;
		}
		index++;
	}
	if (failed < 0)
		return 0;
	index = 0;
	for (const char *at = nsi_list_next(list, NULL); index < failed;
	     at = nsi_list_next(list, at)) {
		if (!has_word(on, controller_name(at)))
			(void)switch_one(dirfd, "-", at);
		index++;
	}
	run->value = failed;
	return joint;
}

/*
 * Writes the controllers that are not yet on. Reading first is no thrift: a
 * write that changes something takes the lock that all forks of the host share.
 */
static int enable_here(struct nsi_run *run, int dirfd, struct nsi_bytes list)
{
	char have[NSI_CGROUP_FILE_MAX], on[NSI_CGROUP_FILE_MAX], request[512] = "";
	int r;

	run->detail = NSI_AT_READ;
	r = nsi_cgroup_read(dirfd, "cgroup.subtree_control", on, sizeof(on));
	if (r >= 0)
		r = nsi_cgroup_read(dirfd, "cgroup.controllers", have, sizeof(have));
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	run->value = 0;
	for (const char *at = nsi_list_next(list, NULL); at; at = nsi_list_next(list, at)) {
		const char *name = controller_name(at);

		if (!has_word(have, name))
			return -EOPNOTSUPP;
		run->value++;
		if (has_word(on, name))
			continue;
		if (nsi_text_append(request, sizeof(request), *request ? " +" : "+") < 0 ||
		    nsi_text_append(request, sizeof(request), name) < 0)
			return -E2BIG;
	}
	run->detail = NSI_AT_WRITE;
	run->value = 0;
	if (!*request)
		return 0;
	r = nsi_cgroup_write(dirfd, "cgroup.subtree_control", request);
	return r < 0 ? enable_each(run, dirfd, list, on, r) : 0;
}

/*
 * nsi_op_cgroup_enable() - enable controllers from a mount down to a group's parent
 *
 * On failure run->value is the index of the controller in the list:
 * -EOPNOTSUPP when the group above does not offer it, -EBUSY when a group on
 * the way holds processes of its own (cgroups(7), "no internal processes").
 *
 * Return: 0, or -errno.
 */
int nsi_op_cgroup_enable(struct nsi_run *run, const struct nsi_op *op)
{
	const char *base = NSI_CGROUP_ENABLE_BASE(run, op);
	const char *rest = nsi_cgroup_relative(base, NSI_CGROUP_ENABLE_PATH(run, op));
	struct nsi_bytes list = NSI_CGROUP_ENABLE_CONTROLLERS(run, op);
	NSI_AUTO_FD int dirfd = -1;
	char name[NSI_CGROUP_NAME_MAX];

	run->detail = NSI_AT_RESOLVE;
	if (!rest)
		return -EINVAL;
	run->detail = NSI_AT_OPEN;
	dirfd = nsi_cgroup_open(base, 0);
	if (dirfd < 0)
		return dirfd;
	while (*rest) {
		int nextfd, r = enable_here(run, dirfd, list);

		if (r < 0)
			return r;
		run->detail = NSI_AT_OPEN;
		r = nsi_cgroup_component(&rest, name);
		if (r < 0 || !*rest)
			return r;
		nextfd = nsi_cgroup_below(dirfd, name);
		if (nextfd < 0)
			return nextfd;
		nsi_auto_close(&dirfd);
		dirfd = nextfd;
	}
	return 0;
}

/* A decimal number with an optional minus sign; -EINVAL when @text is not one. */
static int parse_number(const char *text, uint64_t *magnitude_out, int *negative_out)
{
	uint64_t value = 0;

	*negative_out = *text == '-';
	if (*text == '-')
		text++;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || value > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	*magnitude_out = value;
	return 0;
}

/* Whether two values of a file mean the same: as numbers, else as text. */
static int same_value(const char *a, const char *b)
{
	uint64_t x, y;
	int minus_x, minus_y;

	if (parse_number(a, &x, &minus_x) < 0 || parse_number(b, &y, &minus_y) < 0)
		return nsi_text_equal(a, b);
	return x == y && (minus_x == minus_y || x == 0);
}

/*
 * nsi_op_cgroup_write() - write one value to a file of a group
 *
 * Some files accept any number and store another (cpu.shares clamps); flags
 * bit 0 reads the value back. Others came with a kernel, beside an older one of
 * the same purpose; with bit 1 one that is not there is left out.
 *
 * Return: 0, or -errno; -ERANGE when the kernel stored a different value.
 */
int nsi_op_cgroup_write(struct nsi_run *run, const struct nsi_op *op)
{
	const char *file = NSI_CGROUP_WRITE_FILE(run, op);
	const char *value = NSI_CGROUP_WRITE_VALUE(run, op);
	NSI_AUTO_FD int dirfd = -1;
	char text[NSI_CGROUP_FILE_MAX];
	int r;

	run->detail = NSI_AT_OPEN;
	dirfd = nsi_cgroup_open(NSI_CGROUP_WRITE_PATH(run, op), O_NOFOLLOW);
	if (dirfd < 0)
		return dirfd;
	run->detail = NSI_AT_WRITE;
	r = nsi_cgroup_write(dirfd, file, value);
	if (r == -ENOENT && (NSI_CGROUP_WRITE_FLAGS(op) & FLAG_OPTIONAL))
		return 0;
	if (r < 0 || !(NSI_CGROUP_WRITE_FLAGS(op) & FLAG_VERIFY))
		return r;
	run->detail = NSI_AT_READ;
	r = nsi_cgroup_read(dirfd, file, text, sizeof(text));
	if (r < 0)
		return r;
	run->detail = NSI_AT_VERIFY;
	return same_value(value, text) ? 0 : -ERANGE;
}

/*
 * nsi_op_cgroup_join() - move the calling process into a group
 *
 * Writes "0", the writer itself. In v1 that goes to tasks: for a writer with
 * one thread the kernel then skips the lock whose taking costs a grace period
 * of some 10 ms on a quiet host. Never use it where there are more threads.
 *
 * Return: 0, or -errno.
 */
int nsi_op_cgroup_join(struct nsi_run *run, const struct nsi_op *op)
{
	const char *file = NSI_CGROUP_JOIN_FILE(run, op);
	int64_t slot = NSI_CGROUP_JOIN_SLOT(op);
	NSI_AUTO_FD int openfd = -1;
	int dirfd, r;

	run->detail = NSI_AT_OPEN;
	if (slot < 0)
		openfd = nsi_cgroup_open(NSI_CGROUP_JOIN_PATH(run, op), O_NOFOLLOW);
	dirfd = slot < 0 ? openfd : nsi_slot_get(run, (uint64_t)slot);
	if (dirfd < 0)
		return dirfd;
	run->detail = NSI_AT_JOIN;
	r = nsi_cgroup_write(dirfd, file, "0");
	if (slot >= 0)
		nsi_slot_drop(run, (uint64_t)slot);
	return r;
}
