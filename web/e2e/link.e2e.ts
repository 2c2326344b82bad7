import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { add, Complaints, launch, live, person, row, settled, signIn, Tandem, titles } from "./tandem";

let browser: Browser;
let tandem: Tandem;
let desk: BrowserContext;
let page: Page;
const complaints = new Complaints();

beforeAll(async () => {
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  complaints.check();
});

beforeEach(async () => {
  tandem = new Tandem();
  await tandem.start();
  desk = await person(browser, complaints);
  page = await signIn(desk, tandem.link);
});

afterEach(async () => {
  await desk.close();
  await tandem.remove();
});

test("a change made while the server is dead is made once when it is back", async () => {
  await add(page, "Before today");
  await row(page, "Before").waitFor();
  await tandem.kill();
  await page.locator(".pill.lost").waitFor();
  await add(page, "Meanwhile today");
  await row(page, "Before").locator(".tick").click();
  await page.getByText(/changes to send/).waitFor();
  await tandem.start();
  await settled(page);
  const fresh = await person(browser, complaints);
  const other = await signIn(fresh, tandem.another());
  await expect.poll(() => titles(other)).toEqual(["Meanwhile"]);
  await fresh.close();
});

test("the queue survives a reload without a server", async () => {
  await add(page, "Kept today");
  await row(page, "Kept").waitFor();
  await desk.setOffline(true);
  await tandem.kill();
  await add(page, "Queued today");
  await row(page, "Queued").waitFor();
  await page.close();
  await desk.setOffline(false);
  await tandem.start();
  page = await desk.newPage();
  await page.goto(tandem.origin);
  await live(page);
  await settled(page);
  const fresh = await person(browser, complaints);
  const other = await signIn(fresh, tandem.another());
  await expect.poll(async () => (await titles(other)).sort()).toEqual(["Kept", "Queued"]);
  await fresh.close();
});

test("two tabs share one socket, and the one that stays takes over", async () => {
  const opened: Page[] = [];
  for (const p of [page, await desk.newPage()]) p.on("websocket", () => opened.push(p));
  const second = desk.pages()[1];
  if (!second) throw new Error("no second tab");
  await second.goto(tandem.origin);
  await live(second);
  expect(opened).toEqual([]);
  await add(second, "From the second tab today");
  await row(page, "From the second tab").waitFor();
  await page.close();
  await add(second, "Still here today");
  await row(second, "Still here").waitFor();
  await settled(second);
  expect(opened.length).toBe(1);
  await second.reload();
  await live(second);
  await expect.poll(async () => (await titles(second)).sort()).toEqual(["From the second tab", "Still here"]);
});

test("a chat goes on after a reload, and its card undoes what it did", async () => {
  await page.locator("[data-say]").fill("Add a task to buy groceries today");
  await page.locator("[data-say]").press("Enter");
  const card = page.locator("[data-tool=add_task]");
  await card.getByText("Added").waitFor();
  await row(page, "groceries").waitFor();
  await page.reload();
  await live(page);
  await card.getByText("Added").waitFor();
  await page.locator(".mine", { hasText: "Add a task to buy groceries today" }).waitFor();
  expect(await page.locator(".mine").count()).toBe(1);
  await card.getByRole("button", { name: "Undo" }).click();
  await row(page, "groceries").waitFor({ state: "detached" });
});

test("what needs a yes is a card on every device, decided once", async () => {
  for (const line of ["One today", "Two today", "Three today", "Four today"]) await add(page, line);
  await expect.poll(async () => (await titles(page)).length).toBe(4);
  const fresh = await person(browser, complaints);
  const other = await signIn(fresh, tandem.another());
  await page.locator("[data-say]").fill("delete all my tasks");
  await page.locator("[data-say]").press("Enter");
  for (const p of [page, other]) await p.locator("[data-approval]").waitFor();
  expect((await titles(page)).length, "nothing without a yes").toBe(4);
  await other.getByLabel("Two", { exact: false }).and(other.locator("[data-approval] input")).uncheck();
  await other.getByRole("button", { name: "Delete 3 tasks" }).click();
  await expect.poll(() => titles(page)).toEqual(["Two"]);
  for (const p of [page, other]) await p.locator("[data-approval]").waitFor({ state: "detached" });
  await fresh.close();
});

test("a reminder is a notice until it is dismissed anywhere", async () => {
  const due = new Date(Math.ceil(Date.now() / 60_000 + 1) * 60_000);
  await add(page, `Stretch today at ${due.toISOString().slice(11, 16)}`);
  await row(page, "Stretch").locator("[data-row]").click();
  await page.getByTitle("Remind").click();
  await page.getByLabel("Reminder in words").fill(`${Math.floor((due.getTime() - Date.now()) / 1000) - 3} seconds before`);
  await page.getByLabel("Reminder in words").press("Enter");
  const notice = page.locator("[data-notice]");
  await notice.waitFor({ timeout: 30_000 });
  expect(await notice.innerText()).toContain("Stretch");
  const fresh = await person(browser, complaints);
  const other = await signIn(fresh, tandem.another());
  await other.locator("[data-notice]").getByRole("button", { name: "Dismiss" }).click();
  await notice.waitFor({ state: "detached" });
  await fresh.close();
});

test("hasty reloads do not sign anybody out", async () => {
  const reloads = 30;
  let commits = 0;
  page.on("framenavigated", (frame) => {
    if (frame === page.mainFrame()) commits++;
  });
  // The page reloads itself, each time a little later in its start: with the secret of the device asked for, changed, or on its way.
  await page.addInitScript(() => {
    const left = Number(sessionStorage.getItem("reloads"));
    if (left === 0) return;
    sessionStorage.setItem("reloads", String(left - 1));
    setTimeout(() => location.reload(), (left * 7) % 100);
  });
  await page.evaluate((n) => {
    sessionStorage.setItem("reloads", String(n - 1));
    location.reload();
  }, reloads);
  await expect.poll(() => commits, { timeout: 60_000 }).toBe(reloads);
  await live(page);
  expect(await page.evaluate(() => sessionStorage.getItem("reloads")), "reloads that are left").toBe("0");
  expect(await page.getByText("Sign in to Tandem").count()).toBe(0);
});

test("signing out ends the session and empties the browser", async () => {
  await add(page, "Secret today");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Sign out here" }).click();
  await page.getByText("Sign in to Tandem").waitFor();
  expect(await page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name))).toEqual([]);
  await page.goto(tandem.another());
  await row(page, "Secret").waitFor();
});
