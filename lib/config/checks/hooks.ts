/**
 * Checks of hooks: what cannot be executed is found before anything is made.
 *
 * @module
 */
import type { JsonPath } from "../json_scan.ts";
import { quote } from "../problems.ts";
import { HOOK_KINDS } from "../sections/hooks.ts";
import type { Config, Hook } from "../types.ts";
import { type Check, findPathFault, type Report } from "./report.ts";

/** Arguments or variables of one hook. */
const MAX_WORDS = 1000;
/** Longest argument that the kernel takes (MAX_ARG_STRLEN), without its NUL. */
const MAX_WORD = 131_071;
/** Seconds; more than a container lives. */
const MAX_TIMEOUT = 2 ** 31;
const MAX_HOOKS = 100;

function checkWords(
  words: readonly string[],
  at: JsonPath,
  report: Report,
): void {
  if (words.length > MAX_WORDS) report(at, `wanted up to ${MAX_WORDS}`);
  for (const [index, word] of words.entries()) {
    if (!word.includes("\0") && word.length <= MAX_WORD) continue;
    report([...at, index], "holds a NUL character, or is too long");
  }
}

function checkHook(hook: Hook, at: JsonPath, report: Report): void {
  const { path, args = [path], env = [], dir = "", timeout = 1 } = hook;
  const fault = findPathFault(path);
  if (fault !== undefined) report([...at, "path"], fault);
  checkWords(args, [...at, "args"], report);
  checkWords(env, [...at, "env"], report);
  for (const [index, entry] of env.entries()) {
    if (/^[^=]+=/.test(entry)) continue;
    const message = `found ${quote(entry)}, wanted NAME=VALUE`;
    report([...at, "env", index], message);
  }
  const dirFault = dir === "" ? undefined : findPathFault(dir);
  if (dirFault !== undefined) report([...at, "dir"], dirFault);
  if (!(timeout > 0 && timeout <= MAX_TIMEOUT)) {
    const message = `found ${timeout}, wanted more than 0 seconds, or nothing` +
      " for no limit";
    report([...at, "timeout"], message);
  }
}

function checkHooks({ hooks }: Config, report: Report): void {
  if (hooks === undefined) return;
  const known: readonly string[] = HOOK_KINDS;
  for (const kind of Object.keys(hooks)) {
    if (known.includes(kind)) continue;
    report(["hooks", kind], `unknown; wanted one of ${known.join(", ")}`);
  }
  for (const kind of HOOK_KINDS) {
    const list = hooks[kind] ?? [];
    if (list.length > MAX_HOOKS) {
      report(["hooks", kind], `wanted up to ${MAX_HOOKS} hooks`);
    }
    for (const [index, hook] of list.entries()) {
      checkHook(hook, ["hooks", kind, index], report);
    }
  }
}

/** Checks of hooks. */
export const HOOK_CHECKS: readonly Check[] = [
  { name: "hooks can be executed", run: checkHooks },
];
