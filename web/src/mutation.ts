import type { Args, Due, Json, Kind, Priority, Row, SettingsRow, TaskRow, Tool } from "./protocol";

/** A change of this device that the server has not answered yet. */
export type Mutation = {
  mid: number;
  /** Names the change across tabs and renumbering; for a tool it is also the `op_id` argument. */
  op: string;
  /** RFC 3339, when the person made it. */
  at: string;
} & ({ t: "mutate"; tool: Tool; args: Args } | { t: "set"; patch: Args });

/** A change before it has a number. */
export type Intent = { op: string; at: string } & ({ t: "mutate"; tool: Tool; args: Args } | { t: "set"; patch: Args });

/** Names a row across kinds. */
export type Key = `${Kind}/${string}`;

export const SETTINGS: Key = "settings/";

export function keyOf(kind: Kind, row: Row): Key {
  if (kind === "settings") return SETTINGS;
  return `${kind}/${kind === "task" ? (row as TaskRow).uid : (row as { id: string | number }).id}`;
}

/** Rows whose look a mutation may change. A tool that names no row (undo) is not predicted. */
export function targets(m: Mutation): Key[] {
  if (m.t === "set") return setTargets(m.patch);
  if (m.tool === "list_tasks" || m.args.dry_run === true) return [];
  if (m.tool === "add_task") return drafts(m.args).map((d) => taskKey(d.uid)).filter((k) => k !== null);
  return [m.args.task_id, ...asList(m.args.ids)].map(taskKey).filter((k) => k !== null);
}

/** The row as it will look once the mutation is made: fields, tags, done, hidden. What only the server can know (numbers,
 * successors, the meaning of phrases) is left as it is. */
export function predict(row: Row | undefined, key: Key, m: Mutation): Row | undefined {
  if (m.t === "set") return predictSet(row, key, m.patch);
  switch (m.tool) {
    case "add_task":
      return row ?? born(key, m.args, m.at);
    case "complete_task":
      return row && completed(row as TaskRow, m.args, m.at);
    case "delete_task":
      return row && { ...(row as TaskRow), status: "deleted", deleted_at: m.at };
    case "update_task":
      return row && updated(row as TaskRow, m.args, m.at);
    case "list_tasks":
      return row;
  }
}

const asList = (v: Json | undefined): Json[] => (Array.isArray(v) ? v : []);
const isArgs = (v: Json | undefined): v is Args => typeof v === "object" && v !== null && !Array.isArray(v);
const taskKey = (uid: Json | undefined): Key | null => (typeof uid === "string" ? `task/${uid}` : null);
const drafts = (args: Args): Args[] => (args.items ? asList(args.items).filter(isArgs) : [args]);

function born(key: Key, args: Args, at: string): TaskRow | undefined {
  const draft = drafts(args).find((d) => taskKey(d.uid) === key);
  if (!draft || typeof draft.uid !== "string") return undefined;
  const blank: TaskRow = {
    task_id: 0, uid: draft.uid, title: "", description: "", status: "pending", completed: false, priority: "medium", tags: [],
    due: null, due_date: null, recurrence: null, recurrence_pattern: "none", next_due: null, series_id: null, reminders: [],
    created_at: at, updated_at: at, completed_at: null, deleted_at: null, version: 0,
  };
  const row = fields(blank, draft);
  return typeof draft.recurrence === "string" ? { ...row, recurrence: draft.recurrence, recurrence_pattern: "custom" } : row;
}

function completed(row: TaskRow, args: Args, at: string): TaskRow {
  if (args.undo === true) return { ...row, status: "pending", completed: false, completed_at: null };
  if (row.completed) return row;
  const skipped = args.skip_occurrence === true ? { skipped: true } : {};
  return { ...row, ...skipped, status: "completed", completed: true, completed_at: at };
}

function updated(row: TaskRow, args: Args, at: string): TaskRow {
  if (args.undo !== undefined) return row;
  const next = fields({ ...row, updated_at: at }, args);
  if (args.restore === true) return { ...next, status: next.completed ? "completed" : "pending", deleted_at: null };
  return next;
}

function fields(row: TaskRow, args: Args): TaskRow {
  const next = { ...row };
  if (typeof args.title === "string") next.title = args.title;
  if (typeof args.description === "string") next.description = args.description;
  if (typeof args.priority === "string") next.priority = args.priority as Priority;
  if (Array.isArray(args.tags)) next.tags = args.tags.filter((t) => typeof t === "string");
  next.tags = retagged(next.tags, asList(args.tags_add), asList(args.tags_remove));
  const due = wallClock(args.move_due ?? args.due, row.due);
  if (due) Object.assign(next, { due, due_date: null });
  return cleared(next, asList(args.clear));
}

function retagged(tags: string[], add: Json[], remove: Json[]): string[] {
  const kept = tags.filter((t) => !remove.includes(t));
  return [...kept, ...add.filter((t) => typeof t === "string" && !kept.includes(t)).map(String)];
}

/** Only dates and date-times are read here; a phrase has no date until the server gives it one. A move keeps the time. */
function wallClock(value: Json | undefined, before: Due | null): Due | null {
  const m = typeof value === "string" ? /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?))?$/.exec(value) : null;
  if (!m?.[1]) return null;
  const time = m[2] ?? before?.time;
  return { date: m[1], ...(time ? { time } : {}), ...(before?.time_zone ? { time_zone: before.time_zone } : {}) };
}

function cleared(row: TaskRow, names: Json[]): TaskRow {
  const next = { ...row };
  for (const name of names) {
    if (name === "due") Object.assign(next, { due: null, due_date: null });
    if (name === "description") next.description = "";
    if (name === "tags") next.tags = [];
    if (name === "reminders") next.reminders = [];
    if (name === "recurrence") Object.assign(next, { recurrence: null, recurrence_pattern: "none", next_due: null });
  }
  return next;
}

const PLAIN_SETTINGS = ["time_zone", "locale", "week_start", "words", "quiet", "autonomy", "views"] as const;

function setTargets(patch: Args): Key[] {
  const ids = (kind: Kind, v: Json | undefined): Key[] => (isArgs(v) ? Object.keys(v).map((id): Key => `${kind}/${id}`) : []);
  const plain = PLAIN_SETTINGS.some((name) => name in patch);
  return [...ids("notice", patch.notices), ...ids("conv", patch.conversations), ...(plain ? [SETTINGS] : [])];
}

function predictSet(row: Row | undefined, key: Key, patch: Args): Row | undefined {
  if (!row) return undefined;
  if (key === SETTINGS) {
    const plain = Object.fromEntries(PLAIN_SETTINGS.filter((name) => name in patch).map((name) => [name, patch[name]]));
    return { ...(row as SettingsRow), ...plain } as SettingsRow;
  }
  const [kind, id] = key.split("/", 2);
  const entries = kind === "conv" ? patch.conversations : patch.notices;
  const value = isArgs(entries) ? entries[id ?? ""] : undefined;
  if (value === null) return undefined;
  return isArgs(value) ? ({ ...row, ...value } as Row) : row;
}
