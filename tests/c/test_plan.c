/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plan.c - malformed Plans: whatever the bytes are, nsi_plan_open() says
 * -EBADMSG or everything it accepts can be read without leaving the Plan. The
 * sanitizers watch the second half of that.
 */
#include "build_plan.h"
#include "nsinit.h"
#include <errno.h>

static uint8_t *sample(uint32_t *length_out)
{
	static struct builder b;
	struct nsi_op *op;

	builder_reset(&b);
	op = add_op(&b, NSI_LIST_PARENT, NSI_OP_CGROUP_MAKE);
	op->s[0] = add_text(&b, "/sys/fs/cgroup");
	op->s[1] = add_text(&b, "");
	op->s[2] = add_text(&b, "owner");
	op = add_op(&b, NSI_LIST_PARENT, NSI_OP_RELEASE);
	op->s[0] = add_bytes(&b, "\0\1\2", 3);
	add_op(&b, NSI_LIST_PARENT, NSI_OP_RELEASE);
	add_op(&b, NSI_LIST_PARENT, NSI_OP_STATE_SAVE);
	op = add_op(&b, NSI_LIST_CHILD, NSI_OP_EXEC);
	op->s[0] = add_list(&b, "/bin/a\0/bin/b");
	op->s[1] = add_list(&b, "");
	op->s[2] = add_bytes(&b, "", 0);
	op = add_op(&b, NSI_LIST_UNDO, NSI_OP_FILE_REMOVE);
	op->s[0] = add_text(&b, "/tmp");
	op->s[1] = add_text(&b, "x");
	return pack(&b, length_out);
}

/* A copy at the end of its own allocation. */
static int open_copy(const uint8_t *data, size_t length, struct nsi_plan *plan, uint8_t **copy_out)
{
	uint8_t *copy = malloc(length ? length : 1);

	CHECK(copy);
	memcpy(copy, data, length);
	*copy_out = copy;
	return nsi_plan_open(plan, copy, length);
}

static uint64_t touch(const char *text)
{
	uint64_t sum = 0;

	while (*text)
		sum += (uint8_t)*text++;
	return sum;
}

/* Reads everything that executors would. */
static uint64_t read_all(const struct nsi_plan *plan)
{
	uint64_t sum = 0;

	for (uint32_t list = 0; list < NSI_LISTS; list++) {
		sum += (uint64_t)(uint32_t)nsi_plan_fault(plan, list, 0);
		for (uint32_t i = 0; i < plan->count[list]; i++) {
			for (int s = 0; s < 5; s++) {
				const struct nsi_ref *ref = &plan->op[list][i].s[s];
				struct nsi_bytes bytes = nsi_blob(plan, ref);

				if (nsi_str(plan, ref))
					sum += touch(nsi_str(plan, ref));
				for (uint32_t n = 0; n < bytes.length; n++)
					sum += bytes.data[n];
				if (plan->op[list][i].kind == NSI_OP_EXEC) {
					uint32_t count = 0;

					for (const char *at = nsi_list_next(bytes, NULL); at;
					     at = nsi_list_next(bytes, at), count++)
						sum += touch(at);
					CHECK_EQUAL(nsi_list_count(bytes), count);
				}
			}
		}
	}
	return sum;
}

static void test_sample(void)
{
	struct nsi_plan plan;
	uint32_t length;
	uint8_t *data = sample(&length);
	const struct nsi_op *op;
	struct nsi_bytes list;
	const char *at;

	CHECK_EQUAL(nsi_plan_open(&plan, data, length), 0);
	CHECK_EQUAL(plan.count[NSI_LIST_PARENT], 4);
	CHECK(strcmp(nsi_str(&plan, &plan.op[NSI_LIST_PARENT][0].s[0]), "/sys/fs/cgroup") == 0);
	CHECK(strcmp(nsi_str(&plan, &plan.op[NSI_LIST_PARENT][0].s[1]), "") == 0);
	CHECK_EQUAL(nsi_blob(&plan, &plan.op[NSI_LIST_PARENT][1].s[0]).length, 3);
	CHECK(!nsi_blob(&plan, &plan.op[NSI_LIST_PARENT][2].s[0]).data);
	op = &plan.op[NSI_LIST_CHILD][0];
	list = nsi_blob(&plan, &op->s[0]);
	CHECK_EQUAL(nsi_list_count(list), 2);
	at = nsi_list_next(list, NULL);
	CHECK(strcmp(at, "/bin/a") == 0);
	at = nsi_list_next(list, at);
	CHECK(strcmp(at, "/bin/b") == 0);
	CHECK(!nsi_list_next(list, at));
	CHECK_EQUAL(nsi_list_count(nsi_blob(&plan, &op->s[1])), 1);
	CHECK_EQUAL(nsi_list_count(nsi_blob(&plan, &op->s[2])), 0);
	CHECK(!nsi_list_next(nsi_blob(&plan, &op->s[2]), NULL));
	CHECK_EQUAL(nsi_plan_fault(&plan, NSI_LIST_CHILD, 0), 0);
	free(data);
}

static void test_truncations(void)
{
	uint32_t length;
	uint8_t *data = sample(&length), *copy;
	struct nsi_plan plan;

	for (uint32_t n = 0; n < length; n++) {
		CHECK_EQUAL(open_copy(data, n, &plan, &copy), -EBADMSG);
		/* Also when the header agrees with what is left. */
		if (n >= sizeof(struct nsi_plan_header)) {
			((struct nsi_plan_header *)(void *)copy)->length = n;
			if (nsi_plan_open(&plan, copy, n) == 0)
				read_all(&plan);
		}
		free(copy);
	}
	CHECK_EQUAL(nsi_plan_open(&plan, NULL, 0), -EBADMSG);
	copy = malloc(length + 1);
	CHECK(copy);
	memcpy(copy + 1, data, length);
	CHECK_EQUAL(nsi_plan_open(&plan, copy + 1, length), -EBADMSG);
	free(copy);
	free(data);
}

/* Every word of header and operations takes values around the bounds. */
static void test_words(void)
{
	uint32_t length, pool;
	uint8_t *data = sample(&length), *copy;
	struct nsi_plan plan;

	pool = ((struct nsi_plan_header *)(void *)data)->pool_offset;
	for (uint32_t at = 0; at < pool; at += 4) {
		const uint32_t values[] = { 0,          1,          2,          7,
					    8,          63,         64,         96,
					    pool - 1,   pool,       pool + 1,   length - 1,
					    length,     length + 1, 0x7fffffff, 0x80000000,
					    0xffffffa0, 0xffffffff };

		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			uint32_t before;

			memcpy(&before, data + at, 4);
			memcpy(data + at, &values[i], 4);
			if (open_copy(data, length, &plan, &copy) == 0)
				read_all(&plan);
			free(copy);
			memcpy(data + at, &before, 4);
		}
	}
	free(data);
}

static uint64_t state = 0x9e3779b97f4a7c15;

static uint32_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void test_noise(void)
{
	uint32_t length, accepted = 0;
	uint8_t *data = sample(&length), *copy;
	struct nsi_plan plan;

	for (int round = 0; round < 100000; round++) {
		uint8_t *noisy = malloc(length);

		CHECK(noisy);
		memcpy(noisy, data, length);
		for (uint32_t n = draw() % 8; n; n--)
			noisy[draw() % length] = (uint8_t)(draw() % 3 ? draw() % 16 : draw());
		if (open_copy(noisy, length, &plan, &copy) == 0) {
			read_all(&plan);
			accepted++;
		}
		free(copy);
		free(noisy);
	}
	/* Both answers occur. */
	CHECK(accepted > 1000 && accepted < 99000);
	free(data);
}

/* Operations stand only in their lists, and their strings are there. */
static void test_operations(void)
{
	static struct builder b;
	struct nsi_plan plan;
	uint32_t length;
	uint8_t *data;

	static const struct {
		enum nsi_list list;
		uint16_t kind;
		int result;
	} cases[] = {
		{ NSI_LIST_PARENT, NSI_OP_AWAIT, 0 },
		{ NSI_LIST_CHILD, NSI_OP_AWAIT, -EBADMSG },
		{ NSI_LIST_UNDO, NSI_OP_AWAIT, -EBADMSG },
		{ NSI_LIST_CHILD, NSI_OP_SYNC, 0 },
		{ NSI_LIST_PARENT, NSI_OP_SYNC, -EBADMSG },
		{ NSI_LIST_UNDO, NSI_OP_LOCK_TAKE, 0 },
		{ NSI_LIST_CHILD, NSI_OP_LOCK_TAKE, -EBADMSG },
		{ NSI_LIST_PARENT, NSI_OP_STATE_SAVE, 0 },
		{ NSI_LIST_PARENT, 0, -EBADMSG },
		{ NSI_LIST_PARENT, 65535, -EBADMSG },
		{ NSI_LIST_PARENT, NSI_OP_TREE_OPEN, -EBADMSG }, /* its path is absent */
		{ NSI_LIST_CHILD, NSI_OP_EXEC, 0 },              /* lists may be empty */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		builder_reset(&b);
		add_op(&b, cases[i].list, cases[i].kind);
		data = pack(&b, &length);
		CHECK_EQUAL(nsi_plan_open(&plan, data, length), cases[i].result);
		free(data);
	}
	/* A NUL inside a string; a list without its last NUL. */
	builder_reset(&b);
	add_op(&b, NSI_LIST_CHILD, NSI_OP_CWD_ENTER)->s[0] = add_bytes(&b, "/a\0b", 4);
	data = pack(&b, &length);
	CHECK_EQUAL(nsi_plan_open(&plan, data, length), -EBADMSG);
	free(data);
	builder_reset(&b);
	add_op(&b, NSI_LIST_CHILD, NSI_OP_EXEC)->s[0] = add_bytes(&b, "/a\0/b", 5);
	data = pack(&b, &length);
	CHECK_EQUAL(nsi_plan_open(&plan, data, length), -EBADMSG);
	free(data);
}

static void test_fault(void)
{
	static struct builder b;
	struct nsi_plan plan;
	uint32_t length;
	uint8_t *data;

	builder_reset(&b);
	b.fault_list = NSI_LIST_UNDO;
	b.fault_index = 2;
	b.fault_errno = EIO;
	data = pack(&b, &length);
	CHECK_EQUAL(nsi_plan_open(&plan, data, length), 0);
	CHECK_EQUAL(nsi_plan_fault(&plan, NSI_LIST_UNDO, 2), -EIO);
	CHECK_EQUAL(nsi_plan_fault(&plan, NSI_LIST_UNDO, 1), 0);
	CHECK_EQUAL(nsi_plan_fault(&plan, NSI_LIST_CHILD, 2), 0);
	free(data);
}

static void test_init(void)
{
	static struct nsi_run run;
	uint32_t length, sizes[9];
	uint8_t *data = sample(&length);

	CHECK_EQUAL(nsi_sizes(sizes, 9), 9);
	CHECK_EQUAL(sizes[8], offsetof(struct nsi_run, payload));
	CHECK_EQUAL(sizes[4], sizeof(run));
	CHECK_EQUAL(nsi_run_init(&run, sizeof(run) - 1, data, length), -EOVERFLOW);
	CHECK_EQUAL(nsi_run_init(&run, sizeof(run), data, length - 1), -EBADMSG);
	CHECK_EQUAL(run.report.detail, NSI_AT_TRUNCATED);
	CHECK_EQUAL(nsi_run_close(&run), 0);
	CHECK_EQUAL(nsi_run_init(&run, sizeof(run), data, length), 0);
	CHECK_EQUAL(nsi_run_slot(&run, 0), -EBADF);
	CHECK_EQUAL(nsi_run_slot(&run, NSI_SLOTS), -EBADF);
	CHECK_EQUAL(nsi_run_slot(&run, UINT32_MAX), -EBADF);
	CHECK_EQUAL(nsi_run_pid(&run), -ESRCH);
	CHECK_EQUAL(nsi_run_parent(&run, 1, 0), -EINVAL);
	CHECK_EQUAL(nsi_run_parent(&run, 0, 99), -EINVAL);
	CHECK_EQUAL(nsi_run_release(&run, 1, NULL, 0), -ENOTCONN);
	CHECK_EQUAL(nsi_run_monitor(&run), -EINVAL);
	CHECK_EQUAL(nsi_run_abort(&run), 0);
	CHECK_EQUAL(nsi_run_close(&run), 0);
	free(data);
}

int main(void)
{
	test_sample();
	test_truncations();
	test_words();
	test_noise();
	test_operations();
	test_fault();
	test_init();
	return 0;
}
