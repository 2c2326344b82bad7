import { expect, test } from "vitest";
import type { TaskRow } from "../src/protocol";
import { counts, sections, type ViewInput, type ListName } from "../src/views";
import { taskRow } from "./rows";

const NOW = Date.parse("2026-11-25T12:00:00Z"); // a Wednesday

const due = (uid: string, date: string, more: Partial<TaskRow> = {}): TaskRow => taskRow(uid, { due: { date }, ...more });
const tasks = [
  due("late", "2026-11-20"),
  due("noon", "2026-11-25", { due: { date: "2026-11-25", time: "09:00" } }),
  due("evening", "2026-11-25", { due: { date: "2026-11-25", time: "19:00" } }),
  due("urgent", "2026-11-25", { priority: "urgent" }),
  due("plain", "2026-11-25"),
  due("tomorrow", "2026-11-26"),
  due("nextmonth", "2026-12-24"),
  due("tokyo", "2026-11-26", { due: { date: "2026-11-26", time: "01:00", time_zone: "Asia/Tokyo" }, due_date: "2026-11-25T16:00:00Z" }),
  taskRow("someday", { tags: ["home"] }),
  due("done", "2026-11-25", { completed: true, status: "completed", completed_at: "2026-11-24T22:00:00Z" }),
  due("gone", "2026-11-25", { deleted_at: "2026-11-24T22:00:00Z", status: "deleted" }),
];

const input = (more: Partial<ViewInput> = {}): ViewInput => ({ tasks, scene: { now: NOW, zone: "UTC", weekStart: "monday" }, locale: "en-GB", lingering: new Set(), ...more });
const picture = (view: ListName, query = "", more: Partial<ViewInput> = {}): [string, string[]][] =>
  sections(view, query, input(more)).filter((s) => s.tasks.length > 0).map((s) => [s.title, s.tasks.map((t) => t.uid)]);

test("today: overdue first, then by the clock, then the more pressing", () => {
  expect(picture("today")).toEqual([
    ["Overdue", ["late"]],
    ["Today", ["noon", "tokyo", "evening", "urgent", "plain"]],
  ]);
});

test("a task ticked a moment ago keeps its place", () => {
  expect(picture("today", "", { lingering: new Set(["done"]) })[1]?.[1]).toContain("done");
});

test("upcoming: day by day, a week of headings, then later", () => {
  expect(picture("upcoming")).toEqual([
    ["Today", ["noon", "tokyo", "evening", "urgent", "plain"]],
    ["Tomorrow", ["tomorrow"]],
    ["Later", ["nextmonth"]],
  ]);
  expect(sections("upcoming", "", input()).map((s) => s.title)).toEqual(["Today", "Tomorrow", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Later"]);
  const expected = sections("upcoming", "", input({ expected: new Set(["2026-12-05"]) }));
  expect(expected.map((s) => s.day), "a day on which something will recur").toContain("2026-12-05");
});

test("inbox, completed and search", () => {
  expect(picture("inbox")).toEqual([["", ["someday"]]]);
  expect(picture("completed")).toEqual([["Yesterday", ["done"]]]);
  expect(picture("completed", "", { scene: { now: NOW, zone: "Asia/Karachi", weekStart: "monday" } })[0]?.[0]).toBe("Today");
  expect(picture("search", "tag:home")).toEqual([["", ["someday"]]]);
  expect(picture("search", "status:completed")).toEqual([["", ["done"]]]);
  expect(picture("search", "due:overdue")).toEqual([["", ["late", "noon"]]]);
  expect(picture("search", "plai")).toEqual([["", ["plain"]]]);
});

test("the navigation counts what is open", () => {
  expect(counts(tasks, input().scene)).toEqual({ today: 6, overdue: 1, inbox: 1, tags: [["home", 1]] });
});
