/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol.c - finds functions of the library by their names.
 */
#include "nsinit.h"
#include <dlfcn.h>
#include <errno.h>

/*
 * nsi_symbol() - find a function of this library
 * @name: its name
 *
 * For a caller to whom a function that is bound costs more than the few calls that it makes.
 * The library has been opened for its caller alone, so only its own handle finds its names.
 *
 * Return: its address, which is positive in user space, or -ENOENT.
 */
int64_t nsi_symbol(const char *name)
{
	static void *self;
	Dl_info info;
	void *address;

	if (!self && dladdr((const void *)(uintptr_t)nsi_abi, &info))
		self = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
	address = self ? dlsym(self, name) : NULL;
	return address ? (int64_t)(uintptr_t)address : -ENOENT;
}

int64_t (*const nsi_symbol_place)(const char *name) = nsi_symbol;
