import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { add, Complaints, launch, person, row, settled, signIn, Tandem } from "./tandem";

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
