/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_compile.c - packed rules to a seccomp(2) program, by libseccomp.
 *
 * Library only: the program travels in the Plan and the helper just installs
 * it. Layout of the rules, little-endian, every record a multiple of 4 bytes
 * (repeated in ffi/layout.ts):
 *
 *	u32 default_action, u32 arch_count, u32 rule_count, u32 flags
 *	arch_count times:  u32 SCMP_ARCH_* token (0: native)
 *	rule_count times:
 *		i32 number (-1: by name), u32 action with its data bits,
 *		u32 arg_count, u32 name_length
 *		arg_count times:  u32 index, u32 op (enum scmp_compare),
 *				  u64 value, u64 value_two
 *		name, padded with NULs to a multiple of 4
 *
 * The arguments of one rule must all match. The machine's own architecture and
 * its 32-bit ones are always in: a rule means the same whichever way a call is
 * made. Calls of any other architecture kill the process.
 *
 * Flag bit 0: whoever wrote the rules did not know calls with a higher number than
 * those that they name. Programs try such calls and fall back where the kernel has
 * none of them, so what the default refuses is ENOSYS for those. libseccomp cannot
 * say that: it is said before its program begins.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <seccomp.h>

#include "cleanup.h"
#include "nsinit.h"
#include "sys.h"

#define OPTIMIZE_TREE 2
#define UNKNOWN_NAME 10000
#define REFUSED_ARCH 100000
#define REFUSED_RULE 200000
#define RULES_MAX 65536u
#define ARCHES_MAX 32u
#define ARGS_MAX 6u
#define NAME_MAX_LENGTH 64u
#define BY_NAME (-1)
#define FLAG_NEWER_ENOSYS 1u
#define X32_BIT 0x40000000u
#define STUB_MAX ((ARCHES_MAX + 3) * 7 + 2)

/* What has not been read yet. */
struct cursor {
	const uint8_t *at;
	uint32_t left;
};

struct rules_header {
	uint32_t default_action;
	uint32_t arch_count;
	uint32_t rule_count;
	uint32_t flags;
};

/* The highest number that the rules name, of each architecture that they are made for. */
struct newest {
	uint32_t count;
	uint32_t token[ARCHES_MAX + 3];
	int32_t number[ARCHES_MAX + 3];
};

struct rule {
	int32_t number;
	uint32_t action;
	uint32_t arg_count;
	uint32_t name_length;
};

struct rule_arg {
	uint32_t index;
	uint32_t op;
	uint64_t value;
	uint64_t value_two;
};

_Static_assert(sizeof(struct rules_header) == 16, "layout of the header");
_Static_assert(sizeof(struct rule) == 16, "layout of a rule");
_Static_assert(sizeof(struct rule_arg) == 24, "layout of an argument");

/* The packed data may stand at any address: everything is copied out. */
static int take(struct cursor *cursor, void *out, uint32_t length)
{
	if (length > cursor->left)
		return -EBADMSG;
	__builtin_memcpy(out, cursor->at, length);
	cursor->at += length;
	cursor->left -= length;
	return 0;
}

static int add_arch(scmp_filter_ctx filter, struct newest *newest, uint32_t token)
{
	int r = seccomp_arch_add(filter, token);

	if (r == -EEXIST)
		return 0;
	if (r == 0) {
		newest->token[newest->count] = token;
		newest->number[newest->count++] = -1;
	}
	return r;
}

static int add_arches(scmp_filter_ctx filter, struct newest *newest, struct cursor *cursor,
		      uint32_t count)
{
	int r = 0;

	newest->count = 1;
	newest->token[0] = seccomp_arch_native();
	newest->number[0] = -1;
#if defined(__x86_64__)
	r = add_arch(filter, newest, SCMP_ARCH_X86);
	if (!r)
		r = add_arch(filter, newest, SCMP_ARCH_X32);
#elif defined(__aarch64__)
	r = add_arch(filter, newest, SCMP_ARCH_ARM);
#endif
	for (uint32_t i = 0; i < count && !r; i++) {
		uint32_t token;

		r = take(cursor, &token, sizeof(token));
		if (r < 0)
			return r;
		/* EDOM: its byte order is another; EINVAL: this libseccomp does not know it. */
		if (add_arch(filter, newest, token) < 0)
			return -REFUSED_ARCH - (int)i;
	}
	return r;
}

static int take_args(struct cursor *cursor, struct scmp_arg_cmp *args, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct rule_arg arg;
		int r = take(cursor, &arg, sizeof(arg));

		if (r < 0)
			return r;
		if (arg.index >= ARGS_MAX || arg.op < SCMP_CMP_NE || arg.op > SCMP_CMP_MASKED_EQ)
			return -EINVAL;
		args[i].arg = arg.index;
		args[i].op = (enum scmp_compare)arg.op;
		args[i].datum_a = arg.value;
		args[i].datum_b = arg.value_two;
	}
	return 0;
}

static void note_newest(struct newest *newest, const char *name)
{
	for (uint32_t i = 0; i < newest->count; i++) {
		int number = seccomp_syscall_resolve_name_arch(newest->token[i], name);

		if (number > newest->number[i])
			newest->number[i] = number;
	}
}

/* The call's number on this machine: as given, or by name; UNKNOWN_NAME when there is none. */
static int take_number(struct cursor *cursor, const struct rule *rule, struct newest *newest,
		       int *number_out)
{
	uint32_t padded = (rule->name_length + 3u) & ~3u;
	char name[NAME_MAX_LENGTH + 4];
	int r;

	if (rule->name_length > NAME_MAX_LENGTH || (rule->number == BY_NAME) != (padded != 0))
		return -EBADMSG;
	r = take(cursor, name, padded);
	if (r < 0)
		return r;
	*number_out = rule->number;
	if (rule->number != BY_NAME)
		return rule->number < 0 ? -EBADMSG : 0;
	name[rule->name_length] = 0;
	note_newest(newest, name);
	*number_out = seccomp_syscall_resolve_name(name);
	/* Below -1 are calls of other architectures; libseccomp takes those too. */
	return *number_out == __NR_SCMP_ERROR ? UNKNOWN_NAME : 0;
}

static int add_rule(scmp_filter_ctx filter, struct newest *newest, struct cursor *cursor,
		    uint32_t default_action)
{
	struct scmp_arg_cmp args[ARGS_MAX];
	struct rule rule;
	int number, r = take(cursor, &rule, sizeof(rule));

	if (r < 0)
		return r;
	if (rule.arg_count > ARGS_MAX)
		return -EBADMSG;
	r = take_args(cursor, args, rule.arg_count);
	if (r < 0)
		return r;
	r = take_number(cursor, &rule, newest, &number);
	if (r)
		return r;
	/* libseccomp refuses a rule that says what the default says. */
	if (rule.action == default_action)
		return 0;
	r = seccomp_rule_add_array(filter, rule.action, number, rule.arg_count, args);
	return r < 0 && r != -ENOMEM ? REFUSED_RULE : r;
}

static int fill(scmp_filter_ctx filter, struct newest *newest, struct cursor *cursor,
		const struct rules_header *header)
{
	/* no_new_privs is an operation of its own; seccomp_load() is never called. */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

	if (!r)
		r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree over the calls' numbers instead of a list: the kernel runs the program for each
	 * call that there is when it takes it, and for each one that is made afterwards. */
	if (!r)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
	if (!r)
		r = add_arches(filter, newest, cursor, header->arch_count);
	for (uint32_t i = 0; i < header->rule_count && !r; i++) {
		r = add_rule(filter, newest, cursor, header->default_action);
		if (r > 0)
			return -r - (int)i;
	}
	if (r < 0)
		return r;
	return cursor->left ? -EBADMSG : 0;
}

/* Whether a call that no rule names is carried out. */
static int is_permissive(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return 1;
	default:
		return 0;
	}
}

/*
 * What comes before the program: for each architecture, ENOSYS for numbers above
 * the newest that the rules know. x32 has the architecture of x86_64 and a bit in its
 * numbers. The number of instructions.
 */
static uint32_t write_stub(const struct newest *newest, struct sock_filter *out)
{
	const uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;
	uint32_t n = 0;

	for (uint32_t i = 0; i < newest->count; i++) {
		uint32_t is_x32 = newest->token[i] == SCMP_ARCH_X32;
		uint32_t audit = is_x32 ? AUDIT_ARCH_X86_64 : newest->token[i];
		uint32_t is_64 = audit == AUDIT_ARCH_X86_64;

		if (newest->number[i] < 0)
			continue;
		out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							offsetof(struct seccomp_data, arch));
		out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit, 0,
							(uint8_t)(3 + is_64));
		out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							offsetof(struct seccomp_data, nr));
		if (is_64)
			out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, X32_BIT,
								is_x32 ? 0 : 2, is_x32 ? 2 : 0);
		out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K,
							(uint32_t)newest->number[i], 0, 1);
		out[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, enosys);
	}
	return n;
}

/* libseccomp before 2.6 writes the program only to a file. */
static int export_program(scmp_filter_ctx filter, void *out, uint32_t size)
{
	NSI_AUTO_FD int fd = (int)NSI_SYS2(__NR_memfd_create, "seccomp", 1 /* MFD_CLOEXEC */);
	long length;
	int r;

	if (fd < 0)
		return fd;
	r = seccomp_export_bpf(filter, fd);
	if (r < 0)
		return r;
	length = NSI_SYS3(__NR_lseek, fd, 0, 1 /* SEEK_CUR */);
	if (length < 0)
		return (int)length;
	if (length > (long)(BPF_MAXINSNS * sizeof(struct sock_filter)))
		return -E2BIG;
	if (length > (long)size)
		return -EOVERFLOW;
	r = (int)NSI_SYS4(__NR_pread64, fd, out, length, 0);
	if (r < 0)
		return r;
	return r == (int)length ? r : -EIO;
}

/*
 * nsi_seccomp_compile() - compile packed rules to a seccomp program
 * @rules:   of @length bytes, laid out as above
 * @out:     receives a struct sock_filter array of at most @size bytes
 *
 * Return: length of the program in bytes, or -errno: -EBADMSG for malformed
 * rules, -EINVAL for a default action or operator that there is not, -E2BIG when
 * the kernel would find the program too long, -EOVERFLOW when @out is too small;
 * -(10000 + i) when rule i names a call that libseccomp does not know,
 * -(100000 + i) when it refuses architecture i, -(200000 + i) when it refuses
 * rule i, for its action, its number or two comparisons of one argument.
 */
int32_t nsi_seccomp_compile(const void *rules, uint32_t length, void *out, uint32_t size)
{
	struct cursor cursor = { .at = rules, .left = length };
	struct sock_filter stub[STUB_MAX];
	struct newest newest = { .count = 0 };
	struct rules_header header;
	uint32_t before = 0;
	scmp_filter_ctx filter;
	int r = take(&cursor, &header, sizeof(header));

	if (r < 0)
		return r;
	if (header.rule_count > RULES_MAX || header.arch_count > ARCHES_MAX ||
	    (header.flags & ~FLAG_NEWER_ENOSYS))
		return -EBADMSG;
	filter = seccomp_init(header.default_action);
	if (!filter)
		return -EINVAL;
	r = fill(filter, &newest, &cursor, &header);
	if (!r && (header.flags & FLAG_NEWER_ENOSYS) && !is_permissive(header.default_action))
		before = write_stub(&newest, stub) * (uint32_t)sizeof(*stub);
	if (!r && before > size)
		r = -EOVERFLOW;
	if (!r) {
		__builtin_memcpy(out, stub, before);
		r = export_program(filter, (uint8_t *)out + before, size - before);
	}
	if (r >= 0)
		r += (int)before;
	if (r > (int)(BPF_MAXINSNS * sizeof(struct sock_filter)))
		r = -E2BIG;
	seccomp_release(filter);
	return r;
}

/* nsi_seccomp_version() - libseccomp's version: major << 16 | minor << 8 | micro */
uint32_t nsi_seccomp_version(void)
{
	const struct scmp_version *version = seccomp_version();

	return version ? version->major << 16 | version->minor << 8 | version->micro : 0;
}
