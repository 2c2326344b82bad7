import { expect, test } from "vitest";
import { fromMessages, fromRows, Journal } from "../src/journal";
import type { Mutation } from "../src/mutation";
import type { Change, Delta, MsgRow, TaskRow } from "../src/protocol";
import { Replica } from "../src/replica";
import { taskRow } from "./rows";

const AT = "2026-11-25T12:00:00.000Z";
const from = (op: string, seq: number): TaskRow["provenance"] => ({ title: { actor: "user", op_id: op, seq, at: AT } });

/** A replica with a journal beside it, fed as a tab feeds them. */
class Tab {
  replica = new Replica("me");
  journal = new Journal();

  take(...c: Change[]): void {
    const f: Delta = { t: "delta", from: this.replica.seq + 1, to: this.replica.seq + 1, c };
    this.journal.note(f, this.replica, AT);
    this.replica.delta(f);
  }

  told(): string[] {
    return this.journal.list().map((h) => `${h.mine ? "me" : h.actor} ${h.verb} ${h.title}${h.count > 1 ? ` and ${h.count - 1} more` : ""}${h.undone ? ", undone" : ""}`);
  }
}

const put = (row: TaskRow, more: Partial<Change> = {}): Change => ({ k: "task", id: row.uid, op: "put", ver: row.version, row, actor: "user", ...more });

test("each change is told by what it did", () => {
  const tab = new Tab();
  tab.take(put(taskRow("a", { title: "Rent", provenance: from("op1", 1) ?? {} })));
  tab.take(put(taskRow("a", { title: "Rent", version: 2, completed: true, status: "completed", provenance: from("op2", 2) ?? {} }), { actor: "agent", turn: "t1" }));
  tab.take({ k: "task", id: "a", op: "del", ver: 3, actor: "user" });
  expect(tab.told().sort()).toEqual(["agent Completed Rent", "user Added Rent", "user Deleted Rent"]);
  expect(tab.journal.list().find((h) => h.verb === "Deleted")?.undoable, "another device's deletion has no name here").toBe(false);
});

test("an own operation is known by its id, several tasks make one entry, and an undo marks it", () => {
  const tab = new Tab();
  const mine = (mid: number, op: string, args: Mutation extends { args: infer A } ? A : object): Mutation => ({ t: "mutate", mid, op, at: AT, tool: "update_task", args: { ...args, op_id: op } });
  tab.replica.enqueue(mine(1, "op1", { ids: ["a", "b"], priority: "high" }));
  tab.take(put(taskRow("a", { title: "One" })), put(taskRow("b", { title: "Two" })));
  tab.take(put(taskRow("a", { title: "One", priority: "high", version: 2 }), { client: "me", mid: 1 }), put(taskRow("b", { title: "Two", priority: "high", version: 2 }), { client: "me", mid: 1 }));
  tab.replica.settle(1);
  expect(tab.journal.list().find((h) => h.id === "op1")).toMatchObject({ mine: true, verb: "Changed", fields: ["priority"], count: 2, undoable: true });
  tab.replica.enqueue(mine(2, "op2", { undo: "op1" }));
  tab.take(put(taskRow("a", { title: "One", version: 3 }), { client: "me", mid: 2 }));
  expect(tab.told()).toContain("me Changed One and 1 more, undone");
  expect(tab.told()).toContain("me Undid One");
});

test("what was seen, or comes with a gap, is not told twice", () => {
  const tab = new Tab();
  tab.take(put(taskRow("a", { title: "Rent" })));
  const again: Delta = { t: "delta", from: 1, to: 1, c: [put(taskRow("a", { title: "Other", version: 2 }))] };
  expect(tab.journal.note(again, tab.replica, AT)).toEqual([]);
  expect(tab.journal.note({ ...again, from: 5, to: 5 }, tab.replica, AT)).toEqual([]);
});

test("five hundred are kept", () => {
  const kept = Array.from({ length: 520 }, (_, i) => ({ id: `op${i}`, at: new Date(i * 1000).toISOString(), actor: "user" as const, mine: true, verb: "Added" as const, title: "", uid: "", count: 1, fields: [], undoable: true, undone: false }));
  const journal = new Journal(kept);
  expect(journal.trim().sort()).toEqual(Array.from({ length: 20 }, (_, i) => `op${i}`).sort());
  expect(journal.list().length).toBe(500);
});

test("turns from before are read from the conversation, once", () => {
  const call = { id: "c", tool: "add_task", arguments: { title: "Milk" }, result: null, status: "ok" };
  const m: MsgRow = { id: "m", conversation_id: 1, turn_id: "t1", role: "assistant", text: "", tool_calls: [call, { ...call, tool: "list_tasks" }], created_at: AT };
  expect(fromMessages([m], new Set())).toMatchObject([{ id: "t1", verb: "Added", title: "Milk", count: 1 }]);
  expect(fromMessages([m], new Set(["t1"]))).toEqual([]);
});

test("a browser that was not there reads the rows", () => {
  const later = "2026-11-26T08:00:00.000Z";
  const by = (op: string, at: string) => ({ actor: "user" as const, op_id: op, seq: 1, at });
  const rows = [
    taskRow("a", { title: "One", created_at: AT, provenance: { title: by("op1", AT), due: by("op2", later) } }),
    taskRow("b", { title: "Two", created_at: AT, provenance: { title: by("op1", AT), priority: by("op2", later), due: by("op2", later) } }),
  ];
  expect(fromRows(rows, new Set()).map((h) => [h.id, h.verb, h.title, h.count, h.fields])).toEqual([
    ["op1", "Added", "One", 2, ["title"]],
    ["op2", "Changed", "One", 2, ["due"]],
  ]);
  expect(fromRows(rows, new Set(["op1"])).map((h) => h.id)).toEqual(["op2"]);
});
