import type { App } from "./app.svelte";
import { addDays, startOfWeek, today } from "./day";
import type { Priority, TaskRow } from "./protocol";
import type { ViewName } from "./route.svelte";
import type { IconName } from "./ui/icons";
import { complete, moveAll, prioritise, remove, shift } from "./verbs";

export type Group = "Go to" | "Page" | "Tasks" | "Assistant";

/** What a command may ask of the page, beside what the app does. */
export interface Deck {
  app: App;
  /** The tasks a verb is meant for: those picked, or the one in focus. */
  targets: () => TaskRow[];
  visit: (view: ViewName) => void;
  add: () => void;
  chat: (open?: boolean) => void;
  step: (by: number, extend: boolean) => void;
  select: (what: "toggle" | "all") => void;
  /** Opens a task, and a part of it. */
  edit: (part: "title" | "repeat" | "remind" | "tag") => void;
  layer: (name: "palette" | "help") => void;
}

/** A verb of the page: how it is called, by which keys, and what it does. */
export interface Command {
  id: string;
  group: Group;
  label: string;
  icon: IconName;
  keys: string[];
  /** It does nothing without a task. */
  task?: true;
  run: (d: Deck) => void;
}

const place = (view: ViewName, key: string, label: string, icon: IconName): Command => ({
  id: view, group: "Go to", label, icon, keys: key ? [`g ${key}`] : [], run: (d) => d.visit(view),
});

const due = (id: string, key: string, label: string, day: (now: string, d: Deck) => string | null): Command => ({
  id: `due-${id}`, group: "Tasks", label, icon: "calendar", keys: [`t ${key}`], task: true,
  run: (d) => moveAll(d.app, d.targets(), day(today(d.app.now, d.app.zone), d)),
});

const priority = (p: Priority, key: string, label: string): Command => ({
  id: p, group: "Tasks", label, icon: "flag", keys: [key], task: true, run: (d) => prioritise(d.app, d.targets(), p),
});

export const COMMANDS: readonly Command[] = [
  place("today", "t", "Today", "today"),
  place("upcoming", "u", "Upcoming", "upcoming"),
  place("inbox", "i", "Inbox", "inbox"),
  place("completed", "l", "Completed", "done"),
  place("activity", "a", "Activity", "clock"),
  place("lookback", "b", "Look back", "rewind"),
  place("trash", "d", "Trash", "trash"),
  place("settings", "s", "Settings", "settings"),
  { id: "add", group: "Page", label: "Add a task", icon: "plus", keys: ["q", "c"], run: (d) => d.add() },
  { id: "search", group: "Page", label: "Search", icon: "search", keys: ["/"], run: (d) => d.visit("search") },
  { id: "palette", group: "Page", label: "Find anything", icon: "list", keys: ["Mod+k"], run: (d) => d.layer("palette") },
  { id: "help", group: "Page", label: "Keyboard", icon: "question", keys: ["?"], run: (d) => d.layer("help") },
  { id: "undo", group: "Page", label: "Undo", icon: "undo", keys: ["z"], run: (d) => d.app.undoLast() },
  { id: "redo", group: "Page", label: "Redo", icon: "refresh", keys: ["Shift+z"], run: (d) => d.app.redoLast() },
  { id: "next", group: "Page", label: "Next task", icon: "chevron", keys: ["j", "ArrowDown"], run: (d) => d.step(1, false) },
  { id: "previous", group: "Page", label: "Previous task", icon: "chevron", keys: ["k", "ArrowUp"], run: (d) => d.step(-1, false) },
  { id: "select", group: "Tasks", label: "Select", icon: "check", keys: ["x"], task: true, run: (d) => d.select("toggle") },
  { id: "extend", group: "Tasks", label: "Extend down", icon: "check", keys: ["Shift+j", "Shift+ArrowDown"], run: (d) => d.step(1, true) },
  { id: "extend-up", group: "Tasks", label: "Extend up", icon: "check", keys: ["Shift+k", "Shift+ArrowUp"], run: (d) => d.step(-1, true) },
  { id: "all", group: "Tasks", label: "Select all in view", icon: "list", keys: ["Mod+a"], run: (d) => d.select("all") },
  { id: "complete", group: "Tasks", label: "Complete", icon: "done", keys: ["Space", "d"], task: true, run: (d) => complete(d.app, d.targets()) },
  { id: "open", group: "Tasks", label: "Open", icon: "notes", keys: ["Enter"], task: true, run: (d) => d.edit("title") },
  { id: "edit", group: "Tasks", label: "Edit the title", icon: "new", keys: ["e"], task: true, run: (d) => d.edit("title") },
  due("today", "t", "Due today", (now) => now),
  due("tomorrow", "m", "Due tomorrow", (now) => addDays(now, 1)),
  due("week", "w", "Due next week", (now, d) => addDays(startOfWeek(now, d.app.scene.weekStart), 7)),
  due("none", "n", "No date", () => null),
  { id: "later", group: "Tasks", label: "One day later", icon: "right", keys: ["Alt+ArrowRight"], task: true, run: (d) => shift(d.app, d.targets(), 1) },
  { id: "earlier", group: "Tasks", label: "One day earlier", icon: "left", keys: ["Alt+ArrowLeft"], task: true, run: (d) => shift(d.app, d.targets(), -1) },
  priority("urgent", "1", "Urgent"),
  priority("high", "2", "High priority"),
  priority("medium", "3", "Medium priority"),
  priority("low", "4", "Low priority"),
  { id: "tag", group: "Tasks", label: "Tag", icon: "tag", keys: ["l"], task: true, run: (d) => d.edit("tag") },
  { id: "repeat", group: "Tasks", label: "Repeat", icon: "repeat", keys: ["r"], task: true, run: (d) => d.edit("repeat") },
  { id: "remind", group: "Tasks", label: "Remind", icon: "bell", keys: ["b"], task: true, run: (d) => d.edit("remind") },
  { id: "delete", group: "Tasks", label: "Delete", icon: "trash", keys: ["Backspace", "Delete"], task: true, run: (d) => void remove(d.app, d.targets()) },
  { id: "assistant", group: "Assistant", label: "Write to the assistant", icon: "sparkle", keys: ["a"], run: (d) => d.chat(true) },
  { id: "dock", group: "Assistant", label: "Show or hide the chat", icon: "panel", keys: ["["], run: (d) => d.chat() },
  { id: "stop", group: "Assistant", label: "Stop the assistant", icon: "x", keys: ["Mod+."], run: (d) => d.app.talk.stop() },
];

export const byKeys: ReadonlyMap<string, Command> = new Map(COMMANDS.flatMap((c) => c.keys.map((k) => [k, c] as const)));
