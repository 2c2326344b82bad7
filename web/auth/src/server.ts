import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { isIP, type BlockList } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CLIENT_IP } from "./auth.js";
import { log } from "./log.js";
import { page, type View } from "./pages.js";
import { wayBack } from "./way.js";

/** What the server needs from around it. */
export interface Parts {
  url: string;
  origins: readonly string[];
  proxies: BlockList;
  /** Better Auth. */
  handle(request: Request): Promise<Response>;
  /** The address of whoever is signed in. */
  whose(headers: Headers): Promise<string | null>;
  /** Throws while the service cannot do its work. */
  ready(): Promise<void>;
  /** Folder of the page's files. */
  files?: string;
}

/** What of Better Auth is reached from outside. Whatever else the library brings is not part of the service. */
const API: Readonly<Record<string, "GET" | "POST">> = {
  "/api/auth/jwks": "GET",
  "/api/auth/token": "GET",
  "/api/auth/get-session": "GET",
  "/api/auth/sign-in/email": "POST",
  "/api/auth/sign-up/email": "POST",
  "/api/auth/sign-out": "POST",
};

/** What pages of the product's origins may call with the person's cookie. */
const SHARED = ["/api/auth/token", "/api/auth/sign-out"];

const PAGES: Readonly<Record<string, View["page"]>> = { "/sign-in": "sign-in", "/sign-up": "sign-up" };
const TYPES = { "sign.js": "text/javascript; charset=utf-8", "sign.css": "text/css; charset=utf-8", "inter.woff2": "font/woff2", "icon.svg": "image/svg+xml" };
const MAX_BODY = 16 << 10;

interface Asset {
  type: string;
  body: Buffer;
  tag: string;
}

/** Makes the server; it does not listen yet. */
export function makeServer(parts: Parts): Server {
  const assets = load(parts.files ?? join(dirname(fileURLToPath(import.meta.url)), "page"));
  const server = createServer({ maxHeaderSize: 16 << 10, headersTimeout: 5_000, requestTimeout: 15_000 }, (req, res) => {
    answer(parts, assets, req, res).catch((err: unknown) => fail(res, err));
  });
  return server;
}

function load(folder: string): Map<string, Asset> {
  return new Map(
    Object.entries(TYPES).map(([name, type]) => {
      const body = readFileSync(join(folder, name));
      return [`/assets/${name}`, { type, body, tag: `"${createHash("sha256").update(body).digest("hex").slice(0, 32)}"` }];
    }),
  );
}

async function answer(parts: Parts, assets: ReadonlyMap<string, Asset>, req: IncomingMessage, res: ServerResponse): Promise<void> {
  for (const [name, value] of Object.entries(guards(parts.url))) res.setHeader(name, value);
  const target = req.url ?? "/";
  if (!target.startsWith("/")) return text(res, 400, "bad request");
  const url = new URL(parts.url + target);
  const asset = assets.get(url.pathname);
  const shown = PAGES[url.pathname];
  if (url.pathname in API) return api(parts, url, req, res);
  if (req.method !== "GET" && req.method !== "HEAD") return text(res, 405, "method not allowed", { Allow: "GET, HEAD" });
  if (asset) return file(asset, req, res);
  if (shown) return show(parts, shown, url, req, res);
  if (url.pathname === "/livez") return text(res, 200, "ok");
  if (url.pathname === "/readyz") return readiness(parts, res);
  if (url.pathname === "/") return redirect(res, "/sign-in");
  return text(res, 404, "not found");
}

/** What every answer carries. */
function guards(own: string): Record<string, string> {
  return {
    "Content-Security-Policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; font-src 'self'; " +
      "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
    ...(own.startsWith("https:") ? { "Strict-Transport-Security": "max-age=31536000; includeSubDomains" } : {}),
  };
}

async function show(parts: Parts, name: View["page"], url: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const email = await parts.whose(headersOf(parts, req));
  const body = page({ page: name, back: wayBack(url.searchParams.get("return"), parts.origins), email });
  send(res, 200, { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" }, body);
}

async function readiness(parts: Parts, res: ServerResponse): Promise<void> {
  try {
    await parts.ready();
  } catch (err) {
    log("warn", "not ready", { err });
    return text(res, 503, "not ready");
  }
  text(res, 200, "ok");
}

function file(asset: Asset, req: IncomingMessage, res: ServerResponse): void {
  const headers = { "Content-Type": asset.type, "Cache-Control": "no-cache", ETag: asset.tag };
  if (req.headers["if-none-match"] === asset.tag) send(res, 304, headers, "");
  else send(res, 200, headers, asset.body);
}

/** Passes a request on to Better Auth. A page of the product may read the answer where it says so. */
async function api(parts: Parts, url: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const method = API[url.pathname] ?? "GET";
  const from = req.headers.origin;
  if (SHARED.includes(url.pathname)) {
    res.setHeader("Vary", "Origin");
    if (from && parts.origins.includes(from)) share(res, from, method);
    if (req.method === "OPTIONS") return send(res, 204, {}, "");
  }
  if (req.method !== method) return text(res, 405, "method not allowed", { Allow: method });
  const body = method === "POST" ? await read(req) : null;
  if (body === "too long") return text(res, 413, "too large", { Connection: "close" });
  const request = new Request(url, { method, headers: headersOf(parts, req), ...(body?.length ? { body } : {}) });
  await pass(await parts.handle(request), res);
}

function share(res: ServerResponse, from: string, method: string): void {
  res.setHeader("Access-Control-Allow-Origin", from);
  res.setHeader("Access-Control-Allow-Credentials", "true");
  res.setHeader("Access-Control-Expose-Headers", "Retry-After");
  res.setHeader("Access-Control-Allow-Methods", method);
  res.setHeader("Access-Control-Allow-Headers", "Content-Type");
  res.setHeader("Access-Control-Max-Age", "600");
}

async function read(req: IncomingMessage): Promise<Buffer<ArrayBuffer> | "too long"> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) return "too long";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The request's headers, with the client's address as the server knows it. */
function headersOf(parts: Parts, req: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    if (typeof value === "string" && !name.startsWith(":")) headers.set(name, value);
  }
  headers.set(CLIENT_IP, clientOf(req.socket.remoteAddress ?? "", req.headers["x-forwarded-for"], parts.proxies));
  return headers;
}

/** The address a request comes from: the peer, or what proxies that are believed say of it, read from the right. */
export function clientOf(peer: string, forwarded: string | string[] | undefined, proxies: BlockList): string {
  let client = peer.replace(/^::ffff:/i, "");
  const hops = [forwarded ?? []].flat().join(",").split(",").map((h) => h.trim());
  for (const hop of hops.reverse()) {
    if (!believed(client, proxies) || isIP(hop) === 0) break;
    client = hop;
  }
  return client;
}

function believed(address: string, proxies: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && proxies.check(address, family === 4 ? "ipv4" : "ipv6");
}

async function pass(answer: Response, res: ServerResponse): Promise<void> {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of answer.headers) if (name !== "set-cookie") headers[name] = value;
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  const wait = answer.headers.get("x-retry-after");
  if (wait) headers["retry-after"] = wait;
  headers["cache-control"] ??= "no-store";
  send(res, answer.status, headers, Buffer.from(await answer.arrayBuffer()));
}

function redirect(res: ServerResponse, to: string): void {
  send(res, 302, { Location: to, "Cache-Control": "no-store" }, "");
}

function text(res: ServerResponse, status: number, body: string, headers: OutgoingHttpHeaders = {}): void {
  send(res, status, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", ...headers }, `${body}\n`);
}

function send(res: ServerResponse, status: number, headers: OutgoingHttpHeaders, body: string | Buffer): void {
  res.writeHead(status, { ...headers, ...(status === 204 || status === 304 ? {} : { "Content-Length": Buffer.byteLength(body) }) });
  res.end(res.req.method === "HEAD" || status === 204 || status === 304 ? undefined : body);
}

function fail(res: ServerResponse, err: unknown): void {
  if (res.req.destroyed && !res.req.complete) return; // the client went away
  log("error", "request failed", { err });
  if (res.headersSent) res.destroy();
  else text(res, 500, "internal error");
}
