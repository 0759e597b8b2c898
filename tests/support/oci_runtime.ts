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
  /** Name of the directory in /run that it keeps states in. */
  readonly stateName: string;
  /** Whether it is ours. */
  readonly isOurs: boolean;
}

/**
 * Finds the runtime under test.
 *
 * @param dir Where it may be made.
 * @param deno Path of Deno, for users who cannot reach that of the test.
 */
export async function ociRuntime(
  dir: string,
  deno: string = Deno.execPath(),
): Promise<OciRuntime> {
  const given = Deno.env.get("NSINIT_TEST_RUNTIME") ?? "";
  if (given !== "") {
    const name = given.slice(given.lastIndexOf("/") + 1);
    return { path: given, stateName: name, isOurs: false };
  }
  const made = await makeBundle(`${dir}/program`);
  const program = made === undefined
    ? `'${deno}' run -A --no-check --no-lock '${REPOSITORY}/oci.ts'`
    : `'${made}/nsinit-oci'`;
  // Engines start it with next to no environment; Deno need not be installed.
  const path = `${dir}/nsinit-oci`;
  const text = `#!/bin/sh\nDENO='${deno}' exec ${program} "$@"\n`;
  await writeProgram(path, text);
  return { path, stateName: "nsinit-oci", isOurs: true };
}
