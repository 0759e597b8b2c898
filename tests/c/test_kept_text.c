/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kept_text.c - what is filled into the texts of a kept start.
 */
#include "build_plan.h"
#include "kept.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

/* Every day and a half from 1970 to 2107, compared with libc. */
static void test_times(void)
{
	char out[NSI_KEPT_TIME], wanted[64];
	struct tm parts;

	for (time_t seconds = 0; seconds < (time_t)50000 * 86400; seconds += 129601) {
		nsi_kept_time(out, seconds, seconds % 1000);
		gmtime_r(&seconds, &parts);
		strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S", &parts);
		snprintf(wanted + strlen(wanted), 16, ".%03dZ", (int)(seconds % 1000));
		CHECK(strcmp(out, wanted) == 0);
	}
}

static void test_start_time(void)
{
	char out[NSI_KEPT_NUMBER], path[64];
	struct nsi_kept_values values;
	unsigned long long start = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
	file = fopen(path, "r");
	CHECK(file != NULL);
	/* The name of this program holds neither spaces nor brackets. */
	CHECK(file && fscanf(file,
			     "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			     "%*s %*s %*s %*s %*s %llu",
			     &start) == 1);
	if (file)
		fclose(file);
	CHECK_EQUAL(nsi_kept_values(&values), 0);
	CHECK_EQUAL(strtoull(values.owner_start, NULL, 10), start);
	CHECK_EQUAL(strtoull(values.owner, NULL, 10), getpid());
	CHECK_EQUAL(strspn(values.mark, "0123456789abcdef"), NSI_KEPT_MARK_DIGITS);
	CHECK_EQUAL(nsi_kept_start_time("0", out), -ENOENT);
}

static void test_fill(void)
{
	static const struct nsi_kept_values values = { .mark = "0123456789abcdef", .pid = "17" };
	static const struct {
		const char *text, *filled;
		int64_t result;
	} cases[] = {
		{ "", "", 0 },
		{ "plain", "plain", 5 },
		{ "\x01P,\x01M\x01P", "17,0123456789abcdef17", 21 },
		{ "\x01", NULL, -EBADMSG },
		{ "\x01Q", NULL, -EBADMSG },
	};
	uint8_t out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = strdup(cases[i].text);
		const struct nsi_kept_part part = { (uint8_t *)text, (uint32_t)strlen(text) };

		CHECK_EQUAL(nsi_kept_fill(&part, &values, out, 0, sizeof(out)), cases[i].result);
		if (cases[i].filled)
			CHECK(memcmp(out, cases[i].filled, strlen(cases[i].filled)) == 0);
		free(text);
	}
}

/* Nothing is written beyond the room, whatever is filled in. */
static void test_room(void)
{
	static const struct nsi_kept_values values = { .mark = "0123456789abcdef" };
	char text[] = "ab\x01M\x01M\x01M\x01Mcd";
	const struct nsi_kept_part part = { (uint8_t *)text, sizeof(text) - 1 };
	uint8_t out[128];

	for (int64_t size = 0; size < 128; size++) {
		memset(out, 0xee, sizeof(out));
		int64_t r = nsi_kept_fill(&part, &values, out, 0, size);

		CHECK(r == 68 || r == -EMSGSIZE);
		CHECK(r <= size);
		for (int64_t i = size; i < 128; i++)
			CHECK_EQUAL(out[i], 0xee);
	}
}

int main(void)
{
	test_times();
	test_start_time();
	test_fill();
	test_room();
	return 0;
}
