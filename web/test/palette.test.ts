import { expect, test } from "vitest";
import { COMMANDS } from "../src/commands";
import { hits, type Stock } from "../src/palette";
import { taskRow } from "./rows";

const stock = (more: Partial<Stock> = {}): Stock => ({
  commands: COMMANDS, views: [{ name: "Home this week", query: "tag:home due:this_week" }], tags: ["home", "two words"],
  tasks: [taskRow("a", { title: "Call Zoë" }), taskRow("b", { title: "Call again", completed: true }), taskRow("c", { title: "Gone call", deleted_at: "x" })], targeted: false, ...more,
});
const labels = (text: string, more: Partial<Stock> = {}): string[] => hits(text, stock(more)).map((h) => h.label);

test("without words there are places, verbs and filters; verbs of tasks only with a task", () => {
  expect(labels("")).toEqual(expect.arrayContaining(["Today", "Trash", "Add a task", "Home this week"]));
  expect(labels("")).not.toContain("Complete");
  expect(labels("", { targeted: true })).toContain("Complete");
});

test("words find tasks by the start of their words, open ones first, deleted ones never", () => {
  expect(labels("zoe")[0]).toBe("Call Zoë");
  expect(labels("call").slice(0, 2)).toEqual(["Call Zoë", "Call again"]);
  expect(labels("all")).not.toContain("Call again");
});

test("a tag and a filter are queries", () => {
  expect(hits("two", stock())[0]?.act).toEqual({ do: "query", query: 'tag:"two words"' });
  expect(hits("home week", stock())[0]?.act).toEqual({ do: "query", query: "tag:home due:this_week" });
});

test("last comes what can be done with the words themselves", () => {
  expect(hits("buy milk", stock()).slice(-3).map((h) => h.act)).toEqual([
    { do: "query", query: "buy milk" },
    { do: "add", line: "buy milk" },
    { do: "say", line: "buy milk" },
  ]);
});
