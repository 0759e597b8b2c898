/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - the checked view of a packed Plan.
 *
 * A Plan reaches the library from JavaScript and the helper from a memfd.
 * nsi_plan_open() checks it once: header, the three arrays, for every operation
 * that it may stand in its list, and every reference against the pool and
 * against what the operation expects there. After that an executor may rely on
 * a string being present and NUL-terminated, and on lists being well-formed;
 * numbers (slots, flags, descriptors) are checked by the executors.
 *
 * Nothing is copied or changed.
 */
#include "plan.h"
#include <errno.h>

static int kind_in_list(uint32_t list, uint16_t kind)
{
#define NSI_CASE(NAME, name) case NSI_OP_##NAME:
	switch (list) {
	case NSI_LIST_PARENT:
		switch (kind) {
			/* Those below are executed by TypeScript, between two calls. */
			NSI_PARENT_OPS(NSI_CASE)
		case NSI_OP_USER_RESOLVE:
		case NSI_OP_STATE_SAVE:
		case NSI_OP_IDMAP_RUN:
		case NSI_OP_HOOKS_BEGIN:
		case NSI_OP_LISTENER_HAND:
		case NSI_OP_SYSTEMD_SCOPE:
			return 1;
		default:
			return 0;
		}
	case NSI_LIST_CHILD:
		switch (kind) {
			NSI_CHILD_OPS(NSI_CASE)
			return 1;
		default:
			return 0;
		}
	case NSI_LIST_UNDO:
		switch (kind) {
			NSI_UNDO_OPS(NSI_CASE)
			return 1;
		default:
			return 0;
		}
	default:
		return 0;
	}
#undef NSI_CASE
}

/* What the references of an operation hold, one letter each; see NSI_OP_REFS. */
/* NOLINTNEXTLINE(readability-function-size): a table, with a line for every operation. */
static const char *reference_kinds(uint16_t kind)
{
#define NSI_CASE(NAME, letters) \
	case NSI_OP_##NAME:     \
		return letters;
	/* NOLINTBEGIN(bugprone-branch-clone): many operations hold the same. */
	switch (kind) {
		NSI_OP_REFS(NSI_CASE)
	default:
		return "-----";
	}
	/* NOLINTEND(bugprone-branch-clone) */
#undef NSI_CASE
}

static int text_ok(const uint8_t *data, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		if (!data[i])
			return 0;
	return 1;
}

static int reference_ok(const struct nsi_plan *plan, const struct nsi_ref *ref, char kind)
{
	const struct nsi_plan_header *header = plan->header;
	const uint8_t *data;

	if (!ref->offset)
		return !ref->length && kind != 's';
	if (kind == '-')
		return 0;
	/* Room for the NUL that follows every string, list and byte array. */
	if (ref->offset >= header->pool_length || ref->length >= header->pool_length - ref->offset)
		return 0;
	data = plan->base + header->pool_offset + ref->offset;
	if (data[ref->length])
		return 0;
	if (kind == 's' || kind == 'o')
		return text_ok(data, ref->length);
	if (kind == 'l')
		return !ref->length || !data[ref->length - 1];
	return 1;
}

static int list_ok(const struct nsi_plan *plan, uint32_t list)
{
	for (uint32_t i = 0; i < plan->count[list]; i++) {
		const struct nsi_op *op = &plan->op[list][i];
		const char *kinds = reference_kinds(op->kind);

		if (op->reserved || !kind_in_list(list, op->kind))
			return 0;
		for (int s = 0; s < 5; s++)
			if (!reference_ok(plan, &op->s[s], kinds[s]))
				return 0;
	}
	return 1;
}

static int header_ok(const struct nsi_plan_header *header, size_t length)
{
	if (header->magic != NSI_PLAN_MAGIC || header->abi != NSI_ABI || header->length != length)
		return 0;
	if (header->pool_offset < sizeof(*header) || header->pool_offset > length ||
	    header->pool_length > length - header->pool_offset)
		return 0;
	for (int list = 0; list < NSI_LISTS; list++) {
		uint32_t offset = header->op_offset[list];

		if (offset < sizeof(*header) || offset % _Alignof(struct nsi_op) ||
		    offset > header->pool_offset ||
		    header->op_count[list] > (header->pool_offset - offset) / sizeof(struct nsi_op))
			return 0;
	}
	return header->fault_list <= NSI_LIST_NONE && header->fault_errno < 4096;
}

/*
 * nsi_plan_open() - check a packed Plan and fill the view
 * @plan:   filled in; unusable after a failure
 * @data:   the Plan, aligned to 8 bytes; borrowed, must outlive the view and not change
 * @length: bytes in @data
 *
 * Return: 0, or -EBADMSG.
 */
int nsi_plan_open(struct nsi_plan *plan, const void *data, size_t length)
{
	const struct nsi_plan_header *header = data;

	if (!data || (uintptr_t)data % _Alignof(struct nsi_op) || length < sizeof(*header) ||
	    length > UINT32_MAX || !header_ok(header, length))
		return -EBADMSG;
	plan->base = data;
	plan->length = (uint32_t)length;
	plan->header = header;
	for (uint32_t list = 0; list < NSI_LISTS; list++) {
		plan->op[list] = (const void *)(plan->base + header->op_offset[list]);
		plan->count[list] = header->op_count[list];
		if (!list_ok(plan, list))
			return -EBADMSG;
	}
	return 0;
}

/*
 * nsi_plan_fault() - the failure injected into an operation
 * @plan:  the Plan
 * @list:  enum nsi_list
 * @index: of the operation in the list
 *
 * Return: 0 when the operation is to be executed, else the -errno to fail with.
 */
int nsi_plan_fault(const struct nsi_plan *plan, uint32_t list, uint32_t index)
{
	const struct nsi_plan_header *header = plan->header;

	if (header->fault_list != list || header->fault_index != index)
		return 0;
	return -(int)header->fault_errno;
}

/*
 * nsi_str() - string of a checked reference
 * @plan: the Plan
 * @ref:  reference of one of its operations
 *
 * Return: the string inside the Plan, NULL when absent.
 */
const char *nsi_str(const struct nsi_plan *plan, const struct nsi_ref *ref)
{
	if (!ref->offset)
		return NULL;
	return (const char *)plan->base + plan->header->pool_offset + ref->offset;
}

/*
 * nsi_blob() - bytes or list of a checked reference
 * @plan: the Plan
 * @ref:  reference of one of its operations
 *
 * Return: a view inside the Plan; its data is NULL when absent.
 */
struct nsi_bytes nsi_blob(const struct nsi_plan *plan, const struct nsi_ref *ref)
{
	struct nsi_bytes bytes = { NULL, 0 };

	if (ref->offset) {
		bytes.data = plan->base + plan->header->pool_offset + ref->offset;
		bytes.length = ref->length;
	}
	return bytes;
}

/*
 * nsi_list_next() - walk over a list of strings
 * @list: a checked list
 * @at:   the string before, NULL to begin
 *
 * Return: the string after @at, NULL at the end.
 */
const char *nsi_list_next(struct nsi_bytes list, const char *at)
{
	const char *end = (const char *)list.data + list.length;

	if (!list.data || !list.length)
		return NULL;
	if (!at)
		return (const char *)list.data;
	while (*at)
		at++;
	at++;
	return at < end ? at : NULL;
}

/*
 * nsi_list_count() - how many strings a list holds
 * @list: a checked list
 *
 * Return: their number.
 */
uint32_t nsi_list_count(struct nsi_bytes list)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < list.length; i++)
		if (!list.data[i])
			count++;
	return count;
}
