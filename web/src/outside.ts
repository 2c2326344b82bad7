// Signing in at an outside address: a session there, a short-lived token from there, and the way to its page and back.

import type { Grant } from "./session";

const GONE = "tandem.gone"; // when this tab went to sign in
const BACK_MS = 10 * 60_000;

let known: Promise<string | null> | null = null;

/** The base address at which people sign in, or null where this server signs them in itself. It is asked once (RFC 9728); an
 * answer that did not come is asked for again. */
export function door(): Promise<string | null> {
  known ??= ask().catch((cause: unknown) => {
    known = null;
    throw cause;
  });
  return known;
}

async function ask(): Promise<string | null> {
  const answer = await fetch("/.well-known/oauth-protected-resource", { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`where to sign in: ${answer.status}`);
  const body: unknown = await answer.json();
  const servers = typeof body === "object" && body !== null && "authorization_servers" in body ? body.authorization_servers : null;
  const first: unknown = Array.isArray(servers) ? servers[0] : null;
  return typeof first === "string" && /^https?:\/\//.test(first) ? first.replace(/\/$/, "") : null;
}

/** Gets a token for the session there; null when there is none. An error is the network's. */
export async function fetchToken(base: string): Promise<Grant | null> {
  const answer = await fetch(`${base}/api/auth/token`, { credentials: "include", cache: "no-store", signal: AbortSignal.timeout(10_000) });
  if (answer.status === 401 || answer.status === 403) return null;
  if (!answer.ok) throw new Error(`token: ${answer.status}`);
  const body: unknown = await answer.json();
  const token = typeof body === "object" && body !== null && "token" in body ? body.token : null;
  if (typeof token !== "string") throw new Error("token: the answer has another shape");
  return { token, ...claims(token, Date.now()) };
}

/** Whose a token is and until when, in this machine's time: how long it lives is told by its own two instants, since the two
 * clocks may differ. Nothing is verified: the server does that. */
export function claims(token: string, now: number): { user: string; expiresAt: number } {
  const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
  const body: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const { sub, exp, iat } = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  if (typeof sub !== "string" || typeof exp !== "number") throw new Error("token: it names nobody, or no end");
  return { user: sub, expiresAt: typeof iat === "number" ? now + (exp - iat) * 1000 : exp * 1000 };
}

/** Ends the session there. */
export async function endSession(base: string): Promise<void> {
  const answer = await fetch(`${base}/api/auth/sign-out`, { method: "POST", credentials: "include", signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`sign out: ${answer.status}`);
}

/** Goes to the page there, which leads back to this one. */
export function leave(base: string): void {
  mark(String(Date.now()));
  location.replace(`${base}/sign-in?return=${encodeURIComponent(location.href)}`);
}

/** Whether this tab comes from signing in. It is told once. */
export function returned(): boolean {
  const gone = Number(mark(null) ?? 0);
  return gone > 0 && Date.now() - gone < BACK_MS;
}

/** Keeps or takes the mark; gives what it was. */
function mark(value: string | null): string | null {
  try {
    const was = sessionStorage.getItem(GONE);
    if (value === null) sessionStorage.removeItem(GONE);
    else sessionStorage.setItem(GONE, value);
    return was;
  } catch {
    return null; // the page there then asks before it leads back, so that nobody is sent to and fro
  }
}
