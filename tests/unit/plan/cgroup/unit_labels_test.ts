import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../../lib/errors.ts";
import {
  replaceProperties,
  unitProperties,
} from "../../../../lib/plan/cgroup/unit_labels.ts";

function propertyOf(name: string, value: string): string | undefined {
  return unitProperties([`org.systemd.property.${name}=${value}`])[0];
}

Deno.test("unitProperties reads values in the text form of GVariant", () => {
  const cases: [string, string, string][] = [
    ["SendSIGHUP", "true", "SendSIGHUP:b=true"],
    ["CollectMode", "'inactive-or-failed'", "CollectMode:s=inactive-or-failed"],
    ["Description", '"it\'s \\"a\\" = b"', 'Description:s=it\'s "a" = b'],
    ["KillSignal", "15", "KillSignal:i=15"],
    ["Nice", "-5", "Nice:i=-5"],
    ["UMask", "uint32 18", "UMask:u=18"],
    ["TimeoutStopUSec", "uint64 2000000", "TimeoutStopUSec:t=2000000"],
    ["TimeoutStopSec", "uint64 2", "TimeoutStopUSec:t=2000000"],
    ["TimeoutStopSec", "3", "TimeoutStopUSec:t=3000000"],
    ["After", "['a.service', 'b']", 'After:as=["a.service","b"]'],
    ["After", "[]", "After:as=[]"],
  ];
  for (const [name, value, property] of cases) {
    assertEquals([value, propertyOf(name, value)], [value, property]);
  }
});

Deno.test("unitProperties passes over other labels and refuses what is no property", () => {
  assertEquals(unitProperties(["a=b", "org.systemd=1"]), []);
  const wrong: [string, string][] = [
    ["", "1"],
    ["delegate", "true"],
    ["A:b", "true"],
    ["Delegate", "yes"],
    ["Delegate", "'open"],
    ["Delegate", "''open'"],
    ["Delegate", "int8 5"],
    ["Delegate", "['a', 5]"],
    ["Delegate", "['a' 'b']"],
    ["TimeoutStopSec", "'2'x"],
    ["TimeoutStopSec", "'two'"],
    ["TimeoutStopSec", "-2"],
  ];
  for (const [name, value] of wrong) {
    assertThrows(() => propertyOf(name, value), ConfigError);
  }
});

Deno.test("replaceProperties keeps what nobody asks to be another", () => {
  assertEquals(
    replaceProperties(
      ["TasksMax=5", "DeviceAllow=a", "DeviceAllow=b"],
      ["TasksMax:t=9", "DeviceAllow:as=[]"],
    ),
    ["TasksMax:t=9", "DeviceAllow:as=[]"],
  );
  assertEquals(replaceProperties(["A=1"], []), ["A=1"]);
});
