/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_text.c - the string functions that take the place of libc's.
 */
#include "build_plan.h"
#include "text.h"

static void test_numbers(void)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ 4294967295, "4294967295" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char text[21];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK_EQUAL(nsi_text_number(text, cases[i].value), strlen(cases[i].text));
		CHECK(strcmp(text, cases[i].text) == 0);
	}
}

static void test_parse(void)
{
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{ "", -1 },
		{ "0", 0 },
		{ "007", 7 },
		{ "123456789", 123456789 },
		{ "-1", -1 },
		{ "1 ", -1 },
		{ " 1", -1 },
		{ "0x1", -1 },
		{ "1:", -1 },
		{ "99999999999999999999999", -1 },
		{ "18446744073709551616", -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_EQUAL(nsi_text_parse(cases[i].text), cases[i].value);
}

static void test_append(void)
{
	char buffer[6] = "";

	CHECK_EQUAL(nsi_text_append(buffer, sizeof(buffer), "ab"), 0);
	CHECK_EQUAL(nsi_text_append(buffer, sizeof(buffer), ""), 0);
	CHECK_EQUAL(nsi_text_append(buffer, sizeof(buffer), "cde"), 0);
	CHECK(strcmp(buffer, "abcde") == 0);
	CHECK_EQUAL(nsi_text_append(buffer, sizeof(buffer), "f"), -36);
	CHECK(strcmp(buffer, "abcde") == 0);
	CHECK_EQUAL(nsi_text_append(buffer, sizeof(buffer), ""), 0);
}

static void test_equal(void)
{
	CHECK(nsi_text_equal("", ""));
	CHECK(nsi_text_equal("init", "init"));
	CHECK(!nsi_text_equal("init", "ini"));
	CHECK(!nsi_text_equal("ini", "init"));
	CHECK(!nsi_text_equal("a", "b"));
	CHECK_EQUAL(nsi_text_length(""), 0);
	CHECK_EQUAL(nsi_text_length("abc"), 3);
}

int main(void)
{
	test_numbers();
	test_parse();
	test_append();
	test_equal();
	return 0;
}
