import { beforeEach, expect, test } from "vitest";
import type { Mutation } from "../src/mutation";
import type { Args, Change, Delta, NoticeRow, Ready, TaskRow, Tool } from "../src/protocol";
import { Replica } from "../src/replica";
import { taskRow } from "./rows";

const AT = "2026-11-25T09:00:00.000Z";
const ready = (mode: Ready["mode"], seq = 1): Ready => ({ t: "ready", epoch: "e1", seq, mode, last_mid: 0, hb: 1000, now: AT });
const call = (mid: number, tool: Tool, args: Args): Mutation => ({ t: "mutate", mid, op: `op${mid}`, at: AT, tool, args });
const put = (row: TaskRow, more: Partial<Change> = {}): Change => ({ k: "task", id: row.uid, op: "put", ver: row.version, row, ...more });
const delta = (from: number, to: number, ...c: Change[]): Delta => ({ t: "delta", from, to, c });

let r: Replica;

beforeEach(() => {
  r = new Replica("me");
  r.ready(ready("snapshot"));
  r.snap({ t: "snap", seq: 1, i: 0, last: true, rows: { task: [taskRow("a", { tags: ["x"], due: { date: "2026-12-01", time: "09:00" } })] } });
});

test("half a snapshot shows nothing, and is dropped with its connection", () => {
  r.ready({ ...ready("snapshot", 9), epoch: "e2" });
  r.snap({ t: "snap", seq: 9, i: 0, rows: { task: [taskRow("b")] } });
  expect(r.row("task", "b")).toBeUndefined();
  expect(r.delta(delta(2, 2, put(taskRow("a", { title: "early", version: 2 })))).shown.size).toBe(0);
  r.disconnected();
  expect([r.epoch, r.seq, r.row("task", "a")?.title]).toEqual(["e1", 1, "Task a"]);
});

test("a delta is applied once, in its place", () => {
  const two = delta(2, 2, put(taskRow("a", { title: "two", version: 2 })));
  expect(r.delta(delta(3, 3, put(taskRow("a", { title: "three", version: 3 })))).gap).toBe(true);
  expect(r.delta(delta(4, 4)).gap, "one question a gap").toBe(false);
  r.delta(two);
  expect(r.delta(two).confirmed.size).toBe(0);
  r.delta(delta(2, 5, put(taskRow("a", { title: "five", version: 5 }))));
  expect([r.seq, r.row("task", "a")?.title]).toEqual([5, "five"]);
  expect(r.delta(delta(7, 7)).gap, "a new gap is a new question").toBe(true);
});

test("a heartbeat ahead of the rows is a gap", () => {
  expect([r.head(1).gap, r.head(2).gap]).toEqual([false, true]);
});

test("a row that was removed is gone", () => {
  expect([...r.delta(delta(2, 2, { k: "task", id: "a", op: "del" })).shown]).toEqual(["task/a"]);
  expect(r.row("task", "a")).toBeUndefined();
});

test.each<[string, Tool, Args, Partial<TaskRow>]>([
  ["a title", "update_task", { title: "new" }, { title: "new" }],
  ["tags", "update_task", { tags_add: ["y", "x"], tags_remove: ["z"] }, { tags: ["x", "y"] }],
  ["tags as a whole", "update_task", { tags: ["q"] }, { tags: ["q"] }],
  ["a moved date keeps its time", "update_task", { move_due: "2026-12-03" }, { due: { date: "2026-12-03", time: "09:00" }, due_date: null }],
  ["a date with a time", "update_task", { due: "2026-12-03T10:30" }, { due: { date: "2026-12-03", time: "10:30" } }],
  ["a phrase is not guessed", "update_task", { due: "next friday" }, { due: { date: "2026-12-01", time: "09:00" } }],
  ["an emptied date", "update_task", { clear: ["due", "tags"] }, { due: null, tags: [] }],
  ["done", "complete_task", {}, { completed: true, status: "completed", completed_at: AT }],
  ["deleted", "delete_task", {}, { status: "deleted", deleted_at: AT }],
  ["an undo is the server's", "update_task", { undo: "op0" }, { title: "Task a" }],
  ["a dry run", "update_task", { title: "new", dry_run: true }, { title: "Task a" }],
])("shown before it is answered: %s", (_, tool, args, want) => {
  r.enqueue(call(1, tool, { task_id: "a", ...args }));
  expect(r.row("task", "a")).toMatchObject(want);
  r.settle(1);
  expect(r.row("task", "a")).toEqual(taskRow("a", { tags: ["x"], due: { date: "2026-12-01", time: "09:00" } }));
});

test("changes of others are seen through one's own", () => {
  r.enqueue(call(1, "update_task", { task_id: "a", title: "mine" }));
  r.delta(delta(2, 2, put(taskRow("a", { title: "theirs", priority: "high", version: 2 }))));
  expect(r.row("task", "a")).toMatchObject({ title: "mine", priority: "high" });
  expect([...r.waiting()]).toEqual(["task/a"]);
});

test("a change that has arrived is not made twice over a later one", () => {
  r.enqueue(call(1, "complete_task", { task_id: "a" }));
  r.delta(delta(2, 2, put(taskRow("a", { completed: true, version: 2 }), { client: "me", mid: 1 })));
  expect(r.waiting().size).toBe(0);
  r.delta(delta(3, 3, put(taskRow("a", { completed: false, version: 3 }))));
  expect(r.row("task", "a")?.completed, "reopened elsewhere before our ack").toBe(false);
});

test("a new task is there at once, alone or in bulk, and gone when refused", () => {
  r.enqueue(call(1, "add_task", { uid: "n", title: "New", due: "2026-12-05", priority: "urgent" }));
  r.enqueue(call(2, "add_task", { items: [{ uid: "p", title: "P" }, { uid: "q", title: "Q" }] }));
  expect(r.row("task", "n")).toMatchObject({ title: "New", due: { date: "2026-12-05" }, priority: "urgent", task_id: 0, version: 0 });
  expect([r.row("task", "p")?.title, r.row("task", "q")?.title]).toEqual(["P", "Q"]);
  r.settle(1);
  r.settle(2);
  expect([r.row("task", "n"), r.row("task", "q")]).toEqual([undefined, undefined]);
});

test("settings, notices and conversations are shown as set", () => {
  const notice: NoticeRow = { id: "n1", reminder_id: "r", task_id: "a", number: 1, title: "T", due: null, fired_at: AT };
  r.delta(delta(2, 2, { k: "notice", id: "n1", op: "put", row: notice }, { k: "conv", id: "3", op: "put", row: { id: 3, title: "Old", created_at: AT, updated_at: AT } }));
  r.enqueue({ t: "set", mid: 1, op: "s", at: AT, patch: { notices: { n1: null }, conversations: { "3": { title: "New" } } } });
  expect([r.row("notice", "n1"), r.row("conv", "3")?.title]).toEqual([undefined, "New"]);
  r.settle(1);
  expect([r.row("notice", "n1")?.id, r.row("conv", "3")?.title]).toEqual(["n1", "Old"]);
});

test("what is saved and loaded looks the same", () => {
  r.enqueue(call(1, "update_task", { task_id: "a", title: "mine" }));
  const other = new Replica("me");
  other.load(structuredClone(r.save()));
  expect([...other.keys()].map((k) => other.get(k))).toEqual([...r.keys()].map((k) => r.get(k)));
  expect([other.epoch, other.seq, other.pending]).toEqual(["e1", 1, r.pending]);
});

test("a snapshot of another epoch replaces all but the queue", () => {
  r.enqueue(call(1, "add_task", { uid: "n", title: "New" }));
  r.ready({ ...ready("snapshot", 4), epoch: "e2" });
  const effect = r.snap({ t: "snap", seq: 4, i: 0, last: true, rows: { task: [taskRow("z")] } });
  expect(effect.replaced).toBe(true);
  expect([...effect.shown].sort()).toEqual(["task/a", "task/n", "task/z"]);
  expect([r.epoch, r.row("task", "a"), r.row("task", "n")?.title]).toEqual(["e2", undefined, "New"]);
});
