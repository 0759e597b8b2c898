/**
 * Checks of scheduling, IO priority, affinity, personality, file mode mask and
 * offsets of clocks.
 *
 * @module
 */
import { CPU_LIMIT, parseCpuList } from "../cpu_list.ts";
import type { JsonPath } from "../json_scan.ts";
import { nearestName } from "../names/nearest.ts";
import {
  IO_CLASSES,
  MEMORY_POLICIES,
  MEMORY_POLICY_FLAGS,
  NODE_LIMIT,
  PERSONALITIES,
  SCHEDULING_FLAGS,
  SCHEDULING_POLICIES,
} from "../names/scheduling.ts";
import { quote } from "../problems.ts";
import type { Config, Int64, Scheduler } from "../types.ts";
import type { Check, Report } from "./report.ts";

const MAX_UMASK = 0o777;
const NANOSECONDS = 1_000_000_000;
const MAX_TIME = 2n ** 63n - 1n;
const DEADLINE_KEYS = ["runtime", "deadline", "period"] as const;

function checkName(
  path: JsonPath,
  found: string,
  table: Readonly<Record<string, number>>,
  report: Report,
): void {
  const names = Object.keys(table);
  if (names.includes(found)) return;
  const nearest = nearestName(found, names);
  const hint = nearest === undefined
    ? `wanted one of ${names.join(", ")}`
    : `did you mean ${quote(nearest)}?`;
  report(path, `unknown name ${quote(found)}; ${hint}`);
}

function isWithin(value: Int64, min: number, max: number): boolean {
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  return isWhole && value >= min && value <= max;
}

function checkNice(
  { policy, nice }: Scheduler,
  isEngines: boolean,
  report: Report,
): void {
  if (nice === undefined) return;
  const at = ["scheduler", "nice"];
  if (!isWithin(nice, -20, 19)) {
    report(at, `found ${nice}, wanted -20 to 19`);
  } else if (
    // Engines give it with any policy, and the kernel passes over it.
    !isEngines && nice !== 0 && policy !== "SCHED_OTHER" &&
    policy !== "SCHED_BATCH"
  ) {
    report(at, `is for SCHED_OTHER and SCHED_BATCH, not for ${policy}`);
  }
}

function checkPriority(
  { policy, priority = 0 }: Scheduler,
  report: Report,
): void {
  const at = ["scheduler", "priority"];
  const isFixed = policy === "SCHED_FIFO" || policy === "SCHED_RR";
  if (isFixed && !isWithin(priority, 1, 99)) {
    report(at, `found ${priority}, wanted 1 to 99 for ${policy}`);
  } else if (!isFixed && priority !== 0) {
    report(at, `is for SCHED_FIFO and SCHED_RR, not for ${policy}`);
  }
}

function checkDeadline(scheduler: Scheduler, report: Report): void {
  const { policy, runtime = 0, deadline = 0, period = 0 } = scheduler;
  if (policy !== "SCHED_DEADLINE") {
    for (const key of DEADLINE_KEYS) {
      if (BigInt(scheduler[key] ?? 0) === 0n) continue;
      report(["scheduler", key], `is for SCHED_DEADLINE, not for ${policy}`);
    }
    return;
  }
  const [run, end, every] = [runtime, deadline, period].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ];
  const isOrdered = run >= 1024n && run <= end && end <= MAX_TIME &&
    (every === 0n || end <= every && every <= MAX_TIME);
  if (isOrdered) return;
  report(
    ["scheduler"],
    "wanted runtime <= deadline <= period in nanoseconds, runtime 1024 or more",
  );
}

function checkScheduler(
  { scheduler, dialect }: Config,
  report: Report,
): void {
  if (scheduler === undefined) return;
  checkName(
    ["scheduler", "policy"],
    scheduler.policy,
    SCHEDULING_POLICIES,
    report,
  );
  if (scheduler.policy === "SCHED_ISO") {
    const message = "SCHED_ISO is in no Linux kernel; choose SCHED_RR or" +
      " SCHED_OTHER";
    report(["scheduler", "policy"], message);
  }
  for (const [index, flag] of (scheduler.flags ?? []).entries()) {
    checkName(
      ["scheduler", "flags", index],
      flag,
      SCHEDULING_FLAGS,
      report,
    );
  }
  checkNice(scheduler, dialect === "OCI", report);
  checkPriority(scheduler, report);
  checkDeadline(scheduler, report);
}

function checkIoPriority({ ioPriority }: Config, report: Report): void {
  if (ioPriority === undefined) return;
  checkName(["ioPriority", "class"], ioPriority.class, IO_CLASSES, report);
  const { priority } = ioPriority;
  if (!isWithin(priority, 0, 7)) {
    report(["ioPriority", "priority"], `found ${priority}, wanted 0 to 7`);
  }
}

function checkAffinity(config: Config, report: Report): void {
  for (const member of ["cpuAffinity", "execCpuAffinity"] as const) {
    for (const key of ["initial", "final"] as const) {
      const list = config[member]?.[key];
      if (!list || parseCpuList(list) !== undefined) continue;
      const message = `found ${quote(list)}, wanted a list like 0-1,3 of CPUs` +
        ` below ${CPU_LIMIT}`;
      report([member, key], message);
    }
  }
}

function checkMemoryPolicy({ memoryPolicy }: Config, report: Report): void {
  if (memoryPolicy === undefined) return;
  const { mode, nodes = "", flags = [] } = memoryPolicy;
  checkName(["memoryPolicy", "mode"], mode, MEMORY_POLICIES, report);
  for (const [index, flag] of flags.entries()) {
    const at = ["memoryPolicy", "flags", index];
    checkName(at, flag, MEMORY_POLICY_FLAGS, report);
  }
  const at = ["memoryPolicy", "nodes"];
  const list = nodes === "" ? [] : parseCpuList(nodes);
  if (list === undefined || list.some((node) => node >= NODE_LIMIT)) {
    const message = `found ${quote(nodes)}, wanted a list like 0-1 of nodes` +
      ` below ${NODE_LIMIT}`;
    report(at, message);
  } else if (mode === "MPOL_DEFAULT" || mode === "MPOL_LOCAL") {
    if (list.length > 0) report(at, `${mode} takes no nodes; leave them out`);
    if (flags.length > 0) {
      report(["memoryPolicy", "flags"], `${mode} takes no flags`);
    }
  } else if (list.length === 0 && mode !== "MPOL_PREFERRED") {
    report(at, `missing; ${mode} needs a list of nodes`);
  }
}

function checkPersonality({ personality }: Config, report: Report): void {
  if (personality === undefined) return;
  checkName(
    ["personality", "domain"],
    personality.domain,
    PERSONALITIES,
    report,
  );
}

function checkUmask({ umask = 0 }: Config, report: Report): void {
  if (isWithin(umask, 0, MAX_UMASK)) return;
  report(["umask"], `found ${umask}, wanted 0 to ${MAX_UMASK} (octal 0777)`);
}

function checkTimeOffsets(config: Config, report: Report): void {
  const { timeOffsets, namespaces } = config;
  if (timeOffsets === undefined) return;
  const time = namespaces.find(({ type }) => type === "NEWTIME");
  if (time === undefined || time.path) {
    const message = time === undefined
      ? "needs the namespace NEWTIME, else it would change the host; add" +
        " NEWTIME to namespaces, or leave this out"
      : `the namespace ${time.path} has its offsets already; leave this out`;
    report(["timeOffsets"], message);
  }
  for (const clock of ["monotonic", "boottime"] as const) {
    const offset = timeOffsets[clock];
    if (offset === undefined) continue;
    const { secs, nanosecs } = offset;
    const isWhole = typeof secs === "bigint" || Number.isSafeInteger(secs);
    if (!isWhole || secs < -MAX_TIME || secs > MAX_TIME) {
      report(["timeOffsets", clock, "secs"], "wanted whole seconds");
    }
    if (!isWithin(nanosecs, 0, NANOSECONDS - 1)) {
      const message = `found ${nanosecs}, wanted 0 to ${NANOSECONDS - 1}`;
      report(["timeOffsets", clock, "nanosecs"], message);
    }
  }
}

/** Checks of attributes of processes. */
export const ATTRIBUTE_CHECKS: readonly Check[] = [
  { name: "the scheduling policy has its values", run: checkScheduler },
  { name: "the IO priority is in range", run: checkIoPriority },
  { name: "CPUs are listed", run: checkAffinity },
  { name: "the memory policy has its nodes", run: checkMemoryPolicy },
  { name: "the personality is known", run: checkPersonality },
  { name: "the file mode mask has permission bits", run: checkUmask },
  { name: "clocks of the container alone are set", run: checkTimeOffsets },
];
