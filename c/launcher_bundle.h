/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher_bundle.h - where the files lie that the launcher starts Deno with
 */
#ifndef NSI_LAUNCHER_BUNDLE_H
#define NSI_LAUNCHER_BUNDLE_H

#define NSI_BUNDLE_PATH_SIZE 4096

int nsi_bundle_find(char path[NSI_BUNDLE_PATH_SIZE], int *is_oci);

#endif
