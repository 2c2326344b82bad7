// Reads the calendar feed with a parser that shares no code with its writer.
import assert from "node:assert/strict";
import test from "node:test";

import ICAL from "ical.js";

const feed = JSON.parse(process.env.INTEROP_FEED);

test("the calendar feed", async (t) => {
  const answer = await fetch(feed.url);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^text\/calendar/);
  const calendar = new ICAL.Component(ICAL.parse(await answer.text()));
  assert.equal(calendar.name, "vcalendar");
  for (const name of ["version", "prodid"]) assert.ok(calendar.getFirstPropertyValue(name), name);
  const events = calendar.getAllSubcomponents("vevent").map((c) => new ICAL.Event(c));
  const named = (title) => events.filter((e) => e.summary === title);

  await t.test("each event has what RFC 5545 asks for", () => {
    const uids = new Set();
    for (const e of events) {
      assert.ok(e.uid && e.startDate && e.component.getFirstPropertyValue("dtstamp"), e.summary);
      assert.ok(!uids.has(e.uid), `two events are ${e.uid}`);
      uids.add(e.uid);
      assert.equal(e.component.getFirstPropertyValue("transp"), "TRANSPARENT");
    }
  });

  await t.test("texts come back as they were written", () => {
    const [e] = named(feed.title);
    assert.ok(e, events.map((x) => x.summary).join("\n"));
    assert.equal(e.description, feed.description);
    assert.deepEqual(e.component.getFirstProperty("categories").getValues(), feed.tags);
    assert.equal(e.startDate.toJSDate().toISOString(), "2099-12-01T08:00:00.000Z");
  });

  await t.test("a whole day is a date", () => {
    const [e] = named("Whole day");
    assert.ok(e.startDate.isDate);
    assert.equal(e.startDate.toString(), "2099-12-24");
  });

  await t.test("a repetition shows its next occurrences", () => {
    const days = named("Weekly").map((e) => e.startDate.toString());
    assert.deepEqual(days, ["2099-12-02", "2099-12-09", "2099-12-16"]);
  });

  await t.test("only open dated tasks are in it", () => {
    for (const title of ["Done", "Undated", "Deleted"]) assert.deepEqual(named(title), [], title);
  });
});
