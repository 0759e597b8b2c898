/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload.c - a program without libc that ends at once; with an argument it
 * waits until it is killed.
 *
 * What starts it is measured, not it: a static glibc program needs half a
 * millisecond of its own in a virtual machine.
 */
#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	cmpq	$1, (%rsp)\n"
	"	ja	1f\n"
	"	xorl	%edi, %edi\n"
	"	movl	$231, %eax\n" /* exit_group */
	"	syscall\n"
	"1:	movl	$34, %eax\n" /* pause */
	"	syscall\n"
	"	jmp	1b\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	ldr	x9, [sp]\n"
	"	cmp	x9, #1\n"
	"	b.hi	1f\n"
	"	mov	x0, #0\n"
	"	mov	x8, #94\n" /* exit_group */
	"	svc	#0\n"
	"1:	mov	x0, #0\n"
	"	mov	x1, #0\n"
	"	mov	x2, #0\n"
	"	mov	x3, #0\n"
	"	mov	x4, #0\n"
	"	mov	x8, #73\n" /* ppoll */
	"	svc	#0\n"
	"	b	1b\n");
#else
#error "no entry for this architecture"
#endif
