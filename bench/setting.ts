/**
 * Where and with what a run takes place.
 *
 * @module
 */
import { VERSION } from "../lib/cli/version.ts";
import { ROOT } from "../tasks/process.ts";
import type { Bench } from "./bench.ts";
import type { Setting } from "./results.ts";

function fieldOf(text: string, name: string): string {
  const line = text.split("\n").find((each) => each.startsWith(name)) ?? "";
  return line.slice(line.search(/[:=]/) + 1).trim().replaceAll('"', "");
}

async function machine(): Promise<string> {
  const cpu = await Deno.readTextFile("/proc/cpuinfo");
  const memory = fieldOf(await Deno.readTextFile("/proc/meminfo"), "MemTotal");
  const system = await Deno.readTextFile("/etc/os-release").catch(() => "");
  const isGuest = /^flags.*\bhypervisor\b/m.test(cpu);
  return [
    `${navigator.hardwareConcurrency} × ${
      fieldOf(cpu, "model name") || Deno.build.arch
    }`,
    isGuest ? "virtual machine" : "no virtual machine",
    `${Math.round(parseInt(memory) / 2 ** 20)} GB`,
    `Linux ${Deno.osRelease()}`,
    fieldOf(system, "PRETTY_NAME"),
  ].join(", ");
}

async function firstLine(program: string): Promise<string> {
  const { stdout } = await new Deno.Command(program, {
    args: ["--version"],
    stderr: "null",
  }).output();
  const [line = ""] = new TextDecoder().decode(stdout).split("\n");
  return line.split(" ").at(-1) ?? line;
}

/** The commit in brackets, with a plus for changes since; empty without git. */
async function commit(): Promise<string> {
  try {
    const { code, stdout } = await new Deno.Command("git", {
      args: ["describe", "--always", "--dirty=+", "--exclude=*"],
      cwd: ROOT,
      stderr: "null",
    }).output();
    return code === 0 ? ` (${new TextDecoder().decode(stdout).trim()})` : "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function describeGroups({ hierarchies }: Bench, isHidden: boolean): string {
  const old = hierarchies.filter(({ version }) => version === 1).length;
  if (old === 0) return "version 2";
  const hidden = isHidden ? "; the version 2 tree of the host is hidden" : "";
  return `${old} hierarchies of version 1${hidden}`;
}

/**
 * Describes it.
 *
 * @param bench The run.
 * @param isHidden Whether a version 2 tree was hidden from all contenders.
 * @returns Where and with what.
 */
export async function describeSetting(
  bench: Bench,
  isHidden: boolean,
): Promise<Setting> {
  const versions: Record<string, string> = {
    nsinit: `${VERSION}${await commit()}`,
    deno: Deno.version.deno,
  };
  for (const [name, path] of bench.programs) {
    versions[name] = await firstLine(path);
  }
  return {
    date: new Date().toISOString(),
    machine: await machine(),
    cgroups: describeGroups(bench, isHidden),
    loadBefore: Deno.loadavg()[0] ?? NaN,
    versions,
  };
}
