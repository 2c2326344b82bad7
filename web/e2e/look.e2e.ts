import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { add, Complaints, go, launch, person, row, signIn, Tandem, WIDE } from "./tandem";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = { wide: WIDE, medium: { width: 960, height: 760 }, narrow: { width: 390, height: 844 }, least: { width: 320, height: 640 } };

const tandem = new Tandem();
const complaints = new Complaints();
let browser: Browser;

beforeAll(async () => {
  await tandem.start();
  browser = await launch();
  const context = await person(browser, complaints);
  const page = await signIn(context, tandem.link);
  for (const line of ["Overdue yesterday #work", "Pay rent today p1 #home", "Water the plants every monday", "Call mom tomorrow at 9", "Some day"]) await add(page, line);
  await page.locator("[data-say]").fill("What is due this week?");
  await page.locator("[data-say]").press("Enter");
  await page.locator(".theirs .markdown").waitFor();
  await context.close();
});

afterAll(async () => {
  await browser.close();
  await tandem.remove();
  complaints.check();
});

/** The serious findings of the accessibility checker. It runs outside of the page's own policy. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined))));
  const session = await page.context().newCDPSession(page);
  const run = `${AXE};axe.run(document,{resultTypes:["violations"]}).then((r)=>r.violations.filter((v)=>v.impact==="serious"||v.impact==="critical").map((v)=>v.id+": "+v.nodes.map((n)=>n.target).join(", ")))`;
  const answer = await session.send("Runtime.evaluate", { expression: run, awaitPromise: true, returnByValue: true });
  return answer.result.value as string[];
}

async function visit(theme: "light" | "dark", size: keyof typeof SIZES): Promise<Page> {
  const context = await person(browser, complaints, { viewport: SIZES[size], colorScheme: theme, reducedMotion: "reduce" });
  return signIn(context, tandem.another());
}

test.each(["light", "dark"] as const)("nothing serious to find on the wide page, %s", async (theme) => {
  const page = await visit(theme, "wide");
  expect(await findings(page), "today").toEqual([]);
  await page.locator("[data-add]").fill("Pay rent every saturday at 9 #home !high remind me 1h before");
  await page.locator("#quick-said .chip").first().waitFor();
  expect(await findings(page), "quick add").toEqual([]);
  await page.locator("[data-add]").fill("");
  await row(page, "Pay rent").locator("[data-row]").click();
  expect(await findings(page), "editor").toEqual([]);
  await page.getByTitle("Due date").click();
  await page.locator("[popover]").waitFor();
  expect(await findings(page), "calendar").toEqual([]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  for (const place of ["Upcoming", "Inbox", "Completed", "Search"]) {
    await go(page, place);
    expect(await findings(page), place).toEqual([]);
  }
  await page.locator("[data-search]").fill("tag:home");
  await page.getByRole("button", { name: "Keep as a filter" }).click();
  expect(await findings(page), "filter").toEqual([]);
  await go(page, "Inbox");
  await add(page, "Something that happens");
  await go(page, "Activity");
  await page.locator("[data-happening]").first().waitFor();
  expect(await findings(page), "activity").toEqual([]);
  for (const place of ["Trash", "Look back", "Settings"]) {
    await page.getByRole("link", { name: place }).click();
    await page.locator(".none, [data-past], .settings").first().waitFor();
    expect(await findings(page), place).toEqual([]);
  }
  await page.context().close();
});

test.each(["light", "dark"] as const)("nothing serious to find in the layers, %s", async (theme) => {
  const page = await visit(theme, "wide");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  expect(await findings(page), "help").toEqual([]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.locator("[data-palette]").fill("rent");
  expect(await findings(page), "palette").toEqual([]);
  await page.keyboard.press("Escape");
  await page.locator("[data-say]").fill("@pay");
  await page.getByRole("option").first().waitFor();
  expect(await findings(page), "mention").toEqual([]);
  await page.locator("[data-say]").fill("");
  await row(page, "Pay rent").locator("[data-row]").click({ modifiers: ["Control"] });
  await row(page, "Overdue").locator("[data-row]").click();
  await page.locator("[data-bulk]").waitFor();
  expect(await findings(page), "selection").toEqual([]);
  await page.keyboard.press("Backspace");
  await page.getByRole("dialog").waitFor();
  expect(await findings(page), "question").toEqual([]);
  await page.keyboard.press("Escape");
  await page.context().close();
});

test.each(["light", "dark"] as const)("nothing serious to find on the narrow page, %s", async (theme) => {
  const page = await visit(theme, "narrow");
  expect(await findings(page), "today").toEqual([]);
  await page.locator("nav.tabs button:has-text('Chat')").click();
  expect(await findings(page), "chat").toEqual([]);
  await page.locator("nav.tabs button:has-text('Today')").click();
  await page.getByRole("button", { name: "Menu" }).click();
  expect(await findings(page), "menu").toEqual([]);
  await page.context().close();
});

test.each(Object.keys(SIZES) as (keyof typeof SIZES)[])("nothing runs out of the page: %s", async (size) => {
  const page = await visit("light", size);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  const out = await page.evaluate(() => [...document.querySelectorAll("main *")].filter((e) => !e.closest(".sr-only, .mirror") && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.className.toString()));
  expect(out).toEqual([]);
  await page.context().close();
});

test("the chat stands beside the list, slides over it, or takes its place", async () => {
  const page = await visit("light", "wide");
  await page.locator("aside.side [data-say]").waitFor();
  await page.setViewportSize(SIZES.medium);
  expect(await page.locator("[data-say]").count()).toBe(0);
  await page.getByRole("button", { name: "Assistant" }).click();
  await page.locator("aside.sheet [data-say]").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("aside.sheet").waitFor({ state: "detached" });
  await page.setViewportSize(SIZES.narrow);
  await page.locator("nav.tabs button:has-text('Chat')").click();
  expect(await page.locator("aside.sheet").evaluate((e) => e.getBoundingClientRect().width)).toBe(390);
  await page.context().close();
});

test("a chosen theme is there before the first paint, and stays", async () => {
  const page = await visit("light", "wide");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByLabel("Dark").check({ force: true });
  const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.reload({ waitUntil: "commit" });
  await page.waitForFunction(() => document.body !== null);
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
  await page.getByLabel("Dark").waitFor({ state: "attached" });
  expect(await background()).toBe(dark);
  await page.context().close();
});
