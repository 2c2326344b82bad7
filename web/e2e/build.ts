import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    tandem: string;
  }
}

/** Builds the program once, with the page of this tree in it. TANDEM names a built one instead. */
export default function setup(project: TestProject): () => void {
  const given = process.env.TANDEM;
  if (given) {
    project.provide("tandem", resolve(given));
    return () => undefined;
  }
  const dir = mkdtempSync(join(tmpdir(), "tandem-e2e-"));
  const bin = join(dir, "tandem");
  execFileSync("go", ["build", "-o", bin, "./cmd/tandem"], { cwd: resolve(import.meta.dirname, "../.."), stdio: "inherit" });
  project.provide("tandem", bin);
  return () => rmSync(dir, { recursive: true, force: true });
}
