/**
 * Makes the files of commands that only read: for each one program of what it
 * usually needs, from which the bundler leaves out every function that it never
 * calls. What is needed seldom is loaded by an `import()` in the sources; such a
 * place leaves the short way instead (`lib/cli/quick.ts`), and the whole program
 * begins anew.
 *
 * @module
 */
import { join } from "@std/path";
import { findCommand } from "../lib/cli/registry.ts";
import { DENO, ROOT, run } from "./process.ts";

/** What a group of commands loads in any case, and does without. */
interface Group {
  readonly commands: readonly string[];
  /** Modules that an `import()` names. */
  readonly usual: readonly string[];
  /** Modules whose exports have other ones of the same name on the short way. */
  readonly replaced: Readonly<Record<string, string>>;
}

const REPLACED = {
  "ffi/turns.ts": "lib/cli/quick/turns.ts",
  "lib/container/warnings.ts": "lib/cli/quick/warnings.ts",
};

/** Files are read by Deno in less time than it takes to open the library. */
const WITHOUT_LIBRARY = {
  ...REPLACED,
  "ffi/library.ts": "lib/cli/quick/library.ts",
  "ffi/state_files.ts": "lib/cli/quick/state_files.ts",
};

/** What reads and writes configurations. */
const CONFIG_MODULES = [
  "lib/config/defaults.ts",
  "lib/config/dialects/era_d.ts",
  "lib/config/dialects/oci.ts",
  "lib/config/dialects/oci_paths.ts",
  "lib/config/format.ts",
  "lib/config/parse.ts",
  "lib/config/problems.ts",
];

const GROUPS: readonly Group[] = [
  {
    commands: ["list", "state", "ps", "stats"],
    usual: [
      "lib/cli/stats_json.ts",
      "lib/cli/stats_table.ts",
      "lib/cli/table.ts",
      "lib/cli/terminal.ts",
      "lib/config/write_container_json.ts",
      "lib/container/identity.ts",
      "lib/container/inspect.ts",
      "lib/container/list.ts",
      "lib/container/stats.ts",
    ],
    replaced: WITHOUT_LIBRARY,
  },
  {
    commands: ["config", "convert"],
    usual: [
      ...CONFIG_MODULES,
      "lib/cli/generator.ts",
      "lib/config/host_root.ts",
      "lib/config/validate.ts",
    ],
    replaced: WITHOUT_LIBRARY,
  },
  {
    commands: ["explain", "doctor"],
    usual: [
      ...CONFIG_MODULES,
      "lib/cli/doctor_text.ts",
      "lib/cli/generator.ts",
      "lib/config/host_root.ts",
      "lib/container/start.ts",
      "lib/container/exec.ts",
      "lib/doctor/examine.ts",
      "lib/doctor/report.ts",
      "lib/host/probe.ts",
      "lib/host/root_layout.ts",
      "lib/plan/explain.ts",
      "lib/plan/host_root.ts",
      "lib/systemd/manager.ts",
    ],
    replaced: REPLACED,
  },
];

/** Commands that have a short way. */
export const QUICK_COMMANDS: readonly string[] = GROUPS
  .flatMap(({ commands }) => commands);

/** Folders that the sources of the program are in. */
const FOLDERS = ["lib", "ffi", "std"];

/** Where the modules of the short way are. */
const OWN_FOLDER = "lib/cli/quick/";

const LOAD = String.raw`import\(\s*"([^"]+)",?\s*\)`;
const LOADS = String.raw`(?:\s*import\(\s*"[^"]+",?\s*\),?)+\s*`;
/** `const { a } = await import("./b.ts");` */
const ONE = new RegExp(String.raw`const (\{[^{}]*\}) = await ${LOAD};`, "g");
/** `const [{ a }, { b }] = await Promise.all([import("./c.ts"), import("./d.ts")]);` */
const SEVERAL = new RegExp(
  String.raw`const \[([^\]]*)\] = await Promise\s*\.all\(\[(${LOADS})\]\);`,
  "g",
);
/** `(await import("./a.ts")).b` */
const MEMBER = new RegExp(String.raw`\(await ${LOAD}\)\.(\w+)`, "g");

/** `../../` of a path two folders down. */
function upFrom(path: string): string {
  return "../".repeat(path.split("/").length - 1);
}

/**
 * Changes how a source loads modules: what is loaded in any case it imports, and
 * anything else leaves the short way. Pure.
 *
 * @param path Path of the source in the checkout.
 * @param text What is in it.
 * @param usual Paths of modules that are loaded in any case.
 * @returns The changed source.
 */
export function hasten(
  path: string,
  text: string,
  usual: readonly string[],
): string {
  const imports = new Set<string>();
  const isUsual = (name: string): boolean =>
    usual.includes(join(path, "..", name));
  const hoist = (names: string, from: string): void => {
    imports.add(`import ${names} from ${JSON.stringify(from)};`);
  };
  const body = text
    .replaceAll(ONE, (all, names, from) => {
      if (!isUsual(from)) return all;
      hoist(names, from);
      return "";
    })
    .replaceAll(SEVERAL, (all, names: string, loads: string) => {
      const froms = [...loads.matchAll(new RegExp(LOAD, "g"))]
        .map(([, from = ""]) => from);
      const patterns = names.match(/\{[^{}]*\}/g) ?? [];
      if (!froms.every(isUsual) || patterns.length !== froms.length) return all;
      for (const [index, from] of froms.entries()) {
        hoist(patterns[index] ?? "", from);
      }
      return "";
    })
    .replaceAll(MEMBER, (all, from, name) => {
      if (!isUsual(from)) return all;
      hoist(`{ ${name} }`, from);
      return name;
    })
    .replaceAll(
      new RegExp(`(typeof )?${LOAD}`, "g"),
      (all, isType) => isType ? all : "leaveQuickWay()",
    );
  if (body.includes("leaveQuickWay()") && !path.startsWith(OWN_FOLDER)) {
    hoist("{ leaveQuickWay }", upFrom(path) + `${OWN_FOLDER}leave.ts`);
  }
  return [...imports].join("\n") + "\n" + body;
}

async function* sourcesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sourcesIn(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/** The program of a command; `whole` is that of all. */
function entryOf(command: string, whole: string): string {
  return `import { COMMAND } from "./lib/cli/commands/${command}.ts";
import { runQuickly } from "./${OWN_FOLDER}run.ts";
const status = await runQuickly(COMMAND, Deno.args);
if (status !== undefined) Deno.exit(status);
const whole = ${JSON.stringify(`./${whole}`)};
await (await import(whole)).run();
`;
}

async function writeSource(path: string, text: string): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** Writes the sources of a group as they are bundled. */
async function writeSources(
  folder: string,
  { usual, replaced, commands }: Group,
  whole: string,
): Promise<void> {
  for (const top of FOLDERS) {
    for await (const path of sourcesIn(top)) {
      const text = hasten(
        path,
        await Deno.readTextFile(join(ROOT, path)),
        usual,
      );
      const other = replaced[path];
      if (other === undefined) {
        await writeSource(join(folder, path), text);
        continue;
      }
      const names = [
        ...(await Deno.readTextFile(join(ROOT, other)))
          .matchAll(/^export function (\w+)/gm),
      ].map(([, name]) => name);
      // What is named hides what the star passes on.
      const aside = path.replace(/\.ts$/, ".whole.ts");
      await writeSource(join(folder, aside), text);
      await writeSource(
        join(folder, path),
        `export * from "${upFrom(path)}${aside}";\n` +
          `export { ${names} } from "${upFrom(path)}${other}";\n`,
      );
    }
  }
  for (const command of commands) {
    await writeSource(join(folder, `${command}.ts`), entryOf(command, whole));
  }
}

async function makeGroup(
  folder: string,
  target: string,
  { group, whole, nameOf }: {
    readonly group: Group;
    readonly whole: string;
    readonly nameOf: (command: string) => string;
  },
): Promise<boolean> {
  await writeSources(folder, group, whole);
  const made = join(folder, "made");
  const code = await run(DENO, [
    "bundle",
    "--quiet",
    "--platform=deno",
    "--minify",
    "--outdir",
    made,
    ...group.commands.map((command) => join(folder, `${command}.ts`)),
  ]);
  if (code !== 0) return false;
  for (const command of group.commands) {
    for (const name of [command, ...findCommand(command)?.aliases ?? []]) {
      const file = join(target, nameOf(name));
      await Deno.copyFile(join(made, `${command}.js`), file);
    }
  }
  return true;
}

/**
 * Makes the files.
 *
 * @param target Folder that they are written to, beside the whole program.
 * @param whole Name of the file of the whole program, which exports `run`.
 * @param nameOf Names the file of a command, by each of its names.
 * @returns Whether they are there.
 */
export async function makeQuickFiles(
  target: string,
  whole: string,
  nameOf: (command: string) => string,
): Promise<boolean> {
  // In the checkout: the import map is that of its deno.json.
  const build = { dir: join(ROOT, "build"), prefix: "quick-" };
  await Deno.mkdir(build.dir, { recursive: true });
  for (const group of GROUPS) {
    const folder = await Deno.makeTempDir(build);
    try {
      const how = { group, whole, nameOf };
      if (!await makeGroup(folder, target, how)) return false;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return true;
}
