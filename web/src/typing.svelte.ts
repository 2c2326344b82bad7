import type { LooseFrame, Parsed } from "./protocol";
import type { Scene } from "./query";
import { BLANK, readOffline, understanding, without, type Reading } from "./quickadd";

export interface TypingOptions {
  live: () => boolean;
  scene: () => Scene;
  send: (f: LooseFrame) => void;
}

const DEBOUNCE_MS = 60;
/** A line is added with what this page understood if the server takes longer than this to say what it means. */
const PATIENCE_MS = 600;

/** The quick-add line while it is typed: the text, what it was understood to say, and what the person took back. */
export class Typing {
  text = $state("");
  #off = $state.raw<ReadonlySet<string>>(new Set());
  #heard = $state.raw<Reading>(BLANK);

  /** What the line means now, without what was taken back. */
  readonly reading: Reading = $derived(without(this.#guess(), this.#off));

  #o: TypingOptions;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting = new Map<number, { text: string; done: (r: Reading) => void }>();

  constructor(options: TypingOptions) {
    this.#o = options;
  }

  write(text: string): void {
    this.text = text;
    if (!text.trim()) this.#off = new Set();
    clearTimeout(this.#timer);
    if (text.trim()) this.#timer = setTimeout(() => void this.#ask(text), DEBOUNCE_MS);
  }

  /** Puts a refused line back, unless another is being typed. */
  putBack(line: string): void {
    if (!this.text.trim()) this.write(line);
  }

  /** Takes an understanding back: its words return to the title. */
  unbind(id: string): void {
    this.#off = new Set([...this.#off, id]);
  }

  /** Unbinds what ends at the end of the line; tells whether there was anything. */
  unbindLast(): boolean {
    const last = this.reading.spans.find((s) => s.e === this.text.trimEnd().length);
    if (last) this.unbind(understanding(last, this.text));
    return last !== undefined;
  }

  /** Empties the line and gives what it said. */
  async take(): Promise<Reading> {
    const [text, off, known] = [this.text, this.#off, this.#heard];
    this.write("");
    const reading = known.text === text ? known : await this.#ask(text);
    return without(reading, off);
  }

  /** Reads a line that nobody types, by the server if it may be asked. */
  read(line: string, ask: boolean): Promise<Reading> {
    return ask ? this.#ask(line) : Promise.resolve(this.#own(line));
  }

  parsed(f: Parsed): void {
    const asked = this.#waiting.get(f.id);
    if (!asked) return;
    this.#waiting.delete(f.id);
    const { spans, due = null, recurrence = null, title, ambiguous = null } = f;
    asked.done({ text: asked.text, spans, due, rule: recurrence, title, doubt: ambiguous });
  }

  async #ask(text: string): Promise<Reading> {
    const id = ++this.#asked;
    const own = this.#own(text);
    const reading = this.#o.live() ? await this.#answer(id, text, own) : own;
    if (id === this.#asked) this.#heard = reading;
    return reading;
  }

  #own(text: string): Reading {
    const { now, zone } = this.#o.scene();
    return readOffline(text, now, zone);
  }

  #answer(id: number, text: string, fallback: Reading): Promise<Reading> {
    return new Promise((done) => {
      this.#waiting.set(id, { text, done });
      this.#o.send({ t: "parse", id, text, tz: this.#o.scene().zone });
      setTimeout(() => this.#waiting.delete(id) && done(fallback), PATIENCE_MS);
    });
  }

  /** Between two answers the spans of the last one hold as long as the text before their ends is the same. */
  #guess(): Reading {
    const { text } = this;
    if (this.#heard.text === text) return this.#heard;
    let same = 0;
    while (same < text.length && text[same] === this.#heard.text[same]) same++;
    const spans = this.#heard.spans.filter((s) => s.e <= same);
    const kept = (kind: string): boolean => spans.some((s) => s.k === kind);
    return { ...BLANK, text, spans, due: kept("due") || kept("recurrence") ? this.#heard.due : null, rule: kept("recurrence") ? this.#heard.rule : null };
  }
}
