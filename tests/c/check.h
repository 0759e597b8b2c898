/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - the little that the C tests need: checks that are counted and do
 * not stop the test, so that it still removes what it made.
 */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <stdio.h>

/* Status by which a test says that this machine or user cannot run it. */
#define CHECK_SKIPPED 77

static int check_failures;

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			check_failures++;                                                         \
		}                                                                                 \
	} while (0)

#define CHECK_EQ(found, wanted)                                                                 \
	do {                                                                                    \
		long long found_ = (long long)(found), wanted_ = (long long)(wanted);           \
                                                                                                \
		if (found_ != wanted_) {                                                        \
			fprintf(stderr, "%s:%d: %s is %lld, wanted %lld\n", __FILE__, __LINE__, \
				#found, found_, wanted_);                                       \
			check_failures++;                                                       \
		}                                                                               \
	} while (0)

/* Status for main() to return. */
static inline int check_result(void)
{
	if (check_failures)
		fprintf(stderr, "%d checks failed\n", check_failures);
	return check_failures != 0;
}

#endif
