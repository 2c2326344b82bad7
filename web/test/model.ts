import { predict, targets, type Intent, type Key, type Mutation } from "../src/mutation";
import { Outbox } from "../src/outbox";
import type { Ack, Change, Delta, Hello, Mutate, Nack, Ready, Row, ServerFrame, Snap, TaskRow } from "../src/protocol";
import { Replica } from "../src/replica";

interface State {
  seq: number;
  rows: Map<Key, Row>;
  log: Delta[];
  answers: Map<string, Map<number, Ack | Nack>>;
  ops: Map<string, number>;
}

const blank = (): State => ({ seq: 0, rows: new Map(), log: [], answers: new Map(), ops: new Map() });

/** A server of one user in a few lines: it numbers changes, takes each operation and each number once, and answers hello. */
export class Model {
  epoch = "e1";
  #state = blank();
  #backup = structuredClone(this.#state);
  #lines = new Set<Line>();

  get rows(): ReadonlyMap<Key, Row> {
    return this.#state.rows;
  }

  /** How often each operation was made in the history that counts. */
  get ops(): ReadonlyMap<string, number> {
    return this.#state.ops;
  }

  backup(): void {
    this.#backup = structuredClone(this.#state);
  }

  /** Goes back to the backup, under a new epoch. */
  restore(): void {
    for (const line of [...this.#lines]) line.cut();
    this.#state = structuredClone(this.#backup);
    this.epoch += "+";
  }

  open(line: Line, hello: Hello): void {
    this.#lines.add(line);
    const { seq } = this.#state;
    const known = hello.epoch === this.epoch && hello.seq !== undefined && hello.seq <= seq;
    const mode = !known ? "snapshot" : hello.seq === seq ? "live" : "delta";
    const last_mid = Math.max(0, ...(this.#state.answers.get(hello.client)?.keys() ?? []));
    line.tell({ t: "ready", epoch: this.epoch, seq, mode, last_mid, hb: 1000, now: "" });
    if (mode === "snapshot") for (const part of this.#snapshot()) line.tell(part);
    if (mode === "delta") line.tell(this.#since(hello.seq ?? 0));
  }

  close(line: Line): void {
    this.#lines.delete(line);
  }

  sync(line: Line, seq: number): void {
    if (seq < this.#state.seq) line.tell(this.#since(seq));
  }

  mutate(line: Line, f: Mutate, busy: boolean): void {
    const answers = this.#answers(line.client);
    const last = Math.max(0, ...answers.keys());
    const first = answers.get(f.mid);
    if (first) return line.tell(first);
    if (f.mid !== last + 1) return line.tell({ t: "nack", mid: f.mid, code: "mid_gap" });
    if (busy) return line.tell({ t: "nack", mid: f.mid, code: "rate", retry_ms: 1 });
    const answer = this.#make(line.client, f);
    answers.set(f.mid, answer);
    line.tell(answer);
  }

  #make(client: string, f: Mutate): Ack | Nack {
    const op = String(f.args.op_id);
    if (this.#state.ops.has(op)) return { t: "ack", mid: f.mid, seq: this.#state.seq };
    const m: Mutation = { t: "mutate", mid: f.mid, op, at: "2026-11-25T00:00:00.000Z", tool: f.tool, args: f.args };
    const key = targets(m)[0];
    const before = key && this.#state.rows.get(key);
    if (!key || (f.tool !== "add_task" && (!before || (before as TaskRow).deleted_at))) return { t: "nack", mid: f.mid, code: "not_found" };
    this.#state.ops.set(op, 1);
    this.#commit(client, f.mid, key, predict(before, key, m) as TaskRow, before as TaskRow | undefined);
    return { t: "ack", mid: f.mid, seq: this.#state.seq };
  }

  #commit(client: string, mid: number, key: Key, after: TaskRow, before: TaskRow | undefined): void {
    const seq = ++this.#state.seq;
    const row: TaskRow = { ...after, task_id: before?.task_id ?? seq, version: (before?.version ?? 0) + 1 };
    this.#state.rows.set(key, row);
    const delta: Delta = { t: "delta", from: seq, to: seq, c: [{ k: "task", id: row.uid, op: "put", ver: row.version, row, client, mid }] };
    this.#state.log.push(delta);
    for (const line of this.#lines) line.tell(delta);
  }

  #answers(client: string): Map<number, Ack | Nack> {
    const answers = this.#state.answers.get(client) ?? new Map<number, Ack | Nack>();
    this.#state.answers.set(client, answers);
    return answers;
  }

  #since(seq: number): Delta {
    const last = new Map<string, Change>();
    for (const d of this.#state.log.slice(seq)) for (const { k, id, op, ver, row } of d.c) last.set(id, { k, id, op, ...(ver ? { ver } : {}), ...(row ? { row } : {}) });
    return { t: "delta", from: seq + 1, to: this.#state.seq, c: [...last.values()] };
  }

  #snapshot(): Snap[] {
    const rows = [...this.#state.rows.values()] as TaskRow[];
    const half = Math.ceil(rows.length / 2);
    const part = (i: number, some: TaskRow[], last: boolean): Snap => ({ t: "snap", seq: this.#state.seq, i, last, rows: { task: some } });
    return [part(0, rows.slice(0, half), false), part(1, rows.slice(half), true)];
  }
}

/** One connection: what was said and not yet heard, in both directions. */
export class Line {
  inbound: ServerFrame[] = [];
  outbound: Mutate[] = [];

  constructor(
    readonly model: Model,
    readonly device: Device,
    readonly client: string,
  ) {}

  tell(f: ServerFrame): void {
    this.inbound.push(structuredClone(f));
  }

  cut(): void {
    this.model.close(this);
    this.device.lost();
  }
}

/** A device as the client builds one, with the wire in the hands of the test. */
export class Device {
  readonly replica: Replica;
  readonly outbox = new Outbox();
  line: Line | null = null;

  constructor(readonly client: string) {
    this.replica = new Replica(client);
  }

  connect(model: Model): void {
    const line = new Line(model, this, this.client);
    this.line = line;
    const { epoch, seq } = this.replica;
    model.open(line, { t: "hello", client: this.client, ver: 1, caps: [], ...(epoch === null ? {} : { epoch, seq }) });
  }

  lost(): void {
    this.line = null;
    this.replica.disconnected();
    this.outbox.closed();
  }

  submit(intent: Intent): void {
    this.replica.enqueue({ ...intent, mid: this.outbox.next(this.replica.pending) });
    this.flush();
  }

  flush(): void {
    for (const m of this.outbox.take(this.replica.pending)) {
      if (m.t === "mutate") this.line?.outbound.push({ t: "mutate", mid: m.mid, tool: m.tool, args: m.args });
    }
  }

  /** Hears the next frame. */
  hear(f: ServerFrame | undefined = this.line?.inbound.shift()): void {
    switch (f?.t) {
      case "ready":
        return this.#ready(f);
      case "snap":
        this.replica.snap(f);
        return;
      case "delta":
        if (this.replica.delta(f).gap) this.line?.model.sync(this.line, this.replica.seq);
        return;
      case "hb":
        if (this.replica.head(f.seq).gap) this.line?.model.sync(this.line, this.replica.seq);
        return;
      case "ack":
        this.outbox.acked(f.mid);
        this.replica.settle(f.mid);
        return this.flush();
      case "nack":
        return this.#refused(f);
    }
  }

  #ready(f: Ready): void {
    this.replica.ready(f);
    const first = this.outbox.ready(f.last_mid, this.replica.pending);
    if (first !== null) this.replica.renumber(first);
    this.flush();
  }

  #refused(f: Nack): void {
    const verdict = this.outbox.refused(f.mid ?? 0, f.code, f.retry_ms);
    if (verdict.kind === "final") this.replica.settle(f.mid ?? 0);
    if (verdict.kind !== "held" && verdict.first !== undefined) this.replica.renumber(verdict.first);
    this.flush();
  }
}
