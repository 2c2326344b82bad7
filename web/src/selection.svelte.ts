import { SvelteSet } from "svelte/reactivity";

/** The tasks a person has picked, for verbs that take several. */
export class Selection {
  readonly picked = new SvelteSet<string>();
  /** Where a stretch begins that is extended. */
  #anchor: string | null = null;

  get size(): number {
    return this.picked.size;
  }

  toggle(uid: string): void {
    if (!this.picked.delete(uid)) this.picked.add(uid);
    this.#anchor = uid;
  }

  /** Picks everything between the last picked task and this one, in the order of the page. */
  extend(uid: string, order: readonly string[]): void {
    const [from, to] = [order.indexOf(this.#anchor ?? uid), order.indexOf(uid)].sort((a, b) => a - b);
    if (from === undefined || to === undefined || from < 0) return this.toggle(uid);
    for (const id of order.slice(from, to + 1)) this.picked.add(id);
    this.#anchor ??= uid;
  }

  all(order: readonly string[]): void {
    for (const uid of order) this.picked.add(uid);
  }

  clear(): void {
    this.picked.clear();
    this.#anchor = null;
  }
}
