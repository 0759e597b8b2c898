/**
 * What pure work may cost, and how large what is shipped may be.
 *
 * @module
 */
import { encodePlan } from "../../ffi/encode_plan.ts";
import { checkBudget } from "../support/budgets.ts";
import { mustRun, REPOSITORY } from "../support/nsinit.ts";
import { start } from "./plan/plans.ts";
import { HOST_HYBRID } from "./plan/support.ts";

/** Compilers differ. */
const SIZE_ROOM = 0.1;
const WORK_ROOM = 0.05;

for (const work of ["start", "join", "parse"]) {
  Deno.test(`executed blocks of pure code: ${work}`, async () => {
    const script = `${REPOSITORY}/tests/support/count_work.ts`;
    const count = await mustRun([
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      script,
      work,
    ]);
    await checkBudget(`executed blocks: ${work}`, Number(count), {
      room: WORK_ROOM,
    });
  });
}

Deno.test("operations and bytes of a start's Plan", async () => {
  const plan = start({}, {}, HOST_HYBRID);
  for (const list of ["parent", "child", "undo"] as const) {
    await checkBudget(`operations of a start: ${list}`, plan[list].length, {
      room: WORK_ROOM,
    });
  }
  await checkBudget("bytes of a start's Plan", encodePlan(plan).length, {
    room: WORK_ROOM,
  });
});

const FILES = {
  "the library": "lib/libnsinit.so",
  "the helper": "c/build/nsinit-helper",
};
for (const [what, path] of Object.entries(FILES)) {
  Deno.test(`bytes of ${what}`, async () => {
    const { size } = await Deno.stat(`${REPOSITORY}/${path}`);
    await checkBudget(`bytes of ${what}: ${Deno.build.arch}`, size, {
      room: SIZE_ROOM,
    });
  });
}
