/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h - what the library's files share about the helper's memfd.
 */
#ifndef NSI_SPAWN_H
#define NSI_SPAWN_H

#include <stddef.h>

/* nsi_memfd() - a sealed memfd of @length bytes; -errno. */
int nsi_memfd(const char *name, unsigned int flags, const void *data, size_t length);

/* nsi_helper_fd() - the helper, read-only, for execveat(2); never to be closed. -errno. */
int nsi_helper_fd(void);

#endif
