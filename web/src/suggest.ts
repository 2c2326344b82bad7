import { addDays, today } from "./day";
import type { TaskRow } from "./protocol";
import type { Scene } from "./query";
import { dueDay } from "./views";

const MAX = 3;

/** What may be said next, by rules and not by a model: the state of the list, and whether the last answer changed it. */
export function suggestions(tasks: Iterable<TaskRow>, scene: Scene, changed: boolean): string[] {
  const now = today(scene.now, scene.zone);
  const days = [...tasks].filter((t) => !t.completed && t.deleted_at === null).map((t) => dueDay(t, scene.zone));
  const late = days.filter((d) => d !== null && d < now).length;
  const soon = days.filter((d) => d === addDays(now, 1)).length;
  const out = [
    changed ? "Undo that" : "",
    late > 0 ? "Move everything overdue to today" : "",
    days.includes(now) ? "What is due today?" : "",
    soon > 0 ? "What is due tomorrow?" : "",
    "What have I completed this week?",
    "What is due this week?",
  ];
  return out.filter(Boolean).slice(0, MAX);
}
