import { expect, test } from "vitest";
import type { ToolEvent } from "../src/protocol";
import { receipt } from "../src/receipt";
import { taskRow } from "./rows";

const NOW = "2026-11-25";
const read = (tool: Partial<ToolEvent> & { name: string }): ReturnType<typeof receipt> => receipt({ id: "c", phase: "ok", ...tool }, NOW, "en-GB");
const task = (more: object): never => ({ ...taskRow("a", { title: "Dentist" }), ...more }) as never;

test("an added task, with what was understood", () => {
  const r = read({ name: "add_task", args: { title: "Dentist" }, result: { uid: "a", title: "Dentist", task: task({ due: { date: "2026-11-26", time: "09:00" }, tags: ["home"] }) } });
  expect(r).toMatchObject({ verb: "Added", object: "Dentist", uid: "a" });
  expect(r.changes).toEqual([{ label: "Due", before: "", after: "Tomorrow 09:00" }, { label: "Tags", before: "", after: "#home" }]);
});

test("a change is told as before and after, and only where it differs", () => {
  const r = read({
    name: "update_task", args: { task_id: 5 },
    result: { uid: "a", title: "Dentist", before: { due: { date: "2026-11-25" }, priority: "high" }, after: { due: null, priority: "high" } },
  });
  expect(r.changes).toEqual([{ label: "Due", before: "Today", after: "none" }]);
});

test.each<[Partial<ToolEvent> & { name: string }, string, string]>([
  [{ name: "add_task", phase: "forming", args: { title: "Milk" } }, "Adding", "Milk"],
  [{ name: "add_task", args: { items: [{ title: "Milk" }, { title: "Eggs" }] }, result: { uid: "a", title: "Milk" } }, "Added", "2 tasks"],
  [{ name: "complete_task", args: { task_id: 5, undo: true }, result: { title: "Dentist" } }, "Reopened", "Dentist"],
  [{ name: "complete_task", args: { task_id: 5, skip_occurrence: true }, phase: "running" }, "Skipping", "task 5"],
  [{ name: "update_task", args: { undo: "last" } }, "Undid", ""],
  [{ name: "delete_task", args: { ids: [1, 2, 3] }, phase: "waiting" }, "Deleting", "3 tasks"],
  [{ name: "list_tasks", result: { total_count: 4 } }, "Looked at your tasks", "4 found"],
  [{ name: "launch_rocket", result: "odd" }, "Ran", ""],
])("%j is told as %s %s", (tool, verb, object) => {
  expect(read(tool)).toMatchObject({ verb, object });
});

test("several tasks are no single task", () => {
  expect(read({ name: "add_task", args: { items: [{}, {}] }, result: { uid: "a" } }).uid).toBeNull();
});
