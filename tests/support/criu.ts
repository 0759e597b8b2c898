/**
 * The CRIU of the tests: that of `NSINIT_CRIU`, else one of PATH that works on
 * this kernel, else the one that the tool beside the checkout fetches.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");
const TOOL = `${ROOT}/../shared/tools/get-criu`;
/** Where the tool puts it when nobody says where, and where the tests have it put. */
const FETCHED = ["/opt/criu", `${ROOT}/build/criu`];

/** Whatever log the host's settings name: none is left where the tests run. */
const CHECK = ["check", "--log-file", "-"];

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    const { success } = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return success;
  } catch {
    return false;
  }
}

function fetchCriu(): string | undefined {
  const prefix = FETCHED.at(-1) ?? "";
  if (!isThere(TOOL)) return undefined;
  Deno.mkdirSync(`${ROOT}/build`, { recursive: true });
  succeeds("flock", [`${prefix}.lock`, TOOL, "--prefix", prefix]);
  const path = `${prefix}/bin/criu`;
  return succeeds(path, CHECK) ? path : undefined;
}

function find(): string | undefined {
  const given = Deno.env.get("NSINIT_CRIU") ?? "";
  if (given !== "") return given;
  if (Deno.uid() !== 0) return undefined;
  const path = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin");
  const candidates = [...path, ...FETCHED.map((dir) => `${dir}/bin`)]
    .map((dir) => `${dir}/criu`);
  return candidates.find((each) => isThere(each) && succeeds(each, CHECK)) ??
    fetchCriu();
}

let found: { readonly path: string | undefined } | undefined;

/**
 * Finds CRIU, once; it may have to be fetched.
 *
 * @returns Its absolute path; undefined where there is none that works.
 */
export function findTestCriu(): string | undefined {
  return (found ??= { path: find() }).path;
}

/** CRIU where a test has made sure that there is one. */
export function testCriu(): string {
  const path = findTestCriu();
  if (path === undefined) throw new Error("no CRIU");
  return path;
}
