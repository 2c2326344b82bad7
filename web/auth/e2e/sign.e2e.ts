import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { add, Complaints, launch, live, person, row, Tandem, titles } from "../../e2e/tandem";
import { Postgres, postgresOrSkip } from "../test/postgres";
import { Service } from "./service";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PASSWORD = "correct horse battery";
const found = postgresOrSkip();

describe.skipIf("skip" in found)("signing in outside", () => {
  let db: Postgres;
  let service: Service;
  let tandem: Tandem;
  let browser: Browser;
  let desk: BrowserContext;
  let page: Page;
  const complaints = new Complaints();

  beforeAll(async () => {
    if ("skip" in found) return;
    db = await Postgres.start(found.bin);
    tandem = new Tandem();
    service = new Service(db, await tandem.reserve());
    const iss = await service.reserve();
    service.run("migrate");
    await service.start();
    const issuers = join(tandem.dir, "issuers.json");
    writeFileSync(issuers, JSON.stringify({ issuers: [{ iss, aud: [iss], alg: "EdDSA", jwks_url: `${iss}/api/auth/jwks` }] }));
    tandem.settings = { TANDEM_AUTH_URL: iss, TANDEM_AUTH_ISSUERS: issuers };
    await tandem.start();
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await tandem?.remove();
    await service?.stop();
    await db?.remove();
    complaints.check();
  });

  beforeEach(async () => {
    await db.query('delete from auth."rateLimit"');
    desk = await person(browser, complaints);
    page = await desk.newPage();
  });

  afterEach(() => desk.close());

  async function fill(p: Page, email: string, password: string): Promise<void> {
    await p.getByLabel("E-mail").fill(email);
    await p.getByLabel("Password", { exact: true }).fill(password);
    await p.keyboard.press("Enter");
  }

  /** Opens the product, is led to the sign-in page, makes an account and is led back. */
  async function signUp(p: Page, email: string, at = "/"): Promise<void> {
    await p.goto(tandem.origin + at);
    await p.getByRole("link", { name: "Create an account" }).click();
    await p.getByRole("heading", { name: "Create your account" }).waitFor();
    await fill(p, email, PASSWORD);
    await live(p);
  }

  async function signIn(p: Page, email: string, password = PASSWORD): Promise<void> {
    await p.goto(tandem.origin);
    await p.getByRole("heading", { name: "Sign in to Tandem" }).waitFor();
    await fill(p, email, password);
  }

  /** A browser of its own; it is closed with the test. */
  async function another(run: (p: Page) => Promise<void>): Promise<void> {
    const context = await person(browser, complaints);
    await run(await context.newPage()).finally(() => context.close());
  }

  test("a person signs up, comes back to where they were, says a sentence, and sees the task in a second browser", async () => {
    await signUp(page, "ann@example.com", "/upcoming?from=mail");
    expect(page.url()).toBe(`${tandem.origin}/upcoming?from=mail`);
    await page.goto(tandem.origin);
    await live(page);
    await page.locator("[data-say]").fill("Add a task to buy groceries today");
    await page.locator("[data-say]").press("Enter");
    await row(page, "groceries").waitFor();
    await another(async (other) => {
      await signIn(other, "ann@example.com");
      await row(other, "groceries").waitFor();
      await add(other, "From the other one today");
      await row(page, "From the other one").waitFor();
    });
  });

  test("the token is in no storage and no cookie that a script can read", async () => {
    await signUp(page, "kept@example.com");
    const seen = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
    expect(seen).not.toMatch(/eyJ|session_token/);
    const cookies = await desk.cookies();
    expect(cookies.map((c) => [c.name, c.httpOnly, c.sameSite])).toEqual([["tandem-auth.session_token", true, "Lax"]]);
  });

  test("a reload and a second tab need no signing in", async () => {
    await signUp(page, "again@example.com");
    await page.reload();
    await live(page);
    const second = await desk.newPage();
    await second.goto(tandem.origin);
    await live(second);
  });

  test("what is wrong is said, and can be put right", async () => {
    await signUp(page, "typo@example.com");
    await another(async (p) => {
      await signIn(p, "typo@example.com", "another horse");
      await p.getByRole("alert").filter({ hasText: "address or the password is wrong" }).waitFor();
      await p.getByRole("link", { name: "Create an account" }).click();
      await fill(p, "typo@example.com", PASSWORD);
      await p.getByRole("alert").filter({ hasText: "There is an account with this address" }).waitFor();
      await p.getByRole("link", { name: "Sign in" }).click();
      await p.getByRole("heading", { name: "Sign in to Tandem" }).waitFor();
      await p.getByLabel("Show the password").check();
      expect(await p.getByLabel("Password", { exact: true }).getAttribute("type")).toBe("text");
      await fill(p, " Typo@Example.com ", PASSWORD);
      await live(p);
    });
  });

  test("guessing ends in a wait that is named", async () => {
    await page.goto(`${service.origin}/sign-in`);
    for (let i = 0; i < 3; i++) {
      await fill(page, "nobody@example.com", `guess number ${i}`);
      await page.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
    }
    await fill(page, "nobody@example.com", "guess number 4");
    await page.getByRole("alert").filter({ hasText: /Too many tries\. Wait (a second|\d+ seconds)/ }).waitFor();
  });

  test("a foreign return address leads home", async () => {
    await page.goto(`${service.origin}/sign-up?return=${encodeURIComponent("https://evil.example/")}`);
    await fill(page, "lured@example.com", PASSWORD);
    await live(page);
    expect(page.url()).toBe(`${tandem.origin}/`);
  });

  test("signing out ends the session there too, and empties the browser", async () => {
    await signUp(page, "leaves@example.com");
    await add(page, "Secret today");
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Sign out here" }).click();
    await page.getByRole("heading", { name: "Sign in to Tandem" }).waitFor();
    expect(new URL(page.url()).origin).toBe(service.origin);
    expect(await desk.cookies()).toEqual([]);
    expect(await db.query(`select 1 from auth.session s join auth."user" u on u.id = s."userId" where u.email = 'leaves@example.com'`)).toEqual([]);
    await fill(page, "leaves@example.com", PASSWORD);
    await row(page, "Secret").waitFor();
  });

  test("who signs in after another sees their own list alone", async () => {
    await signUp(page, "first@example.com");
    await add(page, "Of the first today");
    await row(page, "Of the first").waitFor();
    await page.goto(`${service.origin}/sign-in`);
    await page.getByText("first@example.com").waitFor();
    await page.getByRole("button", { name: "Use another account" }).click();
    await page.getByRole("link", { name: "Create an account" }).click();
    await fill(page, "second@example.com", PASSWORD);
    await page.waitForURL(`${tandem.origin}/`);
    await expect.poll(() => titles(page)).toEqual([]);
    await live(page);
    expect(await titles(page)).toEqual([]);
  });

  test("a session that was ended elsewhere leaves the list in sight, and signing in again sends what was done meanwhile", async () => {
    await signUp(page, "cut@example.com");
    await add(page, "Before today");
    await row(page, "Before").waitFor();
    const [user] = await db.query(`select id from auth."user" where email = 'cut@example.com'`);
    await db.query(`delete from auth.session where "userId" = '${String(user?.id)}'`);
    await tandem.kill();
    await page.locator(".pill.lost").waitFor();
    await add(page, "Meanwhile today");
    await tandem.start();
    await page.reload();
    const sheet = page.locator(".sheet");
    await sheet.getByText("One change waits here").waitFor();
    await row(page, "Meanwhile").waitFor();
    await sheet.getByRole("button", { name: "Sign in" }).click();
    await fill(page, "cut@example.com", PASSWORD);
    await live(page);
    await another(async (other) => {
      await signIn(other, "cut@example.com");
      await expect.poll(async () => (await titles(other)).sort()).toEqual(["Before", "Meanwhile"]);
    });
  });

  test("revoked everywhere: the page says so and a new sign-in goes on", async () => {
    await signUp(page, "revoked@example.com");
    const [user] = await db.query(`select id from auth."user" where email = 'revoked@example.com'`);
    tandem.run("user", "revoke", "--user", String(user?.id));
    await page.locator(".sheet").getByRole("button", { name: "Sign in" }).click();
    await page.getByText("revoked@example.com").waitFor();
    await page.getByRole("link", { name: "Continue to Tandem" }).click();
    await live(page);
  });

  test("with the sign-in service away the list stays and work goes on; a new visitor is told", async () => {
    await signUp(page, "outage@example.com");
    await add(page, "Kept today");
    await row(page, "Kept").waitFor();
    await service.stop();
    await add(page, "During today");
    await row(page, "During").waitFor();
    await page.reload();
    await row(page, "Kept").waitFor();
    await another(async (p) => {
      await p.goto(tandem.origin);
      await p.getByRole("heading", { name: "Sign in to Tandem" }).waitFor();
      await p.getByRole("button", { name: "Sign in" }).waitFor();
    });
    await service.start();
    await live(page);
    await row(page, "During").waitFor();
  });

  test.each(["light", "dark"] as const)("nothing serious to find on the pages, %s", async (colorScheme) => {
    const context = await person(browser, complaints, { colorScheme, viewport: { width: 320, height: 640 } });
    const p = await context.newPage();
    for (const name of ["sign-in", "sign-up"]) {
      await p.goto(`${service.origin}/${name}`);
      await check(p, name);
    }
    await fill(p, `look-${colorScheme}@example.com`, PASSWORD);
    await p.waitForURL(`${tandem.origin}/`);
    await p.goto(`${service.origin}/sign-in`);
    await p.getByText("You are signed in").waitFor();
    await check(p, "signed in");
    await context.close();
  });

  async function check(p: Page, name: string): Promise<void> {
    expect(await p.evaluate(() => document.documentElement.scrollWidth - innerWidth), name).toBeLessThanOrEqual(0);
    expect(await p.evaluate(() => document.fonts.ready.then(() => document.fonts.check("16px Inter"))), "the font is here").toBe(true);
    const session = await p.context().newCDPSession(p);
    const run = `${AXE};axe.run(document,{resultTypes:["violations"]}).then((r)=>r.violations.map((v)=>v.id+": "+v.nodes.map((n)=>n.target).join(", ")))`;
    const answer = await session.send("Runtime.evaluate", { expression: run, awaitPromise: true, returnByValue: true });
    expect(answer.result.value, name).toEqual([]);
  }

  test("a person can do it all by keyboard", async () => {
    await page.goto(`${service.origin}/sign-up`);
    await page.keyboard.type("keys@example.com");
    await page.keyboard.press("Tab");
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Enter");
    await live(page);
  });
});
