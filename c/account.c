/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.c - identities of passwd and group, and the user that comes of them.
 *
 * ctime is set by the kernel alone: what has the same one was not written to since,
 * nor put in the place of the other.
 */
#include "account.h"
#include "sys.h"

/*
 * nsi_account_look() - which file is this, and in which state?
 * @fd:  the file; negative when there is none
 * @out: all zero then
 *
 * Return: 0 or -errno.
 */
int nsi_account_look(int fd, struct nsi_account *out)
{
	struct statx st = { 0 };
	int r;

	__builtin_memset(out, 0, sizeof(*out));
	if (fd < 0)
		return 0;
	r = nsi_sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_SIZE | STATX_CTIME, &st);
	if (r < 0)
		return r;
	out->inode = st.stx_ino;
	out->size = st.stx_size;
	out->changed_s = st.stx_ctime.tv_sec;
	out->changed_ns = st.stx_ctime.tv_nsec;
	out->dev_major = st.stx_dev_major;
	out->dev_minor = st.stx_dev_minor;
	out->exists = 1;
	return 0;
}

/*
 * nsi_user_keep() - take a user record: counts, all group slots, the bytes of the home directory
 * @run:    gets it
 * @record: of @length bytes
 *
 * Return: 0, or -EPROTO for a malformed one.
 */
int nsi_user_keep(struct nsi_run *run, const void *record, uint32_t length)
{
	const uint32_t fixed = offsetof(struct nsi_user, home);
	struct nsi_user *user = &run->user;

	if (length <= fixed || length > sizeof(*user))
		return -EPROTO;
	__builtin_memcpy(user, record, length);
	if (user->group_count > NSI_GROUPS_MAX || user->home_length >= NSI_HOME_MAX ||
	    length != fixed + user->home_length + 1 || user->home[user->home_length])
		return -EPROTO;
	run->have_user = 1;
	return 0;
}
