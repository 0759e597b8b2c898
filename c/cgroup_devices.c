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
 * The group holds the program; its descriptor is not needed afterwards.
 */
#include <linux/bpf.h>

#include "cgroup.h"
#include "cleanup.h"
#include "sys.h"

/* BPF_MAXINSNS of kernels before 5.2, far more than any device list needs. */
#define PROGRAM_MAX 4096u

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
	return (int)NSI_SYS3(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int attach_program(int groupfd, int programfd)
{
	union bpf_attr attr;

	__builtin_memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)groupfd;
	attr.attach_bpf_fd = (uint32_t)programfd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return (int)NSI_SYS3(__NR_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr));
}

/*
 * nsi_op_cgroup_devices() - load a device program and attach it to a v2 group
 *
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
	return attach_program(groupfd, programfd);
}
