/**
 * podman of an ordinary user drives the OCI command line.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { waitFor } from "../support/nsinit.ts";
import { IMAGE, podmanTests } from "../support/podman.ts";
import { Terminal } from "../support/tmux.ts";

const test = podmanTests("podmanrootless", true);

test("a user's podman run is root of the user's namespace", async (podman) => {
  const script = "id -u; cat /proc/self/uid_map; touch /f; exit 3";
  const { code, stdout } = await podman.run(
    ["run", "--rm", IMAGE, "sh", "-c", script],
  );
  assertEquals(code, 3);
  assertMatch(stdout, /^0\n +0 +61234 +1\n +1 +700000 +65536\n$/);
});

test("a user's podman gives devices, filter and rights as root's", async (podman) => {
  const output = await podman.sh(
    "echo x > /dev/null && head -c 4 /dev/urandom | wc -c; ls -l /dev/tty; " +
      "grep -E 'Seccomp:|NoNew|CapEff' /proc/self/status; hostname",
    ...["--hostname", "named"],
  );
  assertMatch(output, /^4\ncrw.*\/dev\/tty\nCapEff:\t[0-9a-f]+\n[^]*named$/);
  assertMatch(output, /^Seccomp:\t2$/m);
});

test("a user's podman exec, logs and stop work on what runs", async (podman) => {
  const name = await podman.live();
  await waitFor(
    "its log",
    async () => await podman.must(["logs", name]) === "ready",
  );
  const { code, stdout } = await podman.run(
    ["exec", "-i", name, "sh", "-c", "cat; exit 5"],
    { stdin: "fed\n" },
  );
  assertEquals({ code, stdout }, { code: 5, stdout: "fed\n" });
  assertMatch(await podman.must(["top", name, "pid", "comm"]), /^1 +sh$/m);
  await podman.must(["stop", "-t", "20", name]);
  assertEquals(await podman.inspect(name, ".State.ExitCode"), "7");
  await podman.must(["start", name]);
  await podman.must(["kill", "-s", "KILL", name]);
  assertEquals(await podman.must(["wait", name]), "137");
});

test("a user's podman run -v and --userns=keep-id keep the user's files", async (podman) => {
  const dir = `${podman.dir}/home/volume`;
  await Deno.mkdir(dir);
  await Deno.chown(dir, 61234, 61234);
  const output = await podman.sh(
    "id -u; touch /v/f; stat -c %u /v/f",
    ...["--userns=keep-id", "-v", `${dir}:/v`],
  );
  assertEquals(output, "61234\n61234");
  assertEquals((await Deno.stat(`${dir}/f`)).uid, 61234);
});

test("a user's podman run has a network by slirp4netns", async (podman) => {
  const output = await podman.sh(
    "ip -o -4 addr show tap0; echo up",
    "--network=slirp4netns",
  );
  assertMatch(output, /inet 10\.0\.2\.100\/24[^]*up$/);
}, ["slirp4netns"]);

test("a user's podman run -it is a terminal", async (podman) => {
  const { dir } = podman;
  await using screen = await Terminal.open(dir, dir, `${dir}/unused`);
  await screen.type(podman.line(["run", "--rm", "-it", IMAGE, "sh"]));
  await screen.waitFor(/# ?$/, 30_000);
  await screen.type("tty; stty size; echo $((40+2))");
  await screen.waitFor(/\/dev\/pts\/0\r?\n24 80\r?\n42\r?\n/);
  await screen.type("exit 6");
  await screen.waitFor(/outer\$ $/);
  await screen.type("echo status $?");
  await screen.waitFor(/^status 6$/m);
}, ["tmux"]);

test("containers of a user's pod share a network", async (podman) => {
  const pod = podman.newName();
  await podman.must(
    ["pod", "create", "--name", pod, "--network", "none"]
      .concat("--infra-command", "/bin/pause"),
  );
  const script = "while :; do echo served | nc -l -p 80; done";
  const name = podman.newName();
  await podman.must(
    ["run", "-d", `--pod=${pod}`, "--name", name, IMAGE, "sh", "-c", script],
  );
  const answer = await waitFor("an answer", async () => {
    const { stdout } = await podman.run(
      [
        "run",
        "--rm",
        `--pod=${pod}`,
        IMAGE,
        "nc",
        "-w",
        "5",
        "127.0.0.1",
        "80",
      ],
    );
    return stdout !== "" && stdout;
  }, 30_000);
  assertEquals(answer, "served\n");
});
