// SPDX-License-Identifier: Apache-2.0
/*
 * inroot.c - paths of the container, resolved inside its root.
 *
 * Every byte below the root may be chosen by whoever wrote the image, and
 * another container that shares a volume may swap directories for symlinks at
 * any moment. So no path is looked at and then used: the kernel resolves it
 * once, below run->rootfd (openat2(2), Linux 5.6), and all that follows goes
 * through the descriptor. What is missing is made one component at a time with
 * calls that never follow a link, each result opened again with O_NOFOLLOW.
 * A link in the missing part dangles: its text is spliced into the path and
 * the whole path goes to the kernel again, so that it cannot leave the root.
 */
#include "cleanup.h"
#include "inroot.h"
#include "text.h"

#define INROOT_PATH_MAX 4096
#define INROOT_LINKS_MAX 40 /* as the kernel's own limit, path_resolution(7) */
#define INROOT_AGAIN_MAX 256
#define INROOT_SPLICED 1 /* a link was spliced in, resolve the path again */

/* One attempt to reach a path that is partly missing. */
struct walk {
	struct nsi_run *run;
	enum nsi_target kind;
	uint64_t resolve;
	unsigned int mode;
	char path[INROOT_PATH_MAX];
	char scratch[INROOT_PATH_MAX];
};

/*
 * nsi_inroot_open() - open a path of the container
 * @run:     its rootfd is the root that neither links nor .. leave
 * @path:    absolute and relative mean the same
 * @flags:   O_* flags of openat2(2); O_CLOEXEC is added
 * @resolve: RESOLVE_* bits besides IN_ROOT and NO_MAGICLINKS
 *
 * The kernel gives EAGAIN when a rename or mount anywhere raced with a .. of
 * the path; the call is repeated, but not for ever.
 *
 * Return: a descriptor that the caller owns, or -errno.
 */
int nsi_inroot_open(struct nsi_run *run, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	int fd = -EAGAIN;

	if (run->rootfd < 0)
		return -EBADF;
	for (int i = 0; fd == -EAGAIN && i < INROOT_AGAIN_MAX; i++)
		fd = nsi_sys_openat2(run->rootfd, path, &how);
	return fd;
}

static int file_type(int fd, unsigned int *type_out)
{
	struct statx st = { .stx_mask = 0 };
	int r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st);

	if (r < 0)
		return r;
	*type_out = st.stx_mode & S_IFMT;
	return 0;
}

static int check_kind(int fd, enum nsi_target kind)
{
	unsigned int type = 0;
	int r = file_type(fd, &type);

	if (r < 0)
		return r;
	if (kind == NSI_TARGET_DIRECTORY && type != S_IFDIR)
		return -ENOTDIR;
	return kind == NSI_TARGET_FILE && type == S_IFDIR ? -EISDIR : 0;
}

/* Makes @name unless something has that name; never follows a link. */
static int make_entry(int dirfd, const char *name, enum nsi_target kind, unsigned int mode)
{
	long mask = NSI_SYS1(__NR_umask, 0);
	int r;

	if (kind == NSI_TARGET_DIRECTORY) {
		r = nsi_sys_mkdirat(dirfd, name, mode);
	} else {
		r = nsi_sys_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
		if (r >= 0) {
			nsi_sys_close(r);
			r = 0;
		}
	}
	NSI_SYS1(__NR_umask, mask);
	return r == -EEXIST ? 0 : r;
}

/* The path becomes prefix (or nothing, for an absolute link) + link + rest. */
static int splice_link(struct walk *walk, int linkfd, size_t start, size_t stop)
{
	char *text = walk->scratch;
	long n = NSI_SYS4(__NR_readlinkat, linkfd, "", text, sizeof(walk->scratch) - 1);
	size_t rest = nsi_text_length(walk->path + stop);
	size_t prefix;

	if (walk->resolve & RESOLVE_NO_SYMLINKS)
		return -ELOOP;
	if (n <= 0)
		return n ? (int)n : -ENOENT;
	prefix = text[0] == '/' ? 0 : start;
	if (prefix + (size_t)n + rest + 1 > sizeof(walk->path))
		return -ENAMETOOLONG;
	__builtin_memmove(walk->path + prefix + n, walk->path + stop, rest + 1);
	__builtin_memcpy(walk->path + prefix, text, (size_t)n);
	return INROOT_SPLICED;
}

/*
 * One component of the missing part, path[start..stop), below *dirfd: made,
 * and *dirfd replaced by it. 0, INROOT_SPLICED or -errno.
 */
static int step(struct walk *walk, int *dirfd, size_t start, size_t stop, enum nsi_target kind,
		unsigned int mode)
{
	NSI_AUTO_FD int nextfd = -1;
	unsigned int type = 0;
	char saved = walk->path[stop];
	int r;

	walk->path[stop] = 0;
	r = make_entry(*dirfd, walk->path + start, kind, mode);
	if (r == 0)
		nextfd = nsi_sys_openat(*dirfd, walk->path + start, O_PATH | O_NOFOLLOW, 0);
	walk->path[stop] = saved;
	if (r < 0)
		return r;
	if (nextfd < 0)
		return nextfd;
	r = file_type(nextfd, &type);
	if (r < 0)
		return r;
	if (type == S_IFLNK)
		return splice_link(walk, nextfd, start, stop);
	r = check_kind(nextfd, kind);
	if (r < 0)
		return r;
	nsi_sys_close(*dirfd);
	*dirfd = nsi_take_fd(&nextfd);
	return 0;
}

/* Makes everything from path[at] on below @fd, which is taken over. */
static int make_rest(struct walk *walk, int fd, size_t at)
{
	NSI_AUTO_FD int dirfd = fd;
	const char *path = walk->path;

	for (;;) {
		size_t stop, next;
		int r, last;

		while (path[at] == '/')
			at++;
		for (stop = at; path[stop] && path[stop] != '/'; stop++)
			;
		for (next = stop; path[next] == '/'; next++)
			;
		last = !path[next];
		if (stop - at == 2 && path[at] == '.' && path[at + 1] == '.')
			return -ENOENT; /* what the kernel says of missing/.. */
		if (stop == at || (stop - at == 1 && path[at] == '.'))
			r = last ? check_kind(dirfd, walk->kind) : 0;
		else
			r = step(walk, &dirfd, at, stop, last ? walk->kind : NSI_TARGET_DIRECTORY,
				 last ? walk->mode : 0755);
		if (r)
			return r == INROOT_SPLICED ? -ERESTART : r;
		if (last)
			return nsi_take_fd(&dirfd);
		at = next;
	}
}

/* Opens the longest part of the path that exists as a directory. */
static int open_prefix(struct walk *walk, size_t *length_out)
{
	size_t end = nsi_text_length(walk->path);
	int fd;

	do {
		char saved;

		while (end && walk->path[end - 1] == '/')
			end--;
		while (end && walk->path[end - 1] != '/')
			end--;
		saved = walk->path[end];
		walk->path[end] = 0;
		fd = nsi_inroot_open(walk->run, end ? walk->path : "/", O_PATH | O_DIRECTORY,
				     walk->resolve);
		walk->path[end] = saved;
	} while (fd == -ENOENT && end);
	*length_out = end;
	return fd;
}

/*
 * nsi_inroot_make() - a path of the container, made where it is missing
 * @run:     its rootfd is the root
 * @path:    shorter than 4096 bytes; slashes at its end do not count
 * @kind:    what must be there, or is made; files are made empty
 * @resolve: RESOLVE_* bits; RESOLVE_NO_SYMLINKS refuses every link
 * @mode:    of the last component when it is made; those before get 0755
 *
 * .. is refused in the part that is missing. Changes and restores the umask,
 * so only for single-threaded processes.
 *
 * Return: an O_PATH descriptor that the caller owns; -ENOTDIR or -EISDIR for
 * the wrong kind, -ELOOP for too many links, or -errno.
 */
int nsi_inroot_make(struct nsi_run *run, const char *path, enum nsi_target kind, uint64_t resolve,
		    unsigned int mode)
{
	struct walk walk = { .run = run, .kind = kind, .resolve = resolve, .mode = mode };
	size_t length = nsi_text_length(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length >= sizeof(walk.path))
		return -ENAMETOOLONG;
	__builtin_memcpy(walk.path, path, length);
	for (int links = 0; links <= INROOT_LINKS_MAX; links++) {
		size_t at = 0;
		NSI_AUTO_FD int foundfd = -1;
		int fd, r;

		run->detail = NSI_AT_RESOLVE;
		foundfd = nsi_inroot_open(run, walk.path, O_PATH, resolve);
		if (foundfd >= 0) {
			r = check_kind(foundfd, kind);
			return r < 0 ? r : nsi_take_fd(&foundfd);
		}
		if (foundfd != -ENOENT)
			return foundfd;
		fd = open_prefix(&walk, &at);
		if (fd < 0)
			return fd;
		run->detail = NSI_AT_MAKE;
		fd = make_rest(&walk, fd, at);
		if (fd != -ERESTART)
			return fd;
	}
	return -ELOOP;
}

/*
 * nsi_inroot_target() - a place for a mount, made if missing
 *
 * Return: as nsi_inroot_make().
 */
int nsi_inroot_target(struct nsi_run *run, const char *path, enum nsi_target kind)
{
	return nsi_inroot_make(run, path, kind, 0, kind == NSI_TARGET_DIRECTORY ? 0755 : 0644);
}

static int parent_of(struct nsi_run *run, const char *path, uint64_t resolve, const char **name_out)
{
	char dir[INROOT_PATH_MAX];
	size_t length = nsi_text_length(path);
	size_t name = length;

	while (name && path[name - 1] != '/')
		name--;
	run->detail = NSI_AT_RESOLVE;
	if (name == length || nsi_text_equal(path + name, ".") || nsi_text_equal(path + name, ".."))
		return -EINVAL;
	if (name + 2 > sizeof(dir))
		return -ENAMETOOLONG;
	*name_out = path + name;
	__builtin_memcpy(dir, path, name);
	if (!name)
		dir[name++] = '/';
	dir[name] = 0;
	return nsi_inroot_make(run, dir, NSI_TARGET_DIRECTORY, resolve, 0755);
}

/*
 * nsi_inroot_parent() - the directory that holds a path, made if missing
 * @run:      its rootfd is the root
 * @path:     must end in a name, not in a slash, . or ..
 * @name_out: the last component, a pointer into @path
 *
 * Return: an O_PATH descriptor that the caller owns, or -errno.
 */
int nsi_inroot_parent(struct nsi_run *run, const char *path, const char **name_out)
{
	return parent_of(run, path, 0, name_out);
}

/*
 * nsi_inroot_real_parent() - nsi_inroot_parent() through real directories only
 *
 * For nodes and links below /dev, which is never a symlink in an honest image.
 *
 * Return: as nsi_inroot_parent(), -ELOOP when there is a link on the way.
 */
int nsi_inroot_real_parent(struct nsi_run *run, const char *path, const char **name_out)
{
	return parent_of(run, path, RESOLVE_NO_SYMLINKS, name_out);
}
