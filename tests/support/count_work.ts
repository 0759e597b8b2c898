/**
 * A program that counts what V8 executes of this project for one piece of pure
 * work: each call of a function and each block within, once for each time.
 *
 * Unlike a time, the count is the same on every machine. Instructions cannot be
 * counted: valgrind does not run V8, and virtual machines seldom have counters.
 * The work is done once in a new process, since what V8 forgets about functions
 * that are used again and again is up to its garbage collector.
 *
 * @module
 */
import inspector from "node:inspector";
import { encodePlan } from "../../ffi/encode_plan.ts";
import { buildJoinPlan } from "../../lib/plan/join.ts";
import { parseConfig } from "../../mod.ts";
import { start, TARGET } from "../unit/plan/plans.ts";
import { HOST_HYBRID, PROCESS } from "../unit/plan/support.ts";
import { REPOSITORY } from "./nsinit.ts";

const CONTAINER_JSON = JSON.stringify({
  rootfs: "/srv/root",
  hostname: "demo",
  namespaces: ["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET"]
    .map((type) => ({ type })),
  capabilities: ["CHOWN", "KILL", "SETUID"],
  cgroups: { name: "demo", parent: "tests", memory: 1 << 26 },
  mounts: [{
    device: "tmpfs",
    source: "tmpfs",
    destination: "/tmp",
    flags: 14,
    data: "mode=1777",
    relabel: "",
  }],
});

const WORK: Readonly<Record<string, () => unknown>> = {
  start: () => encodePlan(start({}, {}, HOST_HYBRID)),
  join: () => encodePlan(buildJoinPlan(TARGET, PROCESS, HOST_HYBRID)),
  parse: () => parseConfig(CONTAINER_JSON),
};

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

const session = new inspector.Session();

function post(method: string, params: object = {}): Promise<Coverage> {
  return new Promise((resolve, reject) =>
    session.post(
      method,
      params,
      (error, result) => error ? reject(error) : resolve(result as Coverage),
    )
  );
}

const work = WORK[Deno.args[0] ?? ""];
if (!work) throw new Error(`Unknown work ${Deno.args[0]}`);
session.connect();
await post("Profiler.enable");
await post("Profiler.startPreciseCoverage", {
  callCount: true,
  detailed: true,
});
await work();
const { result } = await post("Profiler.takePreciseCoverage");
let count = 0;
for (const { url, functions } of result) {
  if (!/^\/(lib|ffi)\//.test(url.replace(`file://${REPOSITORY}`, ""))) continue;
  for (const { ranges } of functions) {
    for (const range of ranges) count += range.count;
  }
}
await Deno.stdout.write(new TextEncoder().encode(`${count}\n`));
