import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { add, Complaints, go, launch, live, person, row, signIn, Tandem, titles } from "./tandem";

const tandem = new Tandem();
const complaints = new Complaints();
let browser: Browser;
let desk: BrowserContext;
let phone: BrowserContext;
let page: Page;
let other: Page;

beforeAll(async () => {
  await tandem.start();
  browser = await launch();
  desk = await person(browser, complaints);
  phone = await person(browser, complaints);
  page = await signIn(desk, tandem.link);
  other = await signIn(phone, tandem.another());
});

afterAll(async () => {
  await browser.close();
  await tandem.remove();
  complaints.check();
});

test("the printed link signs in once, and leaves no trace in the address", async () => {
  expect(page.url()).toBe(`${tandem.origin}/`);
  const stranger = await person(browser, complaints);
  const third = await stranger.newPage();
  await third.goto(tandem.link);
  await third.getByText("has been used or has expired").waitFor();
  expect(third.url()).toBe(`${tandem.origin}/`);
  await stranger.close();
});

test("a reload needs no link", async () => {
  await page.reload();
  await live(page);
});

test("a sentence becomes one task on two open browsers", async () => {
  const field = page.locator("[data-add]");
  await field.pressSequentially("Pay rent today at 23:58 #home p1");
  await expect.poll(() => page.locator("#quick-said .chip").allInnerTexts()).toEqual(["Today 23:58", "#home", "p1"].map((t) => expect.stringContaining(t)));
  expect(await page.locator(".mirror mark").allInnerTexts()).toEqual(["today at 23:58", "#home", "p1"]);
  await field.press("Enter");
  for (const p of [page, other]) {
    await row(p, "Pay rent").waitFor();
    await expect.poll(() => row(p, "Pay rent").innerText()).toMatch(/23:58/);
    expect(await row(p, "Pay rent").innerText()).toMatch(/Urgent[\s\S]*#home/);
    expect(await titles(p)).toEqual(["Pay rent"]);
  }
});

test("a word that was taken back stays in the title", async () => {
  await page.locator("[data-add]").fill("Watch Tomorrow");
  const chip = page.locator("#quick-said .chip.due");
  await chip.waitFor();
  await chip.click();
  await page.locator("[data-add]").press("Enter");
  await row(other, "Watch Tomorrow").waitFor();
});

test("a tick shows at once everywhere, and can be undone", async () => {
  await row(page, "Pay rent").locator(".tick").click();
  await row(other, "Pay rent").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).last().click();
  await row(other, "Pay rent").waitFor();
  await row(page, "Pay rent").waitFor();
});

test("an edit is seen elsewhere, and two fields edited at once both stay", async () => {
  await row(page, "Pay rent").locator("[data-row]").click();
  await page.getByLabel("Title", { exact: true }).fill("Pay the rent");
  await row(other, "Pay rent").locator("[data-row]").click();
  await other.getByLabel("Notes", { exact: true }).fill("by transfer");
  await other.keyboard.press("Escape");
  await page.getByLabel("Title", { exact: true }).press("Enter");
  for (const p of [page, other]) await row(p, "Pay the rent").getByText("Has notes").waitFor({ state: "attached" });
});

test("rescheduling keeps the time, and is undone as a new operation", async () => {
  const task = row(page, "Pay the rent");
  await task.hover();
  await task.getByRole("button", { name: "Reschedule" }).click();
  await page.locator("[popover] button:has-text('Tomorrow')").click();
  await row(other, "Pay the rent").waitFor({ state: "detached" });
  await go(other, "Upcoming");
  await expect.poll(() => other.locator("section[aria-label=Tomorrow]").innerText()).toMatch(/Pay the rent[\s\S]*23:58/);
  await page.keyboard.press("z");
  await expect.poll(() => other.locator("section[aria-label=Today]").innerText()).toContain("Pay the rent");
  await go(other, "Today");
});

test("a phrase moves a task as well", async () => {
  const task = row(page, "Watch Tomorrow");
  await task.hover();
  await task.getByRole("button", { name: "Reschedule" }).click();
  await page.getByLabel("Date in words").fill("in 3 days");
  await page.getByLabel("Date in words").press("Enter");
  await row(other, "Watch Tomorrow").waitFor({ state: "detached" });
  await page.getByText(/Moved to .*: Watch/).waitFor();
});

test("a deleted task comes back by undo", async () => {
  const task = row(page, "Pay the rent");
  await task.hover();
  await task.getByRole("button", { name: "Delete" }).click();
  await row(other, "Pay the rent").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).last().click();
  await row(other, "Pay the rent").waitFor();
});

test("what the server refuses is put back, with the reason", async () => {
  await row(page, "Pay the rent").locator("[data-row]").click();
  await page.locator("form.tag input").fill("x".repeat(50));
  await page.locator("form.tag input").evaluate((field: HTMLInputElement) => field.removeAttribute("maxlength"));
  await page.locator("form.tag input").fill("x".repeat(60));
  await page.locator("form.tag input").press("Enter");
  await page.locator(".toast.error").waitFor();
  await expect.poll(() => page.locator(".editor").innerText()).not.toContain("xxxxx");
  await page.keyboard.press("Escape");
});

test("a pasted list becomes tasks in one operation", async () => {
  await go(page, "Inbox");
  await page.locator("[data-add]").focus();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData("text/plain", "- milk\n- eggs\n- bread");
    document.activeElement?.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await page.getByRole("button", { name: "Add 3 tasks" }).click();
  await go(other, "Inbox");
  for (const p of [page, other]) await expect.poll(() => titles(p)).toEqual(["milk", "eggs", "bread"]);
  await page.getByRole("button", { name: "Undo" }).last().click();
  await expect.poll(() => titles(other)).toEqual([]);
});

test("hostile titles are text", async () => {
  const hostile = ["<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "\u202ereversed\u202c words", "👨‍👩‍👧‍👦 family"];
  for (const line of hostile) await add(page, `"${line}"`);
  await expect.poll(async () => (await titles(other)).length).toBe(hostile.length);
  const shown = await titles(other);
  for (const line of hostile) expect(shown.some((t) => t.includes(line))).toBe(true);
  expect(await other.locator("main img, main script").count()).toBe(0);
});

test("a search finds the same by words, tags and dates", async () => {
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("rent");
  await expect.poll(() => titles(page)).toEqual(["Pay the rent"]);
  await page.locator("[data-search]").fill("tag:home due:today");
  await expect.poll(() => titles(page)).toEqual(["Pay the rent"]);
  expect(new URL(page.url()).searchParams.get("q")).toBe("tag:home due:today");
  await page.locator("[data-search]").fill("due:someday");
  await page.getByRole("alert").filter({ hasText: "someday" }).waitFor();
  await page.reload();
  await expect.poll(() => page.locator("[data-search]").inputValue()).toContain("due:");
});

test("a long list draws what is seen, from the first row to the last", async () => {
  await go(page, "Inbox");
  for (const start of [0, 100, 200]) {
    await page.locator("[data-add]").focus();
    await page.evaluate((from) => {
      const data = new DataTransfer();
      data.setData("text/plain", Array.from({ length: 100 }, (_, i) => `Row ${from + i}`).join("\n"));
      document.activeElement?.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, start);
    await page.getByRole("button", { name: "Add 100 tasks" }).click();
    await row(page, `Row ${start}`).first().waitFor({ state: "attached" });
  }
  await page.locator("main").evaluate((pane) => (pane.scrollTop = pane.scrollHeight));
  await expect.poll(async () => (await titles(page)).some((t) => t.includes("onerror"))).toBe(true);
  expect((await titles(page)).length).toBeLessThan(100);
  await page.locator("main").evaluate((pane) => (pane.scrollTop = 0));
  await expect.poll(async () => (await titles(page))[0]).toBe("Row 200");
});

test("a person can do it all by keyboard", async () => {
  await go(page, "Today");
  await page.locator("main").focus();
  await page.keyboard.press("q");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await row(page, "By keyboard").waitFor();
  await page.keyboard.press("Escape");
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press("j");
    if (await row(page, "By keyboard").locator("[data-row]:focus").count()) break;
  }
  await page.keyboard.press("Enter");
  await page.keyboard.type(" alone");
  await page.keyboard.press("Enter");
  await row(page, "By keyboard alone").waitFor();
  await page.keyboard.press("Space");
  await row(other, "By keyboard alone").waitFor({ state: "detached" });
  await page.keyboard.press("z");
  await row(page, "By keyboard alone").locator("input:not(:checked)").waitFor({ state: "attached" });
});
