import { beforeEach, expect, test } from "vitest";
import { Shell } from "../src/sw/shell";

/** Caches that live in memory, in the order in which they were made. */
class Memory {
  all = new Map<string, Map<string, Response>>();

  open(name: string): Promise<unknown> {
    const store = this.all.get(name) ?? new Map<string, Response>();
    this.all.set(name, store);
    const path = (key: string | Request): string => new URL(typeof key === "string" ? key : key.url, "http://host").pathname;
    return Promise.resolve({
      match: (key: string | Request) => Promise.resolve(store.get(path(key))?.clone()),
      put: (key: string, r: Response) => Promise.resolve(void store.set(path(key), r)),
      delete: (key: Request) => Promise.resolve(store.delete(path(key))),
      keys: () => Promise.resolve([...store.keys()].map((p) => ({ url: `http://host${p}` }))),
    });
  }

  delete(name: string): Promise<boolean> {
    return Promise.resolve(this.all.delete(name));
  }

  keys(): Promise<string[]> {
    return Promise.resolve([...this.all.keys()]);
  }

  builds(): string[] {
    return [...this.all.keys()].filter((n) => n.startsWith("shell-"));
  }
}

let memory: Memory;
let build: string;
let broken: string | null;
let now: number;
let shell: Shell;

beforeEach(() => {
  [memory, build, broken, now] = [new Memory(), "one", null, 0];
  const get = (path: string): Promise<Response> => {
    if (path === broken) return Promise.resolve(new Response("", { status: 404 }));
    return Promise.resolve(new Response(path === "/version.json" ? JSON.stringify({ build, files: ["assets/app.js", "index.html"] }) : `${path} of ${build}`));
  };
  shell = new Shell(memory as unknown as CacheStorage, get as unknown as typeof fetch, () => now);
});

const at = (path: string): URL => new URL(path, "http://host");
const said = async (r: Promise<Response | undefined>): Promise<string | undefined> => (await r)?.text();

test("a build is fetched whole and serves the page and its files", async () => {
  expect(await shell.update()).toBe("one");
  expect(await said(shell.page(at("/today"), "c1"))).toBe("/ of one");
  expect(await said(shell.file(at("/assets/app.js"), "c1"))).toBe("/assets/app.js of one");
});

test("what is not the page's is the server's", async () => {
  await shell.update();
  for (const path of ["/openapi.json", "/auth/session", "/api/ann/ws", "/todayish"]) expect(await shell.page(at(path), "c1"), path).toBeUndefined();
  expect(await shell.file(at("/assets/app.js"), "stranger"), "a page that came from the network gets its files there").toBeUndefined();
});

test("a page keeps the build it began with; the next page gets the new one", async () => {
  await shell.update();
  await shell.page(at("/"), "old");
  build = "two";
  await shell.update();
  await shell.page(at("/"), "new");
  expect(await said(shell.file(at("/assets/app.js"), "old"))).toBe("/assets/app.js of one");
  expect(await said(shell.file(at("/assets/app.js"), "new"))).toBe("/assets/app.js of two");
  await shell.tidy("two", new Set(["old", "new"]));
  expect(memory.builds()).toEqual(["shell-one", "shell-two"]);
  await shell.tidy("two", new Set([]));
  expect(memory.builds(), "both are only being opened").toEqual(["shell-one", "shell-two"]);
  now = 120_000;
  await shell.tidy("two", new Set(["new"]));
  expect(memory.builds()).toEqual(["shell-two"]);
});

test("a build that misses a file is never used", async () => {
  await shell.update();
  [build, broken] = ["two", "/assets/app.js"];
  await expect(shell.update()).rejects.toThrow("404");
  expect(await said(shell.page(at("/"), "c1"))).toBe("/ of one");
});

test("a server that changed meanwhile is asked again", async () => {
  const get = (path: string): Promise<Response> => {
    if (path === "/") build = "two";
    return Promise.resolve(new Response(path === "/version.json" ? JSON.stringify({ build, files: ["index.html"] }) : ""));
  };
  const torn = new Shell(memory as unknown as CacheStorage, get as unknown as typeof fetch, () => now);
  await expect(torn.update()).rejects.toThrow("changed");
  expect(memory.builds()).toEqual([]);
  expect(await torn.update()).toBe("two");
});
