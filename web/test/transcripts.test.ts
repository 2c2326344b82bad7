import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { advance, newTurn, type Turn } from "../src/chat";
import { decode, type Hello, type ServerFrame } from "../src/protocol";
import { Replica } from "../src/replica";

// The transcripts that the server's own tests are held to.
const FOLDER = resolve(import.meta.dirname, "../../sync/wire/testdata");
const names = readdirSync(FOLDER).filter((n) => n.endsWith(".txtar"));

interface Line {
  from: "client" | "server";
  raw: string;
}

function linesOf(name: string): Line[] {
  const text = readFileSync(join(FOLDER, name), "utf8");
  const body = text.slice(text.indexOf("-- transcript --"));
  return [...body.matchAll(/^([<>]) (\{.*\})$/gm)].map(([, mark, raw]) => ({ from: mark === "<" ? "server" : "client", raw: raw ?? "" }));
}

/** A client that hears the server's side of a transcript, as far as its own side says what it holds. */
class Listener {
  replica = new Replica("");
  turns = new Map<string, Turn>();

  hello(f: Hello): void {
    this.replica = new Replica(f.client);
    this.replica.load({ epoch: f.epoch ?? null, seq: f.seq ?? 0, rows: [], pending: [] });
    if (!f.turns) this.turns.clear();
  }

  hear(f: ServerFrame): void {
    if (f.t === "ready") this.replica.ready(f);
    if (f.t === "snap") this.replica.snap(f);
    if (f.t === "delta") expect(this.replica.delta(f).gap, "no number is skipped").toBe(false);
    if (f.t === "ack") expect(f.seq, "an ack comes behind its delta").toBeLessThanOrEqual(this.replica.seq);
    if (f.t === "turn") this.turns.set(f.turn, advance(this.turns.get(f.turn) ?? newTurn(f.turn, f.conv), f));
  }
}

test("there are transcripts of every kind of frame", () => {
  const seen = new Set(names.flatMap(linesOf).filter((l) => l.from === "server").map((l) => decode(l.raw)?.t));
  expect([...seen].sort()).toEqual(["ack", "auth", "bye", "delta", "err", "hb", "history", "nack", "parsed", "presence", "ready", "snap", "turn"]);
});

test.each(names)("%s is understood, and leaves no gap", (name) => {
  const listener = new Listener();
  for (const { from, raw } of linesOf(name)) {
    const said = JSON.parse(raw) as { t: string };
    if (from === "client" && said.t === "hello") listener.hello(said as Hello);
    if (from === "client") continue;
    const frame = decode(raw);
    expect(frame, raw).not.toBeNull();
    if (frame) listener.hear(frame);
  }
  for (const turn of listener.turns.values()) expect(turn.torn, "no event of a turn is missing").toBe(false);
});
