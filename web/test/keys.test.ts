import { expect, test } from "vitest";
import { byKeys, COMMANDS } from "../src/commands";
import { caps, Strokes, strokeOf } from "../src/keys";

const press = (key: string, more: Partial<KeyboardEvent> = {}): string => strokeOf({ key, metaKey: false, ctrlKey: false, altKey: false, shiftKey: false, ...more });

test("a stroke names the key and what is held", () => {
  expect(press("q")).toBe("q");
  expect(press("J", { shiftKey: true })).toBe("Shift+j");
  expect(press("?", { shiftKey: true })).toBe("?");
  expect(press("k", { metaKey: true })).toBe("Mod+k");
  expect(press("k", { ctrlKey: true })).toBe("Mod+k");
  expect(press("ArrowLeft", { altKey: true })).toBe("Alt+ArrowLeft");
  expect(press(" ")).toBe("Space");
});

test("a pair is two strokes in time, and a late second one stands alone", () => {
  const s = new Strokes(["g t", "t t", "q"]);
  expect([s.feed("g", 0), s.feed("t", 400)]).toEqual([null, "g t"]);
  expect([s.feed("t", 1000), s.feed("t", 1300)]).toEqual([null, "t t"]);
  expect([s.feed("g", 2000), s.feed("q", 5000)]).toEqual([null, "q"]);
  expect(s.feed("q", 6000)).toBe("q");
});

test("no key means two things, and no single key opens a pair as well", () => {
  const all = COMMANDS.flatMap((c) => c.keys);
  expect(new Set(all).size).toBe(all.length);
  const openers = new Set(all.filter((k) => k.includes(" ")).map((k) => k.split(" ")[0]));
  for (const key of openers) expect(byKeys.has(key ?? ""), key).toBe(false);
});

test("the whole map is there", () => {
  const keys = ["q", "c", "/", "a", "Mod+k", "?", "[", "g t", "g u", "g i", "g l", "g a", "g b", "j", "k", "ArrowDown", "ArrowUp", "x", "Shift+j", "Shift+k", "Mod+a", "Space", "d"];
  const more = ["Enter", "e", "t t", "t m", "t w", "t n", "Alt+ArrowLeft", "Alt+ArrowRight", "1", "2", "3", "4", "l", "r", "b", "Backspace", "z", "Shift+z", "Mod+."];
  expect([...keys, ...more].filter((k) => !byKeys.has(k))).toEqual([]);
});

test("caps as a keyboard shows them", () => {
  expect(caps("Mod+k", true)).toEqual(["⌘", "K"]);
  expect(caps("Mod+k", false)).toEqual(["Ctrl", "K"]);
  expect(caps("g t", false)).toEqual(["G", "T"]);
  expect(caps("Alt+ArrowLeft", true)).toEqual(["⌥", "←"]);
});
