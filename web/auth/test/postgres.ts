import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import pg from "pg";

const OWNER = "postgres";

/** Folder of PostgreSQL's programs; null where it is not installed. */
export function postgresBin(): string | null {
  const packaged = "/usr/lib/postgresql";
  const versions = existsSync(packaged) ? readdirSync(packaged).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((v) => join(packaged, v, "bin")), ...(process.env.PATH ?? "").split(delimiter)];
  return folders.find((f) => existsSync(join(f, "initdb"))) ?? null;
}

/** A database cluster of its own, with a database whose owner is no superuser. It never runs as root. */
export class Postgres {
  #dir = mkdtempSync(join(tmpdir(), "tandem-auth-pg-"));
  #process: ChildProcess | null = null;
  #port = 0;
  readonly #bin: string;

  private constructor(bin: string) {
    this.#bin = bin;
  }

  static async start(bin: string): Promise<Postgres> {
    const made = new Postgres(bin);
    const as = made.#as();
    if (as.uid !== undefined && as.gid !== undefined) chownSync(made.#dir, as.uid, as.gid);
    execFileSync(join(bin, "initdb"), ["-D", join(made.#dir, "data"), "-U", OWNER, "--auth=trust", "--no-sync", "--encoding=UTF8"], { ...as, stdio: "pipe" });
    made.#port = await freePort();
    await made.run();
    await made.query("create role tandem_migrator login createrole; create database tandem owner tandem_migrator", "postgres");
    return made;
  }

  /** Starts the server, or starts it again. */
  async run(): Promise<void> {
    const settings = [`port=${this.#port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=50"];
    const args = ["-D", join(this.#dir, "data"), ...settings.flatMap((s) => ["-c", s])];
    this.#process = spawn(join(this.#bin, "postgres"), args, { ...this.#as(), stdio: ["ignore", "ignore", "pipe"] });
    const stderr = this.#process.stderr;
    await new Promise<void>((up, failed) => {
      let said = "";
      stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("ready to accept connections")) up();
      });
      this.#process?.once("exit", (code) => failed(new Error(`postgres ended with ${code}:\n${said}`)));
    });
  }

  url(role: string, database = "tandem"): string {
    return `postgres://${role}@127.0.0.1:${this.#port}/${database}`;
  }

  async query(sql: string, database = "tandem"): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url(OWNER, database) });
    await client.connect();
    try {
      let rows: Record<string, unknown>[] = [];
      for (const one of sql.split(";")) rows = (await client.query(one)).rows;
      return rows;
    } finally {
      await client.end();
    }
  }

  /** Stops at once; what was committed stays. */
  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (!running || running.exitCode !== null) return;
    const gone = new Promise((done) => running.once("exit", done));
    running.kill("SIGINT");
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #as(): { uid?: number; gid?: number } {
    if (process.getuid?.() !== 0) return {};
    const id = (flag: string): number => Number(execFileSync("id", [flag, OWNER], { encoding: "utf8" }));
    return { uid: id("-u"), gid: id("-g") };
  }
}

export function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.on("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const at = probe.address();
      const port = typeof at === "object" && at ? at.port : 0;
      probe.close(() => found(port));
    });
  });
}

/** Says loudly why tests that need PostgreSQL do not run, or fails where they must: where TANDEM_REQUIRE names it or says "all", and where
 * CI is set. TANDEM_STACK=off leaves these tests to another run. */
export function postgresOrSkip(): { bin: string } | { skip: string } {
  if (process.env.TANDEM_STACK === "off") return { skip: "left to make test-stack: needs postgres" };
  const bin = postgresBin();
  if (bin) return { bin };
  const required = (process.env.TANDEM_REQUIRE ?? "").split(",");
  if (process.env.CI || required.includes("all") || required.includes("postgres")) throw new Error("postgres is required and missing");
  const skip = "NOT RUN: postgres is missing, so nothing of the sign-in service was tried against it";
  console.warn(skip);
  return { skip };
}
