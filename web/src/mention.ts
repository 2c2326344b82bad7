import type { TaskRow } from "./protocol";
import { begins, words } from "./query";

/** A mention that is being typed: where its @ stands and what follows it. */
export interface Mention {
  at: number;
  text: string;
}

const MAX = 6;

/** The mention before the cursor, if there is one: an @ at the start of a word. */
export function mentionAt(text: string, cursor: number): Mention | null {
  const m = /(?:^|\s)@([^@\n]{0,40})$/.exec(text.slice(0, cursor));
  if (m?.[1] === undefined || /^\d+ "/.test(m[1])) return null;
  return { at: cursor - m[1].length - 1, text: m[1] };
}

/** Open tasks whose words begin as the mention does; without words, those changed last. */
export function candidates(m: Mention, tasks: Iterable<TaskRow>): TaskRow[] {
  const asked = words(m.text);
  const open = [...tasks].filter((t) => t.deleted_at === null && !t.completed && t.task_id > 0);
  const found = open.filter((t) => begins(asked, t.title));
  return found.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1)).slice(0, MAX);
}

/** The text with the mention replaced by the task, as the assistant reads it: by number and title. */
export function mentioned(text: string, m: Mention, t: TaskRow): { text: string; cursor: number } {
  const before = `${text.slice(0, m.at)}@${t.task_id} "${t.title.replaceAll('"', "'")}" `;
  return { text: before + text.slice(m.at + 1 + m.text.length), cursor: before.length };
}

/** What a line that begins with a slash means; null for a line that is said as it is. */
export type Slash = { do: "say"; line: string } | { do: "undo" } | { do: "clear" };

const SLASHES: Record<string, Slash> = {
  "/today": { do: "say", line: "What is due today?" },
  "/plan": { do: "say", line: "Plan my day" },
  "/undo": { do: "undo" },
  "/clear": { do: "clear" },
};

export const slashes: readonly string[] = Object.keys(SLASHES);

export function slash(text: string): Slash | null {
  return SLASHES[text.trim().toLowerCase()] ?? null;
}
