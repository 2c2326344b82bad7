// Compiles the service and its page into dist. The look is the client's: its base style, its font and its icon are taken over.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const web = dirname(here);
const out = join(here, "dist/page");
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

rmSync(join(here, "dist"), { recursive: true, force: true });
for (const project of [".", "page"]) execFileSync(process.execPath, [tsc, "-p", join(here, project)], { stdio: "inherit" });
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "sign.css"), readFileSync(join(web, "src/base.css"), "utf8") + readFileSync(join(here, "page/sign.css"), "utf8"));
copyFileSync(join(web, "dist/assets/inter-latin-opsz-normal.woff2"), join(out, "inter.woff2"));
copyFileSync(join(web, "public/icon.svg"), join(out, "icon.svg"));
