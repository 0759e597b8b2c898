/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - packs Plans of one list for tests of operations:
 *
 *	struct nsi_op *op = pack_first(NSI_OP_DIR_REMOVE);
 *	op->s[0] = pack_text("/tmp/x");
 *	r = nsi_op_dir_remove(run, pack_open(run, NSI_LIST_UNDO));
 *
 * One Plan at a time; its bytes stay until the next pack_first().
 */
#ifndef TEST_PACK_H
#define TEST_PACK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../c/plan.h"

#define PACK_OPS 32
#define PACK_POOL 32768

static struct nsi_op pack_ops[PACK_OPS];
static uint32_t pack_count;
static uint8_t pack_pool[PACK_POOL];
static uint32_t pack_used;
static _Alignas(8) uint8_t pack_plan[sizeof(struct nsi_plan_header) + sizeof(pack_ops) + PACK_POOL];

static inline struct nsi_op *pack_next(uint16_t kind)
{
	struct nsi_op *op = &pack_ops[pack_count++];

	if (pack_count > PACK_OPS)
		abort();
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	return op;
}

static inline struct nsi_op *pack_first(uint16_t kind)
{
	pack_count = 0;
	pack_used = 8;
	memset(pack_pool, 0, sizeof(pack_pool));
	return pack_next(kind);
}

static inline struct nsi_ref pack_bytes(const void *data, size_t length)
{
	struct nsi_ref ref = { .offset = (pack_used + 7u) & ~7u, .length = (uint32_t)length };

	if (!data)
		return (struct nsi_ref){ 0 };
	if (ref.offset + length + 1 > PACK_POOL)
		abort();
	memcpy(pack_pool + ref.offset, data, length);
	pack_used = ref.offset + ref.length + 1;
	return ref;
}

static inline struct nsi_ref pack_text(const char *text)
{
	return pack_bytes(text, text ? strlen(text) : 0);
}

/* Opens the Plan with its operations in @list; returns the first of them. */
static inline const struct nsi_op *pack_open(struct nsi_run *run, enum nsi_list list)
{
	struct nsi_plan_header *header = (void *)pack_plan;
	uint32_t ops = pack_count * (uint32_t)sizeof(struct nsi_op);
	int r;

	memset(header, 0, sizeof(*header));
	header->magic = NSI_PLAN_MAGIC;
	header->abi = NSI_ABI;
	header->pool_offset = (uint32_t)sizeof(*header) + ops;
	header->pool_length = pack_used;
	header->length = header->pool_offset + pack_used;
	for (unsigned int i = 0; i < NSI_LISTS; i++)
		header->op_offset[i] =
			(uint32_t)sizeof(*header) + (i > (unsigned int)list ? ops : 0);
	header->op_count[list] = pack_count;
	header->fault_list = NSI_LIST_NONE;
	memcpy(pack_plan + sizeof(*header), pack_ops, ops);
	memcpy(pack_plan + header->pool_offset, pack_pool, pack_used);
	r = nsi_plan_open(&run->plan, pack_plan, header->length);
	if (r < 0) {
		fprintf(stderr, "the test's Plan is refused: %d\n", r);
		abort();
	}
	run->detail = NSI_AT_NONE;
	run->value = 0;
	return run->plan.op[list];
}

/* The header of the open Plan, to inject a fault. */
static inline struct nsi_plan_header *pack_header(void)
{
	return (void *)pack_plan;
}

#endif
