import { assert, assertStrictEquals } from "@std/assert";
import { defaultSeccomp } from "../../../lib/config/default_seccomp.ts";
import { deepFreeze, isDeeplyFrozen } from "../../../lib/config/frozen.ts";

Deno.test("isDeeplyFrozen sees what can change at any depth", () => {
  const inner = { list: [1] };
  const outer = Object.freeze({ inner: Object.freeze(inner) });
  assert(!isDeeplyFrozen(outer));
  Object.freeze(inner.list);
  assert(isDeeplyFrozen(outer));
  assert(isDeeplyFrozen(outer), "known by now");
  assert(!isDeeplyFrozen({ inner }));
  for (const simple of [1, 2n, "a", undefined, null, true]) {
    assert(isDeeplyFrozen(simple));
  }
});

Deno.test("deepFreeze freezes what is inside something frozen", () => {
  const value = Object.freeze({ inner: { list: [{}] } });
  assertStrictEquals(deepFreeze(value), value);
  assert(isDeeplyFrozen(value));
  assert(Object.isFrozen(value.inner.list[0]));
});

Deno.test("the filter that comes along cannot be changed for others", () => {
  assert(isDeeplyFrozen(defaultSeccomp));
});
