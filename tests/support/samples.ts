/**
 * The sample configurations of the original, made to run here.
 *
 * @module
 */
import { REPOSITORY } from "./nsinit.ts";

/** Folder of the samples. */
export const SAMPLES = `${REPOSITORY}/tests/fixtures/samples`;

/** A sample. */
export interface Sample {
  /** Name of its file. */
  readonly name: string;
  /** Its text. */
  readonly text: string;
}

/** All samples, sorted by name. */
export function loadSamples(): Sample[] {
  return [...Deno.readDirSync(SAMPLES)].map(({ name }) => name)
    .filter((name) => name.endsWith(".json")).sort()
    .map((name) => ({
      name,
      text: Deno.readTextFileSync(`${SAMPLES}/${name}`),
    }));
}

/** Paths of the authors' machines that stand for a root file system. */
const ROOTS = /"rootfs"\s*:\s*"[^"]+"/;
/** Files that docker's daemon of the day had written. */
const DOCKER_FILES = /"\/var\/lib\/docker\/containers\/[0-9a-f]+\/([a-z.]+)"/g;

/**
 * Adapts a sample where it names paths that only its author had.
 *
 * @param text Text of the sample.
 * @param rootfs Root file system.
 * @param files Directory with `hostname`, `hosts` and `resolv.conf`.
 * @returns The text.
 */
export function adaptSample(
  text: string,
  rootfs: string,
  files: string,
): string {
  return text.replace(ROOTS, `"rootfs": ${JSON.stringify(rootfs)}`)
    .replaceAll(DOCKER_FILES, (_, name) => JSON.stringify(`${files}/${name}`));
}
