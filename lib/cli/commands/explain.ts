/**
 * `nsinit explain`: prints what `exec` would do.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { EXEC_OPTIONS } from "../exec_options.ts";
import { makeExecRequest } from "../exec_request.ts";
import { formatJson } from "../output.ts";

const DEFAULT_COMMAND = ["/bin/sh"];

async function explain(invocation: Invocation): Promise<number> {
  const { values, output } = invocation;
  const args = invocation.args.length > 0 ? invocation.args : DEFAULT_COMMAND;
  const request = makeExecRequest({ ...invocation, args });
  const [{ planExec }, { formatPlan, planToJson }] = await Promise.all([
    import("../../container/exec.ts"),
    import("../../plan/explain.ts"),
  ]);
  const plan = await planExec(request);
  await output.result(
    values.flag("json") ? formatJson(planToJson(plan)) : formatPlan(plan),
  );
  return 0;
}

/** Declaration of `explain`. */
export const COMMAND: Command = {
  name: "explain",
  summary: "Print the steps that exec would take, without taking them",
  usage: "[flags] [CMD [ARGS...]]",
  details: [
    "Takes the flags of exec. Needs no privilege and changes nothing; " +
    "CMD is /bin/sh unless given.",
  ],
  options: [
    { name: "json", type: "boolean", doc: "print JSON" },
    ...EXEC_OPTIONS.filter(({ name }) => name !== "list" && name !== "func"),
  ],
  stopEarly: true,
  usesDirectory: true,
  readsFiles: true,
  examples: [{
    doc: "which cgroup files a memory limit writes",
    line: "nsinit explain --memory-limit 64m | grep memory",
  }],
  action: explain,
};
