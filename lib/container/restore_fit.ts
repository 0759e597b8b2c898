/**
 * Makes images and the root fit each other before CRIU reads them.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { separateMasters, setDeathSignal } from "../criu/image_files.ts";
import { mountOf, parseMounts } from "../criu/mounts.ts";
import { findMountPlaces, planMountPoints } from "../plan/mount_points.ts";
import { changeImage, shareImages } from "./images.ts";
import { lookAt } from "./look_at.ts";
import { runPlan } from "./restore_run.ts";
import type { Restoring } from "./restore_types.ts";

/** Group on the host that is group 0 in a user namespace of the container's own. */
function rootGroup(
  { namespaces, gidMappings = [] }: Config,
): number | undefined {
  const hasOwn = namespaces.some(({ type, path }) =>
    type === "NEWUSER" && path === undefined
  );
  if (!hasOwn) return undefined;
  return gidMappings.find(({ containerId }) => containerId === 0)?.hostId;
}

function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    // The step that opens it tells what is wrong.
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

/** Each mount gets what is mounted outside where its new source does. */
async function fitMounts(
  { sources, request: { images, config } }: Restoring,
): Promise<void> {
  const table = parseMounts(await Deno.readTextFile("/proc/self/mountinfo"));
  const propagates = (key: string | undefined): boolean => {
    const source = key === undefined ? config.rootfs : sources.get(key) ?? "";
    return mountOf(realPathOf(source), table)?.propagates ?? false;
  };
  for await (const { name } of Deno.readDir(images.path)) {
    if (!/^mountpoints-\d+\.img$/.test(name)) continue;
    await changeImage(
      images.path,
      name,
      (image) => separateMasters(image, propagates),
    );
  }
}

/** Makes the images fit what is restored from them. */
export async function fitImages(restoring: Restoring): Promise<void> {
  const { images, config } = restoring.request;
  const { path, record } = images;
  await fitMounts(restoring);
  const wanted = config.parentDeathSignal ?? 0;
  await changeImage(
    path,
    `core-${record.pid}.img`,
    (image) => setDeathSignal(image, wanted),
  );
  const gid = rootGroup(config);
  if (gid !== undefined) await shareImages(path, gid);
}

/** CRIU mounts at what is there: a root that is new to the container lacks it. */
export async function makeMountPoints(
  { request: { config }, record, sources }: Restoring,
): Promise<void> {
  const { rootfs, overlay, hostRoot } = config;
  if (overlay !== undefined || hostRoot !== undefined) return;
  const places = findMountPlaces(
    config,
    record.mounts.flatMap(({ key, target }) => {
      const source = sources.get(key) ?? "";
      return source === "" || target === "/" ? [] : [{ target, source }];
    }),
  );
  const targets = places.bound.map(({ target }) => target)
    .concat(places.directories);
  if (targets.every((target) => lookAt(rootfs + target) !== undefined)) return;
  (await runPlan(planMountPoints(rootfs, places))).close();
}
