import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";

/** What the service is told from outside. */
export interface Config {
  /** Under which browsers and the product reach this service; issuer and audience of its tokens. */
  url: string;
  /** Pages that people may return to, and that may fetch tokens. The first is where everybody else goes. */
  origins: readonly string[];
  host: string;
  port: number;
  /** Whose X-Forwarded-For is believed. */
  proxies: BlockList;
  /** Signs cookies and encrypts the private keys. */
  secret: string;
  databaseUrl: string;
}

/** A setting is missing or wrong; the message names it. */
export class BadSetting extends Error {
  override name = "BadSetting";
}

type Env = Readonly<Record<string, string | undefined>>;

const MIN_SECRET = 32;

export function loadConfig(env: Env): Config {
  const [host, port] = address(env["TANDEM_AUTH_ADDR"] || "127.0.0.1:8090");
  return {
    url: origin("TANDEM_AUTH_URL", required(env, "TANDEM_AUTH_URL")),
    origins: list(required(env, "TANDEM_AUTH_ORIGINS")).map((o) => origin("TANDEM_AUTH_ORIGINS", o)),
    host,
    port,
    proxies: ranges(env["TANDEM_TRUSTED_PROXIES"] ?? ""),
    secret: secretKey(secret(env, "BETTER_AUTH_SECRET")),
    databaseUrl: database("TANDEM_AUTH_DATABASE_URL", secret(env, "TANDEM_AUTH_DATABASE_URL")),
  };
}

/** The database as the role that may create the schema. */
export function migrateUrl(env: Env): string {
  return database("TANDEM_AUTH_MIGRATE_URL", secret(env, "TANDEM_AUTH_MIGRATE_URL"));
}

function required(env: Env, name: string): string {
  const value = env[name];
  if (!value) throw new BadSetting(`${name} is not set`);
  return value;
}

/** A secret stands in the variable itself, or in the file that the variable with _FILE names. */
function secret(env: Env, name: string): string {
  const file = env[`${name}_FILE`];
  if (!file) return required(env, name);
  if (env[name]) throw new BadSetting(`${name} is set, and ${name}_FILE as well`);
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw new BadSetting(`${name}_FILE: there is no readable file "${file}"`);
  }
}

function secretKey(value: string): string {
  if (Buffer.byteLength(value) < MIN_SECRET) throw new BadSetting(`BETTER_AUTH_SECRET needs at least ${MIN_SECRET} bytes`);
  return value;
}

/** What is wrong with an address of a database is told without its text, which holds a password. */
function database(name: string, value: string): string {
  if (!/^postgres(ql)?:\/\//.test(value)) throw new BadSetting(`${name} must begin with postgres://`);
  return value;
}

function origin(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) throw new BadSetting(`${name}: "${value}" is not an http or https address`);
  if (url.pathname !== "/" || url.search || url.hash) throw new BadSetting(`${name}: "${value}" must have no path`);
  return url.origin;
}

function address(value: string): [host: string, port: number] {
  const colon = value.lastIndexOf(":");
  const port = Number(value.slice(colon + 1));
  const host = value.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, "");
  const known = host === "" || host === "localhost" || isIP(host) !== 0;
  if (colon < 0 || !known || !/^\d+$/.test(value.slice(colon + 1)) || port > 65_535) {
    throw new BadSetting(`TANDEM_AUTH_ADDR: "${value}" is not an address such as 127.0.0.1:8090`);
  }
  return [host || "::", port];
}

function ranges(value: string): BlockList {
  const out = new BlockList();
  for (const range of list(value)) {
    const [ip = "", bits = ""] = range.split("/");
    const family = isIP(ip);
    if (family === 0 || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) {
      throw new BadSetting(`TANDEM_TRUSTED_PROXIES: "${range}" is not an address range such as 10.0.0.0/8`);
    }
    out.addSubnet(ip, Number(bits), family === 4 ? "ipv4" : "ipv6");
  }
  return out;
}

function list(value: string): string[] {
  return value.split(",").map((v) => v.trim()).filter(Boolean);
}
