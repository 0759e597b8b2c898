/**
 * Completion for fish.
 *
 * @module
 */
import type {
  Completed,
  CompletedCommand,
  CompletedOption,
  Source,
} from "./model.ts";

/** Between single quotes. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

const SOURCES = {
  nothing: "",
  files: " -F",
  directories: " -a '(__fish_complete_directories)'",
  ids: " -a '(__nsinit_ids)'",
  programs: " -F -a '(__fish_complete_command)'",
} as const;

function offer(source: Source): string {
  if (source.kind !== "words") return SOURCES[source.kind];
  return ` -a ${quote(source.words.join(" "))}`;
}

function head({ options, commands }: Completed): string {
  const taking = [
    ["", options] as const,
    ...commands.map(({ command, options }) => [command.name, options] as const),
  ].flatMap(([name, set]) =>
    set.filter(({ value, isOptional }) => value !== undefined && !isOptional)
      .flatMap(({ spellings }) => spellings.map((text) => `${name}:${text}`))
  );
  const cases = commands.map(({ command, names }) =>
    `\t\t\t\tcase ${names.join(" ")}\n\t\t\t\t\tset name ${command.name}`
  );
  const early = commands.filter(({ command }) => command.stopEarly)
    .map(({ command }) => command.name);
  return `# fish completion for nsinit: put it into
# /usr/share/fish/vendor_completions.d/nsinit.fish

set -g __nsinit_taking ${taking.join(" ")}

# Prints the command that was typed, how many arguments follow it, and --root.
function __nsinit_typed
	set -l words (commandline -opc)
	set -l name
	set -l root
	set -l count 0
	set -l i 2
	while test $i -le (count $words)
		set -l word $words[$i]
		if string match -q -- '--root=*' $word
			set root (string replace -- --root= '' $word)
		else if contains -- :$word $__nsinit_taking
			set i (math $i + 1)
			test $word = --root; and set root $words[$i]
		else if test -n "$name"; and contains -- $name:$word $__nsinit_taking
			set i (math $i + 1)
		else if string match -q -- '-*' $word
			test $word = --; and set count (math $count + 1)
		else if test -z "$name"
			switch $word
${cases.join("\n")}
				case '*'
					return 1
			end
		else
			set count (math $count + 1)
			contains -- $name ${early.join(" ")}; and break
		end
		set i (math $i + 1)
	end
	printf '%s\\n' "$name" $count "$root"
end

function __nsinit_is
	set -l typed (__nsinit_typed); or return
	test "$typed[1]" = "$argv[1]"; or return
	test (count $argv) -lt 2; or test $typed[2] = $argv[2]
end

function __nsinit_after
	set -l typed (__nsinit_typed); or return
	test "$typed[1]" = "$argv[1]"; and test $typed[2] -ge $argv[2]
end

# Whether options of the command can still follow.
function __nsinit_takes
	set -l typed (__nsinit_typed); or return
	contains -- "$typed[1]" ${
    early.join(" ")
  }; and test $typed[2] != 0; and return 1
	test (count $argv) -eq 0; or test "$typed[1]" = $argv[1]
end

function __nsinit_ids
	set -l typed (__nsinit_typed)
	set -l root $typed[3]
	if test -z "$root"
		set root /run/nsinit
		if test (id -u) -ne 0
			set root /run/user/(id -u)/nsinit
			set -q XDG_RUNTIME_DIR; and set root $XDG_RUNTIME_DIR/nsinit
		end
	end
	for file in $root/*/state.json
		string split -r -m2 / $file | head -n2 | tail -n1
	end
end

complete -c nsinit -f`;
}

function optionLine(condition: string, completed: CompletedOption): string {
  const { option, value, isOptional } = completed;
  const names = [option.name, ...option.aliases ?? []]
    .map((name) => ` -l ${name}`).join("");
  const short = option.short === undefined ? "" : ` -s ${option.short}`;
  const takes = value === undefined || isOptional
    ? ""
    : `${value.kind === "files" ? " -r" : " -x"}${offer(value)}`;
  return `complete -c nsinit -n ${quote(condition)}${names}${short}${takes} ` +
    `-d ${quote(option.doc)}`;
}

function commandLines(completed: CompletedCommand): string[] {
  const { command: { name }, options, positionals, rest } = completed;
  const line = (condition: string, source: Source): string =>
    `complete -c nsinit -n ${quote(condition)}${offer(source)}`;
  const places = positionals.map((source, index) =>
    [`__nsinit_is ${name} ${index}`, source] as const
  );
  const after = rest === undefined
    ? []
    : [[`__nsinit_after ${name} ${positionals.length}`, rest] as const];
  return [
    ...options.map((option) => optionLine(`__nsinit_takes ${name}`, option)),
    ...[...places, ...after].filter(([, { kind }]) => kind !== "nothing")
      .map(([condition, source]) => line(condition, source)),
  ];
}

/**
 * Renders the completion for fish.
 *
 * Pure.
 *
 * @param program What can be completed.
 * @returns The script.
 */
export function fishCompletion(program: Completed): string {
  const { options, commands, globalsFirst } = program;
  const globalsWhere = globalsFirst ? "__nsinit_is ''" : "__nsinit_takes";
  const names = commands.map(({ command }) =>
    `complete -c nsinit -n "__nsinit_is ''" -a ${command.name} ` +
    `-d ${quote(command.summary)}`
  );
  return [
    head(program),
    ...options.map((option) => optionLine(globalsWhere, option)),
    ...names,
    ...commands.flatMap(commandLines),
    "",
  ].join("\n");
}
