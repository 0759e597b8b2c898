/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.c - finds the start that is kept for a command line, and checks its facts.
 *
 * Anything unexpected counts as not there: then TypeScript decides anew. Directory
 * and file must be the superuser's and nobody else's to write, so whoever could
 * forge one could do as much without. Names of files are hashes cut short: one command
 * line takes another's place, and there are never more than 256 files.
 */
#include "kept.h"
#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#define FILE_TYPE 0170000
#define FILE_REGULAR 0100000
#define FILE_DIRECTORY 0040000
#define OTHERS_WRITE 022
#define RLIMIT_OPEN_FILES 7
#define READ_SIZE 65536

/* The file, and what a fact is compared with. Pages that are not touched cost nothing. */
static uint8_t kept_bytes[NSI_KEPT_SIZE] __attribute__((aligned(8)));
static uint8_t found_bytes[NSI_KEPT_SIZE];

static int same_bytes(const void *a, const void *b, uint64_t length)
{
	const uint8_t *left = a, *right = b;

	for (uint64_t i = 0; i < length; i++)
		if (left[i] != right[i])
			return 0;
	return 1;
}

/* Adds a text and its NUL to what is hashed. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (;; text++) {
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
		if (!*text)
			return hash;
	}
}

/*
 * nsi_kept_hash() - hash of a command line, FNV-1a of 64 bits
 * @argv: arguments behind the program's name, NULL at the end
 * @cwd:  the current directory
 */
uint64_t nsi_kept_hash(const char *const *argv, const char *cwd)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *argv; argv++)
		hash = hash_text(hash, *argv);
	return hash_text(hash, cwd);
}

static void name_of(uint64_t hash, char name[NSI_KEPT_NAME + 1])
{
	for (int i = 0; i < NSI_KEPT_NAME; i++)
		name[i] = "0123456789abcdef"[hash >> 4 * (NSI_KEPT_NAME - 1 - i) & 15];
	name[NSI_KEPT_NAME] = 0;
}

/* Is it of the kind, the superuser's, and nobody else's to write? */
static int is_ours(int fd, uint32_t type)
{
	struct statx st = { 0 };

	return nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == 0 &&
	       st.stx_uid == 0 && (st.stx_mode & FILE_TYPE) == type &&
	       !(st.stx_mode & OTHERS_WRITE);
}

/* All of a file, at most NSI_KEPT_SIZE bytes; -1 when it cannot be read, or is larger. */
static int64_t read_all(int fd, uint8_t *out)
{
	uint64_t done = 0;
	long n;

	while (done <= NSI_KEPT_SIZE - READ_SIZE) {
		/* Files of sysctl(2) refuse a large buffer. */
		n = nsi_sys_read(fd, out + done, READ_SIZE);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return (int64_t)done;
		done += (uint64_t)n;
	}
	return -1;
}

static int open_directory(void)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, NSI_KEPT_DIRECTORY,
					    O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0 || !is_ours(fd, FILE_DIRECTORY))
		return -1;
	return nsi_take_fd(&fd);
}

static int64_t load(uint64_t hash)
{
	char name[NSI_KEPT_NAME + 1];
	NSI_AUTO_FD int dirfd = open_directory();
	NSI_AUTO_FD int fd = -1;

	if (dirfd < 0)
		return -1;
	name_of(hash, name);
	fd = nsi_sys_openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0 || !is_ours(fd, FILE_REGULAR))
		return -1;
	return read_all(fd, kept_bytes);
}

/* A fact about a file begins with its path. */
static const char *split_path(const struct nsi_kept_part *fact, uint32_t from, uint32_t *rest_out)
{
	for (uint32_t i = from; i < fact->length; i++) {
		if (!fact->data[i]) {
			*rest_out = i + 1;
			return (const char *)fact->data + from;
		}
	}
	return NULL;
}

static int64_t read_path(const char *path)
{
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);

	return fd < 0 ? -1 : read_all(fd, found_bytes);
}

static int holds_file(const struct nsi_kept_part *fact)
{
	uint32_t at = 0;
	const char *path = split_path(fact, 0, &at);

	return path && read_path(path) == (int64_t)(fact->length - at) &&
	       same_bytes(found_bytes, fact->data + at, fact->length - at);
}

static int holds_lines(const struct nsi_kept_part *fact)
{
	uint32_t at = 0;
	const char *path = split_path(fact, 0, &at);
	int64_t length = path ? read_path(path) : -1;
	int64_t wanted = fact->length - at;

	for (int64_t i = 0; i + wanted <= length; i++)
		if (same_bytes(found_bytes + i, fact->data + at, (uint64_t)wanted))
			return 1;
	return 0;
}

static uint64_t device_of(const struct statx *st)
{
	const uint64_t major = st->stx_dev_major, minor = st->stx_dev_minor;

	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffull) << 12 |
	       (major & ~0xfffull) << 32;
}

static int64_t milliseconds(const struct statx_timestamp *time)
{
	return time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

static int holds_place(const struct nsi_kept_part *fact)
{
	struct nsi_kept_place place;
	struct statx st = { 0 };
	const char *path;
	uint32_t at;

	if (fact->length < sizeof(place))
		return 0;
	__builtin_memcpy(&place, fact->data, sizeof(place));
	path = split_path(fact, sizeof(place), &at);
	if (!path || nsi_sys_statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st) < 0)
		return 0;
	if (device_of(&st) != place.device || st.stx_ino != place.inode)
		return 0;
	return !place.changed ||
	       (st.stx_size == place.size && milliseconds(&st.stx_mtime) == place.modified &&
		st.stx_ctime.tv_sec * 1000 == place.changed);
}

static int holds_absence(const struct nsi_kept_part *fact)
{
	struct statx st = { 0 };
	uint32_t at;
	const char *path = split_path(fact, 0, &at);

	return path &&
	       nsi_sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) == -ENOENT;
}

static int holds_unset(const struct nsi_kept_part *fact, const char *const *envp)
{
	uint32_t at;
	const char *name = split_path(fact, 0, &at);
	size_t length;

	if (!name)
		return 0;
	length = nsi_text_length(name);
	for (; *envp; envp++) {
		size_t i = 0;

		while (i < length && (*envp)[i] == name[i])
			i++;
		if (i == length && (*envp)[i] == '=')
			return 0;
	}
	return 1;
}

static int holds_limit(const struct nsi_kept_part *fact)
{
	uint64_t limit[2] = { 0, 0 };

	return fact->length == sizeof(limit) &&
	       NSI_SYS4(__NR_prlimit64, 0, RLIMIT_OPEN_FILES, 0, limit) == 0 &&
	       same_bytes(limit, fact->data, sizeof(limit));
}

static int holds_key(const struct nsi_kept_part *fact, const char *const *argv, const char *cwd)
{
	uint32_t at = 0;

	for (;; argv++) {
		const char *text = *argv ? *argv : cwd;
		const size_t length = nsi_text_length(text) + 1;

		if (length > fact->length - at || !same_bytes(text, fact->data + at, length))
			return 0;
		at += (uint32_t)length;
		if (!*argv)
			return at == fact->length;
	}
}

/* Everything but the key, which comes first. */
static int holds(uint32_t type, const struct nsi_kept_part *fact, const char *const *envp)
{
	switch (type) {
	case NSI_KEPT_FILE:
		return holds_file(fact);
	case NSI_KEPT_LINES:
		return holds_lines(fact);
	case NSI_KEPT_PLACE:
		return holds_place(fact);
	case NSI_KEPT_ABSENT:
		return holds_absence(fact);
	case NSI_KEPT_UNSET:
		return holds_unset(fact, envp);
	case NSI_KEPT_LIMIT:
		return holds_limit(fact);
	default:
		return 1;
	}
}

/* The next item; 0 at the end, -1 when the file is damaged. */
static int next_item(int64_t *at, int64_t length, uint32_t *type, struct nsi_kept_part *part)
{
	struct nsi_kept_item item;

	if (*at == length)
		return 0;
	if (length - *at < (int64_t)sizeof(item))
		return -1;
	__builtin_memcpy(&item, kept_bytes + *at, sizeof(item));
	*at += (int64_t)sizeof(item);
	if (item.length > length - *at || item.type >= NSI_KEPT_TYPES)
		return -1;
	*type = item.type;
	part->data = kept_bytes + *at;
	part->length = item.length;
	*at += (int64_t)((item.length + 7) & ~7ull);
	return *at <= length ? 1 : -1;
}

/*
 * nsi_kept_read() - look for the start of a command line
 * @kept: filled in when it is valid
 * @hash: nsi_kept_hash()
 * @argv: arguments behind the program's name
 * @envp: environment
 * @cwd:  current directory
 */
enum nsi_kept_verdict nsi_kept_read(struct nsi_kept *kept, uint64_t hash, const char *const *argv,
				    const char *const *envp, const char *cwd)
{
	const struct nsi_kept_head *head = (const void *)kept_bytes;
	int64_t length = load(hash), at = sizeof(*head);
	uint32_t type = 0, before = 0;
	struct nsi_kept_part part;
	int r;

	if (length < (int64_t)sizeof(*head) || head->magic != NSI_KEPT_MAGIC || head->hash != hash)
		return NSI_KEPT_OTHER;
	if (head->format != NSI_KEPT_FORMAT || length == (int64_t)sizeof(*head))
		return NSI_KEPT_SEEN;
	if (next_item(&at, length, &type, &part) != 1 || type != NSI_KEPT_KEY)
		return NSI_KEPT_SEEN;
	if (!holds_key(&part, argv, cwd))
		return NSI_KEPT_OTHER;
	while ((r = next_item(&at, length, &type, &part)) == 1) {
		if (!holds(type, &part, envp))
			return NSI_KEPT_SEEN;
		if (type == NSI_KEPT_MARKS)
			kept->marks[before] = part;
		else
			kept->part[type] = part;
		before = type;
	}
	if (r < 0)
		return NSI_KEPT_SEEN;
	return kept->part[NSI_KEPT_NEVER].data ? NSI_KEPT_LEFT : NSI_KEPT_VALID;
}

/*
 * nsi_kept_note() - note that a command line has been seen
 * @hash: nsi_kept_hash()
 */
void nsi_kept_note(uint64_t hash)
{
	const struct nsi_kept_head head = { NSI_KEPT_MAGIC, NSI_KEPT_FORMAT, hash };
	char name[NSI_KEPT_NAME + 1], temporary[] = ".note.00";
	int r;

	(void)nsi_sys_mkdirat(AT_FDCWD, NSI_KEPT_DIRECTORY, 0700);
	NSI_AUTO_FD int dirfd = open_directory();
	if (dirfd < 0)
		return;
	name_of(hash, name);
	for (int i = 0; i < NSI_KEPT_NAME; i++)
		temporary[sizeof(temporary) - 1 - NSI_KEPT_NAME + (size_t)i] = name[i];
	r = nsi_file_replace(NSI_KEPT_DIRECTORY, name, temporary, &head, sizeof(head), 0600, 0);
	/* Whoever was killed before its rename left that. */
	if (r == -EEXIST)
		(void)nsi_file_unlink(NSI_KEPT_DIRECTORY, temporary);
}
