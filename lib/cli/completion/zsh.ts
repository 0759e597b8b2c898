/**
 * Completion for zsh.
 *
 * @module
 */
import type {
  Completed,
  CompletedCommand,
  CompletedOption,
  Source,
} from "./model.ts";

const HEAD = `#compdef nsinit
# zsh completion for nsinit: put it into a directory of $fpath as _nsinit.

_nsinit_ids() {
	local root=$_nsinit_root
	local -a ids
	if [[ -z $root ]]; then
		root=/run/nsinit
		((EUID == 0)) || root=\${XDG_RUNTIME_DIR:-/run/user/$EUID}/nsinit
	fi
	ids=(\${~:-$root/*/state.json(N:h:t)})
	compadd -a ids
}`;

const ACTIONS = {
  nothing: " ",
  files: "_files",
  directories: "_files -/",
  ids: "_nsinit_ids",
  programs: "_command_names -e",
} as const;

/** Between single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What has a meaning in a specification of \`_arguments\`. */
function escape(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&");
}

function action(source: Source): string {
  if (source.kind !== "words") return ACTIONS[source.kind];
  return `(${source.words.join(" ")})`;
}

function valueOf({ option, value, isOptional }: CompletedOption): string {
  if (value === undefined) return "";
  const name = escape((option.metavar ?? "VALUE").replace(/\s/g, " "));
  return `${isOptional ? "::" : ":"}${name}:${action(value)}`;
}

function specifications(completed: CompletedOption): string[] {
  const { option, spellings, value, isOptional } = completed;
  const rest = `[${escape(option.doc)}]${valueOf(completed)}`;
  const others = option.repeatable ? "*" : `(${spellings.join(" ")})`;
  return spellings.map((spelling) => {
    const joint = value === undefined
      ? ""
      : spelling.startsWith("--")
      ? isOptional ? "=-" : "="
      : "+";
    return quote(`${others}${spelling}${joint}${rest}`);
  });
}

function argumentsOf({ positionals, rest }: CompletedCommand): string[] {
  const list = positionals.map((source, index) =>
    quote(`${index + 1}: :${action(source)}`)
  );
  return rest === undefined ? list : [...list, quote(`*: :${action(rest)}`)];
}

function commandCase(
  completed: CompletedCommand,
  globalsFirst: boolean,
): string {
  const { command, names, options } = completed;
  const stop = command.stopEarly ? ` -A '-*'` : "";
  const lines = [
    `_arguments -s${stop} :${globalsFirst ? "" : " $globals"}`,
    ...options.flatMap(specifications),
    ...argumentsOf(completed),
  ];
  return `\t${names.join(" | ")})\n\t\t${lines.join(" \\\n\t\t\t")}\n\t\t;;`;
}

/**
 * Renders the completion for zsh.
 *
 * Pure.
 *
 * @param program What can be completed.
 * @returns The script.
 */
export function zshCompletion(
  { options, commands, globalsFirst }: Completed,
): string {
  const described = commands.map(({ command }) =>
    `\t\t${quote(`${command.name}:${command.summary}`)}`
  );
  return `${HEAD}

_nsinit() {
	local context state state_descr line curcontext=$curcontext _nsinit_root
	local -A opt_args
	local -a globals commands
	globals=(
${options.flatMap(specifications).map((text) => `\t\t${text}`).join("\n")}
	)
	commands=(
${described.join("\n")}
	)
	_arguments -s -C -A '-*' : $globals '1: :->command' '*:: :->rest' && return
	_nsinit_root=\${opt_args[--root]}
	case $state in
	command)
		_describe -t commands command commands
		return
		;;
	rest) ;;
	*) return 1 ;;
	esac
	case $words[1] in
${commands.map((each) => commandCase(each, globalsFirst)).join("\n")}
	esac
}

# Loaded by compinit it completes; read by hand it only tells compinit.
if [[ $funcstack[1] == _nsinit ]]; then
	_nsinit "$@"
else
	compdef _nsinit nsinit
fi
`;
}
