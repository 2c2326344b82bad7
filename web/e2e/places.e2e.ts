import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { add, Complaints, go, launch, live, person, row, settled, signIn, Tandem, titles } from "./tandem";

const tandem = new Tandem();
const complaints = new Complaints();
let browser: Browser;
let desk: BrowserContext;
let page: Page;
let other: Page;

beforeAll(async () => {
  await tandem.start();
  browser = await launch();
  desk = await person(browser, complaints, { permissions: ["clipboard-read", "clipboard-write"] });
  page = await signIn(desk, tandem.link);
  other = await signIn(await person(browser, complaints), tandem.another());
});

afterAll(async () => {
  await browser.close();
  await tandem.remove();
  complaints.check();
});

const happened = (title: string): ReturnType<Page["locator"]> => page.locator("[data-happening]").filter({ hasText: title });
const focusRow = (title: string): Promise<void> => row(page, title).locator("[data-row]").focus();

test("activity tells who did what, and takes a single thing back", async () => {
  for (const line of ["Alpha today", "Beta today"]) await add(page, line);
  await add(other, "Gamma today");
  await row(page, "Gamma").waitFor();
  await settled(page);
  await go(page, "Activity");
  expect(await happened("Alpha").innerText()).toMatch(/You added\s+Alpha/);
  expect(await happened("Gamma").innerText()).toMatch(/Another device added\s+Gamma/);
  await happened("Alpha").getByRole("button", { name: /^Undo/ }).click();
  await row(other, "Alpha").waitFor({ state: "detached" });
  await happened("Alpha").getByText("Taken back").waitFor();
  await page.reload();
  await page.locator("[data-happening]").first().waitFor();
  expect(await happened("Beta").first().innerText(), "it survives a reload").toMatch(/You added/);
  await go(page, "Today");
  expect((await titles(page)).sort()).toEqual(["Beta", "Gamma"]);
});

test("what is in the trash comes back", async () => {
  await focusRow("Beta");
  await page.keyboard.press("Backspace");
  await row(page, "Beta").waitFor({ state: "detached" });
  await settled(page);
  await page.getByRole("link", { name: "Trash" }).click();
  await page.locator("[data-past]", { hasText: "Beta" }).getByRole("button", { name: "Restore Beta" }).click();
  await row(other, "Beta").waitFor();
  await page.locator("[data-past]", { hasText: "Beta" }).getByText("On the list").waitFor();
});

test("looking back shows the list as it was", async () => {
  await page.getByRole("link", { name: "Look back" }).click();
  await page.getByText("There were no tasks yet.").waitFor();
  const soon = new Date(Date.now() + 60_000).toISOString();
  await page.goto(`${tandem.origin}/lookback?q=${soon.slice(0, 16)}`);
  await page.locator("[data-past]", { hasText: "Gamma" }).waitFor();
  await page.goto(`${tandem.origin}/today`);
  await live(page);
});

test("completed tasks are reopened", async () => {
  await row(page, "Gamma").locator(".tick").click();
  await row(other, "Gamma").waitFor({ state: "detached" });
  await go(page, "Completed");
  await row(page, "Gamma").locator(".tick").click();
  await row(other, "Gamma").waitFor();
  await go(page, "Today");
});

test("keys go everywhere and do everything", async () => {
  await page.locator("main").focus();
  for (const [second, path] of [["u", "upcoming"], ["i", "inbox"], ["l", "completed"], ["a", "activity"], ["b", "lookback"], ["s", "settings"], ["t", "today"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(second ?? "");
    await expect.poll(() => new URL(page.url()).pathname).toBe(`/${path}`);
  }
  await focusRow("Beta");
  await page.keyboard.press("1");
  await row(other, "Beta").getByText("Urgent").waitFor();
  await page.keyboard.press("t");
  await page.keyboard.press("m");
  await row(other, "Beta").waitFor({ state: "detached" });
  await page.keyboard.press("z");
  await row(other, "Beta").waitFor();
  await page.keyboard.press("Shift+z");
  await row(other, "Beta").waitFor({ state: "detached" });
  await page.keyboard.press("z");
  await row(other, "Beta").waitFor();
  await row(page, "Beta").waitFor();
  await focusRow("Beta");
  await page.keyboard.press("Alt+ArrowRight");
  await row(other, "Beta").waitFor({ state: "detached" });
  await page.keyboard.press("z");
  await row(other, "Beta").waitFor();
});

test("help lists the keys, and single keys can be switched off", async () => {
  await page.locator("main").focus();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).getByText("Select all in view").waitFor();
  await page.getByLabel("Single keys are commands").uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor({ state: "detached" });
  await page.locator("main").focus();
  await page.keyboard.press("q");
  expect(await page.locator("[data-add]").evaluate((e) => e === document.activeElement)).toBe(false);
  await page.evaluate(() => localStorage.removeItem("tandem.single-keys"));
  await page.reload();
  await live(page);
});

test("the palette finds verbs, tasks and places", async () => {
  await focusRow("Beta");
  await page.keyboard.press("Control+k");
  await page.locator("[data-palette]").fill("low prio");
  await page.locator("[data-palette]").press("Enter");
  await row(other, "Beta").getByText("Urgent").waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await page.locator("[data-palette]").fill("inbox");
  await page.locator("[data-palette]").press("Enter");
  await expect.poll(() => new URL(page.url()).pathname).toBe("/inbox");
  await page.keyboard.press("Control+k");
  await page.locator("[data-palette]").fill("gamma");
  await page.locator("[data-palette]").press("Enter");
  await expect.poll(() => new URL(page.url()).pathname).toBe("/today");
  await page.keyboard.press("Control+k");
  await page.locator("[data-palette]").fill("Delta today");
  await page.locator("[role=option]", { hasText: "Add the task" }).click();
  await expect.poll(() => page.locator("[data-add]").inputValue()).toBe("Delta today");
  await page.locator("[data-add]").press("Enter");
  await row(other, "Delta").waitFor();
  await page.keyboard.press("Escape");
});

test("several tasks are picked, moved in one operation, and that is undone", async () => {
  await focusRow("Beta");
  await page.keyboard.press("x");
  await page.keyboard.press("Control+a");
  await page.locator("[data-bulk]").getByText("3 selected").waitFor();
  await page.keyboard.press("t");
  await page.keyboard.press("m");
  await expect.poll(() => titles(other)).toEqual([]);
  await page.getByRole("button", { name: "Undo" }).last().click();
  await expect.poll(async () => (await titles(other)).sort()).toEqual(["Beta", "Delta", "Gamma"]);
  await page.locator("main").focus();
  await page.keyboard.press("Alt+ArrowRight");
  await page.getByText("Moved 3 tasks", { exact: true }).waitFor();
  await expect.poll(() => titles(other)).toEqual([]);
  await page.keyboard.press("z");
  await expect.poll(async () => (await titles(other)).sort()).toEqual(["Beta", "Delta", "Gamma"]);
  await page.keyboard.press("Escape");
  await page.locator("[data-bulk]").waitFor({ state: "detached" });
  await row(page, "Beta").locator("[data-row]").click({ modifiers: ["Control"] });
  await row(page, "Delta").locator("[data-row]").click();
  await page.getByRole("toolbar").getByTitle("Tag").click();
  await page.getByLabel("Tag for the selected tasks").fill("#pair");
  await page.getByLabel("Tag for the selected tasks").press("Enter");
  await expect.poll(() => other.getByText("#pair").count()).toBeGreaterThanOrEqual(2);
});

test("on a phone a long press picks", async () => {
  const hand = await person(browser, complaints, { viewport: { width: 390, height: 844 }, hasTouch: true });
  const phone = await signIn(hand, tandem.another());
  const face = row(phone, "Beta").locator("[data-row]");
  await face.dispatchEvent("pointerdown", { pointerType: "touch" });
  await phone.locator("[data-bulk]").getByText("1 selected").waitFor();
  await face.dispatchEvent("pointerup", { pointerType: "touch" });
  await face.dispatchEvent("click");
  expect(await phone.locator("[data-bulk]").count(), "the press itself is no click").toBe(1);
  await row(phone, "Delta").locator("[data-row]").tap();
  await phone.locator("[data-bulk]").getByText("2 selected").waitFor();
  await phone.getByRole("button", { name: "Clear the selection" }).tap();
  await hand.close();
});

test("deleting several asks first", async () => {
  await row(page, "Beta").locator("[data-row]").click({ modifiers: ["Control"] });
  await row(page, "Delta").locator("[data-row]").click();
  await page.keyboard.press("Backspace");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  expect((await titles(page)).length).toBe(3);
  await page.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete 2 tasks" }).click();
  await expect.poll(() => titles(other)).toEqual(["Gamma"]);
  await page.getByRole("button", { name: "Undo" }).last().click();
  await expect.poll(async () => (await titles(other)).length).toBe(3);
});

test("a filter is kept under a name, on every device", async () => {
  await page.keyboard.press("Escape");
  await page.goto(`${tandem.origin}/search?q=${encodeURIComponent("tag:pair sort:title")}`);
  await expect.poll(() => titles(page)).toEqual(["Beta", "Delta"]);
  await page.getByRole("button", { name: "Keep as a filter" }).click();
  await page.getByLabel("Name of the filter").fill("The pair");
  await page.getByLabel("Name of the filter").press("Enter");
  await go(other, "The pair");
  await expect.poll(() => titles(other)).toEqual(["Beta", "Delta"]);
  expect(await other.locator("h1").innerText()).toBe("The pair");
  await other.getByRole("button", { name: "Remove the filter" }).click();
  await page.locator("nav a", { hasText: "The pair" }).waitFor({ state: "detached" });
});

test("upcoming shows what will recur, and a task dropped on a day moves there", async () => {
  await page.goto(`${tandem.origin}/upcoming`);
  await live(page);
  await add(page, "Stretch every day at 9:00");
  await expect.poll(() => page.locator("[data-ghost]").count()).toBeGreaterThanOrEqual(12);
  expect(await page.locator("[data-ghost] input").count(), "it is not there to be ticked").toBe(0);
  await row(page, "Gamma").waitFor();
  await row(page, "Gamma").locator("[data-row]").dragTo(page.locator(".strip button").nth(3));
  const day = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  await page.locator(`[data-day-section="${day}"]`).getByText("Gamma").waitFor();
  await page.keyboard.press("z");
});

test("settings are the person's on every device, and a token is shown once", async () => {
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByLabel("Keep reminders silent").check();
  await page.getByLabel("Quiet from").fill("21:30");
  await page.getByLabel("Quiet from").blur();
  await other.getByRole("link", { name: "Settings" }).click();
  await expect.poll(() => other.getByLabel("Quiet from").inputValue()).toBe("21:30");
  await page.getByLabel("Name of the token").fill("Claude");
  await page.getByRole("button", { name: "Make a token" }).click();
  await expect.poll(() => page.getByLabel("Your new token.").inputValue()).toMatch(/^tdm_/);
  const token = await page.getByLabel("Your new token.").inputValue();
  expect(tandem.run("doctor").length).toBeGreaterThan(0);
  expect(await other.content()).not.toContain(token);
  await other.getByRole("button", { name: "Revoke Claude" }).click();
  await page.getByRole("button", { name: "Revoke Claude" }).waitFor({ state: "detached" });
  await page.getByLabel("Webhook address").fill("https://example.com/hook");
  await page.getByLabel("Webhook address").blur();
  await expect.poll(() => other.getByLabel("Webhook address").inputValue()).toBe("https://example.com/hook");
  await page.getByRole("button", { name: "Make an address" }).click();
  await expect.poll(() => page.getByLabel("The address of your calendar.").inputValue()).toMatch(/\/feeds\/.+\.ics$/);
});
