/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher.c - the program nsinit as it is distributed: starts Deno with its bundle
 * (launcher_bundle.c), unless a start is kept for the command line that can be carried
 * out as it is.
 *
 * It words no message but that there is no Deno: whatever fails before, TypeScript
 * tries again, and says why it fails.
 */
#include "cleanup.h"
#include "helper.h"
#include "kept.h"
#include "launcher_bundle.h"
#include "launcher_cache.h"
#include "nsinit.h"
#include "sys.h"
#include "text.h"
#include <linux/memfd.h>

#define PATH_SIZE NSI_BUNDLE_PATH_SIZE
#define OWN_WORDS 16
#define MAX_WORDS 2
#define COMMAND_WORDS 8
#define WORD_SIZE 32
#define OWN_VARIABLES 3
#define VARIABLE_FAILED "NSINIT_FAILED="
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

#define NO_CODE_CACHE "--no-code-cache"

/* As tasks/bundle.ts lists them. */
static const char *const options[] = {
	"--allow-all", "--no-config", "--no-lock", NO_CODE_CACHE, "--unstable-lazy-dynamic-imports",
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* For commands that are over before better code of their functions would be ready: then what
 * makes it costs more than it saves, and so do the threads that it is made on. Where a function
 * stands in the source is noted when it is compiled: else the first error that is caught has the
 * whole file parsed again. What is allocated has room until the end, without a collection. */
#define SHORT_FLAGS                                                         \
	"--v8-flags=--single-threaded,--no-opt,--no-sparkplug,--no-maglev," \
	"--no-enable-lazy-source-positions,--min-semi-space-size=16"
/* Code is kept of functions that are compiled at the start: so all of them are. */
#define KEPT_FLAGS SHORT_FLAGS ",--no-lazy"

/* What Deno is told besides: the hash of a command line to keep, the report of a failed start. */
static char keep[] = "NSINIT_KEEP=0123456789abcdef";
static char failed[sizeof("NSINIT_FAILED=") + 2 * sizeof(struct nsi_report)];
static const char *told;

/* The folder of the launcher. */
static char bundle[PATH_SIZE];

static void *allocate(size_t length)
{
	/* PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS */
	long r = NSI_SYS6(__NR_mmap, 0, length, 3, 0x22, -1, 0);

	if (r < 0 && r > -4096)
		nsi_sys_exit(NSI_EXIT_FAILED);
	return (void *)r;
}

/* Value of a variable; NULL when it is not set. */
static const char *variable(const char *const *envp, const char *name)
{
	const size_t length = nsi_text_length(name);

	for (; *envp; envp++) {
		size_t i = 0;

		while (i < length && (*envp)[i] == name[i])
			i++;
		if (i == length && (*envp)[i] == '=')
			return *envp + length + 1;
	}
	return NULL;
}

static size_t count(const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

/* Appends texts to a path; 0, or -1 when it becomes too long. */
static int extend(char path[PATH_SIZE], const char *one, const char *other)
{
	return nsi_text_append(path, PATH_SIZE, one) < 0 ||
			       nsi_text_append(path, PATH_SIZE, other) < 0 ?
		       -1 :
		       0;
}

static void append(const char **words, size_t *n, const char *word)
{
	words[(*n)++] = word;
}

/* Executes the program of a directory of the path, where there is one. */
static void try_directory(const char *directory, size_t length, const char *name,
			  const char *const *argv, const char *const *envp)
{
	char path[PATH_SIZE];

	if (length + nsi_text_length(name) + 2 > sizeof(path))
		return;
	/* An empty one is the current directory. */
	path[0] = '.';
	path[1] = 0;
	if (length) {
		__builtin_memcpy(path, directory, length);
		path[length] = 0;
	}
	(void)nsi_text_append(path, sizeof(path), "/");
	(void)nsi_text_append(path, sizeof(path), name);
	NSI_SYS3(__NR_execve, path, argv, envp);
}

static void execute(const char *name, const char *const *argv, const char *const *envp)
{
	const char *path = variable(envp, "PATH");
	const char *end;

	for (end = name; *end && *end != '/'; end++)
		;
	if (*end) {
		NSI_SYS3(__NR_execve, name, argv, envp);
		return;
	}
	for (path = path ? path : DEFAULT_PATH;; path = end + 1) {
		for (end = path; *end && *end != ':'; end++)
			;
		try_directory(path, (size_t)(end - path), name, argv, envp);
		if (!*end)
			return;
	}
}

static void say(const char *text)
{
	nsi_sys_write(2, text, nsi_text_length(text));
}

/* Words of command lines whose answer is a file of the bundle: no path can be made of them. */
static int is_plain(const char *word)
{
	size_t n = 0;

	for (; word[n]; n++)
		if (word[n] != '-' && (word[n] < 'a' || word[n] > 'z'))
			return 0;
	return n > 0 && n <= WORD_SIZE;
}

static int print_file(int fd)
{
	static char buffer[65536];
	long n, written, done = 0;

	while ((n = nsi_sys_read(fd, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < n; at += written) {
			written = nsi_sys_write(1, buffer + at, (size_t)(n - at));
			if (written <= 0)
				return done ? 0 : -1;
			done += written;
		}
	}
	return done ? 0 : -1;
}

/* The program, with what a command needs in the same file where the bundle has one; then 1. Any
 * such file holds or loads the whole program: a word that means something else only costs time. */
static int find_program(char program[PATH_SIZE], int is_oci, const char *const *args)
{
	const char *name = is_oci ? "/js/oci." : "/js/cli.";

	for (int i = 0; args[i] && i < COMMAND_WORDS; i++) {
		if (!is_plain(args[i]) || *args[i] == '-')
			continue;
		program[0] = 0;
		if (extend(program, bundle, name) == 0 && extend(program, args[i], ".js") == 0 &&
		    NSI_SYS3(__NR_faccessat, AT_FDCWD, program, 4 /* R_OK */) == 0)
			return 1;
	}
	program[0] = 0;
	return extend(program, bundle, name) < 0 || extend(program, "js", "") < 0 ? -1 : 0;
}

static int begins_with(const char *text, const char *start)
{
	while (*start && *text == *start) {
		text++;
		start++;
	}
	return !*start;
}

/* The words behind the directory of states, which no text depends on. Only a path that nobody
 * can take for an option is known as one here. */
static const char *const *skip_root(const char *const *args)
{
	if (args[0] && begins_with(args[0], "--root=/"))
		return args + 1;
	if (args[0] && args[1] && nsi_text_equal(args[0], "--root") && args[1][0] == '/')
		return args + 2;
	return args;
}

/* Prints what the bundle has for this command line; 0, or -1 when it has nothing. */
static int print_text(int is_oci, const char *const *args)
{
	char path[PATH_SIZE] = "";
	int r;

	args = skip_root(args);
	if (!is_oci && args[0] && nsi_text_equal(args[0], "oci")) {
		is_oci = 1;
		args = skip_root(args + 1);
	}
	r = extend(path, bundle, is_oci ? "/text-oci/" : "/text/");
	for (int i = 0; args[i] && r == 0; i++) {
		if (i >= MAX_WORDS || !is_plain(args[i]))
			return -1;
		r = extend(path, i ? "." : "", args[i]);
	}
	if (r == 0)
		r = extend(path, ".txt", "");
	NSI_AUTO_FD int fd = r < 0 ? -1 : nsi_sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	return fd < 0 ? -1 : print_file(fd);
}

static int start_deno(const char *program, int is_short, const char *const *args,
		      const char *const *envp)
{
	static char cache[PATH_SIZE];
	const int has_cache = is_short && nsi_cache_find(bundle, cache, sizeof(cache));
	const char **words = allocate((count(args) + OWN_WORDS) * sizeof(*words));
	const char **variables = allocate((count(envp) + OWN_VARIABLES + 1) * sizeof(*variables));
	const char *deno = variable(envp, "DENO");
	size_t n = 0, v = 0;

	deno = deno && *deno ? deno : "deno";
	append(words, &n, deno);
	append(words, &n, "run");
	for (size_t i = 0; i < OPTIONS; i++)
		if (!has_cache || !nsi_text_equal(options[i], NO_CODE_CACHE))
			append(words, &n, options[i]);
	if (is_short)
		append(words, &n, has_cache ? KEPT_FLAGS : SHORT_FLAGS);
	append(words, &n, program);
	while (*args)
		append(words, &n, *args++);
	append(variables, &v, "DENO_NO_UPDATE_CHECK=1");
	if (told)
		append(variables, &v, told);
	if (has_cache)
		append(variables, &v, cache);
	for (; *envp; envp++)
		if (!has_cache || !begins_with(*envp, "DENO_DIR="))
			append(variables, &v, *envp);
	execute(deno, words, variables);
	say("nsinit: Cannot execute Deno: install it, or name it by the variable DENO\n");
	return NSI_EXIT_NOT_FOUND;
}

static int is_exec(const char *const *args)
{
	while (*args && !nsi_text_equal(*args, "exec"))
		args++;
	return *args != NULL;
}

/* A terminal would have to be relayed. */
static int has_plain_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (nsi_sys_fcntl(fd, F_GETFD, 0) < 0 || nsi_isatty(fd))
			return 0;
	return 1;
}

/* Repeats a start, or asks for this one to be kept. */
static void consider(const char *const *args, const char *const *envp)
{
	static struct nsi_kept kept;
	static char cwd[PATH_SIZE];
	uint64_t hash;

	if (!is_exec(args) || !has_plain_streams() || NSI_SYS0(__NR_geteuid) != 0 ||
	    NSI_SYS0(__NR_getuid) != 0 || NSI_SYS2(__NR_getcwd, cwd, sizeof(cwd)) <= 0)
		return;
	hash = nsi_kept_hash(args, cwd);
	for (int i = 0; i < NSI_KEPT_DIGITS; i++)
		keep[sizeof(keep) - 2 - (size_t)i] = "0123456789abcdef"[hash >> 4 * i & 15];
	switch (nsi_kept_read(&kept, NSI_KEPT_COMMAND, args, envp, cwd)) {
	case NSI_KEPT_VALID:
		nsi_kept_start(&kept);
		/* Something was not as before. */
		told = keep;
		break;
	case NSI_KEPT_SEEN:
		told = keep;
		break;
	case NSI_KEPT_OTHER:
		nsi_kept_note(hash);
		break;
	case NSI_KEPT_LEFT:
	default:
		break;
	}
}

static void tell_failure(const struct nsi_report *report)
{
	const uint8_t *bytes = (const uint8_t *)report;
	size_t at = sizeof(VARIABLE_FAILED) - 1;

	__builtin_memcpy(failed, VARIABLE_FAILED, at);
	for (size_t i = 0; i < sizeof(*report); i++) {
		failed[at++] = "0123456789abcdef"[bytes[i] >> 4];
		failed[at++] = "0123456789abcdef"[bytes[i] & 15];
	}
	told = failed;
}

/*
 * nsi_helper() - what start.c enters; here the launcher
 * @argc: number of words
 * @argv: the command line, NULL, the environment, NULL
 *
 * Return: exit status.
 */
int nsi_helper(int argc, const char *const *argv)
{
	const char *const *envp = argv + argc + 1;
	const char *const *args = argc > 0 ? argv + 1 : argv;
	static char program[PATH_SIZE];
	struct nsi_report report = { 0 };
	int is_oci = 0, is_short = -1, status;

	if (nsi_bundle_find(bundle, &is_oci) == 0)
		is_short = find_program(program, is_oci, args);
	if (is_short < 0) {
		say("nsinit: Cannot find the bundle: /proc is not there, or its path is too long\n");
		return NSI_EXIT_FAILED;
	}
	/* That variable stands for an option, which not every command takes. */
	if (!variable(envp, "data_path") && print_text(is_oci, args) == 0)
		return 0;
	if (!is_oci) {
		consider(args, envp);
		return start_deno(program, is_short, args, envp);
	}
	status = nsi_kept_oci(args, envp, &report);
	if (status >= 0)
		return status;
	if (report.type == NSI_MSG_ERROR)
		tell_failure(&report);
	nsi_kept_make_directory();
	return start_deno(program, is_short, args, envp);
}
