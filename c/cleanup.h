/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.h - descriptors that close themselves when they leave scope:
 * `NSI_AUTO_FD int fd = ...;` and `return nsi_take_fd(&fd);` to hand one out.
 */
#ifndef NSI_CLEANUP_H
#define NSI_CLEANUP_H

#include "sys.h"

static inline void nsi_auto_close(const int *fd)
{
	if (*fd >= 0)
		nsi_sys_close(*fd);
}

#define NSI_AUTO_FD __attribute__((cleanup(nsi_auto_close)))

static inline int nsi_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
