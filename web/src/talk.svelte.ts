import { SvelteMap, SvelteSet } from "svelte/reactivity";
import { advance, entries, newTurn, type Entry, type Turn } from "./chat";
import type { Args, ConvRow, Err, HistoryRows, LooseFrame, Nack, Ready, TurnFrame } from "./protocol";
import { askAgain } from "./retry";
import type { Rows } from "./rows.svelte";
import type { Toasts } from "./toasts.svelte";
import { uuid } from "./uuid";

export interface TalkOptions {
  rows: Rows;
  toasts: Toasts;
  live: () => boolean;
  zone: () => string;
  send: (f: LooseFrame) => void;
}

const DRAFT = "tandem.draft";

/** The conversation beside the list: which one is open, what was said, and what the assistant is doing now. */
export class Talk {
  draft = $state(readDraft());
  /** Approvals this page has answered and not heard of since. */
  readonly deciding = new SvelteSet<string>();
  more = $state(true);

  readonly conversations: ConvRow[] = $derived.by(() => [...this.#o.rows.conv.values()].sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1)));
  /** The open conversation; null for one that begins with the next message. */
  readonly conv: number | null = $derived.by(() => this.#current());
  readonly log: Entry[] = $derived.by(() => entries(this.conv, [...this.#o.rows.msg.values()], this.#turns.values()));
  readonly running: Turn | null = $derived.by(() => [...this.#turns.values()].find((t) => t.conv === this.conv && !t.end && !t.refusal) ?? null);

  #o: TalkOptions;
  #turns = new SvelteMap<string, Turn>();
  /** What the person chose: a conversation, a new one, or nothing yet. */
  #chosen = $state<number | "new" | null>(null);
  /** Messages that the server has said nothing about: they are sent again on the next connection. */
  #unheard = new Map<string, LooseFrame>();
  #asked = 0;

  constructor(options: TalkOptions) {
    this.#o = options;
  }

  /** Says something. Without a connection the words stay in the draft. */
  say(text: string): boolean {
    const words = text.trim();
    if (!words || this.running || !this.#o.live()) return false;
    const turn = uuid();
    const conv = this.conv;
    if (conv === null) this.#chosen = "new";
    this.#turns.set(turn, newTurn(turn, conv, words));
    const frame: LooseFrame = { t: "chat", turn, text: words, tz: this.#o.zone(), ...(conv === null ? {} : { conv }) };
    this.#unheard.set(turn, frame);
    this.#o.send(frame);
    return true;
  }

  write(draft: string): void {
    this.draft = draft;
    try {
      sessionStorage.setItem(DRAFT, draft);
    } catch {
      // The draft then lives as long as the page.
    }
  }

  stop(): void {
    const turn = this.running;
    if (turn) this.#o.send({ t: "cancel", turn: turn.id });
  }

  choose(conv: number | "new"): void {
    this.#chosen = conv;
    this.more = true;
  }

  /** Has the message of a turn answered anew. The server leaves out what the turn had done. */
  async retry(turn: string): Promise<void> {
    const asked = [...this.#o.rows.msg.values()].find((m) => m.turn_id === turn && m.role === "user");
    if (!asked || this.running) return;
    try {
      await askAgain(asked.conversation_id, asked.id);
    } catch (cause) {
      console.info("tandem: not asked again", cause);
      this.#o.toasts.add("That could not be asked again. Say it once more.", { tone: "error" });
    }
  }

  decide(approval: string, ok: boolean, args?: Args): void {
    if (!this.#o.live()) {
      this.#o.toasts.add("You are offline. Decide when you are connected again.", { tone: "error" });
      return;
    }
    this.deciding.add(approval);
    this.#o.send({ t: "approve", approval, ok, ...(args ? { args } : {}) });
  }

  /** Asks for messages before the ones that are here. */
  askOlder(): void {
    const first = this.log.find((e) => e.kind === "msg");
    if (this.conv === null || first?.kind !== "msg" || !this.#o.live()) return;
    this.#o.send({ t: "history", id: ++this.#asked, conv: this.conv, before: first.msg.id });
  }

  older(f: HistoryRows): void {
    this.more = f.more;
  }

  ready(f: Ready): void {
    this.deciding.clear();
    const running = new Set((f.turns ?? []).map((t) => t.turn));
    for (const [id, turn] of this.#turns) {
      const again = this.#unheard.get(id);
      if (again && !running.has(id)) this.#o.send(again);
      else if (!running.has(id) && !turn.end && !turn.refusal) this.#turns.delete(id);
    }
  }

  event(f: TurnFrame): void {
    this.#unheard.delete(f.turn);
    const known = this.#turns.get(f.turn);
    const turn = advance(known ?? newTurn(f.turn, f.conv), f);
    if (turn !== known) this.#turns.set(f.turn, turn);
    if (known?.conv === null && this.#chosen === "new" && known.asked) this.#chosen = f.conv;
    if (f.ev === "done") this.prune();
  }

  /** The server did not take a message: its words go back to the composer. */
  refused(f: Nack): void {
    const turn = f.turn === undefined ? undefined : this.#turns.get(f.turn);
    if (!turn) return;
    this.#unheard.delete(turn.id);
    this.#turns.delete(turn.id);
    if (!this.draft) this.write(turn.asked);
    this.#o.toasts.add(f.msg || "The message was not taken.", { tone: "error" });
  }

  failed(f: Err): void {
    const decision = f.ref !== undefined && this.deciding.delete(f.ref);
    if (f.code === "rate" && !decision) return; // a question about words that are typed too fast: the next one is answered
    this.#o.toasts.add(f.msg || "That did not work.", { tone: "error" });
  }

  /** Forgets turns whose answer is stored. */
  prune(): void {
    const ended = [...this.#turns.values()].filter((t) => t.end);
    if (ended.length === 0) return;
    const answered = new Set([...this.#o.rows.msg.values()].filter((m) => m.role === "assistant").map((m) => m.turn_id));
    for (const t of ended) if (answered.has(t.id)) this.#turns.delete(t.id);
    for (const id of this.deciding) if (!this.#o.rows.approval.has(id)) this.deciding.delete(id);
  }

  #current(): number | null {
    if (this.#chosen === "new") return null;
    if (this.#chosen !== null && (this.#o.rows.conv.has(String(this.#chosen)) || this.#hasTurn(this.#chosen))) return this.#chosen;
    return this.conversations[0]?.id ?? null;
  }

  #hasTurn(conv: number): boolean {
    return [...this.#turns.values()].some((t) => t.conv === conv);
  }
}

function readDraft(): string {
  try {
    return sessionStorage.getItem(DRAFT) ?? "";
  } catch {
    return "";
  }
}
