import { dueLabel, type Day } from "./day";
import type { Args, Due, Json, TaskRow, ToolEvent } from "./protocol";
import { describeRule } from "./rule";
import type { IconName } from "./ui/icons";

/** What a tool call did, in a form that a card can draw. */
export interface Receipt {
  icon: IconName;
  verb: string;
  object: string;
  /** What changed, as "before → after" or a single fact. */
  changes: { label: string; before: string; after: string }[];
  uid: string | null;
}

const isArgs = (v: Json | undefined): v is Args => typeof v === "object" && v !== null && !Array.isArray(v);
const list = (v: Json | undefined): Json[] => (Array.isArray(v) ? v : []);

/** Verbs while a call is being made and after it. */
const VERBS: Record<string, [IconName, string, string]> = {
  add_task: ["plus", "Adding", "Added"],
  list_tasks: ["search", "Looking at your tasks", "Looked at your tasks"],
  complete_task: ["done", "Completing", "Completed"],
  delete_task: ["trash", "Deleting", "Deleted"],
  update_task: ["refresh", "Changing", "Changed"],
};

/** Reads a call's arguments and result. Both came from a model and a server of any version: nothing is taken for granted. */
export function receipt(tool: ToolEvent, now: Day, locale: string): Receipt {
  const result = isArgs(tool.result) ? tool.result : {};
  const args = tool.args ?? {};
  const [icon, doing, did] = VERBS[tool.name] ?? ["settings", "Running", "Ran"];
  return {
    icon,
    verb: special(tool, args) ?? (tool.phase === "ok" || tool.phase === "undone" ? did : doing),
    object: object(tool, args, result),
    changes: tool.name === "update_task" || tool.name === "add_task" ? differences(result, now, locale) : [],
    uid: several(args, result) > 1 ? null : uidOf(result),
  };
}

function several(args: Args, result: Args): number {
  return Math.max(...[result.tasks, result.results, args.ids, args.items].map((v) => list(v).length));
}

function special(tool: ToolEvent, args: Args): string | null {
  if (tool.name === "complete_task" && args.undo === true) return tool.phase === "ok" ? "Reopened" : "Reopening";
  if (tool.name === "complete_task" && args.skip_occurrence === true) return tool.phase === "ok" ? "Skipped" : "Skipping";
  if (tool.name === "update_task" && args.undo !== undefined) return tool.phase === "ok" ? "Undid" : "Undoing";
  return null;
}

function uidOf(result: Args): string | null {
  const task = isArgs(result.task) ? result.task : result;
  return typeof task.uid === "string" ? task.uid : null;
}

function object(tool: ToolEvent, args: Args, result: Args): string {
  if (tool.name === "list_tasks") return typeof result.total_count === "number" ? `${result.total_count} found` : "";
  const count = several(args, result);
  if (count > 1) return `${count} tasks`;
  const title = [result.title, isArgs(result.task) ? result.task.title : undefined, args.title, firstTitle(args)].find((t) => typeof t === "string");
  if (typeof title === "string") return title;
  return typeof args.task_id === "number" || typeof args.task_id === "string" ? `task ${String(args.task_id)}` : "";
}

function firstTitle(args: Args): Json | undefined {
  const first = list(args.items)[0];
  return isArgs(first) ? first.title : undefined;
}

function differences(result: Args, now: Day, locale: string): Receipt["changes"] {
  const before = isArgs(result.before) ? result.before : {};
  const after = isArgs(result.after) ? result.after : isArgs(result.task) ? result.task : {};
  const out: Receipt["changes"] = [];
  for (const [field, label] of [["title", "Title"], ["due", "Due"], ["recurrence", "Repeats"], ["priority", "Priority"], ["tags", "Tags"]] as const) {
    if (!(field in after) || (Object.keys(before).length > 0 && !(field in before))) continue;
    const [was, is] = [say(field, before[field], now, locale), say(field, after[field], now, locale)];
    const added = Object.keys(before).length === 0;
    const worth = added ? is !== "" && field !== "title" && !(field === "priority" && is === "medium") : was !== is;
    if (worth) out.push({ label, before: added ? "" : was || "none", after: is || "none" });
  }
  return out;
}

function say(field: keyof TaskRow, value: Json | undefined, now: Day, locale: string): string {
  if (value === null || value === undefined) return "";
  if (field === "due" && isArgs(value) && typeof value.date === "string") return dueLabel(value as unknown as Due, now, locale);
  if (field === "recurrence" && typeof value === "string") return describeRule(value);
  if (Array.isArray(value)) return value.map((t) => `#${String(t)}`).join(" ");
  return typeof value === "string" ? value : "";
}
