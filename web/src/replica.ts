import { keyOf, predict, SETTINGS, targets, type Key, type Mutation } from "./mutation";
import type { Ack, Change, Delta, Kind, Ready, Row, Rows, Snap, TaskRow } from "./protocol";

/** What one input did. `confirmed` rows are the server's, `shown` rows are what a person sees. */
export interface Effect {
  confirmed: Set<Key>;
  shown: Set<Key>;
  /** The confirmed rows were replaced as a whole. */
  replaced: boolean;
  /** Frames are missing: the server must be asked, once. */
  gap: boolean;
}

/** A replica at rest: what is stored, and what a new tab starts from. */
export interface Saved {
  epoch: string | null;
  seq: number;
  rows: [Key, Row][];
  pending: Mutation[];
}

/**
 * The rows of one person: those the server confirmed up to `seq`, with this device's unanswered changes on top. Each input
 * undoes the changes on the rows it touches, applies, and makes them again, so that the order of answers does not matter.
 * Holds no clock and does no I/O; equal inputs give equal rows.
 */
export class Replica {
  epoch: string | null = null;
  seq = 0;
  #confirmed = new Map<Key, Row>();
  #shown = new Map<Key, Row>();
  #pending: Mutation[] = [];
  /** Mids whose change is already part of the confirmed rows: it arrives before its ack. */
  #landed = new Set<number>();
  #staged: { epoch: string; rows: Map<Key, Row> } | null = null;
  #asked = false;

  constructor(readonly client: string) {}

  get pending(): readonly Mutation[] {
    return this.#pending;
  }

  row<K extends Kind>(kind: K, id: string): Rows[K] | undefined {
    return this.#shown.get(`${kind}/${id}`) as Rows[K] | undefined;
  }

  get(key: Key): Row | undefined {
    return this.#shown.get(key);
  }

  keys(): Iterable<Key> {
    return this.#shown.keys();
  }

  confirmed(key: Key): Row | undefined {
    return this.#confirmed.get(key);
  }

  save(): Saved {
    return { epoch: this.epoch, seq: this.seq, rows: [...this.#confirmed], pending: [...this.#pending] };
  }

  load(saved: Saved): void {
    this.epoch = saved.epoch;
    this.seq = saved.seq;
    this.#confirmed = new Map(saved.rows);
    this.#pending = [...saved.pending];
    this.#landed.clear();
    this.#rebuild();
  }

  /** A connection ended: half a snapshot is worth nothing. */
  disconnected(): void {
    this.#staged = null;
    this.#asked = false;
  }

  ready(frame: Ready): void {
    this.disconnected();
    if (frame.mode === "snapshot") this.#staged = { epoch: frame.epoch, rows: new Map() };
  }

  snap(frame: Snap): Effect {
    const staged = this.#staged;
    if (!staged) return none();
    for (const kind of Object.keys(frame.rows) as Kind[]) {
      for (const row of frame.rows[kind] ?? []) staged.rows.set(keyOf(kind, row), row);
    }
    if (!frame.last) return none();
    this.#staged = null;
    this.#confirmed = staged.rows;
    this.seq = frame.seq;
    this.epoch = staged.epoch;
    this.#landed.clear();
    return { ...none(), shown: this.#rebuild(), replaced: true };
  }

  delta(frame: Delta): Effect {
    const effect = none();
    if (this.#staged || frame.to <= this.seq) return effect;
    if (frame.from > this.seq + 1) return this.#gap(effect);
    for (const change of frame.c) this.#change(change, effect);
    this.seq = frame.to;
    this.#asked = false;
    this.#show(effect);
    return effect;
  }

  /** A heartbeat names the head: behind it, something was lost. Each heartbeat may ask again. */
  head(seq: number): Effect {
    return { ...none(), gap: seq > this.seq && !this.#staged };
  }

  /** Rows of older messages. They join the confirmed rows where those have nothing. */
  adopt(kind: Kind, rows: Row[]): Effect {
    const effect = none();
    for (const row of rows) {
      const key = keyOf(kind, row);
      if (this.#confirmed.has(key)) continue;
      this.#confirmed.set(key, row);
      effect.confirmed.add(key);
      effect.shown.add(key);
    }
    this.#show(effect);
    return effect;
  }

  enqueue(m: Mutation): Effect {
    this.#pending.push(m);
    return this.#show({ ...none(), shown: new Set(targets(m)) });
  }

  /** The server answered, either way: its rows alone count for this change from now on. */
  settle(mid: number): Effect {
    const m = this.#pending.find((p) => p.mid === mid);
    if (!m) return none();
    this.#pending = this.#pending.filter((p) => p !== m);
    this.#landed.delete(mid);
    return this.#show({ ...none(), shown: new Set(targets(m)) });
  }

  ack(frame: Ack): Effect {
    return this.settle(frame.mid);
  }

  /** Gives the pending changes new numbers, from `first` on, in their order. */
  renumber(first: number): void {
    this.#pending = this.#pending.map((m, i) => ({ ...m, mid: first + i }));
    this.#landed.clear();
  }

  /** The rows that show a change which the server has not confirmed. */
  waiting(): Set<Key> {
    return new Set(this.#pending.filter((m) => !this.#landed.has(m.mid)).flatMap(targets));
  }

  #gap(effect: Effect): Effect {
    effect.gap = !this.#asked;
    this.#asked = true;
    return effect;
  }

  #change(c: Change, effect: Effect): void {
    const key: Key = c.k === "settings" ? SETTINGS : `${c.k}/${c.id}`;
    if (c.client === this.client) this.#land(c.mid, effect);
    if (c.k === "task" && c.op === "put" && this.#isOlder(key, c.row as TaskRow)) return;
    if (c.op === "put" && c.row) this.#confirmed.set(key, c.row);
    else this.#confirmed.delete(key);
    effect.confirmed.add(key);
    effect.shown.add(key);
  }

  #land(mid: number | undefined, effect: Effect): void {
    const m = this.#pending.find((p) => p.mid === mid);
    if (!m || this.#landed.has(m.mid)) return;
    this.#landed.add(m.mid);
    for (const key of targets(m)) effect.shown.add(key);
  }

  #isOlder(key: Key, row: TaskRow): boolean {
    const mine = this.#confirmed.get(key) as TaskRow | undefined;
    return mine !== undefined && row.version < mine.version;
  }

  #show(effect: Effect): Effect {
    for (const key of effect.shown) this.#rebase(key);
    return effect;
  }

  #rebase(key: Key): void {
    let row = this.#confirmed.get(key);
    for (const m of this.#pending) {
      if (!this.#landed.has(m.mid) && targets(m).includes(key)) row = predict(row, key, m);
    }
    if (row) this.#shown.set(key, row);
    else this.#shown.delete(key);
  }

  /** Gives every key that may look different now. */
  #rebuild(): Set<Key> {
    const touched = new Set<Key>([...this.#shown.keys(), ...this.#confirmed.keys(), ...this.#pending.flatMap(targets)]);
    this.#shown = new Map(this.#confirmed);
    for (const key of new Set(this.#pending.flatMap(targets))) this.#rebase(key);
    return touched;
  }
}

function none(): Effect {
  return { confirmed: new Set(), shown: new Set(), replaced: false, gap: false };
}
