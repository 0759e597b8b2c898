/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_marker.c - lib/container/markers.ts for a kept start.
 *
 * A marker is made under a name that can only be ours, recorded by its inode, and
 * then renamed, so that a start that fails takes nobody's file away. Its directory
 * may be the container's root and so hostile: no link is followed.
 */
#include "kept.h"
#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#define KEEP_OPEN 1u
#define ONLY_REGULAR 2u
#define CONTENT_SIZE 65536
#define FILE_TYPE 0170000
#define FILE_REGULAR 0100000

/* The text at *at, which moves behind its NUL; NULL at the end. */
static const char *next_text(const struct nsi_kept_part *part, uint32_t *at)
{
	const uint32_t first = *at;

	while (*at < part->length && part->data[*at])
		(*at)++;
	if (*at >= part->length)
		return NULL;
	(*at)++;
	return (const char *)part->data + first;
}

static uint32_t parse_mode(const char *digits)
{
	uint32_t mode = 0;

	for (; *digits >= '0' && *digits <= '7'; digits++)
		mode = mode << 3 | (uint32_t)(*digits - '0');
	return mode & 0777;
}

static int find_names(struct nsi_kept_markers *markers, const struct nsi_kept_part *part)
{
	const char *mode;
	uint32_t at = 0;
	int n = 0;

	markers->dir = next_text(part, &at);
	for (; markers->dir && at < part->length && n < NSI_KEPT_MARKERS; n++) {
		markers->name[n] = next_text(part, &at);
		markers->staged[n] = next_text(part, &at);
		markers->temporary[n] = next_text(part, &at);
		mode = next_text(part, &at);
		if (!mode)
			return -EBADMSG;
		markers->mode[n] = parse_mode(mode);
	}
	return markers->dir && at == part->length ? n : -EBADMSG;
}

/*
 * nsi_kept_markers_stage() - make markers under other names
 * @markers: all zero; owns descriptors afterwards
 * @names:   the item; its data is NULL when there are no markers
 * @values:  gets the inodes
 *
 * Return: 0 or -errno.
 */
int nsi_kept_markers_stage(struct nsi_kept_markers *markers, const struct nsi_kept_part *names,
			   struct nsi_kept_values *values)
{
	int count = names->data ? find_names(markers, names) : 0, r;

	for (int i = 0; i < count; i++) {
		r = nsi_file_replace(markers->dir, markers->staged[i], markers->temporary[i], "", 0,
				     markers->mode[i], KEEP_OPEN | ONLY_REGULAR);
		if (r < 0)
			return r;
		markers->fd[markers->count++] = r;
		r = nsi_file_inode(markers->dir, markers->staged[i], &markers->inode[i]);
		if (r < 0)
			return r;
		nsi_text_number(values->inode[i], markers->inode[i]);
	}
	return count < 0 ? count : 0;
}

/*
 * nsi_kept_markers_publish() - give markers their names
 * @markers: staged
 *
 * Return: 0 or -errno, -EEXIST when something that is no file has a name.
 */
int nsi_kept_markers_publish(const struct nsi_kept_markers *markers)
{
	if (!markers->count)
		return 0;
	NSI_AUTO_FD int dirfd =
		nsi_sys_openat(AT_FDCWD, markers->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dirfd < 0)
		return dirfd;
	for (uint32_t i = 0; i < markers->count; i++) {
		struct statx st = { 0 };
		int r = nsi_sys_statx(dirfd, markers->name[i], AT_SYMLINK_NOFOLLOW, STATX_TYPE,
				      &st);

		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && (st.stx_mode & FILE_TYPE) != FILE_REGULAR)
			return -EEXIST;
		r = (int)NSI_SYS5(__NR_renameat2, dirfd, markers->staged[i], dirfd,
				  markers->name[i], 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_all(int fd, const uint8_t *data, int64_t length)
{
	long n;

	while (length > 0) {
		n = nsi_sys_write(fd, data, (size_t)length);
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		data += n;
		length -= n;
	}
	return 0;
}

/*
 * nsi_kept_markers_fill() - write the contents of markers
 * @markers:  published
 * @contents: the item: a text for each
 * @values:   what stands in the texts
 *
 * Return: 0 or -errno.
 */
int nsi_kept_markers_fill(const struct nsi_kept_markers *markers,
			  const struct nsi_kept_part *contents,
			  const struct nsi_kept_values *values)
{
	static uint8_t content[CONTENT_SIZE];
	uint32_t at = 0, first;
	int64_t length;
	int r;

	for (uint32_t i = 0; i < markers->count; i++) {
		first = at;
		if (!next_text(contents, &at))
			return -EBADMSG;
		const struct nsi_kept_part text = { contents->data + first, at - 1 - first };
		length = nsi_kept_fill(&text, values, content, 0, sizeof(content));
		r = length < 0 ? (int)length : write_all(markers->fd[i], content, length);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * nsi_kept_markers_close() - close markers
 * @markers: any
 */
void nsi_kept_markers_close(struct nsi_kept_markers *markers)
{
	while (markers->count)
		nsi_sys_close(markers->fd[--markers->count]);
}
