import { expect, test } from "vitest";
import { BadFrame, decode } from "../src/protocol";
import { taskRow } from "./rows";

const ready = { t: "ready", epoch: "e", seq: 3, mode: "live", last_mid: 0, exp: 1, hb: 30000, limits: {}, turns: [], now: "2026-11-25T00:00:00Z" };

test("a frame of each kind decodes to itself", () => {
  const approval = { id: "a", kind: "confirm", tool: "delete_task", summary: "Delete 2 tasks", items: [], more: 0, args: {}, expires_at: "2026-11-25T00:00:00Z" };
  const turn = { t: "turn", turn: "t1", conv: 1, n: 0 };
  const frames = [
    ready,
    { t: "snap", seq: 3, i: 0, last: true, rows: { task: [taskRow("a")] } },
    { t: "delta", from: 4, to: 4, c: [{ k: "task", id: "a", op: "put", ver: 2, row: taskRow("a") }, { k: "notice", id: "n", op: "del" }] },
    { t: "ack", mid: 1, seq: 4, result: { success: true } },
    { t: "nack", mid: 2, code: "invalid", msg: "no" },
    { ...turn, ev: "start", engine: "planner" },
    { ...turn, ev: "state", text: "Hi", tools: [], status: "running" },
    { ...turn, ev: "text", d: "Hi" },
    { ...turn, ev: "tool", tool: { id: "c", name: "add_task", phase: "ok", seq: 4 } },
    { ...turn, ev: "approval", approval },
    { ...turn, ev: "done", end: { status: "ok" } },
    { t: "parsed", id: 7, title: "x", spans: [{ s: 0, e: 5, k: "due", v: "today" }], due: { date: "2026-11-25" } },
    { t: "history", id: 1, rows: [], more: false },
    { t: "presence", devices: [{ client: "c" }], agent: { turns: [] } },
    { t: "hb", seq: 4 },
    { t: "auth", in: 60 },
    { t: "bye", code: "drain", retry_ms: 100 },
    { t: "err", code: "not_found", msg: "no", ref: 1 },
  ];
  for (const f of frames) expect(decode(JSON.stringify(f))).toEqual(f);
});

test("what a newer server adds is ignored", () => {
  expect(decode(`{"t":"fanfare","x":1}`)).toBeNull();
  expect(decode(JSON.stringify({ ...ready, novelty: true }))).toMatchObject({ t: "ready" });
  expect(decode(`{"t":"turn","turn":"t","conv":1,"n":1,"ev":"applause"}`)).toBeNull();
  const delta = decode(`{"t":"delta","from":1,"to":1,"c":[{"k":"hologram","id":"x","op":"put","row":{}}]}`);
  expect(delta).toMatchObject({ to: 1, c: [] });
  const snap = decode(`{"t":"snap","seq":1,"i":0,"rows":{"hologram":[{}]}}`);
  expect(snap).toMatchObject({ rows: {} });
});

test.each([
  "", "no json", "[]", "null",
  `{"t":"ready","epoch":"e","seq":-1,"mode":"live","last_mid":0,"hb":1}`,
  `{"t":"ready","epoch":"e","seq":1,"mode":"later","last_mid":0,"hb":1}`,
  `{"t":"snap","seq":1,"i":0}`,
  `{"t":"snap","seq":1,"i":0,"rows":{"task":[{"title":"no uid"}]}}`,
  `{"t":"delta","from":1,"to":"2","c":[]}`,
  `{"t":"delta","from":1,"to":1,"c":[{"k":"task","id":"a","op":"put"}]}`,
  `{"t":"ack"}`, `{"t":"hb","seq":1.5}`,
  `{"t":"turn","turn":"t","conv":1,"n":1,"ev":"text","d":5}`,
  `{"t":"parsed","id":1,"spans":[{"s":"0","e":1,"k":"due"}]}`,
])("a broken frame is an error: %s", (raw) => {
  if (raw === "[]" || raw === "null" || raw === "" || raw === "no json") expect(() => decode(raw)).toThrow(BadFrame);
  else expect(() => decode(raw)).toThrow(/missing or wrong|without a row/);
});
