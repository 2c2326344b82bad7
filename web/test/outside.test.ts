import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type * as Outside from "../src/outside";

const AUTH = "https://auth.example";
const now = Date.parse("2026-11-25T12:00:00Z");

let outside: typeof Outside;
let asked: { url: string; init: RequestInit | undefined }[];
let answers: Record<string, () => Response>;
let kept: Map<string, string>;
let gone: string | null;

beforeEach(async () => {
  vi.resetModules(); // where to sign in is asked once in a page's life
  [asked, answers, kept, gone] = [[], {}, new Map(), null];
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    asked.push({ url, init });
    const answer = answers[url];
    if (!answer) throw new TypeError("network");
    return answer();
  });
  vi.stubGlobal("sessionStorage", { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => kept.set(k, v), removeItem: (k: string) => kept.delete(k) });
  vi.stubGlobal("location", { href: "https://tandem.example/?q=tag:home#x", replace: (to: string) => (gone = to) });
  outside = await import("../src/outside");
});

afterEach(() => vi.unstubAllGlobals());

const WHERE = "/.well-known/oauth-protected-resource";
const encode = (v: unknown): string => Buffer.from(JSON.stringify(v)).toString("base64url");
const token = (claims: object): string => `${encode({ alg: "EdDSA" })}.${encode(claims)}.c2ln`;

test("where to sign in is asked once, and again after a failure", async () => {
  await expect(outside.door()).rejects.toThrow();
  answers[WHERE] = () => Response.json({ resource: "https://tandem.example/mcp", authorization_servers: [`${AUTH}/`] });
  expect(await Promise.all([outside.door(), outside.door()])).toEqual([AUTH, AUTH]);
  expect(asked.length).toBe(2);
});

test.each([
  ["no servers", { resource: "x" }],
  ["an empty list", { authorization_servers: [] }],
  ["a script", { authorization_servers: ["javascript:alert(1)"] }],
  ["a number", { authorization_servers: [1] }],
  ["a list", []],
])("%s: people sign in here", async (_, doc) => {
  answers[WHERE] = () => Response.json(doc);
  expect(await outside.door()).toBeNull();
});

test("a token is asked for with the cookie, and says whose it is and how long it lives", async () => {
  const t = token({ sub: "ann:", iat: 1_000, exp: 1_900 });
  answers[`${AUTH}/api/auth/token`] = () => Response.json({ token: t });
  const before = Date.now();
  const grant = await outside.fetchToken(AUTH);
  expect(grant).toMatchObject({ token: t, user: "ann:" });
  expect((grant?.expiresAt ?? 0) - before).toBeGreaterThanOrEqual(900_000);
  expect(asked[0]?.init).toMatchObject({ credentials: "include", cache: "no-store" });
});

test.each([401, 403])("%i: nobody is signed in", async (status) => {
  answers[`${AUTH}/api/auth/token`] = () => new Response("", { status });
  expect(await outside.fetchToken(AUTH)).toBeNull();
});

test.each([429, 500, 503])("%i is the network's, and signs nobody out", async (status) => {
  answers[`${AUTH}/api/auth/token`] = () => new Response("", { status });
  await expect(outside.fetchToken(AUTH)).rejects.toThrow(String(status));
});

test("how long a token lives does not depend on two clocks agreeing", () => {
  const issued = now / 1000 - 7_200;
  expect(outside.claims(token({ sub: "ann", iat: issued, exp: issued + 900 }), now).expiresAt).toBe(now + 900_000);
  expect(outside.claims(token({ sub: "ann", exp: now / 1000 + 60 }), now).expiresAt).toBe(now + 60_000);
});

test.each(["", "a.b", "a.!!.c", token({ sub: 1, exp: 2 }), token({ sub: "ann" }), token([]), `a.${encode(null)}.c`])("what is no token is refused: %s", (bad) => {
  expect(() => outside.claims(bad, now)).toThrow();
});

test("the way there names the way back, and coming back is told once", () => {
  expect(outside.returned()).toBe(false);
  outside.leave(AUTH);
  expect(gone).toBe(`${AUTH}/sign-in?return=${encodeURIComponent("https://tandem.example/?q=tag:home#x")}`);
  expect(outside.returned()).toBe(true);
  expect(outside.returned()).toBe(false);
});

test("who went long ago is not coming back from there", () => {
  vi.useFakeTimers({ now });
  outside.leave(AUTH);
  vi.setSystemTime(now + 11 * 60_000);
  expect(outside.returned()).toBe(false);
  vi.useRealTimers();
});

test("signing out that fails is not taken for done", async () => {
  answers[`${AUTH}/api/auth/sign-out`] = () => new Response("", { status: 403 });
  await expect(outside.endSession(AUTH)).rejects.toThrow("403");
  answers[`${AUTH}/api/auth/sign-out`] = () => Response.json({ success: true });
  await outside.endSession(AUTH);
  expect(asked.at(-1)?.init).toMatchObject({ method: "POST", credentials: "include" });
});
