import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const SERVICE = resolve(import.meta.dirname, "..");

/** Builds the service once. */
export default function setup(): void {
  if (!existsSync(join(SERVICE, "node_modules"))) throw new Error("web/auth has no packages: run npm ci there");
  execFileSync(process.execPath, ["build.js"], { cwd: SERVICE, stdio: "inherit" });
}
