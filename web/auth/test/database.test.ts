import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { getMigrations } from "better-auth/db/migration";
import type { Pool } from "pg";
import { KEY_GRACE_S, makeAuth, options, rotate } from "../src/auth.js";
import { checkRole, checkSchema, connect, migrate, migrations, sweep } from "../src/database.js";
import { newPassword, remove } from "../src/people.js";
import { Postgres, postgresOrSkip } from "./postgres.js";

const CONFIG = { url: "http://127.0.0.1:9", origins: ["http://127.0.0.1:8"], secret: "0123456789abcdef0123456789abcdef" };
const ALL = migrations(join(import.meta.dirname, "../../migrations"));
const found = postgresOrSkip();

if ("skip" in found) test("against PostgreSQL", { skip: found.skip }, () => undefined);
else suite(found.bin);

function suite(bin: string): void {
  let db: Postgres;
  let pool: Pool;

  before(async () => {
    db = await Postgres.start(bin);
    pool = connect(db.url("tandem_auth"));
  });

  after(async () => {
    await pool.end();
    await db.remove();
  });

  test("without the schema the service says what to do", async () => {
    const owner = connect(db.url("tandem_migrator"));
    await assert.rejects(checkSchema(owner, ALL), /version 0 of 1; run the migrations/);
    await owner.end();
  });

  test("migrations that start together apply each version once, and a failing one leaves nothing", async () => {
    const broken = [...ALL, { version: 9999, sql: "create table auth.half (a int); select 1/0" }];
    await assert.rejects(migrate(db.url("tandem_migrator"), broken), /division by zero/);
    assert.deepEqual(await db.query("select 1 from information_schema.schemata where schema_name = 'auth'"), []);
    await db.query("create database another owner tandem_migrator");
    await migrate(db.url("tandem_migrator", "another"), ALL); // makes the role, on which they would wait for each other
    const runs = await Promise.all([1, 2, 3, 4].map(() => migrate(db.url("tandem_migrator"), ALL)));
    assert.deepEqual(runs.flat(), ALL.map((m) => m.version));
    await checkSchema(pool, ALL);
  });

  test("what an operator made before is used, without the right to make it", async () => {
    await db.query("create database apart; create role narrow login");
    await db.query("create schema auth authorization narrow", "apart");
    assert.deepEqual(await migrate(db.url("narrow", "apart"), ALL), ALL.map((m) => m.version));
  });

  test("the tables are what the library expects, to the last column", async () => {
    const owner = connect(db.url("tandem_migrator"));
    const { toBeCreated, toBeAdded, toBeAddedIndexes, schemaProblems } = await getMigrations(options(CONFIG, owner));
    await owner.end();
    assert.deepEqual({ toBeCreated, toBeAdded, toBeAddedIndexes, schemaProblems }, { toBeCreated: [], toBeAdded: [], toBeAddedIndexes: [], schemaProblems: [] });
  });

  test("the service's role reads and writes rows, and nothing more", async () => {
    await checkRole(pool);
    for (const sql of ["create table auth.more (a int)", "drop table auth.session", "alter table auth.user add column a int", "insert into auth.migrations values (7)", "truncate auth.user"]) {
      await assert.rejects(pool.query(sql), /permission denied|must be owner/, sql);
    }
    for (const role of ["postgres", "tandem_migrator"]) {
      const mighty = connect(db.url(role));
      await assert.rejects(checkRole(mighty), /use tandem_auth/, role);
      await mighty.end();
    }
  });

  test("a person's token holds their id and nothing else of them", async () => {
    const auth = makeAuth(CONFIG, pool);
    const { headers } = await auth.api.signUpEmail({ body: { name: "Ann Example", email: "Ann@Example.com", password: "correct horse" }, returnHeaders: true });
    const cookie = headers.getSetCookie()[0] ?? "";
    assert.match(cookie, /^tandem-auth\.session_token=[^;]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/);
    const { token } = await auth.api.getToken({ headers: new Headers({ cookie: cookie.split(";")[0] ?? "" }) });
    const [head, body] = token.split(".").slice(0, 2).map((p) => JSON.parse(Buffer.from(p, "base64url").toString("utf8")) as Record<string, unknown>);
    assert.deepEqual(Object.keys(head ?? {}).sort(), ["alg", "kid"]);
    assert.equal(head?.alg, "EdDSA");
    assert.deepEqual(Object.keys(body ?? {}).sort(), ["aud", "exp", "iat", "id", "iss", "sub"]);
    assert.equal(Number(body?.exp) - Number(body?.iat), 900);
    assert.deepEqual([body?.iss, body?.aud, body?.sub], [CONFIG.url, CONFIG.url, body?.id]);
    assert.match(String(body?.sub), /^[A-Za-z0-9]{32}$/);
  });

  test("an operator gives a new password, which ends every session, or removes a person whole", async () => {
    const auth = makeAuth(CONFIG, pool);
    const { headers } = await auth.api.signUpEmail({ body: { name: "", email: "lost@example.com", password: "forgotten horse" }, returnHeaders: true });
    const cookie = new Headers({ cookie: (headers.getSetCookie()[0] ?? "").split(";")[0] ?? "" });
    const password = await newPassword(auth, "Lost@example.com");
    assert.equal(await auth.api.getSession({ headers: cookie }), null);
    await assert.rejects(auth.api.signInEmail({ body: { email: "lost@example.com", password: "forgotten horse" } }));
    const { user } = await auth.api.signInEmail({ body: { email: "lost@example.com", password } });
    assert.equal(await remove(auth, "lost@example.com"), user.id);
    for (const table of ["session", "account"]) assert.deepEqual(await db.query(`select 1 from auth.${table} where "userId" = '${user.id}'`), []);
    for (const act of [newPassword, remove]) await assert.rejects(act(auth, "lost@example.com"), /nobody has this address/);
  });

  test("over https the cookie is for https alone", async () => {
    const auth = makeAuth({ ...CONFIG, url: "https://auth.example" }, pool);
    const { headers } = await auth.api.signUpEmail({ body: { name: "bob", email: "bob@example.com", password: "correct horse" }, returnHeaders: true });
    assert.match(headers.getSetCookie()[0] ?? "", /^__Secure-tandem-auth\.session_token=.*; Secure/);
  });

  test("a stored key is not readable without the secret", async () => {
    for (const row of await db.query('select "privateKey" from auth.jwks')) assert.doesNotMatch(String(row.privateKey), /"d"|OKP/);
  });

  test("rotation makes a new key and keeps the old one published until its grace is over", async () => {
    const auth = makeAuth(CONFIG, pool);
    const before = (await auth.api.getJwks()).keys.map((k) => k.kid);
    const kid = await rotate(auth, pool);
    const published = (await auth.api.getJwks()).keys.map((k) => k.kid);
    assert.deepEqual(published.sort(), [...before, kid].sort());
    await pool.query('update auth.jwks set "expiresAt" = now() - make_interval(secs => $1) where id <> $2', [KEY_GRACE_S + 1, kid]);
    assert.deepEqual((await auth.api.getJwks()).keys.map((k) => k.kid), [kid]);
    await sweep(pool, KEY_GRACE_S);
    assert.deepEqual((await db.query("select id from auth.jwks")).map((r) => r.id), [kid]);
  });

  test("sweeping removes sessions that have ended, and no others", async () => {
    const [one] = await db.query("select count(*)::int as n from auth.session");
    await db.query("update auth.session set \"expiresAt\" = now() - interval '1 second' where id = (select min(id) from auth.session)");
    await sweep(pool, KEY_GRACE_S);
    const [two] = await db.query("select count(*)::int as n from auth.session");
    assert.equal(Number(two?.n), Number(one?.n) - 1);
  });

  test("guessing is slowed down, for each address by itself and for all replicas together", async () => {
    const replicas = [makeAuth(CONFIG, pool), makeAuth(CONFIG, pool)];
    const guess = async (n: number, ip: string): Promise<number> => {
      const auth = replicas[n % 2];
      const answer = await auth?.handler(
        new Request(`${CONFIG.url}/api/auth/sign-in/email`, {
          method: "POST",
          headers: { "Content-Type": "application/json", "x-tandem-client-ip": ip },
          body: JSON.stringify({ email: "ann@example.com", password: `wrong horse ${n}` }),
        }),
      );
      return answer?.status ?? 0;
    };
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push(await guess(n, "192.0.2.1"));
    assert.deepEqual(statuses, [401, 401, 401, 429, 429]);
    assert.equal(await guess(6, "192.0.2.2"), 401);
    const counted = await db.query('select key, count from auth."rateLimit" order by key');
    assert.deepEqual(counted, [{ key: "192.0.2.1|/sign-in/email", count: 3 }, { key: "192.0.2.2|/sign-in/email", count: 1 }]);
  });
}
