import { betterAuth, type BetterAuthOptions } from "better-auth";
import { createJwk, jwt, type JwtOptions } from "better-auth/plugins/jwt";
import { PostgresDialect } from "kysely";
import type { Pool } from "pg";
import type { Config } from "./config.js";
import { SCHEMA } from "./database.js";
import { log } from "./log.js";

/** The header in which the server hands on whose request it is. What a client sends under this name is dropped. */
export const CLIENT_IP = "x-tandem-client-ip";

const DAY = 24 * 60 * 60;

/** How long a key that signs no more is published. Verifiers keep a set for at most a day, and tokens live for minutes. */
export const KEY_GRACE_S = DAY;

const tokens = {
  disableSettingJwtHeader: true,
  jwks: { keyPairConfig: { alg: "EdDSA", crv: "Ed25519" }, rotationInterval: 90 * DAY, gracePeriod: KEY_GRACE_S },
  // Without this a token holds the whole person, and goes wherever tokens go.
  jwt: { expirationTime: "15m", definePayload: ({ user }) => ({ id: user.id }) },
} satisfies JwtOptions;

export function options(config: Pick<Config, "url" | "origins" | "secret">, pool: Pool) {
  return {
    appName: "Tandem",
    baseURL: config.url,
    basePath: "/api/auth",
    secret: config.secret,
    trustedOrigins: [...config.origins],
    // The schema is named in every statement: a search path does not survive a pooler.
    database: { dialect: new PostgresDialect({ pool }), type: "postgres", schemaName: SCHEMA, transaction: true },
    emailAndPassword: { enabled: true, minPasswordLength: 8, maxPasswordLength: 128, revokeSessionsOnPasswordReset: true },
    session: { expiresIn: 30 * DAY, updateAge: DAY },
    // In the database, so that replicas count together.
    rateLimit: { enabled: true, storage: "database", window: 10, max: 100 },
    telemetry: { enabled: false },
    advanced: {
      cookiePrefix: "tandem-auth",
      useSecureCookies: config.url.startsWith("https:"),
      defaultCookieAttributes: { httpOnly: true, sameSite: "lax" },
      // Said in full: the library's defaults depend on NODE_ENV.
      disableCSRFCheck: false,
      disableOriginCheck: false,
      ipAddress: { ipAddressHeaders: [CLIENT_IP] },
    },
    logger: { level: "info", log: say },
    plugins: [jwt(tokens)],
  } satisfies BetterAuthOptions;
}

/** Takes the library's lines. Those below a warning name people's addresses. */
function say(level: string, message: string, ...args: unknown[]): void {
  if (level === "error" || level === "warn") log(level, message, { err: args.find((a) => a instanceof Error) });
}

export type Auth = ReturnType<typeof makeAuth>;

export function makeAuth(config: Pick<Config, "url" | "origins" | "secret">, pool: Pool) {
  return betterAuth(options(config, pool));
}

/** Makes a new signing key and retires the others, which stay published for KEY_GRACE_S. Gives the new key's id. */
export async function rotate(auth: Auth, pool: Pool): Promise<string> {
  const context = await auth.$context;
  const key = await createJwk({ context } as Parameters<typeof createJwk>[0], tokens);
  await pool.query(`update ${SCHEMA}.jwks set "expiresAt" = now() where id <> $1 and ("expiresAt" is null or "expiresAt" > now())`, [key.id]);
  return key.id;
}
