import { expect, test } from "vitest";
import type { Args, TaskRow, Tool } from "../src/protocol";
import { Device, Model } from "./model";
import { mulberry32 } from "./prng";

const STEPS = 400;
const SEEDS = 150;

/** A sequence of edits, losses and repairs, the same for the same seed. */
class Story {
  readonly random: () => number;
  readonly model = new Model();
  readonly devices = ["a", "b", "c"].map((client) => new Device(client));
  /** Operations that must be part of the history in the end: adds that no restore took back. */
  readonly due = new Set<string>();
  #made = 0;

  constructor(seed: number) {
    this.random = mulberry32(seed);
  }

  step(): void {
    const device = this.#pick(this.devices);
    const deeds: [number, () => void][] = [
      [6, () => this.#edit(device)],
      [8, () => this.#carry(device, 1 + this.#below(6))],
      [1, () => device.line?.cut()],
      [2, () => device.line ?? device.connect(this.model)],
      [1, () => this.#repeat(device)],
      [1, () => this.#swap(device)],
      [1, () => this.#lose(device)],
      [1, () => (device.outbox.resume(), device.flush())],
      [0.2, () => this.model.backup()],
      [0.1, () => this.#restore()],
    ];
    let at = this.random() * deeds.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, deed] of deeds) if ((at -= weight) < 0) return deed();
  }

  /** Ends all trouble: everyone connects and everything is heard. */
  settle(): void {
    for (const device of this.devices) {
      device.line?.cut();
      device.connect(this.model);
    }
    for (let busy = true, rounds = 0; busy; rounds++) {
      if (rounds > 10_000) throw new Error("it does not come to rest");
      busy = false;
      for (const device of this.devices) {
        if (device.line?.inbound.length || device.line?.outbound.length || device.replica.pending.length) busy = true;
        device.outbox.resume();
        device.flush();
        this.#carry(device, 8, false);
      }
    }
  }

  #below(n: number): number {
    return Math.floor(this.random() * n);
  }

  #pick<T>(all: T[]): T {
    return all[this.#below(all.length)] as T;
  }

  #edit(device: Device): void {
    const op = `op${this.#made++}`;
    const shown = [...device.replica.keys()].map((k) => k.slice("task/".length));
    const task_id = shown.length > 0 ? this.#pick(shown) : "none";
    const [tool, args] = this.#pick<[Tool, Args]>([
      ["add_task", { uid: `u${this.#made}`, title: `t${this.#made}` }],
      ["update_task", { task_id, title: `t${this.#made}` }],
      ["update_task", { task_id, tags_add: [`g${this.#below(5)}`] }],
      ["update_task", { task_id, move_due: `2026-12-0${1 + this.#below(9)}` }],
      ["complete_task", { task_id, undo: this.random() < 0.4 }],
      ["delete_task", { task_id }],
    ]);
    if (tool === "add_task") this.due.add(op);
    device.submit({ t: "mutate", op, at: "2026-11-25T00:00:00.000Z", tool, args: { ...args, op_id: op } });
  }

  #restore(): void {
    this.due.clear();
    this.model.restore();
  }

  #carry(device: Device, n: number, trouble = true): void {
    for (let i = 0; i < n; i++) {
      const said = device.line?.outbound.shift();
      if (said && device.line) this.model.mutate(device.line, said, trouble && this.random() < 0.1);
      device.hear();
    }
  }

  #repeat(device: Device): void {
    const f = device.line?.inbound.find((x) => x.t === "delta");
    if (f) device.line?.inbound.push(structuredClone(f));
  }

  /** Swaps two neighbouring deltas, as a hub that lost its place might. */
  #swap(device: Device): void {
    const q = device.line?.inbound ?? [];
    const [a, b] = q;
    if (a?.t === "delta" && b?.t === "delta") [q[0], q[1]] = [b, a];
  }

  #lose(device: Device): void {
    const q = device.line?.inbound ?? [];
    const at = q.findIndex((f) => f.t === "ack");
    if (at === -1) return;
    q.splice(at, 1);
    device.line?.cut();
  }
}

const picture = (rows: Iterable<[string, unknown]>): string[] => [...rows].map(([k, row]) => `${k} ${JSON.stringify(row, Object.keys(row as TaskRow).sort())}`).sort();

test.each(Array.from({ length: SEEDS }, (_, seed) => seed))("seed %i: every device ends equal to the server", (seed) => {
  const story = new Story(seed);
  for (let i = 0; i < STEPS; i++) story.step();
  story.settle();
  const want = picture(story.model.rows);
  expect([...story.due].filter((op) => !story.model.ops.has(op))).toEqual([]);
  for (const { replica } of story.devices) {
    expect(picture([...replica.keys()].map((k) => [k, replica.get(k)]))).toEqual(want);
    expect(replica.pending).toEqual([]);
  }
});

test("the generator gives the same numbers everywhere", () => {
  const next = mulberry32(42);
  expect([next(), next(), next()].map((x) => x.toFixed(9))).toEqual(["0.601103752", "0.448290559", "0.852465793"]);
});
