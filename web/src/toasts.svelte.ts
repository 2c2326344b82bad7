export interface Toast {
  id: number;
  tone: "plain" | "error";
  text: string;
  /** The part that came from a person: set apart, so that its direction does not spill over. */
  title: string;
  action: { label: string; run: () => void } | null;
}

const SHOW_MS = 8_000;
const MAX = 3;

/** Short messages at the edge of the page. They leave by themselves, but not while somebody points at them. */
export class Toasts {
  shown = $state.raw<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #paused = false;

  add(text: string, more: Partial<Omit<Toast, "id" | "text">> = {}): number {
    const toast: Toast = { id: this.#next++, tone: "plain", title: "", action: null, ...more, text };
    for (const old of this.shown.slice(0, Math.max(0, this.shown.length + 1 - MAX))) this.remove(old.id);
    this.shown = [...this.shown, toast];
    if (!this.#paused) this.#schedule(toast.id);
    return toast.id;
  }

  remove(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.shown = this.shown.filter((t) => t.id !== id);
  }

  pause(): void {
    this.#paused = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  resume(): void {
    this.#paused = false;
    for (const t of this.shown) this.#schedule(t.id);
  }

  #schedule(id: number): void {
    this.#timers.set(
      id,
      setTimeout(() => this.remove(id), SHOW_MS),
    );
  }
}
