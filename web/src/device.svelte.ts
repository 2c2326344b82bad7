import { chooseTheme, theme, type Theme } from "./theme";

const KEYS = "tandem.single-keys";
const DENSE = "tandem.density";

/** What is chosen for this browser alone. */
export class Device {
  theme = $state<Theme>(theme());
  /** Whether keys without a modifier are commands (WCAG 2.1.4). */
  singleKeys = $state(kept(KEYS) !== "off");
  compact = $state(kept(DENSE) === "compact");

  setTheme(t: Theme): void {
    this.theme = t;
    chooseTheme(t);
  }

  setSingleKeys(on: boolean): void {
    this.singleKeys = on;
    keep(KEYS, on ? null : "off");
  }

  setCompact(on: boolean): void {
    this.compact = on;
    keep(DENSE, on ? "compact" : null);
  }
}

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}
