/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_vacant.c - whether a group that is there can be a container's.
 *
 * Engines name the group of a container, and may have made it before. It can be
 * taken while nobody is in it or below it: its processes would count as the
 * container's, and would be killed at its end.
 */
#include "cgroup.h"
#include "sys.h"

/* Ends the walk at a version 1 group that holds processes. */
static int visit_vacant(int parentfd, const char *name, int dirfd, void *context)
{
	char text[NSI_CGROUP_FILE_MAX];
	int r = nsi_cgroup_read(dirfd, "cgroup.procs", text, sizeof(text));

	(void)parentfd;
	(void)name;
	(void)context;
	if (nsi_cgroup_is_gone(r))
		return 0;
	return r > 0 || r == -EOVERFLOW ? -ENOTEMPTY : r;
}

/* Whether a small file of a group begins with a text; not without the file. */
static int says(int dirfd, const char *file, const char *text)
{
	char value[NSI_CGROUP_FILE_MAX];

	if (nsi_cgroup_read(dirfd, file, value, sizeof(value)) < 0)
		return 0;
	for (size_t i = 0; text[i]; i++)
		if (value[i] != text[i])
			return 0;
	return 1;
}

/*
 * nsi_cgroup_vacant() - whether a new process can be put into a group alone
 * @dirfd:  borrowed
 *
 * A process stops where it enters a frozen group, and could never say that it
 * is ready.
 *
 * Return: 0, -ENOTEMPTY when it or a group below holds processes, -EBUSY when
 * it is frozen, or another -errno.
 */
int nsi_cgroup_vacant(int dirfd)
{
	int r = 0;

	if (says(dirfd, "cgroup.events", "populated 1"))
		return -ENOTEMPTY;
	if (!says(dirfd, "cgroup.events", "populated 0")) {
		r = nsi_cgroup_walk(dirfd, visit_vacant, NULL);
		if (r == 0)
			r = visit_vacant(-1, "", dirfd, NULL);
	}
	if (r < 0)
		return r;
	if (says(dirfd, "freezer.state", "FR") || says(dirfd, "cgroup.freeze", "1"))
		return -EBUSY;
	return 0;
}
