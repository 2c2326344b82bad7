import { once } from "node:events";
import type { Server } from "node:http";
import type { Pool } from "pg";
import { KEY_GRACE_S, makeAuth, rotate, type Auth } from "./auth.js";
import { BadSetting, loadConfig, migrateUrl } from "./config.js";
import { checkRole, checkSchema, connect, migrate, sweep } from "./database.js";
import { log } from "./log.js";
import { newPassword, remove } from "./people.js";
import { makeServer } from "./server.js";

const SWEEP_MS = 60 * 60 * 1000;
/** Requests under way get this long when the service stops. */
const DRAIN_MS = 10_000;

const COMMANDS: Record<string, (email: string) => Promise<void>> = {
  serve,
  migrate: applyMigrations,
  rotate: () => alone(async (auth, pool) => log("info", "signing key rotated", { kid: await rotate(auth, pool) })),
  password: (email) => alone(async (auth) => void process.stdout.write(`${await newPassword(auth, email)}\n`)),
  remove: (email) => alone(async (auth) => void process.stdout.write(`${await remove(auth, email)}\n`)),
};

async function serve(): Promise<void> {
  const config = loadConfig(process.env);
  const pool = connect(config.databaseUrl);
  await checkRole(pool);
  await checkSchema(pool);
  const auth = makeAuth(config, pool);
  let stopping = false;
  const server = makeServer({
    ...config,
    handle: (request) => auth.handler(request),
    whose: async (headers) => (await auth.api.getSession({ headers, query: { disableRefresh: true } }))?.user.email ?? null,
    ready: async () => {
      if (stopping) throw new Error("the service is stopping");
      await checkSchema(pool);
    },
  });
  server.listen(config.port, config.host);
  await once(server, "listening");
  const at = server.address();
  log("info", "serving", { url: config.url, port: typeof at === "object" && at ? at.port : config.port });
  const sweeper = setInterval(() => void sweep(pool, KEY_GRACE_S).catch((err: unknown) => log("warn", "sweep failed", { err })), SWEEP_MS);
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  stopping = true;
  clearInterval(sweeper);
  await drain(server);
  await pool.end();
  log("info", "stopped");
}

async function drain(server: Server): Promise<void> {
  const closed = new Promise((done) => server.close(done));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(late);
}

async function applyMigrations(): Promise<void> {
  const applied = await migrate(migrateUrl(process.env));
  log("info", applied.length > 0 ? "schema brought up to date" : "schema is up to date", { applied });
}

/** Does one thing and ends. */
async function alone(work: (auth: Auth, pool: Pool) => Promise<void>): Promise<void> {
  const config = loadConfig(process.env);
  const pool = connect(config.databaseUrl);
  try {
    await work(makeAuth(config, pool), pool);
  } finally {
    await pool.end();
  }
}

const name = process.argv[2] ?? "serve";
const command = COMMANDS[name];
try {
  if (!command) throw new BadSetting(`unknown command ${name}; there are ${Object.keys(COMMANDS).join(", ")}`);
  await command(process.argv[3] ?? "");
} catch (err) {
  log("error", `${name} ended`, { err: err instanceof BadSetting ? err.message : err });
  process.exit(1);
}
