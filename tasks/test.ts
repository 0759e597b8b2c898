/**
 * Sets everything up and runs the tests: `test.ts` all of them, `test.ts ok`
 * the gate before a commit, `test.ts root` only whole containers.
 *
 * The last line is always `N passed, N failed, N skipped`.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { build } from "./build.ts";
import {
  countDeclared,
  countDenoTests,
  countPrograms,
  type Counts,
  formatCounts,
  NONE,
  ONE_FAILED,
  readCounts,
  sum,
} from "./counts.ts";
import { DENO, ROOT, runAndKeep, type RunResult, say } from "./process.ts";
import { setup } from "./setup.ts";

/** How the output of a check is counted. */
type Counter = (output: string, code: number) => Counts;

/** One thing that is run and counted. */
interface Check {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly count: Counter;
  readonly timeoutMs?: number;
}

const ROOT_FILE_TIMEOUT_MS = 15 * 60_000;
const VM_TIMEOUT_MS = 90 * 60_000;
/** The folders and files whose documentation holds examples. */
const DOCUMENTED = ["mod.ts", "lib", "ffi", "std", "tasks"];

/** What passes or fails as a whole. */
const GATES: readonly Check[] = [
  gate("fmt", DENO, "fmt", "--check"),
  gate("lint", DENO, "lint"),
  gate("check", DENO, "check"),
  gate("doc lint", DENO, "doc", "--lint", "mod.ts"),
  gate("publish", DENO, "publish", "--dry-run", "--allow-dirty"),
  gate("c format", "make", ...inC("format-check")),
  gate("c/ops.h", DENO, "run", "-A", "tasks/gen_ops.ts", "--check"),
  gate("schema", DENO, "run", "-A", "tasks/gen_schema.ts", "--check"),
  gate("help and man", DENO, "run", "-A", "tasks/gen_help.ts", "--check"),
];

const CROSS_GATE = gate("c for aarch64", "make", ...inC("aarch64"));

/** What needs no privilege. */
const TESTS: readonly Check[] = [
  denoTest("doc tests", "--doc", ...DOCUMENTED),
  denoTest("unit tests", "tests/unit"),
  {
    name: "c tests",
    program: "make",
    args: inC("test"),
    count: countPrograms,
  },
  {
    name: "c tests with sanitizers",
    program: "make",
    args: inC("asan"),
    count: countPrograms,
  },
  denoTest("abi tests", "tests/abi"),
];

/** Something that runs beside the rest. */
interface Beside {
  readonly check: Check;
  readonly result: Promise<RunResult>;
}

function runCheck(check: Check, quiet = false): Promise<RunResult> {
  return runAndKeep(check.program, check.args, {
    quiet,
    ...(check.timeoutMs === undefined ? {} : { timeoutMs: check.timeoutMs }),
  });
}

/** What has been counted, and the names of what failed. */
class Account {
  counts: Counts = NONE;
  readonly failures: string[] = [];

  add(name: string, counts: Counts): void {
    this.counts = sum(this.counts, counts);
    if (counts.failed > 0) this.failures.push(name);
  }

  async run(check: Check): Promise<void> {
    say(`\n== ${check.name}`);
    this.#take(check, await runCheck(check));
  }

  /** Takes what ran beside others, and shows it whole. */
  async take({ check, result }: Beside): Promise<void> {
    const ended = await result;
    say(`\n== ${check.name}\n${ended.output.trimEnd()}`);
    this.#take(check, ended);
  }

  #take(check: Check, { code, output }: RunResult): void {
    const counts = check.count(output, code);
    if (code !== 0) say(`${check.name}: ended with status ${code}`);
    this.add(check.name, counts);
  }

  skip(name: string, count: number, reason: string): void {
    say(`\n== ${name}: SKIPPED ${count}: ${reason}`);
    this.counts = sum(this.counts, { ...NONE, skipped: count });
  }

  /** Prints the account and gives the exit status. */
  close(): number {
    say("");
    for (const name of this.failures) say(`failed: ${name}`);
    say(formatCounts(this.counts));
    return this.counts.failed > 0 ? 1 : 0;
  }
}

/** Runs what the mode asks for and gives the exit status. */
async function main(mode: string): Promise<number> {
  const account = new Account();

  if (!["all", "ok", "root"].includes(mode)) {
    say(`Cannot run "${mode}": wanted all, ok or root`);
    account.add("mode", ONE_FAILED);
    return account.close();
  }
  if (!await setup(["build", "demo", "test"])) {
    account.add("setup", ONE_FAILED);
    return account.close();
  }
  // Not every release has them all; what they drive is skipped aloud without.
  if (mode !== "ok") await setup(["clients"]);
  account.add("build", await build() ? { ...NONE, passed: 1 } : ONE_FAILED);

  // Whole containers are timed, and so have the machine to themselves.
  const machine = mode === "all" ? await startVm(account) : undefined;
  if (mode !== "root") await runUnprivileged(account);
  if (machine) await account.take(machine);
  if (mode !== "ok") await runRoot(account);

  return account.close();
}

async function runUnprivileged(account: Account): Promise<void> {
  for (const check of GATES) await account.run(check);
  if (Deno.build.arch === "x86_64") await account.run(CROSS_GATE);
  for (const check of TESTS) await account.run(check);
}

/** Runs each file by itself: a crash costs one file, and order is fixed. */
async function runRoot(account: Account): Promise<void> {
  const files = await testFiles("tests/root");

  if (files.length === 0) account.add("root tests: none found", ONE_FAILED);

  for (const file of files) {
    if (Deno.uid() === 0) {
      const check = denoTest(file, file);
      await account.run({ ...check, timeoutMs: ROOT_FILE_TIMEOUT_MS });
    } else {
      const count = countDeclared(await Deno.readTextFile(join(ROOT, file)));
      account.skip(file, count, "needs root");
    }
  }
}

/** Starts the part for cgroup v2 in virtual machines, where the tool for it is. */
async function startVm(account: Account): Promise<Beside | undefined> {
  const name = "cgroup v2 in a virtual machine";
  const vm = join(dirname(ROOT), "shared/tools/vm");

  if (!await isFile(join(ROOT, "tests/vm.sh"))) return undefined;
  if (!await isFile(vm)) {
    account.skip(name, 1, "no tool for virtual machines beside the checkout");
    return undefined;
  }
  if (Deno.uid() !== 0) {
    account.skip(name, 1, "needs root");
    return undefined;
  }

  const check = {
    name,
    program: "bash",
    args: ["tests/vm.sh"],
    count: countNested,
    timeoutMs: VM_TIMEOUT_MS,
  };
  return { check, result: runCheck(check, true) };
}

/** Counts a run that itself ends with the line of counts. */
function countNested(output: string, code: number): Counts {
  const counts = readCounts(output) ?? ONE_FAILED;

  return code === 0 || counts.failed > 0 ? counts : sum(counts, ONE_FAILED);
}

function gate(name: string, program: string, ...args: string[]): Check {
  return {
    name,
    program,
    args,
    count: (_output, code) => code === 0 ? { ...NONE, passed: 1 } : ONE_FAILED,
  };
}

function denoTest(name: string, ...args: string[]): Check {
  return {
    name,
    program: DENO,
    args: ["test", "-A", ...args],
    count: countDenoTests,
  };
}

function inC(target: string): string[] {
  return ["--no-print-directory", "-C", "c", target];
}

async function testFiles(folder: string): Promise<string[]> {
  const files: string[] = [];

  try {
    for await (const entry of Deno.readDir(join(ROOT, folder))) {
      if (entry.name.endsWith("_test.ts")) files.push(join(folder, entry.name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }

  return files.sort();
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  // What is run finds this Deno, also where none was on PATH (npx).
  Deno.env.set("PATH", `${dirname(DENO)}:${Deno.env.get("PATH") ?? ""}`);
  Deno.exit(await main(Deno.args[0] ?? "all"));
}
