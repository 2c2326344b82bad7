import type { App } from "./app.svelte";
import { dueLabel, today } from "./day";
import type { Due, TaskRow } from "./protocol";
import { isDay } from "./query";

/** Gives a task another date, in ISO form or as a phrase; null takes it away. A new day keeps the time, the rule and the
 * reminders. */
export function move(app: App, t: TaskRow, due: string | null): void {
  if (due === null) {
    app.offerUndo("No date", t.title, app.change(t, { clear: ["due"] }).op);
    return;
  }
  const args = t.due && isDay(due) ? { move_due: due } : { due };
  const made = app.change(t, args);
  if (isDay(due)) {
    const label = dueLabel({ date: due, ...(t.due?.time ? { time: t.due.time } : {}) }, today(app.now, app.zone), app.locale);
    app.offerUndo(`Moved to ${label}:`, t.title, made.op);
    return;
  }
  made.answer.then(
    (result) => {
      const after = (result.task as unknown as TaskRow | undefined)?.due as Due | undefined;
      const label = after ? dueLabel(after, today(app.now, app.zone), app.locale) : "another date";
      app.offerUndo(`Moved to ${label}:`, t.title, made.op);
    },
    () => undefined, // the refusal is shown by the app
  );
}
