/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.c - finds the start that is kept for a command line, and checks its facts.
 *
 * Anything unexpected counts as not there: then TypeScript decides anew.
 */
#include "kept.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

#define RLIMIT_OPEN_FILES 7

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

	return fd < 0 ? -1 : nsi_kept_read_all(fd, found_bytes);
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
	case NSI_KEPT_RECORD:
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
 * nsi_kept_read() - look for the file of a subject
 * @kept: filled in when it is valid
 * @subject: what it is about
 * @argv: arguments behind the program's name; state root
 * @envp: environment
 * @cwd:  current directory; id
 */
enum nsi_kept_verdict nsi_kept_read(struct nsi_kept *kept, enum nsi_kept_subject subject,
				    const char *const *argv, const char *const *envp,
				    const char *cwd)
{
	const uint64_t hash = nsi_kept_hash(argv, cwd);
	const struct nsi_kept_head *head = (const void *)kept_bytes;
	int64_t length = nsi_kept_load(subject, hash, kept_bytes), at = sizeof(*head);
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
	kept->bytes = kept_bytes;
	kept->length = (uint64_t)length;
	kept->hash = hash;
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
 * nsi_kept_holds_record() - whether the record is what it was
 * @kept: of a container
 */
int nsi_kept_holds_record(const struct nsi_kept *kept)
{
	const struct nsi_kept_part *record = &kept->part[NSI_KEPT_RECORD];

	return record->data && holds_place(record);
}

/*
 * nsi_kept_renew_record() - take the record as it is
 * @kept: of a container; its bytes change
 *
 * Return: 0 or -errno.
 */
int nsi_kept_renew_record(struct nsi_kept *kept)
{
	struct nsi_kept_part *record = &kept->part[NSI_KEPT_RECORD];
	struct nsi_kept_place place = { 0 };
	struct statx st = { 0 };
	uint32_t at;
	const char *path = split_path(record, sizeof(place), &at);
	int r = path ? nsi_sys_statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st) : -EBADMSG;

	if (r < 0)
		return r;
	place.device = device_of(&st);
	place.inode = st.stx_ino;
	place.size = st.stx_size;
	place.modified = milliseconds(&st.stx_mtime);
	place.changed = st.stx_ctime.tv_sec * 1000;
	__builtin_memcpy(record->data, &place, sizeof(place));
	return 0;
}

/*
 * nsi_kept_is_thawed() - whether the container is not paused
 * @kept: of a container
 */
int nsi_kept_is_thawed(const struct nsi_kept *kept)
{
	const struct nsi_kept_part *fact = &kept->part[NSI_KEPT_THAWED];
	const struct nsi_kept_part *other = &kept->part[NSI_KEPT_ALSO_THAWED];

	return fact->data && other->data && holds_file(fact) &&
	       (!other->length || holds_file(other));
}

/*
 * nsi_kept_string() - an item that is one text
 * @kept: any
 * @type: of the item
 */
const char *nsi_kept_string(const struct nsi_kept *kept, uint32_t type)
{
	const struct nsi_kept_part *part = &kept->part[type];

	/* A text that is not ended is no text. */
	return part->data && part->length && !part->data[part->length - 1] ?
		       (const char *)part->data :
		       NULL;
}
