/**
 * What shells offer for an unfinished command line, asked of the shells.
 *
 * @module
 */
import { mustRun } from "./nsinit.ts";

/** Shells that can be asked. */
export type Shell = "bash" | "zsh" | "fish";

/** A directory in which a shell is asked. */
export interface ShellPlace {
  /** The directory; files are made in it. */
  readonly dir: string;
  /** The completion script. */
  readonly script: string;
  /** Its main function; that of nsinit unless given. */
  readonly main?: string;
}

/** bash: the function of the script is called as readline calls it. */
const BASH = `source "$1/script"
while IFS= read -r line; do
	IFS=' ' read -r -a COMP_WORDS <<< "\${line//=/ = }"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
	_nsinit
	(IFS='|'; printf '%s\\n' "\${COMPREPLY[*]}")
done < "$1/lines"
`;

const FISH = `source $argv[1]/script
for line in (cat $argv[1]/lines)
	set -l found (complete -C $line | string split -f1 \\t | sort)
	echo (string join -- '|' $found)
end
`;

/** zsh: in a shell of its own on a terminal, where what is offered is caught. */
const ZSH = `zmodload zsh/zpty zsh/zselect
zpty inner zsh -f -i
zpty -w inner "dir=\${(q)1}; source \${(q)1}/inner; print READ""Y"
while zpty -r inner text; do [[ $text == *READY* ]] && break; done
while IFS= read -r line; do
	rm -f $1/offered
	zpty -n -w inner "$line"$'\\C-b'
	while [[ ! -s $1/offered ]]; do zselect -t 1; done
	cat $1/offered
	zpty -n -w inner $'\\C-u'
done < $1/lines
zpty -d inner
`;
const ZSH_INNER = `PROMPT=
fpath=($dir/functions $fpath)
autoload -U compinit; compinit -D -u
compadd() {
	local -a found
	if [[ " $* " == *\\ -[OAD]\\ * ]]; then builtin compadd "$@"; return; fi
	builtin compadd -A found "$@"; offered+=("\${found[@]}")
}
probe() {
	offered=(); _main_complete; compstate[list]=; compstate[insert]=
	print -r -- "\${(j:|:)offered}" > $dir/.new; mv $dir/.new $dir/offered
}
zle -C probe complete-word probe
bindkey "^B" probe
`;

/**
 * Asks a shell.
 *
 * @param shell Which one.
 * @param place Where, and the script.
 * @param lines Command lines; the last word of each is unfinished.
 * @returns What it offers for each, sorted.
 */
export async function offersOf(
  shell: Shell,
  { dir, script, main = "_nsinit" }: ShellPlace,
  lines: readonly string[],
): Promise<string[][]> {
  const write = (name: string, text: string): Promise<void> =>
    Deno.writeTextFile(`${dir}/${name}`, text);
  await write("lines", lines.map((line) => `${line}\n`).join(""));
  await write("script", script);
  const bash = BASH.replace("_nsinit", main);
  await write("run", { bash, fish: FISH, zsh: ZSH }[shell]);
  if (shell === "zsh") {
    await Deno.mkdir(`${dir}/functions`);
    await write(`functions/${main}`, script);
    await write("inner", ZSH_INNER);
  }
  const plain = { bash: "--norc", fish: "--no-config", zsh: "-f" }[shell];
  const text = await mustRun([shell, plain, `${dir}/run`, dir], {
    env: { HOME: dir, LC_ALL: "C" },
    timeoutMs: 60_000,
  });
  return text.split("\n").slice(0, lines.length).map((line) =>
    line === "" ? [] : line.split("|").sort()
  );
}
