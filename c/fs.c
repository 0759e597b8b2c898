/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs.c - new instances of file systems, made as detached mounts.
 *
 * fsopen(2), one fsconfig(2) for each option, fsmount(2) (Linux 5.2): nobody sees
 * the mount before it is attached, and an option that is refused is known by its
 * number. In the library as well, which makes the layers of overlay.c.
 */
#include "cleanup.h"
#include "mount.h"
#include "text.h"

/* fsconfig(2) copies at most 255 bytes of a value. */
#define OPTION_MAX 255

static int configure(int fsfd, unsigned int command, const char *key, const char *value)
{
	return (int)NSI_SYS5(__NR_fsconfig, fsfd, command, key, value, 0);
}

/*
 * nsi_fs_option() - one option of a file system that is being made
 * @fsfd:  borrowed; of nsi_fs_open()
 * @key:   name of the option
 * @value: empty for a flag
 *
 * Return: 0; -ENAMETOOLONG for more than 255 bytes; -errno.
 */
int nsi_fs_option(int fsfd, const char *key, const char *value)
{
	if (!*value)
		return configure(fsfd, FSCONFIG_SET_FLAG, key, NULL);
	if (nsi_text_length(value) > OPTION_MAX)
		return -ENAMETOOLONG;
	return configure(fsfd, FSCONFIG_SET_STRING, key, value);
}

/*
 * nsi_fs_options() - all options of a file system that is being made
 * @fsfd:    borrowed; of nsi_fs_open()
 * @options: key, value pairs; data may be NULL
 *
 * On a refused option run->value is its number, counted from 0.
 *
 * Return: 0 or -errno.
 */
int nsi_fs_options(struct nsi_run *run, int fsfd, struct nsi_bytes options)
{
	const char *key = options.data ? nsi_list_next(options, NULL) : NULL;

	run->detail = NSI_AT_OPTION;
	for (run->value = 0; key; run->value++) {
		const char *value = nsi_list_next(options, key);
		int r = value ? nsi_fs_option(fsfd, key, value) : -EINVAL;

		if (r < 0)
			return r;
		key = nsi_list_next(options, value);
	}
	run->value = 0;
	return 0;
}

/*
 * nsi_fs_open() - begin a new instance of a file system
 * @fstype: as in /proc/filesystems
 * @source: shown in mountinfo; NULL or empty for none
 *
 * Return: a descriptor for options that the caller owns, or -errno.
 */
int nsi_fs_open(struct nsi_run *run, const char *fstype, const char *source)
{
	NSI_AUTO_FD int fsfd = -1;
	int r;

	run->detail = NSI_AT_MOUNT;
	fsfd = (int)NSI_SYS2(__NR_fsopen, fstype, FSOPEN_CLOEXEC);
	if (fsfd < 0)
		return fsfd;
	run->detail = NSI_AT_OPTION;
	r = source && *source ? nsi_fs_option(fsfd, "source", source) : 0;
	return r < 0 ? r : nsi_take_fd(&fsfd);
}

/*
 * nsi_fs_finish() - the detached mount of the file system whose options are set
 * @fsfd: borrowed; of nsi_fs_open()
 * @attr: MOUNT_ATTR_*
 *
 * Return: a mount descriptor that the caller owns, or -errno.
 */
int nsi_fs_finish(struct nsi_run *run, int fsfd, uint64_t attr)
{
	int r;

	run->detail = NSI_AT_MOUNT;
	r = configure(fsfd, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (r < 0)
		return r;
	return (int)NSI_SYS3(__NR_fsmount, fsfd, FSMOUNT_CLOEXEC, attr);
}

/*
 * nsi_fs_make() - a new instance of a file system as a detached mount
 *
 * nsi_fs_open(), nsi_fs_options() and nsi_fs_finish() in one.
 *
 * Return: a mount descriptor that the caller owns, or -errno.
 */
int nsi_fs_make(struct nsi_run *run, const char *fstype, const char *source,
		struct nsi_bytes options, uint64_t attr)
{
	NSI_AUTO_FD int fsfd = nsi_fs_open(run, fstype, source);
	int r;

	if (fsfd < 0)
		return fsfd;
	r = nsi_fs_options(run, fsfd, options);
	return r < 0 ? r : nsi_fs_finish(run, fsfd, attr);
}
