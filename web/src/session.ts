// Who is signed in. The session lives in a cookie that no script can read; the token it is exchanged for lives in memory. The
// cookie is this server's, or that of the outside address where people sign in.

import { door, endSession, fetchToken } from "./outside";

export interface Grant {
  token: string;
  user: string;
  expiresAt: number;
}

/** Nobody is signed in, or the code was not taken. */
export class SignedOut extends Error {
  override name = "SignedOut";
}

const REPLACED_MS = 250;

/** Takes a one-time code out of the address bar. It must be gone before any request is made. */
export function takeCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code !== null) history.replaceState(null, "", location.pathname + location.search);
  return code;
}

/** Exchanges a one-time code for a session of this browser. Throws SignedOut when the code is used up or wrong. */
export async function redeem(code: string): Promise<void> {
  const answer = await post("/auth/session", JSON.stringify({ code }));
  if (answer.status >= 400 && answer.status < 500) throw new SignedOut();
  if (!answer.ok) throw new Error(`sign in: ${answer.status}`);
}

/** Gets a token for the session. Throws SignedOut when there is none; any other error is the network's. */
export async function grant(): Promise<Grant> {
  const base = await door();
  if (base === null) return ownGrant();
  const there = await fetchToken(base);
  if (!there) throw new SignedOut();
  return there;
}

/** Each use replaces the session's secret, so that two tabs must not ask at the same time. */
function ownGrant(): Promise<Grant> {
  return "locks" in navigator ? navigator.locks.request("tandem:token", () => fetchGrant()) : fetchGrant();
}

/** A refusal is asked about once more: a page that was left may have replaced the cookie between our asking and the answer. */
async function fetchGrant(again = true): Promise<Grant> {
  const answer = await post("/auth/token");
  if (answer.status === 401 || answer.status === 403) {
    if (!again) throw new SignedOut();
    await new Promise((done) => setTimeout(done, REPLACED_MS));
    return fetchGrant(false);
  }
  if (!answer.ok) throw new Error(`token: ${answer.status}`);
  const body: unknown = await answer.json();
  if (!isTokenBody(body)) throw new Error("token: the answer has another shape");
  return { token: body.token, user: body.user_id, expiresAt: Date.parse(String(body.expires_at)) };
}

export async function signOut(): Promise<void> {
  const base = await door();
  if (base !== null) return endSession(base);
  await fetch("/auth/session", { method: "DELETE", credentials: "same-origin" });
}

function post(path: string, body?: string): Promise<Response> {
  return fetch(path, {
    method: "POST",
    credentials: "same-origin",
    cache: "no-store",
    keepalive: true, // the answer replaces the session's cookie: it must arrive even if the page is left meanwhile
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined ? {} : { body, headers: { "Content-Type": "application/json" } }),
  });
}

function isTokenBody(v: unknown): v is { token: string; user_id: string; expires_at: unknown } {
  return typeof v === "object" && v !== null && "token" in v && typeof v.token === "string" && "user_id" in v && typeof v.user_id === "string";
}

const USER = "tandem.user";

/** The person of the last visit: names the database of an offline start, and nothing more. */
export function lastUser(): string | null {
  try {
    return localStorage.getItem(USER);
  } catch {
    return null;
  }
}

export function rememberUser(user: string | null): void {
  try {
    if (user === null) localStorage.removeItem(USER);
    else localStorage.setItem(USER, user);
  } catch {
    // Without storage an offline start has nothing to show anyway.
  }
}
