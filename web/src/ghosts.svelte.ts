import type { App } from "./app.svelte";
import { wall, type Day } from "./day";
import type { TaskRow } from "./protocol";

/** An occurrence of a recurring task that is not there yet. */
export interface Ghost {
  uid: string;
  title: string;
  time: string;
}

const AHEAD = 14;
const MAX = 100;

/** The coming occurrences of recurring tasks by day. The next one is known here; the others are asked for while there is a
 * connection. */
export class Ghosts {
  #app: App;
  /** Instants by task, for the version they were asked for. */
  #known = $state.raw<ReadonlyMap<string, string[]>>(new Map());
  #asked = "";

  readonly byDay: ReadonlyMap<Day, Ghost[]> = $derived.by(() => this.#byDay());

  constructor(app: App) {
    this.#app = app;
  }

  /** Asks for the occurrences of these tasks, unless they were asked for as they are. */
  async look(tasks: TaskRow[]): Promise<void> {
    const some = tasks.slice(0, MAX);
    const key = some.map(keyOf).join();
    if (!this.#app.live || key === this.#asked || some.length === 0) return;
    this.#asked = key;
    try {
      const answer = await this.#app.read({ ids: some.map((t) => t.uid), expand: AHEAD, limit: MAX });
      const rows = (Array.isArray(answer.tasks) ? answer.tasks : []) as unknown as (TaskRow & { occurrences?: string[] })[];
      this.#known = new Map(rows.map((t) => [keyOf(t), t.occurrences ?? []]));
    } catch {
      this.#asked = ""; // the next one is known without the server
    }
  }

  recurring(): TaskRow[] {
    return [...this.#app.rows.task.values()].filter((t) => t.recurrence && t.due && !t.completed && t.deleted_at === null);
  }

  #byDay(): Map<Day, Ghost[]> {
    const out = new Map<Day, Ghost[]>();
    for (const t of this.recurring()) {
      const instants = this.#known.get(keyOf(t)) ?? (t.next_due ? [t.next_due] : []);
      for (const at of instants) {
        const { date, time } = wall(Date.parse(at), this.#app.zone);
        if (date === t.due?.date) continue;
        const ghosts = out.get(date) ?? [];
        ghosts.push({ uid: t.uid, title: t.title, time: t.due?.time ? time : "" });
        out.set(date, ghosts);
      }
    }
    for (const ghosts of out.values()) ghosts.sort((a, b) => (a.time < b.time ? -1 : 1));
    return out;
  }
}

const keyOf = (t: TaskRow): string => `${t.uid} ${t.version}`;
