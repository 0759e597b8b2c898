/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_monitor.c - a process starts a program and becomes its monitor: relay of
 * pipes and of a pty, signals, exit status, the end. Needs root.
 */
#include "build_plan.h"
#include "nsinit.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct session {
	pid_t pid;
	int in, out, err; /* our ends; with a terminal in and out are its outer end */
};

static void add_program(struct builder *b, const char *command)
{
	char argv[4096];
	int length = snprintf(argv, sizeof(argv), "sh%c-c%c%s", 0, 0, command) + 1;
	struct nsi_op *op = add_op(b, NSI_LIST_PARENT, NSI_OP_SPAWN);

	op->n[0] = (uint64_t)-1;
	add_op(b, NSI_LIST_PARENT, NSI_OP_AWAIT_EXEC);
	add_op(b, NSI_LIST_CHILD, NSI_OP_SESSION_NEW);
	op = add_op(b, NSI_LIST_CHILD, NSI_OP_EXEC);
	op->s[0] = add_list(b, "/bin/sh");
	op->s[1] = add_bytes(b, argv, (uint32_t)length);
	op->s[2] = add_list(b, "PATH=/usr/bin:/bin");
}

static void put_aside(int *saved)
{
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 20);
		CHECK(saved[i] >= 0);
	}
}

static void take_back(const int *saved)
{
	for (int i = 0; i < 3; i++) {
		CHECK(dup2(saved[i], i) == i);
		close(saved[i]);
	}
}

/* The program gets @theirs as 0 to 2, the monitor keeps its own. */
static void become_monitor(const char *command, const int *theirs, const int *ours, int master,
			   const char *missing)
{
	static struct builder first, second;
	static struct nsi_run run;
	struct nsi_op *op;
	uint32_t length;
	uint8_t *plan;
	int saved[3], pidfd;

	builder_reset(&first);
	add_program(&first, command);
	plan = pack(&first, &length);
	put_aside(saved);
	for (int i = 0; i < 3; i++)
		CHECK(dup2(theirs[i], i) == i);
	CHECK_EQUAL(nsi_run_init(&run, sizeof(run), plan, length), 0);
	CHECK_EQUAL(nsi_run_parent(&run, 0, 2), 0);
	take_back(saved);
	pidfd = nsi_run_take_pidfd(&run);
	for (int i = 0; i < 3; i++)
		close(theirs[i]);

	builder_reset(&second);
	op = add_op(&second, NSI_LIST_PARENT, NSI_OP_MONITOR);
	op->flags = master >= 0 ? 3 : 0;
	op->n[0] = (uint64_t)pidfd;
	op->n[1] = (uint64_t)(int64_t)master;
	for (int i = 0; i < 3; i++)
		op->n[2 + i] = master >= 0 ? (uint64_t)-1 : (uint64_t)(int64_t)ours[i];
	op->s[0] = add_text(&second, "could not clean up");
	if (missing) {
		op = add_op(&second, NSI_LIST_UNDO, NSI_OP_DIR_REMOVE);
		op->s[0] = add_text(&second, missing);
	}
	plan = pack(&second, &length);
	CHECK_EQUAL(nsi_run_init(&run, sizeof(run), plan, length), 0);
	CHECK_EQUAL(nsi_run_monitor(&run), 0);
	exit(99);
}

static struct session start_piped(const char *command, const char *missing)
{
	int outer[3][2], inner[3][2];
	struct session s;

	for (int i = 0; i < 3; i++)
		CHECK(pipe2(outer[i], O_CLOEXEC) == 0 && pipe2(inner[i], O_CLOEXEC) == 0);
	s.pid = fork();
	CHECK(s.pid >= 0);
	if (s.pid == 0) {
		const int theirs[3] = { inner[0][0], inner[1][1], inner[2][1] };
		const int ours[3] = { inner[0][1], inner[1][0], inner[2][0] };

		CHECK(dup2(outer[0][0], 0) == 0 && dup2(outer[1][1], 1) == 1);
		CHECK(dup2(outer[2][1], 2) == 2);
		become_monitor(command, theirs, ours, -1, missing);
	}
	for (int i = 0; i < 3; i++) {
		close(outer[i][i ? 1 : 0]);
		close(inner[i][0]);
		close(inner[i][1]);
	}
	s.in = outer[0][1];
	s.out = outer[1][0];
	s.err = outer[2][0];
	return s;
}

static struct session start_terminal(const char *command)
{
	struct winsize size = { .ws_row = 33, .ws_col = 77 };
	int outer, outer_inner, master, inner;
	struct session s;

	CHECK(openpty(&outer, &outer_inner, NULL, NULL, &size) == 0);
	CHECK(openpty(&master, &inner, NULL, NULL, NULL) == 0);
	s.pid = fork();
	CHECK(s.pid >= 0);
	if (s.pid == 0) {
		const int theirs[3] = { inner, fcntl(inner, F_DUPFD, 10),
					fcntl(inner, F_DUPFD, 10) };

		setsid();
		for (int i = 0; i < 3; i++)
			CHECK(dup2(outer_inner, i) == i);
		ioctl(0, TIOCSCTTY, 0);
		close(outer);
		become_monitor(command, theirs, NULL, master, NULL);
	}
	close(inner);
	close(master);
	/* outer_inner stays open: its settings are looked at afterwards. */
	s.in = s.out = outer;
	s.err = outer_inner;
	return s;
}

/* Everything until @want has come or the end. */
static size_t read_all(int fd, char *text, size_t size, const char *want)
{
	size_t have = 0;

	text[0] = 0;
	while (have + 1 < size && !(want && strstr(text, want))) {
		struct pollfd waiting = { .fd = fd, .events = POLLIN };
		ssize_t r;

		if (poll(&waiting, 1, 5000) != 1)
			break;
		r = read(fd, text + have, size - have - 1);
		if (r <= 0)
			break;
		have += (size_t)r;
		text[have] = 0;
	}
	return have;
}

static int end(struct session *s)
{
	int status;

	close(s->in);
	if (s->out != s->in)
		close(s->out);
	close(s->err);
	CHECK(waitpid(s->pid, &status, 0) == s->pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_pipes(void)
{
	struct session s = start_piped("cat; echo bad >&2; exit 5", NULL);
	static char text[300000], big[200000];
	size_t sent = 0, have = 0;

	memset(big, 'x', sizeof(big));
	CHECK(fcntl(s.in, F_SETFL, O_NONBLOCK) == 0);
	/* More than all pipes hold, both ways at once. */
	while (sent < sizeof(big)) {
		ssize_t r = write(s.in, big + sent, sizeof(big) - sent);

		if (r > 0)
			sent += (size_t)r;
		else
			have += read_all(s.out, text + have, 4096, "x");
	}
	close(s.in);
	s.in = open("/dev/null", O_RDONLY);
	have += read_all(s.out, text + have, sizeof(text) - have, NULL);
	CHECK_EQUAL(have, sizeof(big));
	CHECK_EQUAL(read_all(s.err, text, sizeof(text), NULL), 4);
	CHECK(strcmp(text, "bad\n") == 0);
	CHECK_EQUAL(end(&s), 5);
}

static void test_signals(void)
{
	struct session s = start_piped("trap 'echo got; exit 4' USR1; echo up; "
				       "while :; do sleep 0.05; done",
				       NULL);
	char text[256];

	read_all(s.out, text, sizeof(text), "up\n");
	kill(s.pid, SIGUSR1);
	read_all(s.out, text, sizeof(text), NULL);
	CHECK(strcmp(text, "got\n") == 0);
	CHECK_EQUAL(end(&s), 4);

	s = start_piped("echo up; exec sleep 100", NULL);
	read_all(s.out, text, sizeof(text), "up\n");
	kill(s.pid, SIGTERM);
	CHECK_EQUAL(end(&s), 128 + SIGTERM);
}

/* As without a relay: who writes when nobody reads gets SIGPIPE; the exit status comes. */
static void test_lost_reader(void)
{
	struct session s = start_piped("yes; kill -l $? >&2; exit 6", NULL);
	char text[256];

	read_all(s.out, text, 10, NULL);
	close(s.out);
	s.out = open("/dev/null", O_RDONLY);
	read_all(s.err, text, sizeof(text), NULL);
	CHECK(strcmp(text, "PIPE\n") == 0);
	CHECK_EQUAL(end(&s), 6);
}

/* Who outlives the program and holds the pipe does not keep the monitor. */
static void test_left_over(void)
{
	struct session s = start_piped("sleep 3 & echo $!; exit 8", NULL);
	char text[256];

	read_all(s.out, text, sizeof(text), NULL);
	CHECK(atoi(text) > 1);
	CHECK_EQUAL(end(&s), 8);
	CHECK(kill(atoi(text), SIGKILL) == 0);

	s = start_piped("(trap '' PIPE; while echo y; do :; done) 2>/dev/null & exit 8", NULL);
	read_all(s.out, text, 10, NULL);
	CHECK_EQUAL(end(&s), 8);
}

static void test_undo(void)
{
	char path[] = "/tmp/nsinit-test-XXXXXX", file[64], text[256];
	struct session s;

	CHECK(mkdtemp(path));
	s = start_piped("exit 3", path);
	CHECK_EQUAL(end(&s), 3);
	CHECK(access(path, F_OK) < 0 && errno == ENOENT);

	/* It fails: the message, and still the program's status. */
	CHECK(mkdir(path, 0700) == 0);
	snprintf(file, sizeof(file), "%s/x", path);
	CHECK(mkdir(file, 0700) == 0);
	s = start_piped("exit 3", path);
	read_all(s.err, text, sizeof(text), NULL);
	CHECK(strcmp(text, "could not clean up\n") == 0);
	CHECK_EQUAL(end(&s), 3);
	CHECK(rmdir(file) == 0 && rmdir(path) == 0);
}

static void test_terminal(void)
{
	/* The size is taken over when the monitor is ready, which may be after the program. */
	struct session s =
		start_terminal("until [ \"$(stty size)\" = '33 77' ]; do sleep 0.05; done; "
			       "stty size; read a; echo \"<$a>\"; read b; "
			       "echo eof$?; exit 2");
	struct termios before, after;
	struct winsize size = { .ws_row = 11, .ws_col = 22 };
	char text[1024];

	CHECK(tcgetattr(s.err, &before) == 0);
	read_all(s.out, text, sizeof(text), "33 77");
	CHECK(strstr(text, "33 77"));
	CHECK(tcgetattr(s.err, &after) == 0);
	CHECK(!(after.c_lflag & ICANON));
	CHECK(write(s.in, "hello\r", 6) == 6);
	read_all(s.out, text, sizeof(text), "<hello>");
	CHECK(strstr(text, "<hello>"));
	CHECK(write(s.in, "\4", 1) == 1);
	read_all(s.out, text, sizeof(text), "eof1");
	CHECK(strstr(text, "eof1"));
	int status;
	CHECK(waitpid(s.pid, &status, 0) == s.pid);
	CHECK_EQUAL(WEXITSTATUS(status), 2);
	CHECK(tcgetattr(s.err, &after) == 0);
	CHECK(after.c_lflag & ICANON);
	close(s.in);
	close(s.err);

	/* A new size arrives; a fatal signal ends the program and puts the settings back. */
	s = start_terminal("echo up; sleep 0.3; stty size; exec sleep 100");
	read_all(s.out, text, sizeof(text), "up");
	CHECK(ioctl(s.in, TIOCSWINSZ, &size) == 0);
	kill(s.pid, SIGWINCH);
	read_all(s.out, text, sizeof(text), "11 22");
	CHECK(strstr(text, "11 22"));
	kill(s.pid, SIGTERM);
	CHECK(waitpid(s.pid, &status, 0) == s.pid);
	CHECK_EQUAL(WEXITSTATUS(status), 128 + SIGTERM);
	CHECK(tcgetattr(s.err, &after) == 0);
	CHECK(after.c_lflag & ICANON);
	close(s.in);
	close(s.err);
}

/* All that was written just before the end comes through the pty. */
static void test_terminal_rest(void)
{
	for (int i = 0; i < 20; i++) {
		struct session s = start_terminal("seq 1 2000; echo last");
		static char text[65536];

		read_all(s.out, text, sizeof(text), "last");
		CHECK(strstr(text, "2000\r\nlast"));
		int status;
		CHECK(waitpid(s.pid, &status, 0) == s.pid);
		CHECK_EQUAL(WEXITSTATUS(status), 0);
		close(s.in);
		close(s.err);
	}
}

int main(void)
{
	if (geteuid()) {
		puts("needs root");
		return 77;
	}
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	test_pipes();
	test_signals();
	test_lost_reader();
	test_left_over();
	test_undo();
	test_terminal();
	test_terminal_rest();
	return 0;
}
