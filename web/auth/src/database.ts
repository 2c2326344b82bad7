import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { log } from "./log.js";

export const SCHEMA = "auth";

/** The role that the service works as. Its rights are granted by the migrations; an operator gives it a password. */
export const ROLE = "tandem_auth";

/** Held while migrations run, so that two that start together run one after the other. */
const LOCK = 7_204_118_305;

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../migrations");

interface Migration {
  version: number;
  sql: string;
}

/** The migrations in order. */
export function migrations(folder = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 4)), sql: readFileSync(join(folder, name), "utf8") }));
}

/**
 * Brings the schema up to date, all or nothing, and gives the versions that were applied. Safe to run from several places at
 * once, and through a pooler: the lock belongs to the transaction. The role may create schemas in the database, or owns this
 * one; CREATEROLE is needed the first time only.
 */
export async function migrate(url: string, all = migrations()): Promise<number[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock($1)", [LOCK]);
    const applied = await apply(client, all);
    await client.query("commit");
    return applied;
  } finally {
    await client.end();
  }
}

/**
 * What only the owner of the database can give, made where it is missing; an operator may have made it before. A role of one
 * cluster may be made from another of its databases at the same time.
 */
const ROLE_AND_SCHEMA = `
  do $$ begin
    if not exists (select from pg_roles where rolname = '${ROLE}') then
      begin
        create role ${ROLE} login;
      exception when duplicate_object or unique_violation then
        null;
      end;
    end if;
    if to_regnamespace('${SCHEMA}') is null then
      create schema ${SCHEMA};
    end if;
  end $$`;

async function apply(client: pg.Client, all: readonly Migration[]): Promise<number[]> {
  await client.query(ROLE_AND_SCHEMA);
  await client.query(`create table if not exists ${SCHEMA}.migrations (version integer primary key, applied_at timestamptz not null default now())`);
  const have = await version(client);
  const due = all.filter((m) => m.version > have);
  for (const m of due) {
    await client.query(m.sql);
    await client.query(`insert into ${SCHEMA}.migrations (version) values ($1)`, [m.version]);
  }
  return due.map((m) => m.version);
}

async function version(db: pg.Client | pg.Pool): Promise<number> {
  const at = await db.query<{ version: number }>(`select coalesce(max(version), 0) as version from ${SCHEMA}.migrations`);
  return at.rows[0]?.version ?? 0;
}

export function connect(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5_000, idleTimeoutMillis: 30_000, query_timeout: 10_000 });
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on("error", (err) => log("warn", "a database connection was lost", { err }));
  return pool;
}

/** Fails while the schema is older than this program. */
export async function checkSchema(pool: pg.Pool, all = migrations()): Promise<void> {
  const want = all.at(-1)?.version ?? 0;
  const there = await pool.query<{ oid: string | null }>("select to_regclass($1) as oid", [`${SCHEMA}.migrations`]);
  const have = there.rows[0]?.oid ? await version(pool) : 0;
  if (have < want) throw new Error(`the schema ${SCHEMA} is at version ${have} of ${want}; run the migrations`);
}

/** Refuses a role that could do more than its work: read past other schemas' row policies, or change the tables. */
export async function checkRole(pool: pg.Pool): Promise<void> {
  const answer = await pool.query<{ name: string; mighty: boolean; owner: boolean }>(
    `select rolname as name, rolsuper or rolbypassrls as mighty,
            exists (select from pg_namespace n where n.nspname = $1 and pg_has_role(n.nspowner, 'USAGE')) as owner
       from pg_roles where rolname = current_user`,
    [SCHEMA],
  );
  const role = answer.rows[0];
  if (role && (role.mighty || role.owner)) {
    throw new Error(`TANDEM_AUTH_DATABASE_URL: role ${role.name} is ${role.mighty ? "a superuser or bypasses row security" : `the owner of ${SCHEMA}`}; use ${ROLE}`);
  }
}

/** Removes what has ended: sessions, one-time values, and keys that are published no more. */
export async function sweep(pool: pg.Pool, keyGraceS: number): Promise<void> {
  await pool.query(`delete from ${SCHEMA}.session where "expiresAt" < now()`);
  await pool.query(`delete from ${SCHEMA}.verification where "expiresAt" < now()`);
  await pool.query(`delete from ${SCHEMA}.jwks where "expiresAt" < now() - make_interval(secs => $1)`, [keyGraceS]);
}
