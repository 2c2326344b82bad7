import { beforeEach, expect, test } from "vitest";
import type { Mutation } from "../src/mutation";
import { Outbox } from "../src/outbox";

const queue = (from: number, to: number): Mutation[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ t: "mutate", mid: from + i, op: `op${from + i}`, at: "", tool: "update_task", args: {} }));
const mids = (ms: Mutation[]): number[] => ms.map((m) => m.mid);

let out: Outbox;
beforeEach(() => {
  out = new Outbox();
});

test("nothing leaves before ready; then eight at most, in order, each once", () => {
  const q = queue(1, 12);
  expect(out.take(q)).toEqual([]);
  expect(out.ready(0, q)).toBeNull();
  expect(mids(out.take(q))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(out.take(q)).toEqual([]);
  out.acked(1);
  expect(mids(out.take(q.slice(1)))).toEqual([9]);
});

test("after a lost connection all that has no answer is sent again", () => {
  const q = queue(1, 3);
  out.ready(0, q);
  out.take(q);
  out.closed();
  expect(out.take(q)).toEqual([]);
  expect(out.ready(2, q), "the server knows them: their numbers stay").toBeNull();
  expect(mids(out.take(q))).toEqual([1, 2, 3]);
});

test("a server that was restored gets new numbers from its last one on", () => {
  expect(out.ready(4, queue(9, 10))).toBe(5);
  out.ready(4, []);
  expect(out.next([])).toBe(5);
});

test("a number once given is not given again", () => {
  out.restore(7);
  expect(out.next([])).toBe(8);
  expect(out.next(queue(8, 9))).toBe(10);
});

test("a refusal for want of room holds everything back, and is not answered twice", () => {
  const q = queue(1, 3);
  out.ready(0, q);
  out.take(q);
  expect(out.refused(1, "rate", 700)).toEqual({ kind: "hold", ms: 700 });
  expect(out.refused(2, "mid_gap")).toEqual({ kind: "held" });
  expect(out.take(q)).toEqual([]);
  out.resume();
  expect(mids(out.take(q))).toEqual([1, 2, 3]);
});

test("without a time the wait grows, to half a minute at most", () => {
  out.ready(0, []);
  const waits = Array.from({ length: 12 }, () => {
    const verdict = out.refused(1, "overload");
    out.resume();
    return verdict.kind === "hold" ? verdict.ms : -1;
  });
  expect(waits.slice(0, 3)).toEqual([250, 500, 1000]);
  expect(Math.max(...waits)).toBe(30_000);
});

test("a gap in the numbers is closed from the last answered one", () => {
  const q = queue(5, 6);
  out.ready(4, q);
  out.acked(5);
  expect(out.refused(7, "mid_gap")).toMatchObject({ kind: "hold", first: 6 });
});

test.each(["invalid", "not_found", "conflict", "forbidden", "needs_approval"])("%s is final, and uses the number up", (code) => {
  out.ready(0, []);
  expect(out.refused(1, code)).toEqual({ kind: "final" });
  expect(out.next([])).toBe(2);
});

test("a change that breaks the server is given up, and those behind it move down", () => {
  out.ready(0, []);
  for (let i = 0; i < 5; i++) {
    expect(out.refused(1, "internal").kind).toBe("hold");
    out.resume();
  }
  expect(out.refused(1, "internal")).toEqual({ kind: "final", first: 1 });
});
