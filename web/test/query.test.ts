import { expect, test } from "vitest";
import { BadQuery, fold, matcher, order, parseQuery, type Scene } from "../src/query";
import { taskRow } from "./rows";

const scene = (now = "2026-11-25T12:00:00Z", zone = "UTC"): Scene => ({ now: Date.parse(now), zone, weekStart: "monday" });

test("folding ignores case and accents", () => {
  for (const [text, folded] of Object.entries({ Café: "cafe", "CAFE\u0301": "cafe", Naïve: "naive", Straße: "straße", ＡＢＣ: "abc", İ: "i" })) expect(fold(text)).toBe(folded);
});

test.each([
  ["plan", "Plan the trip", "", true],
  ["plan", "Water plants", "", true],
  ["lants", "Water plants", "", false],
  ["planting", "Water plants", "", false],
  ["CAFÉ", "Cafe opening", "", true],
  ["rent mom", "Call mom", "", true],
  [`"the plants"`, "Call mom", "ask about the plants", true],
  [`"plants the"`, "Call mom", "ask about the plants", false],
  [`"about the pl"`, "Call mom", "ask about the plants", true],
  ["plants -mom", "Call mom", "ask about the plants", false],
  ["plants -mom", "Water plants", "", true],
  ["-mom", "Water plants", "", true],
  ["", "anything", "", true],
  [`"unclosed quote`, "an unclosed quote", "", true],
  [`"a b"`, "end a", "b start", false],
  ["& | ! <-> :* ' ( \\", "anything", "", true],
])("search %s in %s/%s: %s", (query, title, description, want) => {
  expect(matcher(parseQuery(query), scene())(taskRow("a", { title, description }))).toBe(want);
});

test("known keys narrow, all else is a word", () => {
  const f = parseQuery(`tag:garden tag:shop,family priority:high,urgent due:this_week sort:-due_date water "the plants" -mom colour:red tag:"two words"`);
  expect(f).toEqual({
    status: "all", priority: ["high", "urgent"], tags: ["garden", "two words"], tagsAny: [["shop", "family"]], due: "this_week", sort: "due_date", desc: true,
    any: [["water"], ["the", "plants"], ["colour", "red"]], not: [["mom"]],
  });
});

test.each(["status:open", "priority:purple", "due:someday", "due:2026-02-30", "due:..", "sort:colour"])("%s says what it takes", (text) => {
  expect(() => parseQuery(text)).toThrow(BadQuery);
});

test("stretches are local days, also when the clocks go back", () => {
  const at = scene("2026-11-01T12:00:00Z", "America/New_York");
  const fits = (due: string, instant: string): boolean => matcher(parseQuery(`due:${due}`), at)(taskRow("a", { due: { date: "x" }, due_date: instant }));
  const edges: [string, string, string][] = [
    ["today", "2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z"],
    ["tomorrow", "2026-11-02T05:00:00Z", "2026-11-03T04:59:59Z"],
    ["this_week", "2026-10-26T04:00:00Z", "2026-11-02T04:59:59Z"],
    ["this_month", "2026-11-01T04:00:00Z", "2026-12-01T04:59:59Z"],
    ["2026-12-24", "2026-12-24T05:00:00Z", "2026-12-25T04:59:59Z"],
    ["2026-12-24..2026-12-26", "2026-12-24T05:00:00Z", "2026-12-27T04:59:59Z"],
  ];
  for (const [word, first, last] of edges) {
    const before = new Date(Date.parse(first) - 1).toISOString();
    const after = new Date(Date.parse(last) + 1000).toISOString();
    expect([word, fits(word, first), fits(word, last), fits(word, before), fits(word, after)]).toEqual([word, true, true, false, false]);
  }
});

test("status, priority, tags and dates select as the server does", () => {
  const all = [
    taskRow("open", { due: { date: "2026-11-24" }, due_date: "2026-11-24T23:59:59Z", tags: ["Home", "work"], priority: "high" }),
    taskRow("done", { completed: true, status: "completed", due: { date: "2026-11-24" }, due_date: "2026-11-24T23:59:59Z" }),
    taskRow("gone", { deleted_at: "2026-11-01T00:00:00Z", status: "deleted" }),
  ];
  const found = (q: string): string => all.filter(matcher(parseQuery(q), scene())).map((t) => t.uid).join();
  expect([found(""), found("status:pending"), found("status:completed"), found("status:deleted")]).toEqual(["open,done", "open", "done", "gone"]);
  expect([found("due:overdue"), found("due:none"), found("tag:home tag:work"), found("tag:x,work"), found("priority:high")]).toEqual(["open", "", "open", "open", "open"]);
});

test("a task without a date stands last in both directions", () => {
  const all = [taskRow("none"), taskRow("late", { due: { date: "x" }, due_date: "2026-12-02T00:00:00Z" }), taskRow("soon", { due: { date: "x" }, due_date: "2026-12-01T00:00:00Z" })];
  const sorted = (q: string): string => [...all].sort(order(parseQuery(q), "UTC")).map((t) => t.uid).join();
  expect([sorted("sort:due_date"), sorted("sort:-due_date")]).toEqual(["soon,late,none", "late,soon,none"]);
});

test("the best match comes first", () => {
  const all = [taskRow("a", { description: "milk" }), taskRow("b", { title: "Milk" })];
  expect([...all].sort(order(parseQuery("milk"), "UTC")).map((t) => t.uid)).toEqual(["b", "a"]);
});
