import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { add, Complaints, launch, live, person, row, settled, signIn, Tandem, titles } from "./tandem";

const tandem = new Tandem();
const complaints = new Complaints();
let browser: Browser;
let page: Page;

beforeAll(async () => {
  await tandem.start();
  browser = await launch();
  page = await signIn(await person(browser, complaints), tandem.link);
  for (const line of ["Dentist today", "Rent today"]) await add(page, line);
  await settled(page);
});

afterAll(async () => {
  await browser.close();
  await tandem.remove();
  complaints.check();
});

const say = async (line: string): Promise<void> => {
  await page.locator("[data-say]").fill(line);
  await page.locator("[data-say]").press("Enter");
};

test("@ names a task, by keyboard", async () => {
  await page.locator("[data-say]").pressSequentially("complete @den");
  await page.getByRole("option", { name: "Dentist" }).waitFor();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator("[data-say]").inputValue()).toMatch(/^complete @\d+ "Dentist" $/);
  await page.keyboard.press("Enter");
  await page.locator("[data-tool=complete_task]").getByText("Completed").waitFor();
  await row(page, "Dentist").waitFor({ state: "detached" });
});

test("what may come next is offered, and said by a click", async () => {
  const offered = page.getByRole("group", { name: "Suggestions" });
  await offered.getByRole("button", { name: "Undo that" }).click();
  await row(page, "Dentist").waitFor();
});

test("a slash is a command", async () => {
  await page.locator("[data-say]").pressSequentially("/un");
  await page.getByRole("option", { name: "/undo" }).click();
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator("[data-say]").inputValue()).toBe("");
  await row(page, "Rent").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.locator("main").focus();
  await page.keyboard.press("Shift+z");
  await row(page, "Rent").waitFor();
});

test("a message whose answer was lost is asked again, and nothing is done twice", async () => {
  await say("Add a task to buy milk today");
  await row(page, "milk").waitFor();
  await page.locator("[data-tool=add_task]").getByText("Added").waitFor();
  await settled(page);
  await expect.poll(() => page.evaluate(lose, "Buy milk"), { message: "the answer is kept" }).toBe(true);
  await page.reload();
  await live(page);
  await page.getByText("The connection to the assistant was lost on the way.").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Try again" }).waitFor({ state: "detached" });
  await page.locator("[data-tool=add_task]").last().getByText("Added").waitFor();
  await settled(page);
  expect((await titles(page)).filter((t) => t.includes("milk")).length).toBe(1);
});

/** Marks the kept answer with these words as lost: the state that a replica that died leaves. False: it is not kept yet. Runs in the page. */
async function lose(words: string): Promise<boolean> {
  const name = (await indexedDB.databases()).find((d) => d.name?.startsWith("tandem:"))?.name ?? "";
  const db = await new Promise<IDBDatabase>((found, failed) => {
    const opening = indexedDB.open(name);
    opening.onsuccess = () => found(opening.result);
    opening.onerror = () => failed(opening.error ?? new Error("not opened"));
  });
  const rows = db.transaction("rows", "readwrite").objectStore("rows");
  const marked = await new Promise<boolean>((done, failed) => {
    const all = rows.getAll(IDBKeyRange.bound("msg/", "msg0"));
    all.onerror = () => failed(all.error ?? new Error("not read"));
    all.onsuccess = () => {
      const answer = (all.result as { id: string; role: string; text: string }[]).find((m) => m.role === "assistant" && m.text.includes(words));
      if (!answer) return done(false);
      rows.put({ ...answer, status: "lost" }, `msg/${answer.id}`).onsuccess = () => done(true);
    };
  });
  db.close();
  return marked;
}
