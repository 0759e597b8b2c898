import { assert, assertEquals, assertMatch } from "@std/assert";
import { Output } from "../../../lib/cli/output.ts";
import {
  formatProgress,
  Progress,
  type ProgressScreen,
  type ProgressView,
} from "../../../lib/cli/progress.ts";

const VIEW: ProgressView = {
  what: "Deleting containers",
  unit: "count",
  done: 5,
  total: 20,
  elapsedMs: 4000,
};

Deno.test("formatProgress tells how far the work is and how long it takes", () => {
  assertEquals(
    formatProgress({ ...VIEW, detail: "demo" }, 100),
    "Deleting containers [#####...............] 5 of 20, 4 s, about 12 s left: demo",
  );
});

Deno.test("formatProgress without a total counts", () => {
  const { total: _, ...view } = VIEW;
  assertEquals(formatProgress(view, 100), "Deleting containers 5, 4 s");
});

Deno.test("formatProgress fits every width and never drives the terminal", () => {
  for (let columns = 0; columns < 120; columns++) {
    const line = formatProgress(
      { ...VIEW, detail: "\x1b[2J\n\u202e" },
      columns,
    );
    assert(line.length <= columns, line);
    assert(!/\p{Cc}|\u202e/u.test(line), JSON.stringify(line));
  }
});

Deno.test("formatProgress never shows more than all", () => {
  const line = formatProgress({ ...VIEW, done: 25 }, 100);
  assertEquals(
    line,
    "Deleting containers [####################] 20 of 20, 4 s",
  );
});

function screenInto(lines: string[], isShown = true): ProgressScreen {
  return { isShown, columns: () => 60, write: (text) => lines.push(text) };
}

async function until(ask: () => boolean): Promise<void> {
  while (!ask()) await new Promise((resolve) => setTimeout(resolve, 10));
}

Deno.test("Progress draws after a moment, and leaves a clean line", async () => {
  const output = new Output({ format: "text", debug: false });
  const lines: string[] = [];
  {
    using progress = new Progress(output, "Working", {
      total: 3,
      screen: screenInto(lines),
    });
    progress.add(1, "first");
    progress.draw();
    assertEquals(lines, []);
    await until(() => lines.length > 0);
    assertMatch(
      lines[0] ?? "",
      /KWorking \[#+\.+\] 1 of 3, \d+ ms: fi/,
    );
    progress.set(2, { detail: "second", total: 4 });
    progress.draw();
    assertMatch(lines.at(-1) ?? "", / 2 of 4, /);
  }
  assertEquals(lines.at(-1), "\r\x1b[K");
});

Deno.test("Progress makes way for other lines", async () => {
  const output = new Output({ format: "text", debug: false });
  const lines: string[] = [];
  using _progress = new Progress(output, "Working", {
    screen: screenInto(lines),
  });
  await until(() => lines.length > 0);
  const before = lines.length;
  await output.result("");
  assertEquals(lines.slice(before), ["\r\x1b[K"]);
});

Deno.test("Progress shows nothing where nobody looks", async () => {
  const output = new Output({ format: "text", debug: false });
  const lines: string[] = [];
  {
    using progress = new Progress(output, "Working", {
      screen: screenInto(lines, false),
    });
    await new Promise((resolve) => setTimeout(resolve, 350));
    progress.draw();
  }
  assertEquals(lines, []);
});
