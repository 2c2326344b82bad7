import { Journal, type Happening } from "./journal";
import type { Intent, Key, Mutation } from "./mutation";
import { Outbox } from "./outbox";
import type { Ack, Delta, Err, Hello, HistoryRows, LooseFrame, Nack, Parsed, Presence, Ready, ServerFrame, TurnFrame } from "./protocol";
import { Replica, type Effect, type Saved } from "./replica";
import { grant, rememberUser, SignedOut, type Grant } from "./session";
import { Socket, type Link } from "./socket";
import { Store } from "./store";
import { uuid } from "./uuid";

/** Everything that can happen to what a page shows, in order. Pages that take the same inputs show the same. */
export type Input =
  | { type: "state"; client: string; saved: Saved; link: Link; presence: Presence | null; stored: boolean; journal: Happening[]; pushKey: string | null }
  | { type: "frame"; frame: Ready | Delta | Ack | Nack | TurnFrame | Parsed | HistoryRows | Presence | Err }
  | { type: "queued"; m: Mutation }
  | { type: "renumbered"; first: number }
  | { type: "link"; link: Link }
  | { type: "stored"; stored: boolean };

/** Row writes are gathered this long: the server has them all, so a crash costs a delta. */
const WRITE_MS = 50;

/** A token is renewed when it has less than this left. */
const TOKEN_SLACK_MS = 30_000;

/**
 * The one tab of a browser that holds the socket, the numbers and the database. It feeds its replica, tells every input to
 * `emit`, and sends the queue.
 */
export class Lead {
  #user: string;
  #emit: (input: Input) => void;
  #grant: Grant | null;
  #store: Store | null = null;
  #replica = new Replica("");
  #outbox = new Outbox();
  #socket: Socket;
  #link: Link = { state: "connecting", since: null };
  #presence: Presence | null = null;
  #journal = new Journal();
  #noted = new Map<string, Happening>();
  #pushKey: string | null = null;
  /** Operations that are not in the database yet, and so may not be sent. */
  #unsaved = new Set<string>();
  #dirty = new Set<Key>();
  /** Operations that are answered and still in the database: they leave it together with the rows that they changed. */
  #answered = new Set<string>();
  #writing: ReturnType<typeof setTimeout> | undefined;
  #hold: ReturnType<typeof setTimeout> | undefined;
  /** The last event seen of each running turn. */
  #turns = new Map<string, number>();

  constructor(user: string, first: Grant | null, emit: (input: Input) => void) {
    this.#user = user;
    this.#grant = first;
    this.#emit = emit;
    this.#socket = new Socket({
      url: (u) => `${location.origin.replace(/^http/, "ws")}/api/${encodeURIComponent(u)}/ws`,
      token: (fresh) => this.#token(fresh),
      hello: () => this.#hello(),
      seq: () => this.#replica.seq,
      frame: (f) => this.#take(f),
      link: (l) => this.#linked(l),
    });
  }

  /** Reads what is stored and connects. Without a database the queue lives in memory. */
  async start(): Promise<void> {
    const fresh = uuid();
    try {
      this.#store = await Store.open(this.#user);
      const kept = await this.#store.load(fresh);
      this.#replica = new Replica(kept.client);
      this.#replica.load(kept);
      this.#journal = new Journal(kept.journal);
      this.#outbox.restore(kept.lastMid);
    } catch (cause) {
      console.warn("tandem: no database", cause);
      this.#store = null;
      this.#replica = new Replica(fresh);
    }
    this.#emit(this.state());
    this.#socket.start();
  }

  /** Ends the lead; what is stored stays for the next. */
  stop(): void {
    this.#socket.stop();
    clearTimeout(this.#hold);
    clearTimeout(this.#writing);
    this.#store?.close();
  }

  state(): Input & { type: "state" } {
    return {
      type: "state", client: this.#replica.client, saved: this.#replica.save(), link: this.#link, presence: this.#presence, stored: this.#store !== null,
      journal: this.#journal.list(), pushKey: this.#pushKey,
    };
  }

  /** Takes a change, once per operation id: shown now, sent when it is stored. */
  submit(intent: Intent): void {
    if (this.#replica.pending.some((m) => m.op === intent.op)) return;
    const m: Mutation = { ...intent, mid: this.#outbox.next(this.#replica.pending) };
    this.#unsaved.add(m.op);
    this.#replica.enqueue(m);
    this.#emit({ type: "queued", m });
    void this.#keep(async (store) => store.enqueue(m)).then(() => {
      this.#unsaved.delete(m.op);
      this.#flush();
    });
  }

  send(f: LooseFrame): boolean {
    return this.#link.state === "live" && this.#socket.send(f);
  }

  wake(): void {
    this.#socket.wake();
  }

  retry(): void {
    this.#socket.start();
    this.#socket.retry();
  }

  async #token(fresh: boolean): Promise<Grant> {
    if (!fresh && this.#grant && this.#grant.expiresAt - Date.now() > TOKEN_SLACK_MS) return this.#grant;
    this.#grant = await grant();
    if (this.#grant.user === this.#user) return this.#grant;
    rememberUser(this.#grant.user); // another person signed in on this browser: the next load is theirs
    throw new SignedOut();
  }

  #hello(): Hello {
    const { client, epoch, seq } = this.#replica;
    const turns = this.#turns.size > 0 ? { turns: Object.fromEntries(this.#turns) } : {};
    return { t: "hello", client, ver: 1, caps: [], ...(epoch === null ? {} : { epoch, seq }), ...turns };
  }

  #linked(link: Link): void {
    this.#link = link;
    if (link.state !== "live") {
      this.#replica.disconnected();
      this.#outbox.closed();
      clearTimeout(this.#hold);
    }
    if (link.state === "signed_out") this.#grant = null;
    this.#emit({ type: "link", link });
  }

  #take(f: ServerFrame): void {
    switch (f.t) {
      case "ready":
        return this.#ready(f);
      case "snap":
        if (this.#absorb(this.#replica.snap(f)).replaced) this.#emit(this.state());
        return;
      case "delta":
        for (const h of this.#journal.note(f, this.#replica, new Date().toISOString())) this.#noted.set(h.id, h);
        this.#absorb(this.#replica.delta(f));
        return this.#emit({ type: "frame", frame: f });
      case "hb":
        this.#absorb(this.#replica.head(f.seq));
        return;
      case "ack":
        this.#outbox.acked(f.mid);
        return this.#settle(f.mid, f);
      case "nack":
        return this.#refused(f);
      case "turn":
        if (f.ev === "done") this.#turns.delete(f.turn);
        else this.#turns.set(f.turn, f.n);
        return this.#emit({ type: "frame", frame: f });
      case "history":
        this.#absorb(this.#replica.adopt("msg", f.rows));
        return this.#emit({ type: "frame", frame: f });
      case "presence":
        this.#presence = f;
        return this.#emit({ type: "frame", frame: f });
      case "parsed":
      case "err":
        return this.#emit({ type: "frame", frame: f });
      case "auth":
      case "bye":
        return;
      default:
        f satisfies never;
    }
  }

  #ready(f: Ready): void {
    this.#replica.ready(f);
    this.#pushKey = f.push_key || null;
    const running = new Set((f.turns ?? []).map((t) => t.turn));
    for (const id of [...this.#turns.keys()]) if (!running.has(id)) this.#turns.delete(id);
    this.#renumber(this.#outbox.ready(f.last_mid, this.#replica.pending) ?? undefined);
    this.#emit({ type: "frame", frame: f });
    this.#flush();
  }

  #refused(f: Nack): void {
    if (f.mid === undefined) return this.#emit({ type: "frame", frame: f });
    const verdict = this.#outbox.refused(f.mid, f.code, f.retry_ms);
    if (verdict.kind === "held") return;
    if (verdict.kind === "final") this.#settle(f.mid, f);
    this.#renumber(verdict.first);
    if (verdict.kind === "final") return this.#flush();
    this.#hold = setTimeout(() => {
      this.#outbox.resume();
      this.#flush();
    }, verdict.ms);
  }

  #settle(mid: number, frame: Ack | Nack): void {
    const m = this.#replica.pending.find((p) => p.mid === mid);
    this.#replica.settle(mid);
    if (m) this.#answered.add(m.op);
    this.#writing ??= setTimeout(() => void this.#writeDirty(), WRITE_MS);
    this.#emit({ type: "frame", frame });
    this.#flush();
  }

  #renumber(first: number | undefined): void {
    if (first === undefined || (this.#replica.pending[0]?.mid ?? first) === first) return;
    this.#replica.renumber(first);
    const pending = this.#replica.pending;
    const answered = this.#takeAnswered();
    for (const m of pending) this.#unsaved.add(m.op);
    this.#emit({ type: "renumbered", first });
    void this.#keep((store) => store.renumber(pending, answered)).then(() => {
      for (const m of pending) this.#unsaved.delete(m.op);
      this.#flush();
    });
  }

  #flush(): void {
    const unsaved = this.#replica.pending.findIndex((m) => this.#unsaved.has(m.op));
    const sendable = unsaved === -1 ? this.#replica.pending : this.#replica.pending.slice(0, unsaved);
    for (const m of this.#outbox.take(sendable)) {
      this.#socket.send(m.t === "set" ? { t: "set", mid: m.mid, patch: m.patch } : { t: "mutate", mid: m.mid, tool: m.tool, args: m.args });
    }
  }

  #absorb(effect: Effect): Effect {
    if (effect.gap) this.#socket.send({ t: "sync", seq: this.#replica.seq });
    for (const key of effect.confirmed) this.#dirty.add(key);
    if (effect.replaced) void this.#writeAll();
    else if (effect.confirmed.size > 0) this.#writing ??= setTimeout(() => void this.#writeDirty(), WRITE_MS);
    return effect;
  }

  async #writeDirty(): Promise<void> {
    this.#writing = undefined;
    const rows = [...this.#dirty].map((key) => [key, this.#replica.confirmed(key)] as const);
    this.#dirty.clear();
    const { epoch, seq } = this.#replica;
    const noted = [...this.#noted.values()];
    this.#noted.clear();
    const gone = this.#journal.trim();
    if (noted.length > 0) void this.#keep((store) => store.note(noted, gone));
    const answered = this.#takeAnswered();
    await this.#keep((store) => store.write(rows.map(([k, r]) => [k, r]), { epoch, seq }, false, answered));
  }

  #takeAnswered(): string[] {
    const answered = [...this.#answered];
    this.#answered.clear();
    return answered;
  }

  async #writeAll(): Promise<void> {
    clearTimeout(this.#writing);
    this.#writing = undefined;
    this.#dirty.clear();
    const { rows, epoch, seq } = this.#replica.save();
    const answered = this.#takeAnswered();
    await this.#keep((store) => store.write(rows, { epoch, seq }, true, answered));
  }

  /** Storage that fails (full, or taken away) must not stop the work; the person is told. */
  async #keep(write: (store: Store) => Promise<void>): Promise<void> {
    if (!this.#store) return;
    try {
      await write(this.#store);
    } catch (cause) {
      console.warn("tandem: not stored", cause);
      this.#store = null;
      this.#emit({ type: "stored", stored: false });
    }
  }
}
