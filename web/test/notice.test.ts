import { expect, test } from "vitest";
import { addressOf, notification, readPush } from "../src/sw/notice";

const PUSH = { id: "n1", type: "reminder.due", reminder_id: "r1", task_id: "t1", number: 7 };

test("a push of a reminder is read, any other is nothing", () => {
  expect(readPush(JSON.stringify(PUSH))).toEqual({ id: "n1", reminder_id: "r1", task_id: "t1", number: 7 });
  for (const other of ["", "null", "[]", "{}", '{"type":"news","id":"1"}', JSON.stringify({ ...PUSH, task_id: 5 })]) expect(readPush(other), other).toBeNull();
});

test("the notification has the reminder's tag, the task's title, and two answers", () => {
  const push = readPush(JSON.stringify(PUSH));
  if (!push) throw new Error("not read");
  const [title, options] = notification(push, { title: "Rent", due: { date: "2026-11-25", time: "09:00" } });
  expect([title, options.tag, options.body, options.actions.map((a) => a.action)]).toEqual(["Rent", "r1", "Due at 09:00", ["done", "snooze"]]);
  expect(notification(push, null)[0], "a task this browser does not know").toBe("Task 7");
});

test("an answer travels in an address", () => {
  expect(addressOf({ do: "done", task: "t 1", notice: "n1" })).toBe("/today?do=done&task=t+1&notice=n1");
});
