/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - where the kernel enters the helper.
 *
 * The helper is a static position-independent executable without an
 * interpreter, so nobody has relocated it: nsi_start() adds the load address to
 * the words that R_*_RELATIVE entries name (elf(5)) before anything else runs.
 * Until that is done only data of this file that is reached relative to the
 * program counter may be used.
 */
#include "helper.h"
#include "sys.h"
#include <linux/elf.h>

#if defined(__x86_64__)
#define NSI_R_RELATIVE 8
__asm__(".section .text\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call nsi_start\n"
	"	hlt\n");
#elif defined(__aarch64__)
#define NSI_R_RELATIVE 1027
__asm__(".section .text\n"
	".globl _start\n"
	".type _start, %function\n"
	"_start:\n"
	"	mov x29, xzr\n"
	"	mov x30, xzr\n"
	"	mov x0, sp\n"
	"	bl nsi_start\n"
	"	brk #0\n");
#endif

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static void relocate(void)
{
	uint64_t base = (uint64_t)(uintptr_t)__ehdr_start;
	const Elf64_Rela *rela = NULL;
	uint64_t count = 0;

	for (const Elf64_Dyn *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_RELA)
			rela = (const Elf64_Rela *)(uintptr_t)(base + entry->d_un.d_ptr);
		else if (entry->d_tag == DT_RELASZ)
			count = entry->d_un.d_val / sizeof(*rela);
	}
	for (uint64_t i = 0; rela && i < count; i++) {
		if (ELF64_R_TYPE(rela[i].r_info) != NSI_R_RELATIVE)
			nsi_sys_exit(NSI_EXIT_BROKEN);
		*(uint64_t *)(uintptr_t)(base + rela[i].r_offset) =
			base + (uint64_t)rela[i].r_addend;
	}
}

/*
 * nsi_start() - first function of the helper
 * @stack: what the kernel left on the stack: argc, argv, NULL, envp, NULL, auxv
 */
__attribute__((used, noreturn)) void nsi_start(const long *stack)
{
	relocate();
	nsi_sys_exit(nsi_helper((int)stack[0], (const char *const *)(stack + 1)));
}
