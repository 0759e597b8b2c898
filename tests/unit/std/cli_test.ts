import { assert, assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli";

Deno.test("parseArgs() reads flags that are not declared", () => {
  assertEquals<unknown>(parseArgs(["--a", "--b=c", "--d", "1", "e", "0x10"]), {
    a: true,
    b: "c",
    d: 1,
    _: ["e", 16],
  });
});

Deno.test("parseArgs() gives declared flags their type", () => {
  const flags = parseArgs(["--n=1", "--tty", "x", "5"], {
    boolean: ["tty", "quiet"],
    string: ["n", "_"],
  });
  const tty: boolean = flags.tty;
  const n: string | undefined = flags.n;

  assertEquals({ tty, n }, { tty: true, n: "1" });
  assertEquals<unknown>(flags, {
    tty: true,
    quiet: false,
    n: "1",
    _: ["x", "5"],
  });
});

Deno.test("parseArgs() gives a string flag without a value the empty text", () => {
  const options = { string: ["a", "b"] };

  assertEquals<unknown>(parseArgs(["--a", "--b", "-a"], options), {
    a: "",
    b: "",
    _: [],
  });
});

Deno.test("parseArgs() does not take a flag as a value", () => {
  assertEquals<unknown>(parseArgs(["--a", "-b"], { string: "a" }), {
    a: "",
    b: true,
    _: [],
  });
  assertEquals<unknown>(parseArgs(["--a=-b"], { string: "a" }), {
    a: "-b",
    _: [],
  });
});

Deno.test("parseArgs() lets a boolean take a following true or false", () => {
  assertEquals<unknown>(parseArgs(["--a", "false", "b"], { boolean: "a" }), {
    a: false,
    _: ["b"],
  });
  assertEquals<unknown>(parseArgs(["--a=false"], { boolean: "a" }), {
    a: false,
    _: [],
  });
});

Deno.test("parseArgs() with boolean: true takes no values without =", () => {
  assertEquals<unknown>(parseArgs(["--a", "b", "--c=d"], { boolean: true }), {
    a: true,
    c: "d",
    _: ["b"],
  });
});

Deno.test("parseArgs() collects repeated flags", () => {
  const flags = parseArgs(["-e", "A=1", "--env=B=2"], {
    string: ["env", "mount"],
    collect: ["env", "mount"],
    alias: { env: "e" },
  });
  const env: string[] = flags.env;

  assertEquals(env, ["A=1", "B=2"]);
  assertEquals(flags.e, ["A=1", "B=2"]);
  assertEquals(flags.mount, []);
});

Deno.test("parseArgs() negates only what is negatable", () => {
  const flags = parseArgs(["--no-a", "--no-b"], {
    boolean: ["a", "b"],
    negatable: ["a"],
    default: { a: true },
  });

  assertEquals<unknown>(flags, { a: false, "no-b": true, b: false, _: [] });
});

Deno.test("parseArgs() fills in defaults, also under aliases", () => {
  const flags = parseArgs([], {
    string: ["root"],
    default: { root: "/run" },
    alias: { root: ["r", "state"] },
  });
  const root: string = flags.root;

  assertEquals(root, "/run");
  assertEquals<unknown>(flags, {
    root: "/run",
    r: "/run",
    state: "/run",
    _: [],
  });
});

Deno.test("parseArgs() stops at the first non-flag if asked", () => {
  const options = { boolean: ["t"], string: ["_"], stopEarly: true };

  assertEquals<unknown>(parseArgs(["-t", "ls", "-l", "7"], options), {
    t: true,
    _: ["ls", "-l", "7"],
  });
});

Deno.test("parseArgs() keeps what follows -- as it is", () => {
  assertEquals<unknown>(parseArgs(["-a", "--", "-b", "1"]), {
    a: true,
    _: ["-b", "1"],
  });

  const flags = parseArgs(["a", "--", "-b"], { "--": true });
  const rest: string[] = flags["--"];
  assertEquals(rest, ["-b"]);
  assertEquals(flags._, ["a"]);
});

Deno.test("parseArgs() reads grouped short flags", () => {
  const rows: [string[], Record<string, unknown>][] = [
    [["-abc"], { a: true, b: true, c: true }],
    [["-abc", "x"], { a: true, b: true, c: "x" }],
    [["-n5"], { n: 5 }],
    [["-n=5"], { n: 5 }],
    [["-f/dev/null"], { f: "/dev/null" }],
    [["-v-"], { v: "-" }],
  ];

  for (const [args, wanted] of rows) {
    assertEquals<unknown>(
      parseArgs(args),
      { ...wanted, _: [] },
      args.join(" "),
    );
  }
});

Deno.test("parseArgs() asks about what is not declared", () => {
  const asked: unknown[][] = [];
  const flags = parseArgs(["--known", "--other=1", "pos", "-x"], {
    boolean: ["known"],
    unknown: (...args) => {
      asked.push(args);
      return false;
    },
  });

  assertEquals<unknown>(flags, { known: true, _: [] });
  assertEquals(asked, [["--other=1", "other", "1"], ["pos"], [
    "-x",
    "x",
    true,
  ]]);
});

Deno.test("parseArgs() nests dotted names and cannot be led astray", () => {
  assertEquals<unknown>(parseArgs(["--a.b=1", "--a.c=2"]), {
    a: { b: 1, c: 2 },
    _: [],
  });

  parseArgs(["--__proto__.polluted=1", "--constructor.prototype.polluted=1"]);
  assert(!("polluted" in {}));
});
