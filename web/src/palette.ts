import type { Command } from "./commands";
import type { TaskRow, View } from "./protocol";
import { begins, fold, tagQuery, words } from "./query";
import type { IconName } from "./ui/icons";

/** One line of the palette. */
export interface Hit {
  id: string;
  group: string;
  label: string;
  icon: IconName;
  keys: string;
  /** Of a person, and so of any direction. */
  foreign: boolean;
  act: Act;
}

export type Act =
  | { do: "command"; command: Command }
  | { do: "query"; query: string }
  | { do: "task"; uid: string }
  | { do: "add"; line: string }
  | { do: "say"; line: string };

export interface Stock {
  commands: readonly Command[];
  views: readonly View[];
  tags: readonly string[];
  tasks: readonly TaskRow[];
  /** Whether there is a task that a verb would be meant for. */
  targeted: boolean;
}

const MAX_TASKS = 8;
const MAX_TAGS = 5;

const hit = (group: string, id: string, label: string, icon: IconName, act: Act, more: Partial<Hit> = {}): Hit => ({
  id: `${group} ${id}`, group, label, icon, keys: "", foreign: false, act, ...more,
});

/** Gives what the words find, in groups: verbs and places first, then what is the person's own, last what to do with the words. */
export function hits(text: string, stock: Stock): Hit[] {
  const asked = words(text);
  const fits = (label: string): boolean => begins(asked, label);
  const commands = stock.commands.filter((c) => c.id !== "palette" && (stock.targeted || !c.task) && fits(c.label));
  const out = commands.map((c) => hit(c.group, c.id, c.label, c.icon, { do: "command", command: c }, { keys: c.keys[0] ?? "" }));
  for (const v of stock.views.filter((v) => fits(v.name))) out.push(hit("Filters", v.name, v.name, "bookmark", { do: "query", query: v.query }, { foreign: true }));
  if (asked.length === 0) return out;
  for (const tag of stock.tags.filter(fits).slice(0, MAX_TAGS)) out.push(hit("Tags", tag, `#${tag}`, "tag", { do: "query", query: tagQuery(tag) }, { foreign: true }));
  const found = stock.tasks.filter((t) => t.deleted_at === null && fits(t.title)).sort(openFirst);
  for (const t of found.slice(0, MAX_TASKS)) out.push(hit("Tasks found", t.uid, t.title, t.completed ? "done" : "list", { do: "task", uid: t.uid }, { foreign: true }));
  const line = text.trim();
  return [
    ...out,
    hit("With these words", "search", `Search for “${line}”`, "search", { do: "query", query: line }),
    hit("With these words", "add", `Add the task “${line}”`, "plus", { do: "add", line }),
    hit("With these words", "say", `Tell the assistant “${line}”`, "sparkle", { do: "say", line }),
  ];
}

const openFirst = (a: TaskRow, b: TaskRow): number => Number(a.completed) - Number(b.completed) || (fold(a.title) < fold(b.title) ? -1 : 1);
