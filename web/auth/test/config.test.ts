import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BadSetting, loadConfig, migrateUrl } from "../src/config.js";

const GOOD = {
  TANDEM_AUTH_URL: "https://auth.example.com/",
  TANDEM_AUTH_ORIGINS: "https://tandem.example.com, http://localhost:5173",
  TANDEM_AUTH_DATABASE_URL: "postgres://tandem_auth:hush@db/tandem",
  BETTER_AUTH_SECRET: "0123456789abcdef0123456789abcdef",
};

test("a whole configuration", () => {
  const c = loadConfig({ ...GOOD, TANDEM_AUTH_ADDR: "[::1]:9000", TANDEM_TRUSTED_PROXIES: "10.0.0.0/8,fd00::/8" });
  assert.equal(c.url, "https://auth.example.com");
  assert.deepEqual(c.origins, ["https://tandem.example.com", "http://localhost:5173"]);
  assert.deepEqual([c.host, c.port], ["::1", 9000]);
  assert.ok(c.proxies.check("10.1.2.3", "ipv4") && c.proxies.check("fd00::1", "ipv6") && !c.proxies.check("11.0.0.1", "ipv4"));
});

test("the default address is this machine's alone, and a port alone means every address", () => {
  assert.equal(loadConfig(GOOD).host, "127.0.0.1");
  assert.deepEqual([loadConfig({ ...GOOD, TANDEM_AUTH_ADDR: ":80" }).host, loadConfig({ ...GOOD, TANDEM_AUTH_ADDR: ":80" }).port], ["::", 80]);
});

const WRONG: [name: string, value: string | undefined][] = [
  ["TANDEM_AUTH_URL", undefined],
  ["TANDEM_AUTH_URL", "auth.example.com"],
  ["TANDEM_AUTH_URL", "https://auth.example.com/base"],
  ["TANDEM_AUTH_URL", "https://ann:hush@auth.example.com"],
  ["TANDEM_AUTH_URL", "javascript:alert(1)"],
  ["TANDEM_AUTH_ORIGINS", undefined],
  ["TANDEM_AUTH_ORIGINS", "https://*.example.com/x"],
  ["TANDEM_AUTH_ORIGINS", "null"],
  ["TANDEM_AUTH_ADDR", "8090"],
  ["TANDEM_AUTH_ADDR", "127.0.0.1:65536"],
  ["TANDEM_AUTH_ADDR", "auth.example.com:80"],
  ["TANDEM_TRUSTED_PROXIES", "10.0.0.0"],
  ["TANDEM_TRUSTED_PROXIES", "10.0.0.0/33"],
  ["TANDEM_AUTH_DATABASE_URL", "mysql://root:hush@db"],
  ["BETTER_AUTH_SECRET", "short"],
];

for (const [name, value] of WRONG) {
  test(`${name}=${value ?? ""} is refused by its name`, () => {
    assert.throws(
      () => loadConfig({ ...GOOD, [name]: value }),
      (err: unknown) => err instanceof BadSetting && err.message.includes(name) && !/hush@db|short/.test(err.message),
    );
  });
}

test("a secret comes from a file, from the variable, and never from both", () => {
  const dir = mkdtempSync(join(tmpdir(), "tandem-auth-"));
  try {
    const file = join(dir, "secret");
    writeFileSync(file, "fedcba9876543210fedcba9876543210\n");
    const { BETTER_AUTH_SECRET: _, ...rest } = GOOD;
    assert.equal(loadConfig({ ...rest, BETTER_AUTH_SECRET_FILE: file }).secret, "fedcba9876543210fedcba9876543210");
    assert.throws(() => loadConfig({ ...GOOD, BETTER_AUTH_SECRET_FILE: file }), /as well/);
    assert.throws(() => loadConfig({ ...rest, BETTER_AUTH_SECRET_FILE: join(dir, "absent") }), /no readable file/);
    writeFileSync(file, "postgresql://tandem_migrator@db/tandem\n");
    assert.equal(migrateUrl({ TANDEM_AUTH_MIGRATE_URL_FILE: file }), "postgresql://tandem_migrator@db/tandem");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
