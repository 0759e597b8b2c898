/**
 * Checks of what the process gets: limits, capabilities, labels, seccomp.
 *
 * @module
 */
import { parseCapability } from "../names/capabilities.ts";
import { RLIM_INFINITY, RLIMITS } from "../names/rlimits.ts";
import { quote } from "../problems.ts";
import type { Config } from "../types.ts";
import {
  type Check,
  findPathFault,
  hasControl,
  type Report,
} from "./report.ts";
import { checkSeccomp } from "./seccomp.ts";

const MAX_SIGNAL = 64;
const MAX_ENV = 131_071;
function checkRlimits({ rlimits = [] }: Config, report: Report): void {
  for (const [index, { type, hard, soft }] of rlimits.entries()) {
    const at = ["rlimits", index];
    if (RLIMITS[type] === undefined) {
      const message =
        `found ${type}, wanted 0 to ${RLIMITS.length - 1}, e.g. 7` +
        " for NOFILE";
      report([...at, "type"], message);
    }
    const isLimit = [hard, soft].every((limit) =>
      limit >= 0 && limit <= RLIM_INFINITY
    );
    if (!isLimit) report(at, `wanted limits from 0 to ${RLIM_INFINITY}`);
    else if (soft > hard) {
      report([...at, "soft"], `${soft} is more than hard, ${hard}`);
    }
  }
}

function checkCapabilities({ capabilities }: Config, report: Report): void {
  const lists = Array.isArray(capabilities)
    ? [[[], capabilities] as const]
    : Object.entries(capabilities ?? {}).map(([key, list]) =>
      [[key], list] as const
    );
  for (const [key, names] of lists) {
    for (const [index, name] of names.entries()) {
      if (parseCapability(name) === name) continue;
      const message = `unknown capability ${quote(String(name))}`;
      report(["capabilities", ...key, index], message);
    }
  }
}

function checkLabels(config: Config, report: Report): void {
  for (const key of ["processLabel", "mountLabel"] as const) {
    const label = config[key] ?? "";
    if (/["\\]/.test(label) || hasControl(label)) {
      report([key], "wanted a label without quotes or control characters");
    }
  }
  const profile = config.apparmorProfile ?? "";
  if (hasControl(profile) || /^\s|\s$/.test(profile) || profile.length > 1024) {
    report(
      ["apparmorProfile"],
      `found ${quote(profile)}, wanted a profile name`,
    );
  }
}

function checkEnv(env: readonly string[], report: Report): void {
  for (const [index, entry] of env.entries()) {
    const at = ["process", "env", index];
    if (!/^[^=]+=/.test(entry)) {
      report(at, `found ${quote(entry)}, wanted NAME=VALUE`);
    } else if (entry.includes("\0") || entry.length > MAX_ENV) {
      report(at, "holds a NUL character, or is too long");
    }
  }
}

function checkProcess({ process = {} }: Config, report: Report): void {
  const { args = [], env = [], user = "", cwd } = process;
  checkEnv(env, report);
  for (const [index, arg] of args.entries()) {
    if (arg.includes("\0")) report(["process", "args", index], "holds NUL");
  }
  if (hasControl(user) || user.split(":").length > 2) {
    const message = `found ${
      quote(user)
    }, wanted user, uid, user:group or uid:gid`;
    report(["process", "user"], message);
  }
  const fault = cwd === undefined ? undefined : findPathFault(cwd);
  if (fault !== undefined) report(["process", "cwd"], fault);
}

function checkNumbers(config: Config, report: Report): void {
  const { parentDeathSignal: signal = 0, oomScoreAdj: score = 0 } = config;
  if (!Number.isInteger(signal) || signal < 0 || signal > MAX_SIGNAL) {
    const message =
      `found ${signal}, wanted a signal number up to ${MAX_SIGNAL}`;
    report(["parentDeathSignal"], message);
  }
  if (!Number.isInteger(score) || score < -1000 || score > 1000) {
    report(["oomScoreAdj"], `found ${score}, wanted -1000 to 1000`);
  }
  const propagation = config.rootPropagation;
  if (propagation !== undefined && (propagation & ~0x1e4000) !== 0) {
    const message =
      `found ${propagation}, wanted one of MS_PRIVATE, MS_SLAVE,` +
      " MS_SHARED, MS_UNBINDABLE, with or without MS_REC";
    report(["rootPropagation"], message);
  }
  for (const [index, group] of (config.additionalGroups ?? []).entries()) {
    const isNumber = /^\d+$/.test(group);
    const isId = !isNumber || Number(group) <= 0xfffffffe;
    if (isId && group !== "" && !/[:,]/.test(group) && !hasControl(group)) {
      continue;
    }
    report(["additionalGroups", index], "wanted the name or number of a group");
  }
}

/** Checks of what the process gets. */
export const PROCESS_CHECKS: readonly Check[] = [
  { name: "resource limits are known and ordered", run: checkRlimits },
  { name: "capabilities are known", run: checkCapabilities },
  { name: "labels and profile are names", run: checkLabels },
  { name: "process settings can be passed on", run: checkProcess },
  { name: "signals, scores and groups are in range", run: checkNumbers },
  { name: "seccomp rules can be compiled", run: checkSeccomp },
];
