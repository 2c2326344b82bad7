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

  assert.equal((await chat(phone, `Remind me to check the oven ${story} in 5 seconds`)).status, 200);
  assert.equal((await chat(phone, `Add a task to stretch ${story} every day starting today`)).status, 200);
  assert.equal((await chat(phone, `Complete the task stretch ${story}`)).status, 200);
  await desk.locator("[data-notice]", { hasText: `oven ${story}` }).first().waitFor();
  console.log("a reminder is shown");
  await successor(phone, `stretch ${story}`);
  console.log("a completed task that repeats has its successor");
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

/** The person's own token. */
async function tokenOf(tab) {
  const answer = await tab.context().request.get(`${signIn}/api/auth/token`);
  const { token } = await answer.json();
  return { token, user: JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString()).sub };
}

/** Says a sentence over HTTP; the page passes it on from sidecar to sidecar. */
async function chat(tab, message) {
  const { token, user } = await tokenOf(tab);
  return post(user, token, message);
}

/** Waits until the task stands twice: completed, and pending again. */
async function successor(tab, title) {
  const { token } = await tokenOf(tab);
  for (const until = Date.now() + PATIENCE; ; await new Promise((next) => setTimeout(next, 300))) {
    const found = await Promise.all(["completed", "pending"].map((status) => list(token, status, title)));
    if (found.every(Boolean)) return;
    assert.ok(Date.now() < until, `completed, pending: ${found}`);
  }
}

/** Whether the tool lists a task of this title and status. */
async function list(token, status, title) {
  const res = await fetch(`${page}/mcp`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_tasks", arguments: { status } } }),
  });
  assert.equal(res.status, 200);
  return (await res.text()).toLowerCase().includes(title.toLowerCase());
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
