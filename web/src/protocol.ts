// The frames of tandem.sync.v1 as this client reads and writes them. Unknown frames and fields are ignored; a known frame
// with a missing or wrong field is an error, after which the connection is worth nothing.

export type Priority = "low" | "medium" | "high" | "urgent";
export type Tool = "add_task" | "list_tasks" | "complete_task" | "delete_task" | "update_task";
export type Actor = "user" | "agent" | "recurrence" | "reminder" | "import";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Args = { [key: string]: Json };

/** A wall clock; without `time` the whole day, without `time_zone` in the person's zone. */
export interface Due {
  date: string;
  time?: string;
  time_zone?: string;
}

export interface ReminderRow {
  reminder_id: string;
  before?: string;
  at: string;
  state: string;
}

/** Who set a field last. */
export interface Provenance {
  actor: Actor;
  op_id: string;
  seq: number;
  at: string;
}

export interface TaskRow {
  task_id: number;
  uid: string;
  title: string;
  description: string;
  status: "pending" | "completed" | "deleted";
  completed: boolean;
  skipped?: boolean;
  priority: Priority;
  tags: string[];
  due: Due | null;
  due_date: string | null;
  recurrence: string | null;
  recurrence_pattern: string;
  repeat_from?: string | null;
  next_due: string | null;
  series_id: string | null;
  reminders: ReminderRow[];
  created_at: string;
  updated_at: string;
  completed_at: string | null;
  deleted_at: string | null;
  version: number;
  provenance?: Record<string, Provenance>;
}

export interface ConvRow {
  id: number;
  title: string;
  created_at: string;
  updated_at: string;
}

export interface ToolCall {
  id: string;
  tool: string;
  arguments: Args | null;
  result: Json;
  status: string;
  op_id?: string;
  seq?: number;
}

export interface MsgRow {
  id: string;
  conversation_id: number;
  turn_id: string;
  role: "user" | "assistant";
  text: string;
  tool_calls: ToolCall[];
  created_at: string;
  engine?: string;
  status?: string;
}

export interface NoticeRow {
  id: string;
  reminder_id: string;
  task_id: string;
  number: number;
  title: string;
  due: Due | null;
  fired_at: string;
}

export interface ApprovalItem {
  task_id: number;
  uid?: string;
  title: string;
  due: Due | null;
}

export interface ApprovalRow {
  id: string;
  kind: "confirm" | "choice";
  tool: string;
  summary: string;
  items: ApprovalItem[];
  more: number;
  args: Args | null;
  expires_at: string;
  conversation_id?: number;
  turn_id?: string;
}

export interface SettingsRow {
  time_zone: string;
  locale: string;
  week_start: "monday" | "sunday" | "saturday";
  words: { morning: string; afternoon: string; evening: string; night: string; all_day: string };
  quiet: { from: string; to: string } | null;
  autonomy: "risky" | "always";
  views: View[];
  channels: { email: { address: string; on: boolean } | null; webhook: { url: string; on: boolean } | null; push: { id: string; device: string }[] };
  feed: { created_at: string } | null;
  tokens: TokenRow[];
  devices: { id: string; name: string; last_seen_at: string }[];
}

/** A query that is kept under a name. */
export interface View {
  name: string;
  query: string;
}

export interface TokenRow {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
}

export interface Rows {
  task: TaskRow;
  conv: ConvRow;
  msg: MsgRow;
  notice: NoticeRow;
  approval: ApprovalRow;
  settings: SettingsRow;
}
export type Kind = keyof Rows;
export type Row = Rows[Kind];

export interface Change {
  k: Kind;
  id: string;
  op: "put" | "del";
  ver?: number;
  row?: Row;
  client?: string;
  mid?: number;
  actor?: Actor;
  turn?: string;
}

export interface Limits {
  frame?: number;
}

export interface Ready {
  t: "ready";
  epoch: string;
  seq: number;
  mode: "live" | "delta" | "snapshot";
  why?: string;
  last_mid: number;
  hb: number;
  limits?: Limits;
  turns?: RunningTurn[];
  now: string;
  /** What a browser subscribes to web push with. */
  push_key?: string;
}
export interface RunningTurn {
  turn: string;
  conv?: number;
}
export interface Snap {
  t: "snap";
  seq: number;
  i: number;
  last?: boolean;
  rows: { [K in Kind]?: Rows[K][] };
}
export interface Delta {
  t: "delta";
  from: number;
  to: number;
  c: Change[];
}
export interface Ack {
  t: "ack";
  mid: number;
  seq?: number;
  result?: Json;
}
export interface Candidate {
  task_id: number;
  uid: string;
  title: string;
}
export interface Nack {
  t: "nack";
  mid?: number;
  turn?: string;
  code: string;
  msg?: string;
  row?: Row;
  candidates?: Candidate[];
  approval?: ApprovalRow;
  retry_ms?: number;
}

export type Phase = "forming" | "queued" | "waiting" | "running" | "ok" | "error" | "undone";
export interface ToolEvent {
  id: string;
  name: string;
  phase: Phase;
  args?: Args;
  seq?: number;
  err?: string;
  op_id?: string;
  result?: Json;
}
export interface TurnEnd {
  status: string;
  msg_id?: string;
  seq?: number;
  engine?: string;
}
interface TurnBase {
  t: "turn";
  turn: string;
  conv: number;
  n: number;
}
export type TurnFrame = TurnBase &
  (
    | { ev: "start"; engine?: string }
    | { ev: "state"; text: string; tools?: ToolEvent[]; status?: string; engine?: string; approval?: ApprovalRow }
    | { ev: "text"; d?: string }
    | { ev: "tool"; tool: ToolEvent }
    | { ev: "approval"; approval: ApprovalRow }
    | { ev: "done"; end: TurnEnd }
  );

export type SpanKind = "due" | "recurrence" | "priority" | "tag" | "reminder";
/** A stretch of the text in UTF-16 code units, `e` exclusive. */
export interface Span {
  s: number;
  e: number;
  k: SpanKind;
  v: string;
  conf?: number;
}
export interface ParsedDue {
  date: string;
  time?: string | null;
}
export interface ParsedRule {
  rrule: string;
  from?: string;
}
export interface Parsed {
  t: "parsed";
  id: number;
  spans: Span[];
  due?: ParsedDue | null;
  recurrence?: ParsedRule | null;
  title: string;
  /** Why words that look like a date were not taken. */
  ambiguous?: string;
}
export interface HistoryRows {
  t: "history";
  id: number;
  rows: MsgRow[];
  more: boolean;
}
export interface Presence {
  t: "presence";
  devices: { client: string }[];
  /** The turns that the assistant is working on. */
  agent: { turns: string[] };
}
export interface Heartbeat {
  t: "hb";
  seq: number;
}
export interface AuthNotice {
  t: "auth";
  exp?: string | number;
  in?: number;
}
export interface Bye {
  t: "bye";
  code: string;
  retry_ms?: number;
}
export interface Err {
  t: "err";
  code: string;
  msg?: string;
  ref?: string;
}

export type ServerFrame =
  | Ready
  | Snap
  | Delta
  | Ack
  | Nack
  | TurnFrame
  | Parsed
  | HistoryRows
  | Presence
  | Heartbeat
  | AuthNotice
  | Bye
  | Err;

export interface Hello {
  t: "hello";
  client: string;
  epoch?: string;
  seq?: number;
  turns?: Record<string, number>;
  ver: 1;
  caps: string[];
}
export interface Mutate {
  t: "mutate";
  mid: number;
  tool: Tool;
  args: Args;
  if_ver?: number;
}
export interface SetFrame {
  t: "set";
  mid: number;
  patch: Args;
}
/** What a client says that takes no `mid`: it is sent while the link is live, or not at all. */
export type LooseFrame =
  | { t: "chat"; turn: string; conv?: number; text: string; tz: string }
  | { t: "cancel"; turn: string }
  | { t: "approve"; approval: string; ok: boolean; args?: Args }
  | { t: "parse"; id: number; text: string; tz: string }
  | { t: "history"; id: number; conv: number; before: string };
export type ClientFrame = Hello | Mutate | SetFrame | LooseFrame | { t: "sync"; seq: number } | { t: "auth"; token: string };

export const SUBPROTOCOL = "tandem.sync.v1";

/** A frame this client cannot trust. */
export class BadFrame extends Error {
  override name = "BadFrame";
}

/** Gives the frame, or null for a kind this client does not know. Throws BadFrame. */
export function decode(text: string): ServerFrame | null {
  const frame = parseObject(text);
  const checks = typeof frame.t === "string" ? shapes[frame.t as ServerFrame["t"]] : undefined;
  if (!checks) return null;
  verify(`${String(frame.t)} frame`, frame, checks);
  if (frame.t === "turn") verify("turn event", frame, turnShapes[frame.ev as string] ?? {});
  if (frame.t === "turn" && !((frame.ev as string) in turnShapes)) return null;
  if (frame.t === "delta") frame.c = (frame.c as unknown[]).filter(isKnownChange);
  if (frame.t === "snap") verifyRows(frame.rows as Record<string, unknown>);
  return frame as unknown as ServerFrame;
}

type Fields = Record<string, unknown>;
type Check = (v: unknown) => boolean;

const isObject = (v: unknown): v is Fields => typeof v === "object" && v !== null && !Array.isArray(v);
const text: Check = (v) => typeof v === "string";
const flag: Check = (v) => typeof v === "boolean";
const count: Check = (v) => Number.isSafeInteger(v) && (v as number) >= 0;
const list: Check = (v) => Array.isArray(v);
const object: Check = isObject;
const opt = (check: Check): Check => (v) => v === undefined || v === null || check(v);
const oneOf = (...values: string[]): Check => (v) => values.includes(v as string);
const listOf = (shape: Record<string, Check>): Check => (v) => Array.isArray(v) && v.every((x) => isObject(x) && fits(x, shape));
const of = (shape: Record<string, Check>): Check => (v) => isObject(v) && fits(v, shape);

const fits = (o: Fields, shape: Record<string, Check>): boolean => Object.entries(shape).every(([field, ok]) => ok(o[field]));

const rowShapes: Record<Kind, Record<string, Check>> = {
  task: { uid: text, title: text, status: text, priority: text, tags: list, reminders: list, version: count, due: opt(of({ date: text })) },
  conv: { id: count, title: text, updated_at: text },
  msg: { id: text, conversation_id: count, role: text, text, tool_calls: listOf({ id: text, tool: text }), created_at: text },
  notice: { id: text, task_id: text, title: text, fired_at: text },
  approval: { id: text, kind: oneOf("confirm", "choice"), tool: text, summary: text, items: listOf({ title: text }), expires_at: text },
  settings: { time_zone: text, week_start: text, views: list, channels: object, tokens: list, devices: list },
};
const approval = of(rowShapes.approval);
const toolEvent = { id: text, name: text, phase: text };
const parsedSpan = { s: count, e: count, k: text };

const shapes: Record<ServerFrame["t"], Record<string, Check>> = {
  ready: { epoch: text, seq: count, mode: oneOf("live", "delta", "snapshot"), last_mid: count, hb: count, push_key: opt(text), turns: opt(listOf({ turn: text })) },
  snap: { seq: count, i: count, rows: object, last: opt(flag) },
  delta: { from: count, to: count, c: listOf({ k: text, id: (v) => text(v) || count(v), op: oneOf("put", "del") }) },
  ack: { mid: count, seq: opt(count) },
  nack: { code: text, mid: opt(count), turn: opt(text), approval: opt(approval), retry_ms: opt(count) },
  turn: { turn: text, conv: count, n: count, ev: text },
  parsed: { id: count, title: text, spans: listOf(parsedSpan), due: opt(of({ date: text })), recurrence: opt(of({ rrule: text })) },
  history: { id: count, rows: listOf(rowShapes.msg), more: opt(flag) },
  presence: { devices: listOf({ client: text }), agent: of({ turns: list }) },
  hb: { seq: count },
  auth: { in: opt(count) },
  bye: { code: text, retry_ms: opt(count) },
  err: { code: text },
};

const turnShapes: Record<string, Record<string, Check>> = {
  start: {},
  state: { text, tools: opt(listOf(toolEvent)), approval: opt(approval) },
  text: { d: opt(text) },
  tool: { tool: of(toolEvent) },
  approval: { approval },
  done: { end: of({ status: text }) },
};

function parseObject(raw: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    throw new BadFrame("a frame is not JSON");
  }
  if (!isObject(value)) throw new BadFrame("a frame is not an object");
  return value;
}

function verify(what: string, o: Fields, shape: Record<string, Check>): void {
  for (const [field, ok] of Object.entries(shape)) {
    if (!ok(o[field])) throw new BadFrame(`${what}: ${field} is missing or wrong`);
  }
}

/** Kinds of a newer server are dropped; a known kind must carry what this client draws. */
function isKnownChange(c: unknown): boolean {
  const change = c as Fields;
  const shape = rowShapes[change.k as Kind];
  if (!shape) return false;
  change.id = String(change.id);
  if (change.op === "put") {
    if (!isObject(change.row)) throw new BadFrame("delta frame: a put without a row");
    verify(`${String(change.k)} row`, change.row, shape);
  }
  return true;
}

function verifyRows(rows: Record<string, unknown>): void {
  for (const [kind, all] of Object.entries(rows)) {
    const shape = rowShapes[kind as Kind];
    if (!shape) {
      delete rows[kind];
      continue;
    }
    if (!Array.isArray(all)) throw new BadFrame(`snap frame: rows.${kind} is not a list`);
    for (const row of all) {
      if (!isObject(row)) throw new BadFrame(`snap frame: a ${kind} row is not an object`);
      verify(`${kind} row`, row, shape);
    }
  }
}
