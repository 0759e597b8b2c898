/**
 * What podman asks for is so in the container.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { IMAGE, type Podman, podmanTests } from "../support/podman.ts";

const test = podmanTests("podmansettings");

/** Files of the container's own cgroup, read on the host: name by name of version 1, else of version 2. */
async function limits(
  podman: Podman,
  name: string,
  files: readonly (readonly [group: string, v1: string, v2: string])[],
): Promise<string[]> {
  const pid = await podman.inspect(name, ".State.Pid");
  const script = `
for group in $(cat /proc/$0/cgroup); do
	path=\${group##*:} names=\${group#*:}; names=\${names%%:*}
	case ,$names, in
	*,$1,*) cat /sys/fs/cgroup/$1$path/$2 && exit ;;
	esac
done
cat /sys/fs/cgroup$path/$3`;
  return await Promise.all(
    files.map((file) =>
      podman.host.must(["sh", "-c", script, pid, ...file])
        .then((text) => text.trim())
    ),
  );
}

test(
  "podman run sets the limits that it is told, and podman update changes them",
  async (podman) => {
    const name = await podman.live(
      "--memory=64m",
      "--memory-reservation=32m",
      "--cpus=0.5",
      "--pids-limit=77",
      "--cpuset-cpus=0",
    );
    const isOld = await isVersion1(podman);
    const files = [
      ["memory", "memory.limit_in_bytes", "memory.max"],
      ["memory", "memory.soft_limit_in_bytes", "memory.low"],
      ["cpu", "cpu.cfs_quota_us", "cpu.max"],
      ["pids", "pids.max", "pids.max"],
      ["cpuset", "cpuset.cpus", "cpuset.cpus"],
    ] as const;
    assertEquals(await limits(podman, name, files), [
      `${64 << 20}`,
      `${32 << 20}`,
      isOld ? "50000" : "50000 100000",
      "77",
      "0",
    ]);
    await podman.must(
      ["update", "--memory=96m", "--cpus=0.25", name],
    );
    const [memory, , cpu, pids] = await limits(podman, name, files);
    assertEquals([memory, cpu, pids], [
      `${96 << 20}`,
      isOld ? "25000" : "25000 100000",
      "77",
    ]);
  },
  ["memory-cgroup"],
);

async function isVersion1(podman: Podman): Promise<boolean> {
  const path = "/sys/fs/cgroup/cgroup.controllers";
  return (await podman.host.run(["test", "-e", path])).code !== 0;
}

test("podman run --memory ends what takes more", async (podman) => {
  const script = "dd if=/dev/zero of=/dev/null bs=64M; exit $?";
  const flags = ["--rm", "--memory=16m", "--memory-swap=16m"];
  const { code } = await podman.run(
    ["run", ...flags, IMAGE, "sh", "-c", script],
  );
  assertEquals(code, 137);
}, ["memory-cgroup"]);

test("podman run --pids-limit refuses further processes", async (podman) => {
  const script = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all";
  const { code } = await podman.run(
    ["run", "--rm", "--pids-limit=5", IMAGE, "sh", "-c", script],
  );
  assert(code !== 0);
});

test("podman run --read-only leaves only what is mounted to be written", async (podman) => {
  const output = await podman.sh(
    "touch /f 2>&1; touch /etc/f 2>&1; touch /tmp/f && echo tmp; " +
      "touch /dev/shm/f && echo shm; touch /data/f && echo data",
    "--read-only",
    "--tmpfs",
    "/data:size=1m",
  );
  assertEquals(output.split("\n"), [
    "touch: /f: Read-only file system",
    "touch: /etc/f: Read-only file system",
    "tmp",
    "shm",
    "data",
  ]);
});

test("podman run -v gives directories and files, to read or to write", async (podman) => {
  const dir = `${podman.dir}/volume`;
  await Deno.mkdir(dir);
  await Deno.writeTextFile(`${dir}/file`, "given\n");
  const output = await podman.sh(
    "exec 2>&1; cat /rw/file /f; echo new > /rw/new; echo no > /ro/new; echo kept > /named/k",
    ...["-v", `${dir}:/rw`, "-v", `${dir}:/ro:ro`],
    ...["-v", `${dir}/file:/f:ro`, "-v", "vol:/named"],
  ).catch((error) => String(error));
  assertMatch(output, /given\ngiven/);
  assertMatch(output, /\/ro\/new: Read-only file system/);
  assertEquals(await Deno.readTextFile(`${dir}/new`), "new\n");
  assertEquals(await podman.sh("cat /named/k", "-v", "vol:/named"), "kept");
});

test("podman run sets user, groups, directory, names and environment", async (podman) => {
  const output = await podman.sh(
    "id -u; id -g; id -G; pwd; hostname; echo $WORD $HOME; umask; cat /proc/self/oom_score_adj",
    ...["--user", "user", "--group-add", "4242", "--workdir", "/var"],
    ...["--hostname", "named", "--env", "WORD=word", "--umask", "0077"],
    ...["--oom-score-adj", "500"],
  );
  assertEquals(output.split("\n"), [
    "1000",
    "1000",
    "1000 46 4242",
    "/var",
    "named",
    "word /home/user",
    "0077",
    "500",
  ]);
});

test("podman run --init puts an init before the program", async (podman) => {
  const output = await podman.sh(
    "tr '\\0' ' ' < /proc/1/cmdline; exit 0",
    ...["--init", "--init-path", "/usr/bin/catatonit"],
  );
  assertMatch(output, /^\/run\/podman-init -- sh -c /);
}, ["catatonit"]);

test("podman run gives the default rights and filter, no more", async (podman) => {
  const status = await podman.sh("cat /proc/self/status");
  assertMatch(status, /^Seccomp:\t2$/m);
  assertMatch(status, /^CapEff:\t00000000a80425fb$/m);
  assertMatch(status, /^CapAmb:\t0{16}$/m);
  const { stderr } = await podman.run(
    ["run", "--rm", IMAGE, "unshare", "-m", "true"],
  );
  assertMatch(stderr, /Operation not permitted/);
});

test("podman run --cap-drop, --cap-add and --security-opt change them", async (podman) => {
  const none = await podman.sh("cat /proc/self/status", "--cap-drop=all");
  assertMatch(none, /^CapBnd:\t0{16}$/m);
  const one = await podman.sh(
    "cat /proc/self/status",
    ...["--cap-drop=all", "--cap-add=net_raw"],
    ...["--security-opt", "no-new-privileges"],
    ...["--security-opt", "seccomp=unconfined"],
  );
  assertMatch(one, /^CapEff:\t0000000000002000$/m);
  assertMatch(one, /^NoNewPrivs:\t1$/m);
  assertMatch(one, /^Seccomp:\t0$/m);
});

test("podman run --privileged hides nothing and allows all", async (podman) => {
  const output = await podman.sh(
    "cat /proc/self/status; mount -t tmpfs t /mnt 2>&1 || mkdir /m && " +
      "mount -t tmpfs t /m && echo mounted; ls /dev; wc -c < /proc/timer_list",
    "--privileged",
  );
  assertMatch(output, /^Seccomp:\t0$/m);
  assertMatch(output, /^CapEff:\t000001[f-f]+/m);
  assertMatch(output, /^mounted$/m);
  assertMatch(output, /^kmsg$/m);
});

test("podman run hides what is the host's", async (podman) => {
  const output = await podman.sh(
    "wc -c < /proc/timer_list; ls /sys/firmware; exec 2>&1; " +
      "echo 1 > /proc/sys/kernel/core_pattern; touch /sys/f",
  ).catch((error) => String(error));
  assertMatch(
    output,
    /0\n[^]*core_pattern: Read-only file system[^]*f: Read-only file system/,
  );
  const devices = await podman.sh("ls /dev");
  assert(!/kmsg|mem|vda/.test(devices), devices);
});

test("podman run --device, --ulimit, --sysctl and --shm-size are so inside", async (podman) => {
  const output = await podman.sh(
    "ls /dev/given; echo x > /dev/given && echo written; ulimit -n; " +
      "cat /proc/sys/net/ipv4/ip_forward; df -k /dev/shm | tail -n 1",
    ...[
      "--device",
      "/dev/null:/dev/given:rw",
      "--ulimit",
      "nofile=321:321",
      "--ulimit",
      "nproc=99:99",
    ],
    ...["--sysctl", "net.ipv4.ip_forward=1", "--shm-size", "3m"],
  );
  assertMatch(output, /^\/dev\/given\nwritten\n321\n1\nshm +3072 /m);
});

test("podman run --cgroups=disabled makes no cgroup", async (podman) => {
  const name = await podman.live("--cgroups=disabled");
  const pid = await podman.inspect(name, ".State.Pid");
  const group = await podman.host.must(["cat", `/proc/${pid}/cgroup`]);
  assert(!group.includes("libpod"), group);
  const { code } = await podman.run(["exec", name, "sh", "-c", "exit 3"]);
  assertEquals(code, 3);
  await podman.must(["stop", name]);
  assertEquals(await podman.inspect(name, ".State.ExitCode"), "7");
});

test("podman run joins namespaces of the host and of other containers", async (podman) => {
  const name = await podman.live("--ipc=shareable");
  const other = await podman.must(
    [
      "exec",
      name,
      "sh",
      "-c",
      "readlink /proc/1/ns/ipc; readlink /proc/1/ns/pid",
    ],
  );
  const joined = await podman.sh(
    "readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid",
    ...[`--ipc=container:${name}`, `--pid=container:${name}`],
  );
  assertEquals(joined.split("\n").sort(), other.split("\n").sort());
  const host = await podman.host.sh(
    "readlink /proc/1/ns/ipc; readlink /proc/1/ns/uts; readlink /proc/1/ns/pid",
  );
  assertEquals(
    await podman.sh(
      "readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; readlink /proc/self/ns/pid",
      ...["--ipc=host", "--uts=host", "--pid=host"],
    ),
    host,
  );
});

test("podman run --uidmap puts the container into a user namespace", async (podman) => {
  const output = await podman.sh(
    "cat /proc/self/uid_map; id -u; touch /f && stat -c %u /f; cat /proc/self/status",
    ...["--uidmap", "0:200000:1000", "--gidmap", "0:300000:1000"],
  );
  assertMatch(output, /^ +0 +200000 +1000\n0\n0\n/);
  assertMatch(output, /^Seccomp:\t2$/m);
});

test("podman run --preserve-fds hands descriptors on", async (podman) => {
  const line = podman.line(
    ["run", "--rm", "--preserve-fds", "1", IMAGE, "cat", "/proc/self/fd/3"],
  );
  await Deno.writeTextFile(`${podman.dir}/third`, "from 3\n");
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `exec 3< ${podman.dir}/third; ${line}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "from 3\n");
});

test("podman run --group-add keep-groups keeps the caller's groups", async (podman) => {
  const read = ["grep", "^Groups:", "/proc/self/status"];
  const run = ["run", "--rm", "--group-add", "keep-groups", IMAGE, ...read];
  const prefix = ["setpriv", "--groups", "3,4"];
  const { code, stdout, stderr } = await podman.run(run, { prefix });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trim().split(/\s+/), ["Groups:", "3", "4"]);
});

test("podman run --device-cgroup-rule takes a rule for both types of devices", async (podman) => {
  const run = ["run", "--rm", "--device-cgroup-rule", "a 7:1 rmw", IMAGE];
  assertEquals(await podman.must([...run, "echo", "in"]), "in");
});
