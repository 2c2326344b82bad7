import { expect, test } from "vitest";
import { addDays, addMonths, dayLabel, dueInstant, dueLabel, instant, startOfWeek, today, wall } from "../src/day";

const iso = (ms: number): string => new Date(ms).toISOString().replace(".000", "");

test.each([
  ["2026-11-25", "09:00", "Asia/Karachi", "2026-11-25T04:00:00Z"],
  ["2026-11-25", "09:00", "America/New_York", "2026-11-25T14:00:00Z"],
  ["2026-03-08", "02:30", "America/New_York", "2026-03-08T07:30:00Z"], // in the gap: moves by the gap
  ["2026-11-01", "01:30", "America/New_York", "2026-11-01T05:30:00Z"], // repeated: the first
  ["2026-11-01", "02:30", "America/New_York", "2026-11-01T07:30:00Z"],
  ["2026-10-04", "02:15", "Australia/Lord_Howe", "2026-10-03T15:45:00Z"],
  ["2026-01-01", "00:30", "Pacific/Kiritimati", "2025-12-31T10:30:00Z"],
  ["2026-01-01", "23:30", "Pacific/Niue", "2026-01-02T10:30:00Z"],
])("%s %s in %s is %s", (date, time, zone, want) => {
  expect(iso(instant(date, time, zone))).toBe(want);
});

test("a whole day is over at its end, in its own zone if it has one", () => {
  expect(iso(dueInstant({ date: "2026-11-25" }, "Asia/Karachi"))).toBe("2026-11-25T18:59:59Z");
  expect(iso(dueInstant({ date: "2026-11-25", time: "09:00", time_zone: "Asia/Tokyo" }, "UTC"))).toBe("2026-11-25T00:00:00Z");
  expect(iso(dueInstant({ date: "2026-11-25", time: "09:00", time_zone: "Mars/Olympus" }, "UTC"))).toBe("2026-11-25T09:00:00Z");
});

test("wall clocks round-trip through every hour of a year with changes of clocks", () => {
  for (let ms = Date.UTC(2026, 0, 1); ms < Date.UTC(2027, 0, 1); ms += 3_600_000 * 5) {
    const w = wall(ms, "Europe/Berlin");
    expect(Math.abs(instant(w.date, w.time, "Europe/Berlin") - ms) % 3_600_000).toBe(0);
    expect(wall(instant(w.date, w.time, "Europe/Berlin"), "Europe/Berlin")).toEqual(w);
  }
});

test("days, weeks and months", () => {
  expect([addDays("2026-12-31", 1), addDays("2028-02-28", 1), addMonths("2026-01-31", 1), addMonths("2026-12-15", 2)]).toEqual(["2027-01-01", "2028-02-29", "2026-02-28", "2027-02-15"]);
  expect([startOfWeek("2026-11-25", "monday"), startOfWeek("2026-11-25", "sunday"), startOfWeek("2026-11-25", "saturday")]).toEqual(["2026-11-23", "2026-11-22", "2026-11-21"]);
  expect(today(Date.parse("2026-11-25T20:00:00Z"), "Asia/Karachi")).toBe("2026-11-26");
});

test.each([
  ["2026-11-25", "Today"], ["2026-11-26", "Tomorrow"], ["2026-11-24", "Yesterday"], ["2026-11-30", "Monday"], ["2026-12-05", "Sat, Dec 5"], ["2028-01-05", "Jan 5, 2028"],
])("%s is said as %s", (day, words) => {
  expect(dayLabel(day, "2026-11-25", "en-US")).toBe(words);
});

test("a time is said in the person's way", () => {
  expect(dueLabel({ date: "2026-11-26", time: "09:00" }, "2026-11-25", "en-GB")).toBe("Tomorrow 09:00");
});
