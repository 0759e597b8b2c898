/**
 * Completion for bash.
 *
 * @module
 */
import type { Completed, CompletedOption, Source } from "./model.ts";

/** Prints a comment of its own and reads nothing but directories' names. */
const HEAD = `# bash completion for nsinit: put it into
# /usr/share/bash-completion/completions/nsinit, or run
#   source <(nsinit completion bash)

_nsinit_ids() {
	local root=$1 path
	if [[ -z $root ]]; then
		root=/run/nsinit
		((EUID == 0)) || root=\${XDG_RUNTIME_DIR:-/run/user/$EUID}/nsinit
	fi
	for path in "$root"/*/state.json; do
		[[ -e $path ]] || continue
		path=\${path%/state.json}
		printf '%s\\n' "\${path##*/}"
	done
}

_nsinit_offer() {
	local IFS=$'\\n' kind=$1
	shift
	case $kind in
	words) COMPREPLY=($(compgen -W "$(printf '%s\\n' "$@")" -- "$cur")) ;;
	ids) COMPREPLY=($(compgen -W "$(_nsinit_ids "$root")" -- "$cur")) ;;
	files)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$cur"))
		;;
	directories)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -d -- "$cur"))
		;;
	programs)
		compopt -o filenames 2>/dev/null
		if [[ $cur == */* ]]; then
			COMPREPLY=($(compgen -f -- "$cur"))
		else
			COMPREPLY=($(compgen -c -- "$cur"))
		fi
		;;
	esac
}
`;

const MAIN = `
_nsinit() {
	local cur word root= command= stops= value=
	local -i i=1 count=0 ended=0
	COMPREPLY=()
	cur=\${COMP_WORDS[COMP_CWORD]}
	for ((; i < COMP_CWORD; i++)); do
		word=\${COMP_WORDS[i]}
		if ((ended)); then
			count+=1
		elif [[ $word == -- ]]; then
			ended=1
		elif [[ $word == -* ]]; then
			# bash makes three words of --name=value.
			if [[ \${COMP_WORDS[i + 1]} == = ]]; then
				((i + 2 > COMP_CWORD)) || value=\${COMP_WORDS[i + 2]}
				((i + 1 == COMP_CWORD)) && cur=
				if ((i + 2 >= COMP_CWORD)); then
					_nsinit_value "$command" "$word"
					return
				fi
				i+=2
			elif _nsinit_takes_value "$command" "$word"; then
				if ((i + 1 == COMP_CWORD)); then
					_nsinit_value "$command" "$word"
					return
				fi
				i+=1
				value=\${COMP_WORDS[i]}
			else
				continue
			fi
			[[ $word == --root ]] && root=$value
		elif [[ -z $command ]]; then
			_nsinit_command "$word" || return
		else
			count+=1
			[[ -n $stops ]] && ended=1
		fi
	done
	if ((!ended)) && [[ $cur == -* ]]; then
		_nsinit_options "$command"
	elif [[ -z $command ]]; then
		_nsinit_offer words $_nsinit_commands
	else
		_nsinit_argument "$command" "$count"
	fi
}

complete -F _nsinit nsinit`;

function quote(word: string): string {
  return /^[\w.:/=-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", "'\\''")}'`;
}

function offer(source: Source): string {
  return source.kind === "words"
    ? `_nsinit_offer words ${source.words.map(quote).join(" ")}`
    : source.kind === "nothing"
    ? ":"
    : `_nsinit_offer ${source.kind}`;
}

/** A `case` of the words \`command:option\`; global options stand for every command. */
function patternsOf(
  command: string,
  options: readonly CompletedOption[],
): [string, Source][] {
  return options.flatMap(({ spellings, value, isOptional }) => {
    if (value === undefined) return [];
    const prefix = command === "" ? "*" : command;
    const pattern = spellings.map((text) => `${prefix}:${text}`).join(" | ");
    return [[pattern, isOptional ? { kind: "nothing" } : value]];
  });
}

function isTaking({ value, isOptional }: CompletedOption): boolean {
  return value !== undefined && !isOptional;
}

function takesValue({ options, commands }: Completed): string {
  const sets = [
    ["*", options] as const,
    ...commands.map(({ command, options }) => [command.name, options] as const),
  ];
  const lines = sets.flatMap(([name, set]) => {
    const taking = set.filter(isTaking).flatMap(({ spellings }) => spellings);
    return taking.length === 0 ? [] : [
      `\t${taking.map((text) => `${name}:${text}`).join(" | ")}) return 0 ;;`,
    ];
  });
  return `_nsinit_takes_value() {\n\tcase $1:$2 in\n${
    lines.join("\n")
  }\n\tesac\n\treturn 1\n}`;
}

function value({ options, commands }: Completed): string {
  const patterns = [
    ...patternsOf("", options),
    ...commands.flatMap(({ command, options }) =>
      patternsOf(command.name, options)
    ),
  ];
  const lines = patterns.filter(([, { kind }]) => kind !== "nothing")
    .map(([pattern, source]) => `\t${pattern}) ${offer(source)} ;;`);
  return `_nsinit_value() {\n\tcase $1:$2 in\n${lines.join("\n")}\n\tesac\n}`;
}

/** Spellings that are offered: an alias is known, but one name is enough. */
function offeredOptions(options: readonly CompletedOption[]): string {
  return options.flatMap(({ option, value, isOptional }) =>
    isOptional && value !== undefined
      ? [`--${option.name}`, `--${option.name}=`]
      : [`--${option.name}`]
  ).join(" ");
}

function optionWords(
  { options, commands, globalsFirst }: Completed,
): string {
  const global = offeredOptions(options);
  const after = globalsFirst ? "" : global;
  const lines = commands.map(({ command, options }) =>
    `\t${command.name}) _nsinit_offer words ${
      `${offeredOptions(options)} ${after}`.trim()
    } ;;`
  );
  return `_nsinit_options() {\n\tcase $1 in\n\t'') _nsinit_offer words ${global} ;;\n${
    lines.join("\n")
  }\n\tesac\n}`;
}

function commandNames({ commands }: Completed): string {
  const names = commands.map(({ command }) => command.name).join(" ");
  const lines = commands.map(({ command, names }) =>
    `\t${names.join(" | ")}) command=${command.name}${
      command.stopEarly ? " stops=1" : ""
    } ;;`
  );
  return `_nsinit_commands='${names}'\n\n_nsinit_command() {\n\tcase $1 in\n${
    lines.join("\n")
  }\n\t*) return 1 ;;\n\tesac\n}`;
}

function argumentSources({ commands }: Completed): string {
  const lines = commands.flatMap(({ command, positionals, rest }) => [
    ...positionals.map((source, index) =>
      `\t${command.name}:${index}) ${offer(source)} ;;`
    ),
    ...rest === undefined ? [] : [`\t${command.name}:*) ${offer(rest)} ;;`],
  ]);
  return `_nsinit_argument() {\n\tcase $1:$2 in\n${
    lines.join("\n")
  }\n\tesac\n}`;
}

/**
 * Renders the completion for bash.
 *
 * Pure. The script starts no program: ids are names of directories.
 *
 * @param program What can be completed.
 * @returns The script.
 */
export function bashCompletion(program: Completed): string {
  return `${
    [
      HEAD,
      commandNames(program),
      takesValue(program),
      value(program),
      optionWords(program),
      argumentSources(program),
    ].join("\n\n").replace("\n\n\n", "\n\n")
  }\n${MAIN}\n`;
}
