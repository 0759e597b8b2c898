/**
 * The OCI runtime that clients are given: that of `NSINIT_TEST_RUNTIME`, else
 * `nsinit-oci` as it is distributed, else as a launcher of this checkout.
 *
 * @module
 */
import { makeBundle } from "./bundle.ts";
import { REPOSITORY } from "./nsinit.ts";
import { writeProgram } from "./rootfs.ts";

/** A runtime. */
export interface OciRuntime {
  /** Path of its program. */
  readonly path: string;
  /** Where it keeps states when nobody says where. */
  readonly stateRoot: string;
  /** Whether it is ours. */
  readonly isOurs: boolean;
}

/**
 * Finds the runtime under test.
 *
 * @param dir Where it may be made.
 */
export async function ociRuntime(dir: string): Promise<OciRuntime> {
  const given = Deno.env.get("NSINIT_TEST_RUNTIME") ?? "";
  if (given !== "") {
    const name = given.slice(given.lastIndexOf("/") + 1);
    return { path: given, stateRoot: `/run/${name}`, isOurs: false };
  }
  const made = await makeBundle(`${dir}/program`);
  const path = made === undefined
    ? await writeLauncher(`${dir}/nsinit-oci`)
    : `${made}/nsinit-oci`;
  return { path, stateRoot: "/run/nsinit-oci", isOurs: true };
}

async function writeLauncher(path: string): Promise<string> {
  const words = [Deno.execPath(), "run", "-A", "--no-check", "--no-lock"];
  const script = `#!/bin/sh\nexec ${words.join(" ")} '${REPOSITORY}/cli.ts' ` +
    'oci "$@"\n';
  await writeProgram(path, script);
  return path;
}
