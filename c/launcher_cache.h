/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher_cache.h - the compiled code that is kept in the bundle.
 */
#ifndef NSI_LAUNCHER_CACHE_H
#define NSI_LAUNCHER_CACHE_H

#include <stddef.h>

int nsi_cache_find(const char *bundle, char *variable, size_t size);

#endif
