/**
 * Times `exec /bin/true` from the outside: nsinit, and beside it crun and runc
 * where they are installed. See bench/README.md for what this does not say.
 *
 * @module
 */
import { join } from "@std/path";
import { build } from "../tasks/build.ts";
import { DENO, ROOT, say } from "../tasks/process.ts";
import { makeRootfs } from "../tasks/rootfs.ts";
import { setup } from "../tasks/setup.ts";

const BUNDLE = join(ROOT, "build/bench");
const ROOTFS = join(BUNDLE, "rootfs");
const RUNS = 30;
const WARM_UP_RUNS = 3;

/** A program under test: its command line for the run with that number. */
interface Contender {
  readonly name: string;
  readonly cwd: string;
  readonly command: (run: number) => readonly [string, ...string[]];
}

const NSINIT: readonly Contender[] = [
  {
    name: "nsinit (deno run)",
    cwd: ROOTFS,
    command: () => [
      DENO,
      "run",
      "-A",
      join(ROOT, "cli.ts"),
      "exec",
      "/bin/true",
    ],
  },
  {
    name: "nsinit (compiled)",
    cwd: ROOTFS,
    command: () => [join(ROOT, "nsinit"), "exec", "/bin/true"],
  },
];

const OTHERS: readonly Contender[] = ["crun", "runc"].map((name) => ({
  name,
  cwd: BUNDLE,
  command: (run) => [name, "run", `bench-${Deno.pid}-${run}`],
}));

/** Measures all contenders that are there; only nsinit's failure is one. */
async function bench(): Promise<number> {
  if (!await setup(["build", "demo"]) || !await build()) return 1;
  await makeRootfs(ROOTFS);

  say(`${RUNS} runs each, in milliseconds`);
  say("                       median     min     max");

  let failed = false;
  for (const contender of [...NSINIT, ...OTHERS]) {
    if (!await isInstalled(contender)) {
      say(`${contender.name.padEnd(20)}  not installed`);
      continue;
    }
    if (OTHERS.includes(contender)) await writeSpec(contender.name);
    const failure = await measure(contender);
    if (failure === undefined) continue;
    failed ||= NSINIT.includes(contender);
    say(`${contender.name.padEnd(20)}  failed: ${failure}`);
  }

  return failed ? 1 : 0;
}

/** Times one contender and prints its line; gives its error if it fails. */
async function measure(contender: Contender): Promise<string | undefined> {
  const times: number[] = [];

  for (let run = -WARM_UP_RUNS; run < RUNS; run++) {
    const [program, ...args] = contender.command(run + WARM_UP_RUNS);
    const start = performance.now();
    const { code, stderr } = await new Deno.Command(program, {
      args,
      cwd: contender.cwd,
      stdin: "null",
      stdout: "null",
    }).output();
    const elapsedMs = performance.now() - start;

    if (code !== 0) {
      return `status ${code}: ${new TextDecoder().decode(stderr).trim()}`;
    }
    if (run >= 0) times.push(elapsedMs);
  }

  times.sort((a, b) => a - b);
  const columns = [times[RUNS >> 1], times[0], times.at(-1)]
    .map((ms) => (ms ?? NaN).toFixed(1).padStart(8));
  say(`${contender.name.padEnd(20)} ${columns.join("")}`);
  return undefined;
}

async function isInstalled({ command }: Contender): Promise<boolean> {
  try {
    const [program] = command(0);
    await new Deno.Command(program, { args: ["--version"], stdout: "null" })
      .output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Writes the runtime's own default configuration, for `/bin/true`. */
async function writeSpec(runtime: string): Promise<void> {
  const path = join(BUNDLE, "config.json");

  await Deno.remove(path).catch(() => {});
  await new Deno.Command(runtime, { args: ["spec"], cwd: BUNDLE }).output();
  const spec = JSON.parse(await Deno.readTextFile(path));
  spec.process = { ...spec.process, terminal: false, args: ["/bin/true"] };
  await Deno.writeTextFile(path, JSON.stringify(spec));
}

if (import.meta.main) Deno.exit(await bench());
