import { expect, test } from "vitest";
import type { Span } from "../src/protocol";
import { BLANK, pastedLines, readOffline, taskArgs, titleOf, understanding, without, type Reading } from "../src/quickadd";

const NOW = Date.parse("2026-11-25T12:00:00Z"); // a Wednesday
const read = (text: string): Reading => readOffline(text, NOW, "UTC");

test.each([
  ["Pay rent 2026-12-01 at 09:00 #home !high", { title: "Pay rent", due: "2026-12-01T09:00", tags: ["home"], priority: "high" }],
  ["call mom tomorrow", { title: "call mom", due: "2026-11-26" }],
  ["call mom on Wednesday", { title: "call mom", due: "2026-12-02" }],
  ["standup at 9:30", { title: "standup", due: "2026-11-26T09:30" }],
  ["standup at 14:00", { title: "standup", due: "2026-11-25T14:00" }],
  ["pay p1 #a #a #b/c", { title: "pay", priority: "urgent", tags: ["a", "b/c"] }],
  [`read "Today at 9:00 #x" tomorrow`, { title: `read "Today at 9:00 #x"`, due: "2026-11-26" }],
  ["today", { title: "today", due: "2026-11-25" }],
  ["2026-02-30 is no day", { title: "2026-02-30 is no day" }],
  ["Sundays are slow, C# and email!high", { title: "Sundays are slow, C# and email!high" }],
])("without the server: %s", (text, want) => {
  expect(taskArgs(read(text))).toEqual(want);
});

test("an empty line is no task", () => {
  expect(taskArgs(read("   "))).toBeNull();
});

test("what is taken back returns to the title", () => {
  const r = read("call mom tomorrow at 9:00 #home");
  expect(taskArgs(without(r, new Set(["due"])))).toEqual({ title: "call mom tomorrow at 9:00", tags: ["home"] });
  expect(taskArgs(without(r, new Set(["tag #home"])))).toEqual({ title: "call mom #home", due: "2026-11-26T09:00" });
  expect(r.spans.map((s) => understanding(s, r.text))).toEqual(["due", "due", "tag #home"]);
});

test("the server's reading is sent as it resolved it", () => {
  const text = "water plants every 2 weeks on monday, remind me 1h before";
  const reading: Reading = {
    ...BLANK, text, due: { date: "2026-11-30", time: null }, rule: { rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", from: "schedule" },
    spans: [{ s: 13, e: 36, k: "recurrence", v: "" }, { s: 38, e: 57, k: "reminder", v: "1h" }],
  };
  expect(taskArgs(reading)).toEqual({ title: "water plants", due: "2026-11-30", recurrence: "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", reminders: ["1h"] });
  expect(titleOf(without(reading, new Set(["recurrence"])))).toBe("water plants every 2 weeks on monday");
});

test("offsets are code units: an emoji is two", () => {
  const r = read("🎉 party tomorrow");
  expect(r.spans).toEqual([{ s: 9, e: 17, k: "due", v: "2026-11-26" }]);
  expect(titleOf(r)).toBe("🎉 party");
});

test("a pasted list is its lines without marks", () => {
  expect(pastedLines("- milk\n* eggs\n\n 3. bread\n[ ] tea\r\nplain")).toEqual(["milk", "eggs", "bread", "tea", "plain"]);
});

test.each<[Span["k"], string, unknown]>([
  ["priority", "p1", { priority: "urgent" }],
  ["priority", "!high", { priority: "high" }],
  ["priority", "critical", { priority: "urgent" }],
  ["tag", "#home", { tags: ["home"] }],
  ["tag", "tagged work", { tags: ["work"] }],
  ["tag", "two words", { tags: ["two words"] }],
  ["reminder", "remind me 1h before", { reminders: ["1h before"] }],
  ["reminder", "with a reminder 30 minutes before", { reminders: ["30 minutes before"] }],
  ["reminder", "remind me to", { reminders: ["0m"] }],
  ["reminder", "remind me tomorrow at 8am", { reminders: ["tomorrow at 8am"] }],
])("a %s in words or as a value: %s", (k, v, want) => {
  expect(taskArgs({ ...BLANK, text: `x ${v}`, spans: [{ s: 2, e: 2 + v.length, k, v }] })).toEqual({ title: "x", ...(want as object) });
});
