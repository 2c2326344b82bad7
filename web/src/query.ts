import { addDays, addMonths, dueInstant, instant, startOfWeek, today, type Day, type WeekStart } from "./day";
import type { Priority, TaskRow } from "./protocol";

/** Where and when a query is asked. */
export interface Scene {
  now: number;
  zone: string;
  weekStart: WeekStart;
}

/** Words in a row; the last one is matched at its start. */
export type Term = string[];

export interface Filter {
  status: string;
  priority: Priority[];
  tags: string[];
  tagsAny: string[][];
  due: string;
  sort: string;
  desc: boolean;
  any: Term[];
  not: Term[];
}

/** A term of the query that says nothing, with what it could have said. */
export class BadQuery extends Error {
  override name = "BadQuery";
  constructor(
    readonly value: string,
    readonly allowed: readonly string[],
  ) {
    super(`“${value}” is none of ${allowed.join(", ")}.`);
  }
}

export const PRIORITIES: readonly Priority[] = ["low", "medium", "high", "urgent"];
const STATUSES = ["all", "pending", "completed", "deleted"];
const SORTS = ["created_at", "due_date", "priority", "status", "title"];
const DUE_WORDS = ["overdue", "today", "tomorrow", "this_week", "this_month", "none"];
const KEYS = ["status", "priority", "tag", "due", "sort"];
const MAX_TERMS = 32;

/** The form in which words are compared everywhere: decomposed, without marks, lower case. */
export function fold(s: string): string {
  return s.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase().normalize("NFKD").replace(/\p{Mn}/gu, "");
}

export function words(s: string): string[] {
  return fold(s).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

/** Every word asked for begins a word of the text. */
export function begins(asked: string[], text: string): boolean {
  const own = words(text);
  return asked.every((w) => own.some((o) => o.startsWith(w)));
}

interface Lexeme {
  text: string;
  not: boolean;
  quoted: boolean;
}

/** Splits at spaces outside of quotes; an unclosed quote runs to the end. */
function lexemes(text: string): Lexeme[] {
  const out: Lexeme[] = [];
  let rest = text.trim();
  while (rest) {
    const not = /^-[^ ]/.test(rest);
    if (not) rest = rest.slice(1);
    const quoted = rest.startsWith('"');
    const end = quoted ? closing(rest, 1) : untilSpace(rest);
    out.push({ text: rest.slice(quoted ? 1 : 0, end), not, quoted });
    rest = rest.slice(quoted ? end + 1 : end).trim();
  }
  return out;
}

function closing(s: string, from: number): number {
  const at = s.indexOf('"', from);
  return at === -1 ? s.length : at;
}

function untilSpace(s: string): number {
  let quoted = false;
  for (let i = 0; i < s.length; i++) {
    if (s[i] === '"') quoted = !quoted;
    if (s[i] === " " && !quoted) return i;
  }
  return s.length;
}

/** Reads the query grammar: known keys narrow, all else is a search word. Throws BadQuery. */
export function parseQuery(text: string): Filter {
  const f: Filter = { status: "all", priority: [], tags: [], tagsAny: [], due: "", sort: "", desc: false, any: [], not: [] };
  for (const lex of lexemes(text)) {
    const colon = lex.text.indexOf(":");
    const key = lex.text.slice(0, Math.max(colon, 0)).toLowerCase();
    if (lex.quoted || lex.not || !KEYS.includes(key)) addTerm(f, lex);
    else readTerm(f, key, lex.text.slice(colon + 1).replaceAll('"', ""));
  }
  return f;
}

function addTerm(f: Filter, lex: Lexeme): void {
  const term = words(lex.text);
  if (term.length === 0 || f.any.length + f.not.length >= MAX_TERMS) return;
  (lex.not ? f.not : f.any).push(term);
}

function readTerm(f: Filter, key: string, value: string): void {
  switch (key) {
    case "status":
      f.status = among(value, STATUSES);
      return;
    case "priority":
      f.priority.push(...value.split(",").map((p) => among(p, PRIORITIES)));
      return;
    case "tag":
      if (value.includes(",")) f.tagsAny.push(value.split(","));
      else f.tags.push(value);
      return;
    case "due":
      f.due = dueTerm(value);
      return;
    case "sort":
      f.desc = value.startsWith("-");
      f.sort = among(value.replace(/^-/, ""), SORTS);
  }
}

function among<T extends string>(value: string, allowed: readonly T[]): T {
  const found = allowed.find((a) => a === value);
  if (found === undefined) throw new BadQuery(value, allowed);
  return found;
}

function dueTerm(value: string): string {
  if (DUE_WORDS.includes(value)) return value;
  const [from = "", to = from] = value.split("..", 2);
  const fine = (d: string): boolean => isDay(d) || (d === "" && from + to !== "");
  if (!fine(from) || !fine(to)) throw new BadQuery(value, [...DUE_WORDS, "2026-12-01", "2026-12-01..2026-12-31"]);
  return value;
}

export function isDay(s: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(s) && !Number.isNaN(Date.parse(`${s}T00:00:00Z`)) && new Date(`${s}T00:00:00Z`).toISOString().startsWith(s);
}

/** Gives the test of a task, the same one that the server applies. */
export function matcher(f: Filter, scene: Scene): (t: TaskRow) => boolean {
  const due = dueTest(f.due, scene);
  const has = (t: TaskRow, tag: string): boolean => t.tags.some((own) => fold(own) === fold(tag));
  return (t) =>
    hasStatus(t, f.status) &&
    (f.priority.length === 0 || f.priority.includes(t.priority)) &&
    f.tags.every((tag) => has(t, tag)) &&
    f.tagsAny.every((group) => group.some((tag) => has(t, tag))) &&
    due(t) &&
    found(f, t);
}

function hasStatus(t: TaskRow, status: string): boolean {
  if (status === "deleted") return t.deleted_at !== null;
  return t.deleted_at === null && (status === "all" || t.completed === (status === "completed"));
}

/** Reading a date is dear, and lists ask for it again and again; a row never changes. */
const instants = new WeakMap<TaskRow, { zone: string; at: number | null }>();

/** When the task is due, as an instant; null without a date. */
export function dueAt(t: TaskRow, zone: string): number | null {
  const known = instants.get(t);
  if (known?.zone === zone) return known.at;
  const at = t.due_date !== null ? Date.parse(t.due_date) : t.due ? dueInstant(t.due, zone) : null;
  instants.set(t, { zone, at });
  return at;
}

function dueTest(word: string, scene: Scene): (t: TaskRow) => boolean {
  if (word === "") return () => true;
  if (word === "none") return (t) => t.due === null;
  if (word === "overdue") return (t) => !t.completed && t.deleted_at === null && (dueAt(t, scene.zone) ?? Infinity) < scene.now;
  const [first, last] = stretch(word, scene);
  const from = first ? instant(first, "00:00:00", scene.zone) : -Infinity;
  const to = last ? instant(addDays(last, 1), "00:00:00", scene.zone) : Infinity;
  return (t) => {
    const at = dueAt(t, scene.zone);
    return at !== null && at >= from && at < to;
  };
}

function stretch(word: string, scene: Scene): [Day, Day] {
  const now = today(scene.now, scene.zone);
  switch (word) {
    case "today":
      return [now, now];
    case "tomorrow":
      return [addDays(now, 1), addDays(now, 1)];
    case "this_week": {
      const first = startOfWeek(now, scene.weekStart);
      return [first, addDays(first, 6)];
    }
    case "this_month": {
      const first = `${now.slice(0, 7)}-01`;
      return [first, addDays(addMonths(first, 1), -1)];
    }
    default: {
      const [from = "", to = from] = word.split("..", 2);
      return [from, to];
    }
  }
}

const wordsOf = new WeakMap<TaskRow, { title: string[]; description: string[] }>();

function indexed(t: TaskRow): { title: string[]; description: string[] } {
  let entry = wordsOf.get(t);
  if (!entry) {
    entry = { title: words(t.title), description: words(t.description) };
    wordsOf.set(t, entry);
  }
  return entry;
}

function occurs(term: Term, in_: string[]): boolean {
  const last = term.length - 1;
  return in_.some((_, i) => term.every((w, j) => (j === last ? (in_[i + j]?.startsWith(w) ?? false) : in_[i + j] === w)));
}

function found(f: Filter, t: TaskRow): boolean {
  if (f.any.length === 0 && f.not.length === 0) return true;
  const { title, description } = indexed(t);
  const hit = (term: Term): boolean => occurs(term, title) || occurs(term, description);
  return !f.not.some(hit) && (f.any.length === 0 || f.any.some(hit));
}

/** How well a task fits the words: twice for the title, once for the notes. */
function rank(f: Filter, t: TaskRow): number {
  const { title, description } = indexed(t);
  return f.any.reduce((sum, term) => sum + (occurs(term, title) ? 2 : 0) + (occurs(term, description) ? 1 : 0), 0);
}

export function priorityRank(p: Priority): number {
  return PRIORITIES.indexOf(p);
}

/** Gives the order of a filter: the one it names, else the best match first, else the newest last. */
export function order(f: Filter, zone: string): (a: TaskRow, b: TaskRow) => number {
  const by = f.sort || (f.any.length > 0 ? "rank" : "created_at");
  const sign = f.desc ? -1 : 1;
  return (a, b) => {
    if (by === "due_date" && (a.due === null) !== (b.due === null)) return a.due === null ? 1 : -1;
    return sign * (compare(by, f, zone, a, b) || text(a.uid, b.uid));
  };
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function compare(by: string, f: Filter, zone: string, a: TaskRow, b: TaskRow): number {
  switch (by) {
    case "due_date":
      return (dueAt(a, zone) ?? 0) - (dueAt(b, zone) ?? 0);
    case "priority":
      return priorityRank(a.priority) - priorityRank(b.priority);
    case "status":
      return STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status);
    case "title":
      return text(fold(a.title), fold(b.title));
    case "rank":
      return rank(f, b) - rank(f, a);
    default:
      return text(a.created_at, b.created_at);
  }
}

/** Orders what has no chosen order: by due date, then the more pressing first, then the older first. */
export function agenda(zone: string): (a: TaskRow, b: TaskRow) => number {
  return (a, b) =>
    (dueAt(a, zone) ?? Infinity) - (dueAt(b, zone) ?? Infinity) || priorityRank(b.priority) - priorityRank(a.priority) || text(a.created_at, b.created_at);
}

/** The query that a tag stands for. */
export function tagQuery(tag: string): string {
  return /\s/.test(tag) ? `tag:"${tag}"` : `tag:${tag}`;
}
