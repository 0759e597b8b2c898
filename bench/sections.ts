/**
 * The parts of the bench, each of which can be run alone by its name.
 *
 * @module
 */
import type { Bench } from "./bench.ts";
import type { Found } from "./results.ts";
import { apiSection } from "./sections/api.ts";
import { commandsSection } from "./sections/commands.ts";
import { execSection } from "./sections/exec.ts";
import { growthSection } from "./sections/growth.ts";
import { hostMountsSection } from "./sections/host_mounts.ts";
import { memorySection } from "./sections/memory.ts";
import { monitorSection } from "./sections/monitor.ts";
import { podmanSection } from "./sections/podman.ts";
import { processSection } from "./sections/process.ts";
import { processorSection } from "./sections/processor.ts";
import { throughputSection } from "./sections/throughput.ts";
import { waitsSection } from "./sections/waits.ts";
import { warmSection } from "./sections/warm.ts";
import { workSection } from "./sections/work.ts";

/** All parts, in the order in which they run. */
export const SECTIONS: Readonly<
  Record<string, (bench: Bench) => Promise<Found>>
> = {
  work: workSection,
  api: apiSection,
  process: processSection,
  warm: warmSection,
  exec: execSection,
  throughput: throughputSection,
  processor: processorSection,
  commands: commandsSection,
  monitor: monitorSection,
  memory: memorySection,
  growth: growthSection,
  mounts: hostMountsSection,
  waits: waitsSection,
  // Changes what is mounted.
  podman: podmanSection,
};
