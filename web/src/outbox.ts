import type { Mutation } from "./mutation";

/** In flight at most: enough to fill a slow line, few enough that a refusal costs little. */
const WINDOW = 8;

/** Refusals that only ask for patience; the number is not used up. */
const PATIENCE = new Set(["rate", "busy", "overload", "limited"]);

/** A change that breaks the server this often is given up, so that those behind it can go. */
const MAX_FAULTS = 5;

/**
 * What to do after a refusal. `final`: the change is settled. `hold`: call `resume` after `ms`, then send again. `held`: a hold
 * is already running. `first`, where given, is the number that the first change still pending must take before that.
 */
export type Verdict = { kind: "final"; first?: number } | { kind: "hold"; ms: number; first?: number } | { kind: "held" };

/**
 * Which unanswered changes go out, and when. They leave in order, a few at a time; a refusal for want of room holds
 * everything behind it back, because the server takes numbers in order. Each change carries its operation id, so that
 * sending it twice, or under a new number, makes it once.
 */
export class Outbox {
  #sent = new Set<number>();
  /** The highest number with a final answer. */
  #settled = 0;
  #live = false;
  #held = false;
  #tries = 0;

  /** A connection is ready. Gives the number that the first pending change must take when the server does not know the ones
   * before it (it was restored), or null. */
  ready(lastMid: number, pending: readonly Mutation[]): number | null {
    this.#sent.clear();
    this.#live = true;
    this.#held = false;
    this.#settled = lastMid;
    const first = pending[0]?.mid;
    return first !== undefined && lastMid < first - 1 ? lastMid + 1 : null;
  }

  closed(): void {
    this.#live = false;
    this.#sent.clear();
  }

  /** The number for the next change. */
  next(pending: readonly Mutation[]): number {
    return Math.max(this.#settled, ...pending.map((m) => m.mid)) + 1;
  }

  /** A number that was given before this session must not be given again. */
  restore(lastMid: number): void {
    this.#settled = Math.max(this.#settled, lastMid);
  }

  /** The changes to send now; they count as sent. */
  take(pending: readonly Mutation[]): Mutation[] {
    if (!this.#live || this.#held) return [];
    const window = pending.slice(0, WINDOW).filter((m) => !this.#sent.has(m.mid));
    for (const m of window) this.#sent.add(m.mid);
    return window;
  }

  /** A hold is over. */
  resume(): void {
    this.#held = false;
  }

  acked(mid: number): void {
    this.#settled = Math.max(this.#settled, mid);
    this.#sent.delete(mid);
    this.#tries = 0;
  }

  refused(mid: number, code: string, retryMs?: number): Verdict {
    if (code === "internal" && this.#tries >= MAX_FAULTS) return this.#giveUp();
    if (PATIENCE.has(code) || code === "internal") return this.#hold(retryMs);
    if (code === "mid_gap") return this.#hold(retryMs, this.#settled + 1);
    this.acked(mid);
    return { kind: "final" };
  }

  #hold(retryMs?: number, first?: number): Verdict {
    this.#sent.clear();
    if (this.#held) return { kind: "held" };
    this.#held = true;
    const ms = retryMs ?? Math.min(30_000, 250 * 2 ** this.#tries);
    this.#tries++;
    return { kind: "hold", ms, ...(first === undefined ? {} : { first }) };
  }

  /** The number of the change was not used up: those behind it move down. */
  #giveUp(): Verdict {
    this.#sent.clear();
    this.#tries = 0;
    return { kind: "final", first: this.#settled + 1 };
  }
}
