/** A key with what is held down, in one word: q, Shift+j, Mod+k, Alt+ArrowLeft. Mod is Control, or Command on a Mac. */
export type Stroke = string;

type Held = Pick<KeyboardEvent, "key" | "metaKey" | "ctrlKey" | "altKey" | "shiftKey">;

export function strokeOf(e: Held): Stroke {
  const letter = /^\p{L}$/u.test(e.key);
  const key = e.key === " " ? "Space" : letter ? e.key.toLowerCase() : e.key;
  const held = [e.metaKey || e.ctrlKey ? "Mod" : "", e.altKey ? "Alt" : "", e.shiftKey && (letter || key.length > 1) ? "Shift" : ""];
  return [...held.filter(Boolean), key].join("+");
}

/** How long the second key of a pair may take. */
const PAIR_MS = 1_500;

/** Reads strokes one by one and knows the pairs, such as g then t. */
export class Strokes {
  #first: Stroke | null = null;
  #at = 0;
  #openers: ReadonlySet<Stroke>;

  constructor(all: Iterable<string>) {
    this.#openers = new Set([...all].filter((s) => s.includes(" ")).map((s) => s.split(" ")[0] ?? ""));
  }

  /** Gives what was said: a stroke, a pair, or null while a pair has only begun. */
  feed(stroke: Stroke, now: number): string | null {
    const first = this.#first !== null && now - this.#at < PAIR_MS ? this.#first : null;
    this.#first = null;
    if (first !== null) return `${first} ${stroke}`;
    if (!this.#openers.has(stroke)) return stroke;
    this.#first = stroke;
    this.#at = now;
    return null;
  }
}

const NAMES: Record<string, string> = {
  Space: "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Backspace: "⌫", Escape: "Esc", Enter: "Enter",
};

/** A stroke or pair as a keyboard shows it, one cap each. */
export function caps(strokes: string, mac: boolean): string[] {
  const held: Record<string, string> = mac ? { Mod: "⌘", Alt: "⌥", Shift: "⇧" } : { Mod: "Ctrl", Alt: "Alt", Shift: "Shift" };
  return strokes.split(" ").flatMap((stroke) => stroke.split("+").map((part) => held[part] ?? NAMES[part] ?? part.toUpperCase()));
}
