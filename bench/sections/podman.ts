/**
 * What users of podman see: `podman run --rm` with each runtime below it.
 *
 * @module
 */
import { type Bench, inside, succeed } from "../bench.ts";
import {
  type CommandLine,
  type Contender,
  PEERS,
  whyMissing,
} from "../contenders.ts";
import { timeInRounds } from "../hyperfine.ts";
import { type Found, type Line, lineOf } from "../results.ts";
import { median, pairedRatio } from "../statistics.ts";
import { BUNDLE } from "../../tasks/bundle.ts";
import { DENO } from "../../tasks/process.ts";

const TITLE = "podman run --rm, start to exit, busybox true, back to back";
const OURS = "nsinit-oci";
const IMAGE = "localhost/bench";
/** Limits above a hard limit need a right that not all machines have. */
const ULIMITS = ["--ulimit=nofile=1024:4096", "--ulimit=nproc=4096:4096"];

/** podman with all that it keeps in the directory of the run. */
function podmanCommand(bench: Bench): CommandLine {
  const at = (name: string): string => inside(bench, "podman", name);
  return [
    bench.programs.get("podman") ?? "podman",
    `--root=${at("root")}`,
    `--runroot=${at("runroot")}`,
    `--tmpdir=${at("tmp")}`,
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
  ];
}

/** Starts ours; engines hand on next to nothing of the environment. */
async function writeOwn(bench: Bench): Promise<string> {
  const path = inside(bench, "podman", OURS);
  const text = `#!/bin/sh\nDENO='${DENO}' exec '${BUNDLE}/${OURS}' "$@"\n`;
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o755);
  return path;
}

async function whyOwnMissing(): Promise<string | undefined> {
  const isThere = await Deno.stat(`${BUNDLE}/${OURS}`)
    .then(() => true, () => false);
  return isThere ? undefined : "not made: deno task bundle";
}

async function makeContenders(bench: Bench): Promise<Contender[]> {
  const podman = podmanCommand(bench);
  const contender = (
    name: string,
    runtime: string,
    missing: string | undefined,
  ): Contender => ({
    name,
    ...(missing !== undefined && { missing }),
    command: [
      ...podman,
      `--runtime=${runtime}`,
      "run",
      "--rm",
      "--network=none",
      `--cgroup-parent=${bench.parent}`,
      "--cgroups=no-conmon",
      "--log-driver=k8s-file",
      ...ULIMITS,
      IMAGE,
      "/bin/true",
    ],
  });
  return [
    contender(OURS, await writeOwn(bench), await whyOwnMissing()),
    ...PEERS.map((peer) =>
      contender(
        peer,
        bench.programs.get(peer) ?? peer,
        whyMissing(bench, peer),
      )
    ),
  ];
}

/**
 * On version 1 podman makes groups for every controller that the kernel knows,
 * mounted or not: in a tmpfs of this mount namespace they go with it.
 */
const OWN_HIERARCHIES = `
[ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ] || exit 0
mkdir "$1" && mount --rbind /sys/fs/cgroup "$1" || exit
mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || exit
for dir in "$1"/*; do
	new=/sys/fs/cgroup/\${dir##*/}
	if [ -L "$dir" ]; then
		cp -P "$dir" "$new" || exit
	elif mountpoint -q "$dir"; then
		mkdir "$new" && mount --rbind "$dir" "$new" || exit
	fi
done
umount -R "$1"`;

/** The image of all. Locks of podman's own are those of this mount namespace. */
async function prepare(bench: Bench): Promise<void> {
  await Deno.mkdir(inside(bench, "podman"));
  const aside = inside(bench, "podman", "cgroup");
  await succeed(bench, ["sh", "-c", OWN_HIERARCHIES, "sh", aside]);
  await succeed(bench, ["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"]);
  const archive = inside(bench, "podman", "image.tar");
  await succeed(bench, ["tar", "-C", bench.rootfs, "-cf", archive, "."]);
  await succeed(bench, [...podmanCommand(bench), "import", archive, IMAGE]);
}

/** Measures ours and the peers. */
export async function podmanSection(bench: Bench): Promise<Found> {
  if (!bench.programs.has("podman")) {
    const lines = [{ label: "podman", note: "not installed" }];
    const figure = { id: "podman", title: TITLE, unit: "ms", lines } as const;
    return { figures: [figure], checks: [] };
  }
  await prepare(bench);
  const contenders = await makeContenders(bench);
  const present = contenders.filter(({ missing }) => missing === undefined);
  const timed = await timeInRounds(bench, present, { rounds: 10, runs: 3 });
  const crun = timed.get("crun")?.rounds;
  const lines = contenders.map(({ name, missing }): Line => {
    const found = timed.get(name);
    if (!found) return { label: name, note: missing ?? "" };
    return lineOf(name, found.rounds.flat(), {
      ...(crun && { "/ crun": pairedRatio(found.rounds, crun) }),
      cpu: median(found.cpu),
    });
  });
  const figure = { id: "podman", title: TITLE, unit: "ms", lines } as const;
  return { figures: [figure], checks: [] };
}
