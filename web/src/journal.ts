import type { Key, Mutation } from "./mutation";
import type { Actor, Change, Delta, MsgRow, Provenance, TaskRow, ToolCall } from "./protocol";
import type { Replica } from "./replica";

export type Verb = "Added" | "Changed" | "Completed" | "Skipped" | "Reopened" | "Deleted" | "Restored" | "Undid" | "Reminded of";

/** One operation as a person remembers it: who did what to which task, and how it is taken back. */
export interface Happening {
  /** The operation, or the turn of the assistant it belongs to: what an undo names. */
  id: string;
  at: string;
  actor: Actor;
  /** Made in this browser. */
  mine: boolean;
  verb: Verb;
  title: string;
  /** The first task and how many there are. */
  uid: string;
  count: number;
  /** Names of the fields a change touched. */
  fields: string[];
  /** Whether an undo can name it. */
  undoable: boolean;
  undone: boolean;
  /** Further tasks of an entry that is read from rows. */
  others?: Set<string>;
}

const KEEP = 500;

/** What happened to the tasks, as far as this browser has seen it. Holds no clock and does no I/O. */
export class Journal {
  #entries = new Map<string, Happening>();

  constructor(kept: Iterable<Happening> = []) {
    for (const h of kept) this.#entries.set(h.id, h);
  }

  /** The newest first. */
  list(): Happening[] {
    return [...this.#entries.values()].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? 1 : -1));
  }

  /** Takes note of a delta that the replica is about to apply. Gives the entries that are new or another than before. */
  note(f: Delta, replica: Replica, now: string): Happening[] {
    if (f.to <= replica.seq || f.from > replica.seq + 1) return [];
    const noted = new Map<string, Happening>();
    for (const c of f.c) {
      if (c.k !== "task") continue;
      const own = c.client === replica.client ? replica.pending.find((m) => m.mid === c.mid) : undefined;
      const undone = own && this.#takenBack(own);
      if (undone) noted.set(undone.id, undone);
      const h = happening(c, replica.confirmed(`task/${c.id}` as Key) as TaskRow | undefined, own, now);
      if (h) noted.set(h.id, this.#merge(h, noted.get(h.id)));
    }
    for (const h of noted.values()) this.#entries.set(h.id, h);
    return [...noted.values()];
  }

  /** Drops the oldest beyond what is kept; gives their ids. */
  trim(): string[] {
    const gone = this.list().slice(KEEP).map((h) => h.id);
    for (const id of gone) this.#entries.delete(id);
    return gone;
  }

  #takenBack(own: Mutation): Happening | null {
    const target = own.t === "mutate" ? own.args.undo : undefined;
    const entry = typeof target === "string" ? this.#entries.get(target) : undefined;
    return entry ? { ...entry, undone: true } : null;
  }

  #merge(h: Happening, inDelta: Happening | undefined): Happening {
    const before = inDelta ?? this.#entries.get(h.id);
    if (!before || before.uid === h.uid) return before ? { ...h, count: before.count, undone: before.undone } : h;
    return { ...before, at: h.at, count: before.count + 1, fields: [...new Set([...before.fields, ...h.fields])] };
  }
}

function happening(c: Change, before: TaskRow | undefined, own: Mutation | undefined, now: string): Happening | null {
  const after = c.op === "put" ? (c.row as TaskRow) : undefined;
  const cause = after && newest(after);
  const undo = own?.t === "mutate" && own.args.undo !== undefined;
  const verb = undo ? "Undid" : verbOf(before, after, c.actor);
  const shown = after ?? before;
  if (!verb || !shown) return null;
  const op = c.turn ?? own?.op ?? cause?.op_id;
  return {
    id: op ?? `${c.id} ${c.ver ?? 0}`, at: own?.at ?? cause?.at ?? now, actor: c.actor ?? "user", mine: own !== undefined, verb, title: shown.title, uid: shown.uid,
    count: 1, fields: before && after ? changed(before, after) : [], undoable: op !== undefined && c.actor !== "reminder", undone: false,
  };
}

function newest(row: TaskRow): Provenance | undefined {
  return Object.values(row.provenance ?? {}).reduce<Provenance | undefined>((best, p) => (best && best.seq >= p.seq ? best : p), undefined);
}

function verbOf(before: TaskRow | undefined, after: TaskRow | undefined, actor: Actor | undefined): Verb | null {
  if (!after) return before ? "Deleted" : null;
  if (actor === "reminder") return "Reminded of";
  if (!before) return after.version > 1 ? "Restored" : "Added";
  if (after.completed && !before.completed) return after.skipped ? "Skipped" : "Completed";
  if (!after.completed && before.completed) return "Reopened";
  return changed(before, after).length > 0 ? "Changed" : null;
}

const FIELDS = ["title", "description", "priority", "tags", "due", "recurrence", "reminders"] as const;

function changed(before: TaskRow, after: TaskRow): string[] {
  return FIELDS.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

/** What the rows themselves tell of who set what: for a browser that was not there. */
export function fromRows(rows: Iterable<TaskRow>, known: ReadonlySet<string>): Happening[] {
  const out = new Map<string, Happening>();
  for (const row of rows) {
    for (const [field, p] of Object.entries(row.provenance ?? {})) {
      if (known.has(p.op_id)) continue;
      const before = out.get(p.op_id);
      if (!before) {
        out.set(p.op_id, {
          id: p.op_id, at: p.at, actor: p.actor, mine: false, verb: told(row, field, p), title: row.title, uid: row.uid, count: 1, fields: fieldsOf(field),
          undoable: p.actor !== "reminder", undone: false,
        });
      } else if (before.uid === row.uid) before.fields = [...new Set([...before.fields, ...fieldsOf(field)])];
      else if (!before.others?.has(row.uid)) {
        before.others = (before.others ?? new Set()).add(row.uid);
        before.count++;
      }
    }
  }
  return [...out.values()];
}

function told(row: TaskRow, field: string, p: Provenance): Verb {
  if (Date.parse(p.at) === Date.parse(row.created_at)) return "Added";
  if (/^(status|completed|completed_at|skipped)$/.test(field)) return row.completed ? "Completed" : "Reopened";
  return "Changed";
}

const fieldsOf = (field: string): string[] => FIELDS.filter((f) => f === field);

const READS: readonly string[] = ["list_tasks"];
const done = (c: ToolCall): boolean => c.status === "ok" && !READS.includes(c.tool);

/** The assistant's turns that a conversation tells of and the journal does not: those from before this browser looked. */
export function fromMessages(messages: Iterable<MsgRow>, known: ReadonlySet<string>): Happening[] {
  const out: Happening[] = [];
  for (const m of messages) {
    const writes = m.role === "assistant" && !known.has(m.turn_id) ? m.tool_calls.filter(done) : [];
    if (writes.length === 0) continue;
    const verb = writes.every((c) => c.tool === "add_task") ? "Added" : writes.every((c) => c.tool === "complete_task") ? "Completed" : "Changed";
    out.push({
      id: m.turn_id, at: m.created_at, actor: "agent", mine: false, verb, title: titleOf(writes[0]), uid: "", count: writes.length, fields: [], undoable: true,
      undone: false,
    });
  }
  return out;
}

function titleOf(call: ToolCall | undefined): string {
  const places: unknown[] = [call?.result, call?.arguments];
  for (const place of places) {
    if (typeof place === "object" && place !== null && "title" in place && typeof place.title === "string") return place.title;
  }
  return "a task";
}
