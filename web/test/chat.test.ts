import { expect, test } from "vitest";
import { advance, asEvent, entries, newTurn, phaseAt, type Turn } from "../src/chat";
import type { MsgRow, TurnFrame } from "../src/protocol";
import { mulberry32 } from "./prng";

type Event = TurnFrame extends infer F ? (F extends TurnFrame ? Omit<F, "t" | "turn" | "conv" | "n"> : never) : never;
const at = (n: number, ev: Event): TurnFrame => ({ t: "turn", turn: "t1", conv: 4, n, ...ev }) as TurnFrame;
const play = (...frames: TurnFrame[]): Turn => frames.reduce(advance, newTurn("t1", null, "Buy milk"));

const story: TurnFrame[] = [
  at(0, { ev: "start", engine: "planner" }),
  at(1, { ev: "tool", tool: { id: "c1", name: "add_task", phase: "forming", args: { title: "Milk" } } }),
  at(2, { ev: "tool", tool: { id: "c1", name: "add_task", phase: "ok", seq: 8, op_id: "o" } }),
  at(3, { ev: "text", d: "Added " }),
  at(4, { ev: "text", d: "“Milk”." }),
  at(5, { ev: "done", end: { status: "ok", msg_id: "m2", seq: 9 } }),
];

test("a turn is its events in order", () => {
  const turn = play(...story);
  expect(turn).toMatchObject({ conv: 4, n: 5, text: "Added “Milk”.", status: "ok", engine: "planner", asked: "Buy milk" });
  expect(turn.tools).toEqual([{ id: "c1", name: "add_task", phase: "ok", seq: 8, op_id: "o", args: { title: "Milk" } }]);
});

test("an event that was seen changes nothing", () => {
  const turn = play(...story.slice(0, 4));
  expect(advance(turn, story[3] as TurnFrame)).toBe(turn);
  expect(advance(play(...story), at(6, { ev: "text", d: "more" })).text).toBe("Added “Milk”.");
});

test("a missing event stops the text until a state replaces all", () => {
  const torn = play(...story.slice(0, 3), story[4] as TurnFrame);
  expect([torn.torn, torn.text]).toEqual([true, ""]);
  const whole = [at(4, { ev: "state", text: "Added “Milk”.", tools: [], status: "running", engine: "llm" }), at(5, { ev: "text", d: " Done." })].reduce(advance, torn);
  expect([whole.torn, whole.text, whole.tools, whole.engine]).toEqual([false, "Added “Milk”. Done.", [], "llm"]);
});

test("a device that joins late starts from the state", () => {
  const late = [at(40, { ev: "state", text: "So far", tools: [], status: "running" }), at(41, { ev: "text", d: "…" })].reduce(advance, newTurn("t1", null));
  expect(late.text).toBe("So far…");
  expect(play(at(12, { ev: "text", d: "x" })).torn).toBe(true);
});

test("the end is believed even from a torn turn", () => {
  expect(play(story[0] as TurnFrame, story[5] as TurnFrame)).toMatchObject({ status: "ok", torn: false, end: { msg_id: "m2" } });
});

test("any loss that is healed by a state gives the same text", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = mulberry32(seed);
    const words = Array.from({ length: 30 }, (_, i) => `w${i} `);
    let turn = advance(newTurn("t1", null), at(0, { ev: "start" }));
    words.forEach((d, i) => {
      const dice = random();
      if (dice < 0.2) return;
      const state = at(i + 1, { ev: "state", text: words.slice(0, i + 1).join(""), tools: [] });
      turn = advance(turn, dice < 0.3 || turn.torn ? state : at(i + 1, { ev: "text", d }));
      if (dice > 0.9) turn = advance(turn, at(i + 1, { ev: "text", d }));
    });
    turn = advance(turn, at(30, { ev: "state", text: words.join(""), tools: [] }));
    expect(turn.text, `seed ${seed}`).toBe(words.join(""));
  }
});

test("a call is done when the list shows its change", () => {
  const tool = { id: "c", name: "add_task", phase: "ok" as const, seq: 8 };
  expect([phaseAt(tool, 7), phaseAt(tool, 8)]).toEqual(["running", "ok"]);
});

const msg = (id: string, role: MsgRow["role"], turn_id: string, created_at = "2026-11-25T00:00:00Z"): MsgRow => ({ id, conversation_id: 4, role, turn_id, text: id, tool_calls: [], created_at });

test("a turn shows until its answer is stored, its question until it is", () => {
  const turn = play(story[0] as TurnFrame);
  const kinds = (...rows: MsgRow[]): string[] => entries(4, rows, [turn]).map((e) => `${e.kind} ${e.id}`);
  expect(kinds()).toEqual(["asked asked t1", "turn turn t1"]);
  expect(kinds(msg("m1", "user", "t1"))).toEqual(["msg m1", "turn turn t1"]);
  expect(kinds(msg("m2", "assistant", "t1", "2026-11-25T00:00:01Z"), msg("m1", "user", "t1"))).toEqual(["msg m1", "msg m2"]);
  expect(entries(5, [msg("m1", "user", "t1")], [turn])).toEqual([]);
});

test("a stored call looks like a live one", () => {
  expect(asEvent({ id: "c", tool: "add_task", arguments: { title: "x" }, result: null, status: "error" })).toEqual({ id: "c", name: "add_task", phase: "error", result: null, args: { title: "x" } });
});
