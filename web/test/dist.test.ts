import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const DIST = resolve(import.meta.dirname, "../dist");
const KB = 1024;

const files = readdirSync(DIST, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile())
  .map((e) => join(e.parentPath, e.name));
const bytes = (name: string): Buffer => readFileSync(join(DIST, name));
const zipped = (name: string): number => gzipSync(bytes(name), { level: 9 }).length;
const scripts = files.filter((f) => f.startsWith(join(DIST, "assets")) && f.endsWith(".js")).map((f) => f.slice(DIST.length + 1));
const index = bytes("index.html").toString();

test("the page names only files that are there, and holds no code of its own", () => {
  const named = [...index.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((m) => m[1] ?? "");
  expect(named.length).toBeGreaterThan(4);
  for (const name of named) expect(statSync(join(DIST, name)).isFile()).toBe(true);
  expect(index).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
});

test("names do not change from build to build", () => {
  for (const f of files) expect(f).not.toMatch(/-[A-Za-z0-9_]{8}\.(js|css|woff2)$/);
  expect(scripts).toContain("assets/app.js");
});

test("the budgets hold", () => {
  const first = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].reduce((sum, m) => sum + zipped(m[1] ?? ""), 0);
  expect(first, "script before the first paint").toBeLessThanOrEqual(95 * KB);
  for (const name of scripts.filter((s) => !index.includes(s))) expect(zipped(name), name).toBeLessThanOrEqual(45 * KB);
  expect(zipped("assets/app.css"), "style").toBeLessThanOrEqual(14 * KB);
  expect(scripts.length, "chunks").toBeLessThanOrEqual(8);
  expect(files.reduce((sum, f) => sum + statSync(f).size, 0), "all of dist").toBeLessThanOrEqual(900 * KB);
});
