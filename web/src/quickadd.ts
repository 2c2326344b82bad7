import { addDays, wall, weekday, type Day } from "./day";
import type { Args, ParsedDue, ParsedRule, Priority, Span } from "./protocol";
import { isDay } from "./query";

/** What a line was understood to say. */
export interface Reading {
  text: string;
  spans: Span[];
  due: ParsedDue | null;
  rule: ParsedRule | null;
  /** The title as the server took it; null where this client makes it. */
  title: string | null;
  /** Why words that look like a date were not taken. */
  doubt: string | null;
}

export const BLANK: Reading = { text: "", spans: [], due: null, rule: null, title: null, doubt: null };

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const LEVELS: Record<string, Priority> = { urgent: "urgent", high: "high", medium: "medium", low: "low", p1: "urgent", p2: "high", p3: "medium", p4: "low" };

const TOKEN =
  /"[^"]*"|(?<!\S)#([\p{L}\p{N}_/-]+)|(?<!\S)!(urgent|high|medium|low)\b|(?<!\S)(p[1-4])(?!\S)|\b(\d{4}-\d\d-\d\d)\b|\b(today|tomorrow|(?:sun|mon|tues|wednes|thurs|fri|satur)day)\b|\b((?:[01]?\d|2[0-3]):[0-5]\d)\b/giu;

/** Reads the part of the grammar that needs no server: ISO dates, today, tomorrow, weekdays, hh:mm, !priority, #tag. What it
 * does not know stays in the title. */
export function readOffline(text: string, now: number, zone: string): Reading {
  const spans: Span[] = [];
  let date: Day | null = null;
  let time: string | null = null;
  const clockNow = wall(now, zone);
  for (const m of text.matchAll(TOKEN)) {
    const [all, tag, level, p, iso, word, hm] = m;
    const span = (k: Span["k"], v: string): number => spans.push({ s: m.index, e: m.index + all.length, k, v });
    if (tag) span("tag", tag);
    else if (level || p) span("priority", LEVELS[(level ?? p ?? "").toLowerCase()] ?? "medium");
    else if (hm && time === null) span("due", (time = hm.padStart(5, "0")));
    else if ((iso || word) && date === null) {
      const day: Day | null = iso ? (isDay(iso) ? iso : null) : dayOf(word ?? "", clockNow.date);
      if (day) span("due", (date = day));
    }
  }
  if (date === null && time !== null) date = time > clockNow.time ? clockNow.date : addDays(clockNow.date, 1);
  return { text, spans, due: date ? { date, time } : null, rule: null, title: null, doubt: null };
}

function dayOf(word: string, now: Day): Day {
  const w = word.toLowerCase();
  if (w === "today") return now;
  if (w === "tomorrow") return addDays(now, 1);
  return addDays(now, (WEEKDAYS.indexOf(w) - weekday(now) + 6) % 7 + 1);
}

/** Names an understanding that can be taken back. A date, or a rule, is one thing however many stretches spell it. */
export function understanding(span: Span, text: string): string {
  return span.k === "due" || span.k === "recurrence" ? span.k : `${span.k} ${text.slice(span.s, span.e).toLowerCase()}`;
}

/** The reading without what the person took back. */
export function without(r: Reading, off: ReadonlySet<string>): Reading {
  if (off.size === 0) return r;
  return {
    ...r,
    title: null,
    spans: r.spans.filter((s) => !off.has(understanding(s, r.text))),
    due: off.has("due") && !(r.rule && !off.has("recurrence")) ? null : r.due,
    rule: off.has("recurrence") ? null : r.rule,
  };
}

const INTRODUCES = /(?:^|\s)(?:on|at|by|for|due)\s*$/i;

/** The line without the stretches that mean something, and without a bare word that only introduced one. */
export function titleOf(r: Reading): string {
  let out = "";
  let at = 0;
  for (const span of [...r.spans].sort((a, b) => a.s - b.s)) {
    const before = r.text.slice(at, Math.max(at, span.s));
    out += span.k === "due" || span.k === "recurrence" ? before.replace(INTRODUCES, " ") : before;
    at = Math.max(at, span.e);
  }
  return (out + r.text.slice(at)).replace(/\s+/g, " ").replace(/\s+([,.;])/g, "$1").replace(/^[\s,;]+|[\s,;]+$/g, "");
}

const NAMED: Record<string, Priority> = { ...LEVELS, critical: "urgent", normal: "medium" };

/** What a tool takes for a stretch: its value, or its words without those that only say what kind of thing it is. */
function valueOf(s: Span): string {
  switch (s.k) {
    case "priority":
      return s.v.toLowerCase().split(/[^a-z0-9]+/).map((w) => NAMED[w]).find(Boolean) ?? "";
    case "tag":
      return s.v.replace(/^#|^tag(?:ged)?:?\s+/i, "");
    case "reminder":
      return s.v.replace(/^(?:with\s+)?(?:an?\s+)?remind(?:er)?(?:\s+me)?(?:\s+to\b)?(?:\s+at\b)?\s*/i, "") || "0m";
    default:
      return s.v;
  }
}

/** The arguments of `add_task` for a reading; null where nothing is left to be a title. */
export function taskArgs(r: Reading): Args | null {
  const title = r.title || titleOf(r) || r.text.trim();
  if (!title) return null;
  const values = (k: Span["k"]): string[] => [...new Set(r.spans.filter((s) => s.k === k).map(valueOf))].filter(Boolean);
  const args: Args = { title };
  if (r.due) args.due = r.due.time ? `${r.due.date}T${r.due.time}` : r.due.date;
  if (r.rule) args.recurrence = r.rule.rrule;
  if (r.rule?.from === "completion") args.repeat_from = "completion";
  const priority = values("priority").at(-1);
  if (priority) args.priority = priority;
  if (values("tag").length > 0) args.tags = values("tag");
  if (values("reminder").length > 0) args.reminders = values("reminder");
  return args;
}

/** The lines of a paste that reads as several tasks, without list marks; fewer than two mean it is one. */
export function pastedLines(text: string): string[] {
  const lines = text.split(/\r?\n/).map((l) => l.replace(/^\s*(?:[-*•]|\d+[.)]|\[[ x]?\])\s+/i, "").trim());
  return lines.filter(Boolean).slice(0, 100);
}
