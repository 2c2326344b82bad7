import { expect, test } from "vitest";
import { uuid } from "../src/uuid";

test("made in one millisecond, or while the clock goes back, they still sort", () => {
  const at = Date.UTC(2026, 10, 25);
  const made = [...Array.from({ length: 6000 }, () => uuid(at)), uuid(at - 1000), uuid(at + 5000)];
  expect([...made].sort()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(parseInt(uuid(at + 9000).replaceAll("-", "").slice(0, 12), 16)).toBe(at + 9000);
});
