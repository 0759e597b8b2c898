// SPDX-License-Identifier: Apache-2.0
/*
 * hide.c - the mounts of the host, taken away below a root that covers them.
 *
 * A procfs or sysfs that stays in the mount namespace, reachable or not, lets
 * user namespaces below mount new ones without masks: the kernel asks only whether the
 * namespace has one that is whole. So everything that is mounted on the old root
 * is detached, wherever it is. It is private, so the host keeps its mounts and
 * later ones do not come here. In a user namespace those of the host are locked;
 * there each procfs and sysfs is covered, which the kernel counts as not whole.
 */
#include "cleanup.h"
#include "hide.h"
#include "mount.h"
#include "text.h"

#define HIDE_UMOUNT_FLAGS (2 | 8) /* MNT_DETACH | UMOUNT_NOFOLLOW */
#define HIDE_ROUNDS 64            /* mounts over one another */
#define HIDE_PATH 4096
#define HIDE_WORD 24

/* Fields of a line of mountinfo, those before the options that are optional. */
enum field {
	FIELD_ID,
	FIELD_PARENT,
	FIELD_DEVICE,
	FIELD_ROOT,
	FIELD_PATH,
	FIELD_FLAGS
};

/* The list of mounts that are reached from the process's root, from its start. */
struct reader {
	int fd;
	long at, end;
	char data[1024];
};

struct mount_line {
	int64_t id, parent;
	int is_whole; /* the file system from its root on */
	int is_kind;  /* procfs or sysfs */
	char path[HIDE_PATH];
};

struct hiding {
	struct nsi_run *run;
	int64_t old, own; /* mount ids of the old and of the new root */
	struct reader list, again;
	struct mount_line line, other;
};

static int rewind_list(struct reader *list)
{
	list->at = list->end = 0;
	return (int)NSI_SYS3(__NR_lseek, list->fd, 0, 0 /* SEEK_SET */);
}

/* The next character; 0 at the end. */
static int next_character(struct reader *list)
{
	if (list->at == list->end) {
		list->at = 0;
		list->end = nsi_sys_read(list->fd, list->data, sizeof(list->data));
		if (list->end <= 0) {
			int r = (int)list->end;

			list->end = 0;
			return r;
		}
	}
	return (unsigned char)list->data[list->at++];
}

/* Blanks, line feeds and backslashes are three octal digits. */
static void unescape(char *path)
{
	const char *from = path;

	while (*from) {
		if (*from == '\\' && from[1] && from[2] && from[3]) {
			*path++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
					 (from[3] - '0'));
			from += 4;
		} else {
			*path++ = *from++;
		}
	}
	*path = 0;
}

/* One field; one that is too long is empty. The character after it, 0 at the end. */
static int read_field(struct reader *list, char *out, size_t size)
{
	size_t n = 0;
	int c;

	for (;;) {
		c = next_character(list);
		if (c <= 0 || c == ' ' || c == '\n')
			break;
		if (n < size)
			out[n++] = (char)c;
	}
	out[n < size ? n : 0] = 0;
	return c;
}

/* The next line: 1, 0 at the end, -errno. */
static int next_line(struct reader *list, struct mount_line *line)
{
	char word[HIDE_WORD];
	int c = ' ', kind = 0;

	line->id = line->parent = -1;
	line->is_whole = line->is_kind = 0;
	line->path[0] = 0;
	for (int field = 0; c == ' '; field++) {
		int is_path = field == FIELD_PATH;

		c = read_field(list, is_path ? line->path : word, is_path ? HIDE_PATH : HIDE_WORD);
		if (c <= 0)
			return c;
		if (field == FIELD_ID)
			line->id = nsi_text_parse(word);
		if (field == FIELD_PARENT)
			line->parent = nsi_text_parse(word);
		if (field == FIELD_ROOT)
			line->is_whole = nsi_text_equal(word, "/");
		if (kind && kind == field)
			line->is_kind =
				nsi_text_equal(word, "proc") || nsi_text_equal(word, "sysfs");
		if (!kind && field > FIELD_FLAGS && nsi_text_equal(word, "-"))
			kind = field + 1;
	}
	unescape(line->path);
	return 1;
}

/* How many mounts came off: all that lie over one another there. */
static int detach(const char *path)
{
	int n = 0;

	while (n < HIDE_ROUNDS && NSI_SYS2(__NR_umount2, path, HIDE_UMOUNT_FLAGS) == 0)
		n++;
	return n;
}

/* One walk through what is mounted on the old root; how many came off, -errno. */
static int detach_once(struct hiding *h)
{
	struct mount_line *line = &h->line;
	int n = 0, r = rewind_list(&h->list);

	if (r < 0)
		return r;
	while ((r = next_line(&h->list, line)) > 0)
		/* On the old root's top lies the new one: no path leads from / to what is there. */
		if (line->parent == h->old && line->id != h->own && line->path[0] && line->path[1])
			n += detach(line->path);
	return r < 0 ? r : n;
}

/* With everything below. What was covered can be reached when its cover is gone. */
static int detach_all(struct hiding *h)
{
	int r = 1;

	for (int i = 0; r > 0 && i < HIDE_ROUNDS; i++)
		r = detach_once(h);
	return r < 0 ? r : 0;
}

/* An empty directory over @fd, which nothing can be written to. */
static int cover(struct nsi_run *run, int fd)
{
	static const uint8_t options[] = "mode\0000555\0nr_inodes\0001";
	const struct nsi_bytes bytes = { options, sizeof(options) };
	NSI_AUTO_FD int treefd = nsi_fs_make(run, "tmpfs", NULL, bytes, MOUNT_ATTR_RDONLY);

	if (treefd < 0)
		return treefd;
	run->detail = NSI_AT_ATTACH;
	return nsi_sys_move_mount(treefd, "", fd, "",
				  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* Whether @id is the new root or was mounted below it: 1, 0, -errno. */
static int is_own(struct hiding *h, int64_t id)
{
	int r = 1;

	while (id != h->own && id != h->old) {
		r = rewind_list(&h->again);
		if (r < 0)
			return r;
		while ((r = next_line(&h->again, &h->other)) > 0 && h->other.id != id)
			;
		if (r < 0)
			return r;
		if (r == 0 || h->other.parent == id)
			return 0;
		id = h->other.parent;
	}
	return id == h->own;
}

/* Whether a mount lies over the root of the line's: 1, 0, -errno. */
static int is_covered(struct hiding *h)
{
	int r = rewind_list(&h->again);

	if (r < 0)
		return r;
	while ((r = next_line(&h->again, &h->other)) > 0)
		if (h->other.parent == h->line.id && nsi_text_equal(h->other.path, h->line.path))
			return 1;
	return r;
}

/*
 * A whole procfs or sysfs that is still there and is the host's is covered; -EBUSY for
 * one that no path leads to.
 */
static int seal_one(struct hiding *h)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, h->line.path, O_PATH | O_NOFOLLOW, 0);
	struct statx st = { .stx_mask = 0 };
	int r = fd < 0 ? 0 : nsi_stat(fd, &st);

	if (r < 0)
		return r;
	if (fd >= 0 && (int64_t)st.stx_mnt_id == h->line.id)
		return cover(h->run, fd);
	r = is_own(h, h->line.id);
	if (r == 0)
		r = is_covered(h);
	if (r == 0) {
		h->run->detail = NSI_AT_VERIFY;
		r = -EBUSY;
	}
	return r < 0 ? r : 0;
}

static int seal_all(struct hiding *h)
{
	int r = rewind_list(&h->list);

	while (r == 0) {
		r = next_line(&h->list, &h->line);
		if (r <= 0)
			return r;
		r = h->line.is_kind && h->line.is_whole ? seal_one(h) : 0;
	}
	return r;
}

static int mount_ids(struct hiding *h)
{
	struct statx old = { .stx_mask = 0 };
	struct statx own = old;
	int r = nsi_sys_statx(AT_FDCWD, "/", 0, NSI_STAT_MASK, &old);

	if (r == 0)
		r = nsi_stat(h->run->rootfd, &own);
	h->old = (int64_t)old.stx_mnt_id;
	h->own = (int64_t)own.stx_mnt_id;
	return r;
}

/*
 * nsi_hide_host() - take the mounts of the host away that lie below the attached root
 * @run: the run; its root lies over /, below which all is private
 *
 * Return: 0 or -errno.
 */
int nsi_hide_host(struct nsi_run *run)
{
	static const char path[] = "/proc/thread-self/mountinfo";
	NSI_AUTO_FD int listfd = -1;
	NSI_AUTO_FD int againfd = -1;
	struct hiding h = { 0 };
	int r;

	run->detail = NSI_AT_OPEN;
	listfd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (listfd < 0)
		return listfd;
	againfd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (againfd < 0)
		return againfd;
	h.run = run;
	h.list.fd = listfd;
	h.again.fd = againfd;
	r = mount_ids(&h);
	run->detail = NSI_AT_MOUNT;
	if (r == 0)
		r = detach_all(&h);
	return r < 0 ? r : seal_all(&h);
}
