import { addDays, dayLabel, formatDay, today, wall, type Day } from "./day";
import type { TaskRow } from "./protocol";
import { agenda, dueAt, matcher, order, parseQuery, type Scene } from "./query";

export type ListName = "today" | "upcoming" | "inbox" | "completed" | "search";

/** A stretch of a list under one heading. `day` is where a task added or moved to this stretch is due. */
export interface Section {
  id: string;
  title: string;
  hint: string;
  tasks: TaskRow[];
  /** Rows leave the date out where the heading says it. */
  day: Day | null;
  tone: "plain" | "overdue";
}

export interface ViewInput {
  tasks: TaskRow[];
  scene: Scene;
  locale: string;
  /** Completed a moment ago on this page: they stay where they were, so that a slip can be mended. */
  lingering: ReadonlySet<string>;
  /** Days on which a recurring task will occur: they have a heading even where nothing is due yet. */
  expected?: ReadonlySet<Day>;
}

/** How many days of the agenda have a heading even when nothing is due. */
const EMPTY_DAYS = 7;
const AGENDA_DAYS = 14;

/** The day a task is due on, as the person's calendar shows it. */
export function dueDay(t: TaskRow, zone: string): Day | null {
  if (!t.due) return null;
  if (!t.due.time || !t.due.time_zone) return t.due.date;
  return wall(dueAt(t, zone) ?? 0, zone).date;
}

/** Whether the time for the task is over: its moment, or its day. */
export function isOverdue(t: TaskRow, scene: Scene): boolean {
  const at = dueAt(t, scene.zone);
  return !t.completed && at !== null && at < scene.now;
}

export function sections(view: ListName, query: string, input: ViewInput): Section[] {
  const shown = input.tasks.filter((t) => t.deleted_at === null && (!t.completed || input.lingering.has(t.uid)));
  switch (view) {
    case "today":
      return todaySections(shown, input);
    case "upcoming":
      return upcomingSections(shown, input);
    case "inbox":
      return [plain("inbox", "", shown.filter((t) => !t.due).sort(byCreation))];
    case "completed":
      return completedSections(input);
    case "search":
      return [plain("found", "", search(query, input))];
  }
}

function plain(id: string, title: string, tasks: TaskRow[], more: Partial<Section> = {}): Section {
  return { id, title, hint: "", tasks, day: null, tone: "plain", ...more };
}

function groupBy<T>(all: T[], key: (t: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const t of all) {
    const group = groups.get(key(t));
    if (group) group.push(t);
    else groups.set(key(t), [t]);
  }
  return groups;
}

/** The newest first; what was added together stays in its order. */
const byCreation = (a: TaskRow, b: TaskRow): number => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.uid < b.uid ? -1 : 1);

function todaySections(tasks: TaskRow[], { scene }: ViewInput): Section[] {
  const now = today(scene.now, scene.zone);
  const on = (test: (day: Day) => boolean): TaskRow[] => tasks.filter((t) => test(dueDay(t, scene.zone) ?? "9999")).sort(agenda(scene.zone));
  const late = on((day) => day < now);
  const due = on((day) => day === now);
  return [...(late.length > 0 ? [plain("overdue", "Overdue", late, { tone: "overdue" })] : []), plain("today", late.length > 0 ? "Today" : "", due, { day: now })];
}

function upcomingSections(tasks: TaskRow[], { scene, locale, expected }: ViewInput): Section[] {
  const now = today(scene.now, scene.zone);
  const byDay = groupBy(tasks.filter((t) => t.due).sort(agenda(scene.zone)), (t) => dueDay(t, scene.zone) ?? "");
  const days = Array.from({ length: AGENDA_DAYS }, (_, i) => addDays(now, i));
  const listed = days.filter((day, i) => i < EMPTY_DAYS || byDay.has(day) || expected?.has(day)).map((day) => daySection(day, now, locale, byDay.get(day) ?? []));
  const end = addDays(now, AGENDA_DAYS);
  const later = [...byDay].filter(([day]) => day >= end).flatMap(([, some]) => some);
  return [...listed, ...(later.length > 0 ? [plain("later", "Later", later)] : [])];
}

function daySection(day: Day, now: Day, locale: string, tasks: TaskRow[]): Section {
  const title = dayLabel(day, now, locale);
  return plain(day, title, tasks, { day, hint: formatDay(day, locale, { day: "numeric", month: "short" }) });
}

function completedSections({ tasks, scene, locale }: ViewInput): Section[] {
  const now = today(scene.now, scene.zone);
  const done = tasks.filter((t) => t.deleted_at === null && t.completed && t.completed_at !== null);
  done.sort((a, b) => ((a.completed_at ?? "") < (b.completed_at ?? "") ? 1 : -1));
  const byDay = groupBy(done, (t) => wall(Date.parse(t.completed_at ?? ""), scene.zone).date);
  return [...byDay].map(([day, some]) => plain(day, dayLabel(day, now, locale), some));
}

/** What fits the query. Only a query that says so shows completed tasks. Throws BadQuery. */
function search(query: string, { tasks, scene, lingering }: ViewInput): TaskRow[] {
  const filter = parseQuery(query);
  const fits = matcher(filter, scene);
  const asksDone = /(^|\s)status:/i.test(query);
  const open = (t: TaskRow): boolean => asksDone || !t.completed || lingering.has(t.uid);
  const ordered = filter.sort || filter.any.length > 0 ? order(filter, scene.zone) : agenda(scene.zone);
  return tasks.filter((t) => fits(t) && open(t)).sort(ordered);
}

/** How many open tasks each place holds, for the navigation. */
export function counts(tasks: Iterable<TaskRow>, scene: Scene): { today: number; overdue: number; inbox: number; tags: [string, number][] } {
  const now = today(scene.now, scene.zone);
  const tags = new Map<string, number>();
  let [due, overdue, inbox] = [0, 0, 0];
  for (const t of tasks) {
    if (t.completed || t.deleted_at !== null) continue;
    const day = dueDay(t, scene.zone);
    if (day === null) inbox++;
    else if (day < now) overdue++;
    else if (day === now) due++;
    for (const tag of t.tags) tags.set(tag, (tags.get(tag) ?? 0) + 1);
  }
  return { today: due + overdue, overdue, inbox, tags: [...tags].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)) };
}
