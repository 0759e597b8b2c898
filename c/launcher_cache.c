/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher_cache.c - the compiled code that is kept in the bundle.
 *
 * Deno keeps such code in a directory that a variable of the caller names: whoever
 * owns that would choose what runs. So the only one that is used lies in the bundle,
 * where whoever may write it may write the program as well.
 */
#include "launcher_cache.h"
#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#define PATH_SIZE 4096
#define CACHE "/cache"
#define VARIABLE "DENO_DIR="
#define MAY_WRITE 2 /* W_OK */

/* Whether the bundle is where its code was compiled: code is known by the path of its file. */
static int is_at_home(const char *bundle)
{
	char path[PATH_SIZE] = "";
	static char home[PATH_SIZE];
	long n;

	if (nsi_text_append(path, sizeof(path), bundle) < 0 ||
	    nsi_text_append(path, sizeof(path), CACHE "/place") < 0)
		return 0;
	NSI_AUTO_FD int fd = nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	n = fd < 0 ? -1 : nsi_sys_read(fd, home, sizeof(home) - 1);
	if (n <= 0)
		return 0;
	home[n] = 0;
	return nsi_text_equal(home, bundle);
}

/*
 * nsi_cache_find() - whether compiled code is kept, and should be
 * @bundle: folder of the bundle
 * @variable: told to Deno, where it is
 * @size: of @variable
 *
 * Not for who may not write there: to find that out takes Deno longer than it gains.
 *
 * Return: 1 or 0.
 */
int nsi_cache_find(const char *bundle, char *variable, size_t size)
{
	if (!is_at_home(bundle))
		return 0;
	*variable = 0;
	if (nsi_text_append(variable, size, VARIABLE) < 0 ||
	    nsi_text_append(variable, size, bundle) < 0 ||
	    nsi_text_append(variable, size, CACHE) < 0)
		return 0;
	return NSI_SYS3(__NR_faccessat, AT_FDCWD, variable + sizeof(VARIABLE) - 1, MAY_WRITE) == 0;
}
