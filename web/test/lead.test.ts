import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Lead, type Input } from "../src/lead";
import type { Intent } from "../src/mutation";
import type { Delta, Ready, Snap } from "../src/protocol";
import { Store } from "../src/store";
import { taskRow } from "./rows";
import { FakeSocket } from "./wire";

const READY: Ready = { t: "ready", epoch: "e1", seq: 1, mode: "snapshot", last_mid: 0, hb: 30_000, now: "" };
const SNAP: Snap = { t: "snap", seq: 1, i: 0, last: true, rows: { task: [taskRow("a")] } };
const GRANT = { token: "tok", user: "ann", expiresAt: Number.MAX_SAFE_INTEGER };

const rename = (op: string, title: string): Intent => ({ t: "mutate", op, at: "2026-11-25T00:00:00.000Z", tool: "update_task", args: { task_id: "a", title, op_id: op } });

let lead: Lead;
let inputs: Input[];

async function start(): Promise<FakeSocket> {
  const before = FakeSocket.all.length;
  inputs = [];
  lead = new Lead("ann", GRANT, (input) => void inputs.push(input));
  await lead.start();
  await vi.waitFor(() => expect(FakeSocket.all.length).toBeGreaterThan(before));
  return FakeSocket.last.open();
}

const sent = (ws: FakeSocket): [number, unknown][] => ws.heard("mutate").map((m) => [m.mid, m.args.op_id]);
const until = (ws: FakeSocket, want: [number, string][]): Promise<void> => vi.waitFor(() => expect(sent(ws)).toEqual(want));
const kept = async (): Promise<Awaited<ReturnType<Store["load"]>>> => {
  const store = await Store.open("ann");
  const all = await store.load("?");
  store.close();
  return all;
};

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("location", { origin: "http://host" });
  FakeSocket.all = [];
});

afterEach(async () => {
  lead.stop();
  await Store.remove("ann");
  vi.unstubAllGlobals();
});

test("a change is shown at once, stored, then sent", async () => {
  const ws = await start();
  ws.tell(READY);
  ws.tell(SNAP);
  lead.submit(rename("op1", "new"));
  expect(inputs.at(-1)).toMatchObject({ type: "queued", m: { mid: 1, op: "op1" } });
  expect(sent(ws), "not before it is stored").toEqual([]);
  await until(ws, [[1, "op1"]]);
  expect((await kept()).pending).toMatchObject([{ mid: 1, op: "op1" }]);
});

test("an operation that two tabs post is taken once", async () => {
  const ws = await start();
  ws.tell(READY);
  lead.submit(rename("op1", "new"));
  lead.submit(rename("op1", "new"));
  await until(ws, [[1, "op1"]]);
});

test("a reload keeps the rows and the queue, and sends it under the same numbers", async () => {
  const first = await start();
  first.tell(READY);
  first.tell(SNAP);
  lead.submit(rename("op1", "one"));
  lead.submit(rename("op2", "two"));
  await until(first, [[1, "op1"], [2, "op2"]]);
  await vi.waitFor(async () => expect((await kept()).rows.length).toBe(1));
  lead.stop();

  const second = await start();
  expect(inputs[0]).toMatchObject({ type: "state", stored: true, saved: { epoch: "e1", seq: 1, pending: [{ mid: 1 }, { mid: 2 }] } });
  expect(second.heard("hello")[0]).toMatchObject({ client: first.heard("hello")[0]?.client, epoch: "e1", seq: 1 });
  second.tell({ ...READY, mode: "live", last_mid: 1 });
  await until(second, [[1, "op1"], [2, "op2"]]);
  second.tell({ t: "ack", mid: 1, seq: 2 });
  second.tell({ t: "ack", mid: 2, seq: 3 });
  await vi.waitFor(async () => expect((await kept()).pending).toEqual([]));
});

test("a restored server gets the queue under new numbers, which are stored first", async () => {
  const first = await start();
  first.tell({ ...READY, last_mid: 7 });
  first.tell(SNAP);
  lead.submit(rename("op1", "one"));
  await until(first, [[8, "op1"]]);
  first.end();
  lead.retry();
  await vi.waitFor(() => expect(FakeSocket.all.length).toBe(2));
  const second = FakeSocket.last.open();
  second.tell({ ...READY, epoch: "e2", last_mid: 3 });
  second.tell(SNAP);
  await until(second, [[4, "op1"]]);
  expect(await kept()).toMatchObject({ epoch: "e2", lastMid: 4, pending: [{ mid: 4, op: "op1" }] });
});

test("deltas are stored together with the number they lead to", async () => {
  const ws = await start();
  ws.tell(READY);
  ws.tell(SNAP);
  const delta: Delta = { t: "delta", from: 2, to: 2, c: [{ k: "task", id: "a", op: "put", ver: 2, row: taskRow("a", { title: "theirs", version: 2 }) }] };
  ws.tell(delta);
  await vi.waitFor(async () => expect(await kept()).toMatchObject({ seq: 2, rows: [["task/a", { title: "theirs" }]] }));
  expect(inputs.at(-1)).toEqual({ type: "frame", frame: delta });
});

test("a gap is asked for once", async () => {
  const ws = await start();
  ws.tell(READY);
  ws.tell(SNAP);
  ws.tell({ t: "delta", from: 5, to: 5, c: [] });
  ws.tell({ t: "delta", from: 6, to: 6, c: [] });
  expect(ws.heard("sync")).toEqual([{ t: "sync", seq: 1 }]);
});

test("a refusal takes the change out of the queue and says so", async () => {
  const ws = await start();
  ws.tell(READY);
  ws.tell(SNAP);
  lead.submit(rename("op1", ""));
  await until(ws, [[1, "op1"]]);
  ws.tell({ t: "nack", mid: 1, code: "invalid", msg: "A task needs a title." });
  expect(inputs.at(-1)).toMatchObject({ type: "frame", frame: { t: "nack", code: "invalid" } });
  await vi.waitFor(async () => expect((await kept()).pending).toEqual([]));
});

test("running turns are named at the next hello, until they end", async () => {
  const ws = await start();
  ws.tell({ ...READY, mode: "live" });
  ws.tell({ t: "turn", turn: "t1", conv: 1, n: 3, ev: "text", d: "x" });
  ws.tell({ t: "turn", turn: "t2", conv: 2, n: 9, ev: "text", d: "x" });
  ws.tell({ t: "turn", turn: "t2", conv: 2, n: 10, ev: "done", end: { status: "ok" } });
  ws.end();
  lead.retry();
  await vi.waitFor(() => expect(FakeSocket.all.length).toBe(2));
  expect(FakeSocket.last.open().heard("hello")[0]).toMatchObject({ turns: { t1: 3 } });
});

test("without a database the work goes on, and the person is told", async () => {
  vi.spyOn(console, "warn").mockReturnValue();
  vi.spyOn(Store, "open").mockRejectedValueOnce(new Error("denied"));
  const ws = await start();
  expect(inputs[0]).toMatchObject({ type: "state", stored: false });
  ws.tell(READY);
  ws.tell(SNAP);
  lead.submit(rename("op1", "new"));
  await until(ws, [[1, "op1"]]);
  vi.restoreAllMocks();
});
