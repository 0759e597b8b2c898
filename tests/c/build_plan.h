/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_plan.h - packs Plans by hand for the C tests, and their few checks.
 */
#ifndef NSI_TEST_BUILD_PLAN_H
#define NSI_TEST_BUILD_PLAN_H

#include "plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                        \
		}                                                                       \
	} while (0)

#define CHECK_EQUAL(have, want)                                                              \
	do {                                                                                 \
		long long have_ = (long long)(have), want_ = (long long)(want);              \
		if (have_ != want_) {                                                        \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, \
				#have, have_, want_);                                        \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

/* A Plan in the making: operations in the order of their lists, then the pool. */
struct builder {
	uint32_t count[NSI_LISTS];
	struct nsi_op op[NSI_LISTS][64];
	uint32_t pool_length;
	uint8_t pool[65536];
	uint32_t fault_list, fault_index, fault_errno;
};

static inline void builder_reset(struct builder *b)
{
	memset(b, 0, sizeof(*b));
	b->pool_length = 1;
	b->fault_list = NSI_LIST_NONE;
}

static inline struct nsi_op *add_op(struct builder *b, enum nsi_list list, enum nsi_kind kind)
{
	struct nsi_op *op = &b->op[list][b->count[list]++];

	CHECK(b->count[list] <= 64);
	op->kind = (uint16_t)kind;
	return op;
}

static inline struct nsi_ref add_bytes(struct builder *b, const void *data, uint32_t length)
{
	struct nsi_ref ref;

	b->pool_length = (b->pool_length + 7) & ~7U;
	ref.offset = b->pool_length;
	ref.length = length;
	CHECK(b->pool_length + length + 1 <= sizeof(b->pool));
	if (length)
		memcpy(b->pool + b->pool_length, data, length);
	b->pool[b->pool_length + length] = 0;
	b->pool_length += length + 1;
	return ref;
}

static inline struct nsi_ref add_text(struct builder *b, const char *text)
{
	return add_bytes(b, text, (uint32_t)strlen(text));
}

/* A list of one string, or of several with NULs between them. */
#define add_list(b, text) add_bytes(b, text, (uint32_t)sizeof(text))

/* The packed Plan, to be freed. */
static inline uint8_t *pack(const struct builder *b, uint32_t *length_out)
{
	struct nsi_plan_header header = {
		.magic = NSI_PLAN_MAGIC,
		.abi = NSI_ABI,
		.fault_list = b->fault_list,
		.fault_index = b->fault_index,
		.fault_errno = b->fault_errno,
	};
	uint32_t at = sizeof(header);
	uint8_t *plan;

	for (int list = 0; list < NSI_LISTS; list++) {
		header.op_offset[list] = at;
		header.op_count[list] = b->count[list];
		at += b->count[list] * (uint32_t)sizeof(struct nsi_op);
	}
	header.pool_offset = at;
	header.pool_length = b->pool_length;
	header.length = at + b->pool_length;
	/* Exactly as long as it is, so that the sanitizer sees every byte behind it. */
	plan = malloc(header.length);
	CHECK(plan);
	memcpy(plan, &header, sizeof(header));
	for (int list = 0; list < NSI_LISTS; list++)
		memcpy(plan + header.op_offset[list], b->op[list],
		       b->count[list] * sizeof(struct nsi_op));
	memcpy(plan + header.pool_offset, b->pool, b->pool_length);
	*length_out = header.length;
	return plan;
}

#endif
