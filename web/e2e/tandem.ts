import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { expect, inject } from "vitest";

const READY = /ready(?: at|\. Open)\s+(http:\/\/\S+)/;
const LINK = /http:\/\/\S+#code=\S+/;
const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A running program with data of its own. It can die and come back on the same port. */
export class Tandem {
  readonly dir = mkdtempSync(join(tmpdir(), "tandem-data-"));
  link = "";
  #bin = inject("tandem");
  #port = 0;
  #process: ChildProcess | null = null;
  /** Settings of the next start, beside an own port and an own folder. */
  settings: Record<string, string> = {};

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Takes a port, by which others can be told of the program before it runs. */
  async reserve(): Promise<string> {
    this.#port ||= await freePort();
    return this.origin;
  }

  async start(): Promise<void> {
    await this.reserve();
    const child = spawn(this.#bin, ["up"], { env: this.#env(), stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    this.link = await new Promise<string>((found, failed) => {
      let said = "";
      const read = (chunk: Buffer): void => {
        said += chunk.toString();
        const link = READY.exec(said)?.[1];
        if (link) found(link);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("exit", (code) => failed(new Error(`tandem up ended with ${code}:\n${said}`)));
    });
  }

  /** Another sign-in link, for another browser. */
  another(): string {
    const said = this.run("link");
    const link = LINK.exec(said)?.[0];
    if (!link) throw new Error(`tandem link said ${said}`);
    return link;
  }

  /** Runs a command beside the server; gives what it said. */
  run(...args: string[]): string {
    return execFileSync(this.#bin, args, { env: this.#env(), encoding: "utf8" });
  }

  /** Dies without a word. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #env(): NodeJS.ProcessEnv {
    const { PATH, TANDEM_WEB_DIR } = process.env;
    return { PATH, ...(TANDEM_WEB_DIR ? { TANDEM_WEB_DIR } : {}), HOME: this.dir, TANDEM_ADDR: `127.0.0.1:${this.#port}`, TANDEM_DATA_DIR: this.dir, ...this.settings };
  }
}

export function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.on("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const at = probe.address();
      const port = typeof at === "object" && at ? at.port : 0;
      probe.close(() => found(port));
    });
  });
}

export function launch(): Promise<Browser> {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...QUIET, ...sandbox] });
}

/** Lines of a console that are the network's, and not the page's: a server that is down is part of some stories. */
const NETWORK = /net::ERR_|WebSocket connection to|Failed to load resource/;

/** Everything a browser complained about, from any page of any context that is watched. */
export class Complaints {
  readonly all: string[] = [];

  watch(context: BrowserContext): void {
    context.on("console", (m) => {
      if ((m.type() === "error" || m.type() === "warning") && !NETWORK.test(m.text())) this.all.push(m.text());
    });
    context.on("weberror", (e) => this.all.push(e.error().message));
  }

  check(): void {
    expect(this.all, "the console is clean").toEqual([]);
  }
}

export const WIDE = { width: 1360, height: 860 };

/** A browser of its own, as a person has one, that gives up waiting sooner than a test does. */
export async function person(browser: Browser, complaints: Complaints, more: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: WIDE, timezoneId: "UTC", locale: "en-GB", ...more });
  context.setDefaultTimeout(10_000);
  complaints.watch(context);
  return context;
}

/** Opens a sign-in link and waits for the list. */
export async function signIn(context: BrowserContext, link: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(link);
  await live(page);
  return page;
}

export async function live(page: Page): Promise<void> {
  await page.locator(".pill.live, .dot[title=Live], nav.tabs").first().waitFor();
  await page.locator("[data-task], .empty").first().waitFor();
}

/** Waits until every change of this page has its answer. */
export async function settled(page: Page): Promise<void> {
  await page.locator(".pill.live[data-queued='0']").waitFor({ timeout: 45_000 });
}

export async function add(page: Page, line: string): Promise<void> {
  const field = page.locator("[data-add]");
  await field.fill(line);
  await field.press("Enter");
  await page.waitForFunction((line) => document.querySelector<HTMLInputElement>("[data-add]")?.value !== line, line);
}

export const row = (page: Page, title: string): ReturnType<Page["locator"]> => page.locator("[data-task]").filter({ hasText: title });

export const go = (page: Page, place: string): Promise<void> => page.locator(`nav a:has-text("${place}")`).click();

/** The titles on the page, in order. */
export const titles = (page: Page): Promise<string[]> => page.locator("[data-row] .title").allInnerTexts();
