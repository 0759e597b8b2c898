/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher_bundle.c - where the files lie that the launcher starts Deno with
 *
 * Beside the launcher, so that the folder can be moved. A launcher that was copied alone, as
 * who keeps runtimes as single files does, goes back to the folder that it was made in.
 */
#include "launcher_bundle.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"

#define OCI_NAME "nsinit-oci"
#define SCRIPTS "/js"

/* Written by tasks/bundle.ts, which finds it by the first text: `o` for the launcher that is
 * named for engines, and the folder. Volatile, as what is there is not what is here. */
static const volatile struct {
	char marker[24];
	char kind;
	char path[1024];
} made = { "nsinit launcher made in", 0, "" };

static int is_directory_of(const char *path, uint32_t uid)
{
	struct statx found = { 0 };

	return nsi_sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_UID, &found) ==
		       0 &&
	       (found.stx_mode & S_IFMT) == S_IFDIR && (found.stx_uid == 0 || found.stx_uid == uid);
}

static int has_scripts(const char *bundle)
{
	char path[NSI_BUNDLE_PATH_SIZE] = "";

	return nsi_text_append(path, sizeof(path), bundle) == 0 &&
	       nsi_text_append(path, sizeof(path), SCRIPTS) == 0 &&
	       NSI_SYS3(__NR_faccessat, AT_FDCWD, path, 0) == 0;
}

/* Where it was made, unless that is somebody else's now. */
static void go_back(char path[NSI_BUNDLE_PATH_SIZE])
{
	char folder[sizeof(made.path)];

	for (size_t i = 0; i < sizeof(folder); i++)
		folder[i] = made.path[i];
	if (!*folder || !has_scripts(folder) ||
	    !is_directory_of(folder, (uint32_t)NSI_SYS0(__NR_geteuid)))
		return;
	__builtin_memcpy(path, folder, sizeof(folder));
}

/*
 * nsi_bundle_find() - find the folder of the bundle
 * @path: gets it
 * @is_oci: gets whether the launcher is the one for engines, by its name or as it was made
 *
 * Return: 0, or -1 when the launcher cannot be found itself.
 */
int nsi_bundle_find(char path[NSI_BUNDLE_PATH_SIZE], int *is_oci)
{
	long n = NSI_SYS4(__NR_readlinkat, AT_FDCWD, "/proc/self/exe", path,
			  NSI_BUNDLE_PATH_SIZE - 1);

	if (n <= 0 || n >= NSI_BUNDLE_PATH_SIZE - 1)
		return -1;
	path[n] = 0;
	while (n > 0 && path[n - 1] != '/')
		n--;
	*is_oci = nsi_text_equal(path + n, OCI_NAME) || made.kind == 'o';
	path[n > 0 ? n - 1 : 0] = 0;
	if (!has_scripts(path))
		go_back(path);
	return 0;
}
