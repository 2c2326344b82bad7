import type { Due } from "./protocol";

/** A local day, YYYY-MM-DD. */
export type Day = string;

const formats = new Map<string, Intl.DateTimeFormat>();

function wallFormat(zone: string): Intl.DateTimeFormat {
  let f = formats.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    formats.set(zone, f);
  }
  return f;
}

/** Whether this browser knows the zone. */
export function isZone(zone: string): boolean {
  try {
    wallFormat(zone);
    return true;
  } catch {
    return false;
  }
}

/** The wall clock of an instant. */
export function wall(ms: number, zone: string): { date: Day; time: string } {
  const part = Object.fromEntries(wallFormat(zone).formatToParts(ms).map((p) => [p.type, p.value]));
  return { date: `${part.year}-${part.month}-${part.day}`, time: `${part.hour}:${part.minute}` };
}

/** How far the zone is ahead of UTC at an instant, in milliseconds. */
function offset(ms: number, zone: string): number {
  const part = Object.fromEntries(wallFormat(zone).formatToParts(ms).map((p) => [p.type, Number(p.value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

/** The instant of a wall clock. One in a gap moves by the gap, a repeated one is the first (RFC 5545 section 3.3.5). */
export function instant(date: Day, time: string, zone: string): number {
  const naive = Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}Z`);
  const before = naive - offset(naive - 86_400_000, zone);
  if (offset(before, zone) === naive - before) return before;
  const after = naive - offset(naive + 86_400_000, zone);
  return offset(after, zone) === naive - after ? after : before;
}

/** When a due date is over: its time, or the end of its day. */
export function dueInstant(due: Due, zone: string): number {
  const in_ = due.time_zone && isZone(due.time_zone) ? due.time_zone : zone;
  return instant(due.date, due.time ?? "23:59:59", in_);
}

export function today(ms: number, zone: string): Day {
  return wall(ms, zone).date;
}

export function addDays(day: Day, n: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + n * 86_400_000).toISOString().slice(0, 10);
}

export function addMonths(day: Day, n: number): Day {
  const [y = 0, m = 1, d = 1] = day.split("-").map(Number);
  const last = new Date(Date.UTC(y, m + n, 0)).getUTCDate();
  return new Date(Date.UTC(y, m - 1 + n, Math.min(d, last))).toISOString().slice(0, 10);
}

/** Days from a to b. */
export function daysBetween(a: Day, b: Day): number {
  return Math.round((Date.parse(`${b}T00:00:00Z`) - Date.parse(`${a}T00:00:00Z`)) / 86_400_000);
}

/** 0 is Sunday. */
export function weekday(day: Day): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay();
}

export type WeekStart = "monday" | "sunday" | "saturday";

export function firstWeekday(start: WeekStart): number {
  return { sunday: 0, monday: 1, saturday: 6 }[start];
}

export function startOfWeek(day: Day, start: WeekStart): Day {
  return addDays(day, -((weekday(day) - firstWeekday(start) + 7) % 7));
}

export function formatDay(day: Day, locale: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }).format(new Date(`${day}T12:00:00Z`));
}

/** A day as a person says it: Today, Tomorrow, Yesterday, Friday, Fri 27 Nov, 27 Nov 2027. */
export function dayLabel(day: Day, now: Day, locale: string): string {
  const n = daysBetween(now, day);
  if (n === 0) return "Today";
  if (n === 1) return "Tomorrow";
  if (n === -1) return "Yesterday";
  if (n > 1 && n < 7) return formatDay(day, locale, { weekday: "long" });
  const sameYear = day.slice(0, 4) === now.slice(0, 4);
  const near = Math.abs(n) < 300 || sameYear;
  return formatDay(day, locale, near ? { weekday: "short", day: "numeric", month: "short" } : { day: "numeric", month: "short", year: "numeric" });
}

export function dueLabel(due: Due, now: Day, locale: string): string {
  const label = dayLabel(due.date, now, locale);
  return due.time ? `${label} ${clock(due.time, locale)}` : label;
}

export function clock(time: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone: "UTC" }).format(new Date(`2000-01-01T${time.slice(0, 5)}:00Z`));
}
