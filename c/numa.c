/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numa.c - where the memory of a process is taken from: set_mempolicy(2).
 *
 * Set by the process itself once it is in its cpuset, which the kernel cuts the
 * nodes to; kept over exec(2) and inherited by children.
 */
#include "plan.h"
#include "sys.h"

/*
 * nsi_op_memory_policy() - the memory policy of the process
 * @run: the run
 * @op:  memory.policy; its nodes are whole words of 64 bits, or none
 *
 * Return: 0, -EINVAL when none of the nodes is there for it, -ENOSYS for a kernel
 * without NUMA, or another -errno.
 */
int nsi_op_memory_policy(struct nsi_run *run, const struct nsi_op *op)
{
	struct nsi_bytes nodes = NSI_MEMORY_POLICY_NODES(run, op);
	/* The kernel counts one less than it is told. */
	size_t bits = nodes.length ? nodes.length * 8 + 1 : 0;

	return (int)NSI_SYS3(__NR_set_mempolicy, NSI_MEMORY_POLICY_MODE(op),
			     nodes.length ? nodes.data : NULL, bits);
}
