/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_devices.c - the device filter of a v2 group: an eBPF program.
 *
 * cgroup v2 has no devices controller; instead the kernel asks the programs
 * that are attached to a group and to its ancestors on every open(2) and
 * mknod(2) of a device node, and all have to agree (Linux 4.15). The program
 * is compiled by the planner. Attached with BPF_F_ALLOW_MULTI it only adds to
 * what the ancestors forbid, and groups below may add their own.
 *
 * The group holds the program; its descriptor is not needed afterwards. To
 * change the rules of a group that lives, the program that carries our name is
 * replaced in one step (BPF_F_REPLACE, Linux 5.6). Where the kernel cannot do
 * that the new one is attached beside the old, which then goes: in between both
 * have to agree, so nothing is open that either would close.
 */
#include <linux/bpf.h>

#include "cgroup.h"
#include "cleanup.h"
#include "sys.h"
#include "text.h"

/* BPF_MAXINSNS of kernels before 5.2, far more than any device list needs. */
#define PROGRAM_MAX 4096u
/* How many programs of one group are looked at; the kernel allows 64. */
#define ATTACHED_MAX 64u
#define PROGRAM_NAME "nsinit"
#define FLAG_REPLACE 1u

static long call_bpf(int command, union bpf_attr *attr)
{
	return NSI_SYS3(__NR_bpf, command, attr, sizeof(*attr));
}

static int load_program(const struct bpf_insn *code, uint32_t count)
{
	/* The verifier only looks at it when helpers for GPL programs are called: none is. */
	static const char license[] = "Apache-2.0";
	union bpf_attr attr;

	__builtin_memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)code;
	attr.insn_cnt = count;
	attr.license = (uint64_t)(uintptr_t)license;
	__builtin_memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	return (int)call_bpf(BPF_PROG_LOAD, &attr);
}

/* Attaches the program, in the place of @oldfd unless that is -1. */
static int attach_program(int groupfd, int programfd, int oldfd)
{
	union bpf_attr attr;

	__builtin_memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)groupfd;
	attr.attach_bpf_fd = (uint32_t)programfd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (oldfd >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)oldfd;
	}
	return (int)call_bpf(BPF_PROG_ATTACH, &attr);
}

static int detach_program(int groupfd, int programfd)
{
	union bpf_attr attr;

	__builtin_memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)groupfd;
	attr.attach_bpf_fd = (uint32_t)programfd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return (int)call_bpf(BPF_PROG_DETACH, &attr);
}

/* Whether a program has our name: another one is a service manager's. */
static int is_ours(int programfd)
{
	struct bpf_prog_info info;
	union bpf_attr attr;

	__builtin_memset(&info, 0, sizeof(info));
	__builtin_memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)programfd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	return call_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) >= 0 &&
	       nsi_text_equal(info.name, PROGRAM_NAME);
}

/* Finds our program on the group: its descriptor, -ENOENT or another -errno. */
static int find_program(int groupfd)
{
	uint32_t ids[ATTACHED_MAX] = { 0 };
	union bpf_attr attr;
	long r;

	__builtin_memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)groupfd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = ATTACHED_MAX;
	r = call_bpf(BPF_PROG_QUERY, &attr);
	if (r < 0)
		return (int)r;
	for (uint32_t i = 0; i < attr.query.prog_cnt && i < ATTACHED_MAX; i++) {
		union bpf_attr get;
		int fd;

		__builtin_memset(&get, 0, sizeof(get));
		get.prog_id = ids[i];
		fd = (int)call_bpf(BPF_PROG_GET_FD_BY_ID, &get);
		if (fd < 0)
			return fd;
		if (is_ours(fd))
			return fd;
		nsi_sys_close(fd);
	}
	return -ENOENT;
}

static int replace_program(int groupfd, int programfd)
{
	NSI_AUTO_FD int oldfd = find_program(groupfd);
	int r;

	/* Everything was allowed before: there is nothing to replace. */
	if (oldfd == -ENOENT)
		return attach_program(groupfd, programfd, -1);
	if (oldfd < 0)
		return oldfd;
	r = attach_program(groupfd, programfd, oldfd);
	if (r != -EINVAL)
		return r;
	r = attach_program(groupfd, programfd, -1);
	return r < 0 ? r : detach_program(groupfd, oldfd);
}

/*
 * nsi_op_cgroup_devices() - load a device program and attach it to a v2 group
 *
 * With flags bit 0 it takes the place of the one that was attached before.
 * Needs CAP_BPF or CAP_SYS_ADMIN, and CAP_NET_ADMIN, in the initial user
 * namespace. The descriptor of the program is close-on-exec at birth (bpf(2)).
 *
 * Return: 0, or -errno; detail NSI_AT_MAKE for the program, NSI_AT_ATTACH for
 * the group.
 */
int nsi_op_cgroup_devices(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes code = NSI_CGROUP_DEVICES_PROGRAM(run, op);
	NSI_AUTO_FD int groupfd = -1;
	NSI_AUTO_FD int programfd = -1;
	uint32_t count = code.length / (uint32_t)sizeof(struct bpf_insn);

	run->detail = NSI_AT_TRUNCATED;
	if (!count || count > PROGRAM_MAX || code.length % sizeof(struct bpf_insn))
		return -EBADMSG;
	run->detail = NSI_AT_OPEN;
	groupfd = nsi_cgroup_open(NSI_CGROUP_DEVICES_PATH(run, op), O_NOFOLLOW);
	if (groupfd < 0)
		return groupfd;
	run->detail = NSI_AT_MAKE;
	programfd = load_program((const struct bpf_insn *)(const void *)code.data, count);
	if (programfd < 0)
		return programfd;
	run->detail = NSI_AT_ATTACH;
	if (NSI_CGROUP_DEVICES_FLAGS(op) & FLAG_REPLACE)
		return replace_program(groupfd, programfd);
	return attach_program(groupfd, programfd, -1);
}
