// Two browsers on the product: node browser.mjs new|again PAGE SIGN-IN. "new" signs a person up, "again" finds them and their tasks.
import { strict as assert } from "node:assert";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../../web/package.json", import.meta.url))("playwright-core");
const [story, page, signIn] = process.argv.slice(2);
const EMAIL = "ann@example.com";
const PASSWORD = "correct horse battery";
const PATIENCE = 60_000;

const quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const root = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...quiet, ...root] });
try {
  const desk = await open();
  if (story === "new") {
    await desk.getByRole("link", { name: "Create an account" }).click();
    await desk.getByRole("heading", { name: "Create your account" }).waitFor();
  }
  await enter(desk);
  if (story === "new") {
    await speak(desk, "Add a task to buy groceries today");
  }
  await row(desk, "groceries");
  console.log("the first browser shows the task");

  const phone = await open();
  await enter(phone);
  await row(phone, "groceries");
  const said = `water plant ${story}`;
  await speak(desk, `Add a task to ${said} today`);
  await row(phone, said);
  console.log("the second browser sees what the first one says");

  const reply = await chat(desk, `Add a task to call ${story} today`);
  assert.equal(reply.status, 200, reply.text);
  await row(desk, `call ${story}`);
  await row(phone, `call ${story}`);
  console.log("a turn through both sidecars shows on both");
  await wrongToken();
} finally {
  await browser.close();
}

async function open() {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, timezoneId: "UTC", locale: "en-GB" });
  context.setDefaultTimeout(PATIENCE);
  const tab = await context.newPage();
  await tab.goto(page);
  return tab;
}

async function enter(tab) {
  await tab.getByLabel("E-mail").fill(EMAIL);
  await tab.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await tab.keyboard.press("Enter");
  await tab.locator(".pill.live, .dot[title=Live], nav.tabs").first().waitFor();
}

async function speak(tab, sentence) {
  await tab.locator("[data-say]").fill(sentence);
  await tab.locator("[data-say]").press("Enter");
}

async function row(tab, title) {
  await tab.locator("[data-task]", { hasText: title }).first().waitFor();
}

/** Says a sentence over HTTP with the person's own token; the page passes it on from sidecar to sidecar. */
async function chat(tab, message) {
  const answer = await tab.context().request.get(`${signIn}/api/auth/token`);
  const { token } = await answer.json();
  const { sub } = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
  return post(sub, token, message);
}

async function post(user, token, message) {
  const res = await fetch(`${page}/api/${user}/chat`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ message }),
  });
  return { status: res.status, text: await res.text() };
}

async function wrongToken() {
  assert.equal((await post("ann", "e30.e30.e30", "Add a task to break in")).status, 401);
  console.log("a wrong token is refused");
}
