import type { App, Made } from "./app.svelte";
import { addDays, dueLabel, today } from "./day";
import type { Args, Due, Priority, TaskRow, Tool } from "./protocol";
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

export const tasks = (n: number): string => (n === 1 ? "1 task" : `${n} tasks`);

/** Makes one verb of several tasks and offers to take it back. */
function make(app: App, tool: Tool, some: readonly TaskRow[], args: Args, said: string): void {
  if (some.length === 0) return;
  const made = app.bulk(tool, some, args);
  app.offerUndo(said, "", ...made.map((m) => m.op));
}

export function complete(app: App, some: TaskRow[]): void {
  const [only] = some;
  if (some.length === 1 && only) return app.toggle(only);
  const open = some.filter((t) => !t.completed);
  if (open.length > 0) make(app, "complete_task", open, {}, `Completed ${tasks(open.length)}`);
  else make(app, "complete_task", some, { undo: true }, `Reopened ${tasks(some.length)}`);
}

/** Gives tasks one date; null takes it away. */
export function moveAll(app: App, some: TaskRow[], due: string | null): void {
  const [only] = some;
  if (some.length === 1 && only) return move(app, only, due);
  if (due === null) return make(app, "update_task", some, { clear: ["due"] }, `${tasks(some.length)} without a date`);
  const label = isDay(due) ? dueLabel({ date: due }, today(app.now, app.zone), app.locale) : due;
  const made = reschedule(app, some, due);
  if (made.length > 0) app.offerUndo(`Moved ${tasks(some.length)} to ${label}`, "", ...made.map((m) => m.op));
}

/** Gives tasks one date: those that have one keep their time and rule. */
function reschedule(app: App, some: readonly TaskRow[], due: string): Made[] {
  const [dated, free] = [some.filter((t) => t.due), some.filter((t) => !t.due)];
  return [...app.bulk("update_task", dated, { move_due: due }), ...app.bulk("update_task", free, { due })];
}

/** Moves tasks by days; one without a date counts from today. */
export function shift(app: App, some: TaskRow[], days: number): void {
  const now = today(app.now, app.zone);
  const to = (t: TaskRow): string => addDays(t.due?.date ?? now, days);
  const [only] = some;
  if (some.length === 1 && only) return move(app, only, to(only));
  const made = [...new Set(some.map(to))].flatMap((day) => reschedule(app, some.filter((t) => to(t) === day), day));
  if (made.length > 0) app.offerUndo(`Moved ${tasks(some.length)}`, "", ...made.map((m) => m.op));
}

export function prioritise(app: App, some: TaskRow[], priority: Priority): void {
  make(app, "update_task", some, { priority }, some.length === 1 ? `Priority ${priority}` : `${tasks(some.length)}: priority ${priority}`);
}

export function tagAll(app: App, some: TaskRow[], tag: string): void {
  const name = tag.trim().replace(/^#/, "");
  if (name) make(app, "update_task", some, { tags_add: [name] }, `Tagged ${tasks(some.length)} #${name}`);
}

/** Deletes; several only after a yes. */
export async function remove(app: App, some: TaskRow[]): Promise<void> {
  const [only] = some;
  if (some.length === 1 && only) return app.remove(only);
  if (some.length === 0 || !(await app.ask(`Delete ${tasks(some.length)}? They stay in the trash for 30 days.`, `Delete ${tasks(some.length)}`))) return;
  make(app, "delete_task", some, {}, `Deleted ${tasks(some.length)}`);
  app.selection.clear();
}
