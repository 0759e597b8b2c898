/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_oci.c - the commands by which engines drive a container after its create:
 * state, start, kill and delete, from what TypeScript has left at the create.
 *
 * They are carried out only in their usual case, for a container whose record
 * nobody has changed since. Everything else is Deno's: what fails before it has had
 * an effect, and unusual options. When a program that was let go cannot be executed,
 * Deno is told of the report, words it and ends the container.
 */
#include "kept.h"
#include "nsinit.h"
#include "process.h"
#include "slot.h"
#include "sys.h"
#include "text.h"

#define DEFAULT_ROOT "/run/nsinit-oci"
#define TEXT_SIZE (1u << 20)
#define NOT_OURS (-1)
#define SIGKILL 9

/* What is asked of which container. */
struct request {
	const char *root[2]; /* NULL behind it */
	const char *command, *id, *signal;
	int force;
};

static struct nsi_kept kept;
static struct nsi_kept_values values;
static struct nsi_run run;
static uint8_t text[TEXT_SIZE];

/* Options before the command that change nothing of what succeeds here. */
static const char *const quiet_options[] = { "--log", "--log-format", "--cgroup-manager", NULL };

static const char *after_equals(const char *word, const char *option)
{
	while (*option && *word == *option) {
		word++;
		option++;
	}
	return !*option && *word == '=' ? word + 1 : NULL;
}

/* Moves behind an option with its value; 0 when it is another one. */
static int skip_option(const char *const **args, const char *option, const char **value)
{
	*value = after_equals(**args, option);
	if (*value) {
		(*args)++;
		return 1;
	}
	if (!nsi_text_equal(**args, option) || !(*args)[1])
		return 0;
	*value = (*args)[1];
	*args += 2;
	return 1;
}

static int read_globals(const char *const **args, struct request *request)
{
	const char *value;

	while (**args && ***args == '-') {
		int known = 0;

		if (nsi_text_equal(**args, "--systemd-cgroup")) {
			(*args)++;
			continue;
		}
		if (skip_option(args, "--root", &value)) {
			request->root[0] = value;
			continue;
		}
		for (int i = 0; quiet_options[i] && !known; i++)
			known = skip_option(args, quiet_options[i], &value);
		if (!known)
			return 0;
	}
	return **args != NULL;
}

/* [GLOBALS] COMMAND [--force] ID [SIGNAL] */
static int read_request(const char *const *args, struct request *request)
{
	request->root[0] = DEFAULT_ROOT;
	if (!read_globals(&args, request) || *request->root[0] != '/')
		return 0;
	request->command = *args++;
	if (*args && (nsi_text_equal(*args, "--force") || nsi_text_equal(*args, "-f"))) {
		request->force = 1;
		args++;
	}
	if (!*args || !nsi_text_is_name(*args) || **args == '-')
		return 0;
	request->id = *args++;
	if (*args)
		request->signal = *args++;
	return !*args;
}

/* Numbers of the signals that engines send; 0 for others. */
static int signal_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {
		{ "KILL", 9 }, { "TERM", 15 }, { "INT", 2 },   { "HUP", 1 },
		{ "QUIT", 3 }, { "USR1", 10 }, { "USR2", 12 },
	};
	int64_t number = nsi_text_parse(name);

	if (number > 0 && number <= 31)
		return (int)number;
	if (name[0] == 'S' && name[1] == 'I' && name[2] == 'G')
		name += 3;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (nsi_text_equal(name, known[i].name))
			return known[i].number;
	return 0;
}

/* The process, as two texts. */
static int find_process(void)
{
	const char *pid = nsi_kept_string(&kept, NSI_KEPT_PROCESS), *start;

	if (!pid)
		return 0;
	start = pid + nsi_text_length(pid) + 1;
	if (start >= pid + kept.part[NSI_KEPT_PROCESS].length)
		return 0;
	return nsi_text_append(values.pid, sizeof(values.pid), pid) == 0 &&
	       nsi_text_append(values.start, sizeof(values.start), start) == 0;
}

static int lives(void)
{
	return nsi_kept_lives(values.pid, values.start);
}

static int is_held(void)
{
	return kept.part[NSI_KEPT_HELD].data != NULL;
}

static int print_all(int64_t length)
{
	for (int64_t done = 0; done < length;) {
		long n = nsi_sys_write(1, text + done, (size_t)(length - done));

		if (n <= 0)
			return done ? 1 : NOT_OURS;
		done += n;
	}
	return 0;
}

static int answer_state(void)
{
	const char *status = !lives() ? "stopped" : is_held() ? "created" : "running";
	struct nsi_kept_values answer = values;
	int64_t length;

	if (nsi_text_equal(status, "running") && !nsi_kept_is_thawed(&kept))
		return NOT_OURS;
	(void)nsi_text_append(answer.status, sizeof(answer.status), status);
	if (nsi_text_equal(status, "stopped"))
		nsi_text_number(answer.pid, 0);
	length = nsi_kept_fill(&kept.part[NSI_KEPT_ANSWER], &answer, text, 0, sizeof(text));
	return length <= 0 ? NOT_OURS : print_all(length);
}

/* Its number may be another's by now, until the descriptor is there. */
static int send_signal(const struct request *request)
{
	int number = signal_of(request->signal ? request->signal : "TERM"), pidfd, r;

	if (!number || (number == SIGKILL && !nsi_kept_is_thawed(&kept)))
		return NOT_OURS;
	pidfd = (int)NSI_SYS2(__NR_pidfd_open, nsi_text_parse(values.pid), 0);
	if (pidfd < 0)
		return NOT_OURS;
	r = lives() ? nsi_process_signal(pidfd, number) : -ESRCH;
	nsi_sys_close(pidfd);
	return r == 0 ? 0 : NOT_OURS;
}

/* Locks the container; the record must still be what it was. */
static int lock(const struct request *request)
{
	int fd = nsi_state_lock(request->root[0], request->id, 0);

	if (fd >= 0 && !nsi_kept_holds_record(&kept)) {
		nsi_sys_close(fd);
		return -ESTALE;
	}
	return fd;
}

static int open_plan(uint32_t type)
{
	const struct nsi_kept_part *plan = &kept.part[type];

	return plan->data ? nsi_run_init(&run, sizeof(run), plan->data, plan->length) : -EBADMSG;
}

static int delete_stopped(const struct request *request)
{
	int fd, r;

	/* One that waits and has not been started is to be killed first. */
	if (lives())
		return NOT_OURS;
	fd = lock(request);
	if (fd < 0)
		return NOT_OURS;
	r = open_plan(NSI_KEPT_UNDO);
	if (r == 0)
		r = nsi_run_undo(&run);
	nsi_sys_close(fd);
	return r == 0 ? 0 : NOT_OURS;
}

static int write_state(const char *dir)
{
	int64_t length =
		nsi_kept_fill(&kept.part[NSI_KEPT_RUNNING], &values, text, 0, sizeof(text));

	if (length >= 0)
		length = nsi_kept_fill(&kept.part[NSI_KEPT_TAIL], &values, text, length,
				       sizeof(text));
	if (length < 0)
		return (int)length;
	return nsi_record_write(dir, "state.json", ".state.json.nsinit", text, (uint64_t)length,
				0600);
}

/* It waits no more. */
static void note_start(void)
{
	const uint32_t type = NSI_KEPT_DONE;

	__builtin_memcpy(kept.part[NSI_KEPT_HELD].data - sizeof(struct nsi_kept_item), &type,
			 sizeof(type));
	if (nsi_kept_renew_record(&kept) == 0)
		(void)nsi_kept_write(&kept);
}

static uint32_t find_operation(uint16_t kind)
{
	uint32_t i = 0;

	while (i < run.plan.count[NSI_LIST_PARENT] && run.plan.op[NSI_LIST_PARENT][i].kind != kind)
		i++;
	return i;
}

/* From the release on there is no way back. */
static int let_go(const char *dir)
{
	uint32_t count = run.plan.count[NSI_LIST_PARENT];
	uint32_t save = find_operation(NSI_OP_STATE_SAVE);
	int r = nsi_run_parent(&run, find_operation(NSI_OP_RELEASE), save);

	if (r >= 0 && save < count) {
		r = write_state(dir);
		if (r == 0)
			r = nsi_run_parent(&run, save + 1, count);
	}
	return r;
}

static int start_held(const struct request *request, struct nsi_report *report)
{
	static char dir[4096];
	int fd, r;

	if (!is_held() || !lives())
		return NOT_OURS;
	if (nsi_text_append(dir, sizeof(dir), request->root[0]) < 0 ||
	    nsi_text_append(dir, sizeof(dir), "/") < 0 ||
	    nsi_text_append(dir, sizeof(dir), request->id) < 0)
		return NOT_OURS;
	fd = lock(request);
	if (fd < 0)
		return NOT_OURS;
	r = nsi_kept_values(&values);
	if (r == 0)
		r = open_plan(NSI_KEPT_PLAN);
	if (r == 0)
		r = nsi_run_parent(&run, 0, find_operation(NSI_OP_RELEASE));
	if (r < 0) {
		(void)nsi_run_close(&run);
		nsi_sys_close(fd);
		return NOT_OURS;
	}
	r = let_go(dir);
	if (r >= 0)
		note_start();
	else
		*report = run.report;
	if (r < 0)
		(void)nsi_run_abort(&run);
	(void)nsi_run_close(&run);
	nsi_sys_close(fd);
	return r >= 0 ? 0 : NOT_OURS;
}

static int carry_out(const struct request *request, struct nsi_report *report)
{
	if (request->signal && !nsi_text_equal(request->command, "kill"))
		return NOT_OURS;
	if (nsi_text_equal(request->command, "delete"))
		return delete_stopped(request);
	if (request->force)
		return NOT_OURS;
	if (nsi_text_equal(request->command, "state"))
		return answer_state();
	if (nsi_text_equal(request->command, "kill"))
		return send_signal(request);
	if (nsi_text_equal(request->command, "start"))
		return start_held(request, report);
	return NOT_OURS;
}

/*
 * nsi_kept_oci() - carry out a command of an engine
 * @args:   the command line without the program's name
 * @envp:   environment
 * @report: gets the failure of a program that was let go; its type stays 0 otherwise
 *
 * Return: exit status, or -1 when Deno has to do it.
 */
int nsi_kept_oci(const char *const *args, const char *const *envp, struct nsi_report *report)
{
	struct request request = { 0 };

	nsi_run_reset(&run);
	if (NSI_SYS0(__NR_geteuid) != 0 || !read_request(args, &request))
		return NOT_OURS;
	if (nsi_kept_read(&kept, NSI_KEPT_CONTAINER, request.root, envp, request.id) !=
		    NSI_KEPT_VALID ||
	    !find_process())
		return NOT_OURS;
	return carry_out(&request, report);
}
