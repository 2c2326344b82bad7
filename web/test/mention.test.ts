import { expect, test } from "vitest";
import { candidates, mentionAt, mentioned, slash } from "../src/mention";
import { suggestions } from "../src/suggest";
import { taskRow } from "./rows";

test("a mention is an @ at the start of a word, up to the cursor", () => {
  expect(mentionAt("move @den", 9)).toEqual({ at: 5, text: "den" });
  expect(mentionAt("@call the", 9)).toEqual({ at: 0, text: "call the" });
  expect(mentionAt("ann@example", 11)).toBeNull();
  expect(mentionAt('move @5 "Dentist" to', 20), "one that is made already").toBeNull();
  expect(mentionAt("move @den to", 9)).toEqual({ at: 5, text: "den" });
});

test("it offers open tasks by the start of their words", () => {
  const tasks = [taskRow("a", { title: "Call the dentist", task_id: 5 }), taskRow("b", { title: "Dentist bill", completed: true }), taskRow("c", { title: "Dent", task_id: 0 })];
  expect(candidates({ at: 0, text: "dent" }, tasks).map((t) => t.uid), "no completed task, none without a number yet").toEqual(["a"]);
  expect(candidates({ at: 0, text: "the den" }, tasks).map((t) => t.uid)).toEqual(["a"]);
  expect(candidates({ at: 0, text: "ist" }, tasks)).toEqual([]);
});

test("a task stands in the text by number and title", () => {
  const t = taskRow("a", { title: 'The "big" one', task_id: 5 });
  expect(mentioned("move @big to friday", { at: 5, text: "big" }, t)).toEqual({ text: `move @5 "The 'big' one"  to friday`, cursor: 24 });
});

test("commands", () => {
  expect(slash("/today ")).toEqual({ do: "say", line: "What is due today?" });
  expect(slash("/undo")).toEqual({ do: "undo" });
  expect(slash("/etc/hosts")).toBeNull();
});

test("suggestions follow from the list", () => {
  const scene = { now: Date.parse("2026-11-25T12:00:00Z"), zone: "UTC", weekStart: "monday" as const };
  const due = (uid: string, date: string) => taskRow(uid, { due: { date } });
  expect(suggestions([due("a", "2026-11-20")], scene, true).slice(0, 2)).toEqual(["Undo that", "Move everything overdue to today"]);
  expect(suggestions([due("a", "2026-11-26")], scene, false)[0]).toBe("What is due tomorrow?");
  expect(suggestions([], scene, false).length).toBe(2);
});
