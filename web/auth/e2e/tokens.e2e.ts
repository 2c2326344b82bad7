import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Tandem } from "../../e2e/tandem";
import { Postgres, postgresOrSkip } from "../test/postgres";
import { KeyRoad, Person, Service } from "./service";
import { chat, keyOf, knock, mcp, subject, SURFACES } from "./surface";

const found = postgresOrSkip();

describe.skipIf("skip" in found)("tokens of the sign-in service", () => {
  let db: Postgres;
  let service: Service;
  let road: KeyRoad;
  let tandem: Tandem;

  beforeAll(async () => {
    if ("skip" in found) return;
    db = await Postgres.start(found.bin);
    tandem = new Tandem();
    const product = await tandem.reserve();
    service = new Service(db, product);
    await service.reserve();
    service.run("migrate");
    await service.start();
  });

  afterAll(async () => {
    await tandem?.remove();
    await service?.stop();
    await db?.remove();
  });

  beforeEach(async () => {
    await db.query('delete from auth."rateLimit"');
    await tandem.kill();
    road?.stop();
    road = new KeyRoad(service);
    await road.start();
    tandem.settings = { TANDEM_AUTH_URL: service.origin, TANDEM_AUTH_ISSUERS: issuers(tandem.dir, service.origin, road.url) };
    await tandem.start();
    await expect.poll(() => road.asked).toBe(1);
    await expect.poll(async () => (await fetch(`${tandem.origin}/readyz`)).status).toBe(200);
  });

  test("a token opens every surface, for its own person", async () => {
    const ann = await Person.signUp(service, "ann@example.com");
    const bob = await Person.signUp(service, "bob@example.com");
    const [a, b] = [await ann.token(), await bob.token()];
    const said = await chat(tandem.origin, a, "Add a task to buy milk");
    expect(said.status).toBe(200);
    expect(((await said.json()) as { tool_calls: { tool: string }[] }).tool_calls[0]?.tool).toBe("add_task");
    for (const surface of SURFACES) expect(await knock(surface, tandem.origin, a), surface).toBe(surface === "socket" ? 101 : 200);
    const list = async (token: string): Promise<string> => (await mcp(tandem.origin, token, "tools/call", { name: "list_tasks", arguments: {} })).text();
    expect(await list(a)).toContain("milk");
    expect(await list(b)).not.toContain("milk");
    const foreign = await fetch(`${tandem.origin}/api/${subject(a)}/chat`, { method: "POST", headers: { Authorization: `Bearer ${b}`, "Content-Type": "application/json" }, body: '{"message":"list"}' });
    expect(foreign.status).toBe(403);
  });

  test("J20: what is not the token opens nothing", async () => {
    const person = await Person.signUp(service, "j20@example.com");
    const token = await person.token();
    const [head, , sign] = token.split(".");
    const forged = [head, Buffer.from(JSON.stringify({ sub: "somebody", exp: 9_999_999_999 })).toString("base64url"), sign].join(".");
    for (const bad of [person.session, person.session.split(".")[0] ?? "", `${token}x`, token.slice(0, -10), forged]) {
      for (const surface of SURFACES) expect(await knock(surface, tandem.origin, bad), `${surface} ${bad.slice(0, 12)}`).toBe(401);
    }
  });

  test("J21: a rotated key is good in its grace, the new one is fetched once, and after the grace the old one is no good", async () => {
    const person = await Person.signUp(service, "j21@example.com");
    const old = await person.token();
    service.run("rotate");
    const fresh = await person.token();
    expect(keyOf(fresh)).not.toBe(keyOf(old));
    expect(road.asked).toBe(1);
    expect(await Promise.all(Array.from({ length: 20 }, () => knock("mcp", tandem.origin, fresh)))).toEqual(Array.from({ length: 20 }, () => 200));
    expect(road.asked, "twenty at once, one fetch").toBe(2);
    for (const surface of SURFACES) for (const token of [old, fresh]) expect(await knock(surface, tandem.origin, token)).toBeLessThan(300);
    const unknown = [Buffer.from(JSON.stringify({ alg: "EdDSA", kid: "nobody-has-this" })).toString("base64url"), ...fresh.split(".").slice(1)].join(".");
    for (let i = 0; i < 50; i++) expect(await knock("mcp", tandem.origin, unknown)).toBe(401);
    expect(road.asked, "unknown keys are not asked for again and again").toBe(2);

    await db.query(`update auth.jwks set "expiresAt" = now() - interval '2 days' where id <> '${keyOf(fresh)}'`);
    await tandem.kill();
    await tandem.start();
    await expect.poll(async () => (await fetch(`${tandem.origin}/readyz`)).status).toBe(200);
    expect(await knock("mcp", tandem.origin, old)).toBe(401);
    expect(await knock("mcp", tandem.origin, fresh)).toBe(200);
  });

  test.each(["down", "garbage", "error"] as const)("J22: with the key set %s, known keys stay good and unknown ones are refused", async (how) => {
    const person = await Person.signUp(service, `j22-${how}@example.com`);
    const token = await person.token();
    road.broken = how;
    for (const surface of SURFACES) expect(await knock(surface, tandem.origin, token), surface).toBeLessThan(300);
    service.run("rotate");
    expect(await knock("mcp", tandem.origin, await person.token())).toBe(401);
    for (const surface of SURFACES) expect(await knock(surface, tandem.origin, token), surface).toBeLessThan(300);
    expect((await fetch(`${tandem.origin}/readyz`)).status, "it goes on with the keys it has").toBe(200);
  });

  test("J22: a program that never had the keys is not ready, and becomes so once they can be had", async () => {
    const token = await (await Person.signUp(service, "cold@example.com")).token();
    await tandem.kill();
    road.broken = "down";
    await tandem.start();
    expect((await fetch(`${tandem.origin}/readyz`)).status).toBe(503);
    road.broken = "";
    await expect.poll(async () => knock("chat", tandem.origin, token)).toBe(200);
    expect((await fetch(`${tandem.origin}/readyz`)).status).toBe(200);
  });

  test("the service stops without dropping anybody, and its sessions outlive it and its database's restart", async () => {
    const person = await Person.signUp(service, "stays@example.com");
    const many = Array.from({ length: 20 }, () => person.token());
    await Promise.all(many);
    expect(await service.stop()).toBe(0);
    await service.start();
    await person.token();
    await db.stop();
    await expect(person.token()).rejects.toThrow();
    expect((await fetch(`${service.origin}/readyz`)).status).toBe(503);
    expect((await fetch(`${service.origin}/livez`)).status).toBe(200);
    await db.run();
    await expect.poll(async () => (await fetch(`${service.origin}/readyz`)).status).toBe(200);
    await person.token();
  });
});

function issuers(dir: string, iss: string, keys: string): string {
  const file = join(dir, "issuers.json");
  writeFileSync(file, JSON.stringify({ issuers: [{ iss, aud: [iss], alg: "EdDSA", jwks_url: keys, shared_subjects: true }] }));
  return file;
}
