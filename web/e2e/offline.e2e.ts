import { appendFileSync, cpSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, BrowserContext, Page, Worker } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { add, Complaints, go, launch, live, person, row, settled, signIn, Tandem } from "./tandem";

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
  cpSync(resolve(import.meta.dirname, "../dist"), join(tandem.dir, "page"), { recursive: true });
  tandem.settings = { TANDEM_WEB_DIR: join(tandem.dir, "page") };
  await tandem.start();
  desk = await person(browser, complaints, { permissions: ["notifications"] });
  page = await signIn(desk, tandem.link);
  await kept(page);
});

afterEach(async () => {
  await desk.close();
  await tandem.remove();
});

/** Waits until the worker holds the whole page. */
async function kept(p: Page): Promise<void> {
  await p.evaluate(() => navigator.serviceWorker.ready);
  const whole = (): Promise<boolean> => p.evaluate(async () => (await caches.match("/version.json")) !== undefined);
  await expect.poll(whole, { timeout: 15_000 }).toBe(true);
}

/** Whether this browser keeps a task. Runs in the page. */
async function stored(uid: string): Promise<boolean> {
  const name = (await indexedDB.databases()).find((d) => d.name?.startsWith("tandem:"))?.name ?? "";
  return new Promise((found, failed) => {
    const opening = indexedDB.open(name);
    opening.onerror = () => failed(opening.error ?? new Error("not opened"));
    opening.onsuccess = () => {
      const asked = opening.result.transaction("rows").objectStore("rows").getKey(`task/${uid}`);
      asked.onerror = () => failed(asked.error ?? new Error("not read"));
      asked.onsuccess = () => (opening.result.close(), found(asked.result !== undefined));
    };
  });
}

async function worker(): Promise<Worker> {
  return desk.serviceWorkers()[0] ?? (await desk.waitForEvent("serviceworker"));
}

test("what was just answered is there after a reload without a server", async () => {
  await go(page, "Inbox");
  await add(page, "Just now");
  await settled(page);
  await tandem.kill();
  await desk.setOffline(true);
  await page.reload();
  await row(page, "Just now").waitFor();
  await desk.setOffline(false);
  await tandem.start();
  await settled(page);
  await row(page, "Just now").locator(".tick").click();
  await settled(page);
});

test("fifty edits made offline by a page that is killed are made once", async () => {
  const edits = 50;
  await go(page, "Inbox");
  await add(page, "Before");
  await settled(page);
  const before = (await row(page, "Before").getAttribute("data-task")) ?? "";
  await expect.poll(() => page.evaluate(stored, before), { message: "it waits no more" }).toBe(true);
  await tandem.kill();
  await desk.setOffline(true);
  await page.reload();
  await row(page, "Before").waitFor();
  for (let i = 0; i < edits - 1; i++) await add(page, `Offline ${i}`);
  await row(page, "Before").locator(".tick").click();
  await page.locator(`.pill[data-queued='${edits}']`).waitFor();
  await page.close({ runBeforeUnload: false });
  await desk.setOffline(false);
  await tandem.start();
  page = await desk.newPage();
  await page.goto(`${tandem.origin}/inbox`);
  await settled(page);
  const fresh = await person(browser, complaints);
  const other = await signIn(fresh, tandem.another());
  await go(other, "Inbox");
  const all = async (): Promise<string[]> => (await other.locator("[data-row] .title").allTextContents()).sort(); // rows beyond the window have no inner text
  await expect.poll(all).toEqual(Array.from({ length: edits - 1 }, (_, i) => `Offline ${i}`).sort());
  await fresh.close();
});

test("a new build is offered, and taken whole", async () => {
  await page.reload();
  await live(page);
  await page.locator("[data-say]").fill("half a thought");
  appendFileSync(join(tandem.dir, "page", "theme.js"), "\nglobalThis.newer = true;\n");
  await tandem.kill();
  await tandem.start();
  await page.getByText("A new version of Tandem is ready.").waitFor({ timeout: 20_000 });
  expect(await page.evaluate(() => "newer" in globalThis)).toBe(false);
  await page.getByRole("button", { name: "Reload" }).click();
  await page.waitForFunction(() => "newer" in globalThis);
  await live(page);
  expect(await page.locator("[data-say]").inputValue(), "the draft is kept").toBe("half a thought");
});

test("a push shows the task by its title, and Done on it completes the task", async () => {
  await add(page, "Stretch today");
  const uid = (await row(page, "Stretch").getAttribute("data-task")) ?? "";
  await settled(page);
  await expect.poll(() => page.evaluate(stored, uid), { message: "rows are written a moment after they are shown" }).toBe(true);
  const sw = await worker();
  const data = JSON.stringify({ id: crypto.randomUUID(), type: "reminder.due", reminder_id: "r1", task_id: uid, number: 1 });
  await page.goto("about:blank");
  await sw.evaluate((text) => dispatchEvent(Object.assign(new Event("push"), { data: { text: () => text }, waitUntil: () => undefined })), data);
  const shown = (): Promise<string[]> => sw.evaluate(async () => (await (globalThis as unknown as { registration: ServiceWorkerRegistration }).registration.getNotifications()).map((n) => `${n.tag} ${n.title}`));
  await expect.poll(shown).toEqual(["r1 Stretch"]);
  await page.goto(tandem.origin);
  await row(page, "Stretch").waitFor();
  await sw.evaluate(async () => {
    const [notification] = await (globalThis as unknown as { registration: ServiceWorkerRegistration }).registration.getNotifications();
    dispatchEvent(Object.assign(new Event("notificationclick"), { notification, action: "done", waitUntil: (p: Promise<void>) => p.catch(() => undefined) }));
  });
  await row(page, "Stretch").waitFor({ state: "detached" });
  expect(await shown()).toEqual([]);
});

test("an answer that opens the page is carried out once", async () => {
  await add(page, "Call today");
  const uid = (await row(page, "Call").getAttribute("data-task")) ?? "";
  await settled(page);
  await page.goto(`${tandem.origin}/today?do=done&task=${uid}&notice=${crypto.randomUUID()}`);
  await row(page, "Call").waitFor({ state: "detached" });
  expect(page.url()).toBe(`${tandem.origin}/today`);
  await page.goto(`${tandem.origin}/inbox?title=Read%20this&url=https%3A%2F%2Fexample.com`);
  await expect.poll(() => page.locator("[data-add]").inputValue()).toBe("Read this https://example.com");
});

test("a browser subscribes to push with the server's key, and stops", async () => {
  await page.addInitScript(() => {
    // No push service can be reached from a test: the browser's side of it answers here.
    PushManager.prototype.subscribe = (options) => {
      (globalThis as unknown as { asked: number }).asked = new Uint8Array(options?.applicationServerKey as Uint8Array<ArrayBuffer>).length;
      const key = btoa("k".repeat(65)).replace(/=+$/, "");
      return Promise.resolve({ toJSON: () => ({ endpoint: "https://push.example.com/1", expirationTime: null, keys: { p256dh: key, auth: "YXV0aGF1dGhhdXRoYXV0" } }) } as unknown as PushSubscription);
    };
  });
  await page.goto(`${tandem.origin}/settings`);
  await page.locator("[data-push]:enabled").check();
  const asked = (): Promise<number> => page.evaluate(() => (globalThis as unknown as { asked: number }).asked);
  await expect.poll(asked, { message: "an uncompressed point of P-256" }).toBe(65);
  expect(await page.locator("[data-push]").isChecked()).toBe(true);
  await settled(page);
  await page.reload();
  await page.locator("[data-push]:checked").uncheck();
  await settled(page);
  await page.reload();
  await page.locator("[data-push]:enabled").waitFor();
  expect(await page.locator("[data-push]").isChecked()).toBe(false);
});
