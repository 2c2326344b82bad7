import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingHttpHeaders, type Server } from "node:http";
import { BlockList, type AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { clientOf, makeServer } from "../src/server.js";

const PRODUCT = "http://tandem.example";
const FILES = join(import.meta.dirname, "../../dist/page");
const seen: Request[] = [];
let server: Server;
let reply = (): Response => Response.json({ ok: true });
let down = false;

before(async () => {
  server = makeServer({
    url: "http://auth.example",
    origins: [PRODUCT],
    proxies: new BlockList(),
    handle: async (request) => {
      seen.push(request);
      return reply();
    },
    whose: async (headers) => headers.get("cookie")?.match(/^who=(.*)$/)?.[1] ?? null,
    ready: async () => {
      if (down) throw new Error("the database is gone");
    },
    files: FILES,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

after(() => server.close());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function call(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> {
  return new Promise((done, failed) => {
    const { port } = server.address() as AddressInfo;
    const req = request({ host: "127.0.0.1", port, method, path, headers: body ? { "Content-Length": Buffer.byteLength(body), ...headers } : headers }, (res) => {
      let said = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => (said += chunk));
      res.on("end", () => done({ status: res.statusCode ?? 0, headers: res.headers, body: said }));
    });
    req.on("error", failed);
    req.end(body);
  });
}

test("a page holds no code of its own, and its policy allows none", async () => {
  for (const path of ["/sign-in", "/sign-up"]) {
    const a = await call("GET", path);
    assert.equal(a.status, 200);
    assert.doesNotMatch(a.body, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    for (const [, name] of a.body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) assert.equal((await call("GET", name ?? "")).status, 200, name);
    const policy = String(a.headers["content-security-policy"]).split("; ");
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]) {
      assert.ok(policy.includes(rule), rule);
    }
    assert.equal(a.headers["cache-control"], "no-store");
    assert.equal(a.headers["referrer-policy"], "no-referrer");
  }
});

test("words from outside are text on the page", async () => {
  const evil = `${PRODUCT}/?q="><img src=x onerror=alert(1)>'&amp;`;
  const a = await call("GET", `/sign-in?return=${encodeURIComponent(evil)}`, { Cookie: 'who="><script>alert(1)</script>' });
  assert.doesNotMatch(a.body, /<img|<script>/);
  assert.match(a.body, /as <bdi>&quot;&gt;&lt;script&gt;/);
  assert.doesNotMatch((await call("GET", `/sign-up?return=${encodeURIComponent(evil)}`)).body, /<img/);
});

test("the way back is checked before it is written down", async () => {
  const back = async (path: string): Promise<string | undefined> => /data-back="([^"]*)"/.exec((await call("GET", path)).body)?.[1];
  assert.equal(await back(`/sign-in?return=${encodeURIComponent(`${PRODUCT}/upcoming`)}`), `${PRODUCT}/upcoming`);
  assert.equal(await back("/sign-in?return=https://evil.example/"), `${PRODUCT}/`);
  assert.equal(await back("/sign-in?return=https://evil.example/&return=http://tandem.example/a"), `${PRODUCT}/`);
});

test("pages of the product, and no others, may fetch tokens and sign out", async () => {
  for (const [path, method] of [["/api/auth/token", "GET"], ["/api/auth/sign-out", "POST"]] as const) {
    const own = await call(method, path, { Origin: PRODUCT });
    assert.equal(own.headers["access-control-allow-origin"], PRODUCT);
    assert.equal(own.headers["access-control-allow-credentials"], "true");
    const asked = await call("OPTIONS", path, { Origin: PRODUCT, "Access-Control-Request-Method": method });
    assert.deepEqual([asked.status, asked.headers["access-control-allow-methods"]], [204, method]);
    for (const origin of ["http://evil.example", "http://tandem.example.evil.example", "https://tandem.example", "null", "http://tandem.example:81"]) {
      const a = await call(method, path, { Origin: origin });
      assert.equal(a.headers["access-control-allow-origin"], undefined, origin);
      assert.equal(a.headers["access-control-allow-credentials"], undefined, origin);
      assert.match(String(a.headers.vary), /Origin/);
    }
  }
});

test("passwords are taken from this service's own pages alone", async () => {
  for (const path of ["/api/auth/sign-in/email", "/api/auth/sign-up/email", "/api/auth/get-session"]) {
    const a = await call("OPTIONS", path, { Origin: PRODUCT, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" });
    assert.equal(a.status, 405);
    assert.equal(a.headers["access-control-allow-origin"], undefined);
  }
});

test("the rest of the library is not reached", async () => {
  const before = seen.length;
  for (const path of ["/api/auth/change-email", "/api/auth/delete-user", "/api/auth/list-sessions", "/api/auth/update-user", "/api/auth/error", "/api/auth/token/", "/api/auth//token"]) {
    assert.equal((await call("GET", path)).status, 404, path);
    assert.equal((await call("POST", path)).status, 405, path);
  }
  assert.equal((await call("POST", "/api/auth/token")).status, 405);
  assert.equal(seen.length, before);
});

test("a request keeps its cookie and body, and brings the address that the server sees", async () => {
  reply = () => new Response('{"a":1}', { status: 429, headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-Retry-After", "7"]] });
  const a = await call("POST", "/api/auth/sign-in/email", { Cookie: "s=1", "Content-Type": "application/json", "X-Tandem-Client-Ip": "6.6.6.6", "X-Forwarded-For": "6.6.6.6", Host: "evil.example" }, '{"email":"é"}');
  reply = () => Response.json({ ok: true });
  assert.deepEqual([a.status, a.body, a.headers["set-cookie"], a.headers["retry-after"]], [429, '{"a":1}', ["a=1", "b=2"], "7"]);
  const got = seen.at(-1);
  assert.equal(got?.url, "http://auth.example/api/auth/sign-in/email");
  assert.equal(got?.headers.get("cookie"), "s=1");
  assert.equal(got?.headers.get("x-tandem-client-ip"), "127.0.0.1");
  assert.equal(await got?.text(), '{"email":"é"}');
});

test("a long body is refused", async () => {
  const before = seen.length;
  const a = await call("POST", "/api/auth/sign-in/email", { "Content-Type": "application/json" }, "x".repeat(17 << 10));
  assert.equal(a.status, 413);
  assert.equal(seen.length, before);
});

test("a failure is told to nobody but the log", async () => {
  reply = () => {
    throw new Error("password of the database");
  };
  const a = await call("GET", "/api/auth/jwks");
  reply = () => Response.json({ ok: true });
  assert.deepEqual([a.status, a.body], [500, "internal error\n"]);
});

test("health", async () => {
  assert.equal((await call("GET", "/livez")).status, 200);
  assert.equal((await call("HEAD", "/readyz")).status, 200);
  down = true;
  assert.equal((await call("GET", "/readyz")).status, 503);
  assert.equal((await call("GET", "/livez")).status, 200);
  down = false;
});

test("files are asked for again with their tag", async () => {
  const first = await call("GET", "/assets/sign.css");
  const again = await call("GET", "/assets/sign.css", { "If-None-Match": String(first.headers.etag) });
  assert.deepEqual([first.status, again.status, again.body], [200, 304, ""]);
  for (const path of ["/assets/../auth.js", "/assets/main.js", "/assets/%2e%2e/auth.js", "//evil.example/sign-in", "/sign-in/x"]) assert.equal((await call("GET", path)).status, 404, path);
});

test("a forwarded address counts where the proxy is believed, hop by hop from the right", () => {
  const proxies = new BlockList();
  proxies.addSubnet("10.0.0.0", 8, "ipv4");
  const cases: [peer: string, forwarded: string | undefined, want: string][] = [
    ["9.9.9.9", "1.1.1.1", "9.9.9.9"],
    ["10.0.0.1", undefined, "10.0.0.1"],
    ["10.0.0.1", "1.1.1.1", "1.1.1.1"],
    ["::ffff:10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"],
    ["10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"],
    ["10.0.0.1", "1.1.1.1, garbage", "10.0.0.1"],
    ["10.0.0.1", "2001:db8::1", "2001:db8::1"],
  ];
  for (const [peer, forwarded, want] of cases) assert.equal(clientOf(peer, forwarded, proxies), want, `${peer} ${forwarded}`);
});
