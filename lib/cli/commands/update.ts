/**
 * `nsinit update`: changes the limits of a container.
 *
 * @module
 */
import { describeCause, UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { LIMIT_OPTIONS } from "../limit_options.ts";
import { checkLimitsGiven, limitsOf } from "../limits.ts";
import { withTarget } from "../target.ts";

/** The numbers of a block device. */
function numbersOf(path: string): readonly [number, number] {
  const attempt = `Cannot use ${path} as a block device`;
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (cause) {
    throw new UsageError(`${attempt}: ${describeCause(cause)}`);
  }
  const { rdev } = info;
  if (info.isBlockDevice !== true || rdev === null) {
    throw new UsageError(`${attempt}: it is none`);
  }
  // As the C library packs them: the numbers have grown twice.
  const device = BigInt(rdev);
  const major = (device >> 8n & 0xfffn) | (device >> 32n & 0xfffff000n);
  const minor = (device & 0xffn) | (device >> 12n & 0xffffff00n);
  return [Number(major), Number(minor)];
}

async function update(invocation: Invocation): Promise<number> {
  const { values } = invocation;
  checkLimitsGiven(values);
  const { updateContainer } = await import("../../container/update.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    await updateContainer(
      stateRoot,
      id,
      (current) => limitsOf(values, current, numbersOf),
    );
  });
  return 0;
}

/** Declaration of `update`. */
export const COMMAND: Command = {
  name: "update",
  summary: "Change the limits of a container, while it runs",
  usage: "[flags] [ID]",
  details: [
    "Limits that are not named stay as they are; of those with one value for " +
    "each device, page size or interface, only the named ones change. All " +
    "are checked before one is written, and when the kernel refuses one, " +
    "those written before it are put back. A container that does not run " +
    "gets them when it is started.",
    "DEV is the path of a block device, or its numbers, such as 8:0.",
  ],
  options: [ID_OPTION, ...LIMIT_OPTIONS],
  usesDirectory: true,
  examples: [
    {
      doc: "more memory, and half a CPU",
      line: "nsinit update --memory-limit 512m --cpu-quota 50000 demo",
    },
    {
      doc: "no more than 10 MiB written in a second, for now",
      line: "nsinit update --device-write-bps /dev/sda:10m demo",
    },
  ],
  action: update,
};
