import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createServer, request, type Server } from "node:http";
import { resolve } from "node:path";
import { freePort } from "../../e2e/tandem";
import type { Postgres } from "../test/postgres";

const MAIN = resolve(import.meta.dirname, "../dist/main.js");
const SECRET = "an-end-to-end-secret-that-nobody-uses-elsewhere";

/** The sign-in service as a process, on a database of its own. */
export class Service {
  #process: ChildProcess | null = null;
  #port = 0;

  constructor(
    readonly db: Postgres,
    readonly product: string,
  ) {}

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async reserve(): Promise<string> {
    this.#port ||= await freePort();
    return this.origin;
  }

  /** Runs one command to its end. */
  run(command: "migrate" | "rotate"): string {
    return execFileSync(process.execPath, [MAIN, command], { env: this.#env(), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  async start(): Promise<void> {
    await this.reserve();
    const child = spawn(process.execPath, [MAIN, "serve"], { env: this.#env(), stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    await new Promise<void>((up, failed) => {
      let said = "";
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('"serving"')) up();
      });
      child.on("exit", (code) => failed(new Error(`the sign-in service ended with ${code}:\n${said}`)));
    });
  }

  /** Asks it to stop; gives the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((done) => child.once("exit", done));
    child.kill("SIGTERM");
    return gone;
  }

  #env(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      TANDEM_AUTH_URL: this.origin,
      TANDEM_AUTH_ADDR: `127.0.0.1:${this.#port}`,
      TANDEM_AUTH_ORIGINS: this.product,
      TANDEM_AUTH_DATABASE_URL: this.db.url("tandem_auth"),
      TANDEM_AUTH_MIGRATE_URL: this.db.url("tandem_migrator"),
      BETTER_AUTH_SECRET: SECRET,
    };
  }
}

/** Stands between the program and the key set: counts who asks, and can be out of order. */
export class KeyRoad {
  asked = 0;
  /** What it answers instead of the keys. */
  broken: "" | "down" | "garbage" | "error" = "";
  #server: Server | null = null;
  #port = 0;

  constructor(private readonly service: Service) {}

  get url(): string {
    return `http://127.0.0.1:${this.#port}/api/auth/jwks`;
  }

  async start(): Promise<void> {
    this.#port = await freePort();
    this.#server = createServer((req, res) => {
      this.asked++;
      if (this.broken === "down") return void req.socket.destroy();
      if (this.broken) {
        res.statusCode = this.broken === "error" ? 503 : 200;
        return void res.end("<html>");
      }
      const onward = request(this.service.origin + (req.url ?? "/"), (answer) => {
        res.writeHead(answer.statusCode ?? 502, { "Content-Type": answer.headers["content-type"] ?? "" });
        answer.pipe(res);
      });
      onward.on("error", () => req.socket.destroy());
      onward.end();
    });
    await new Promise<void>((up) => this.#server?.listen(this.#port, "127.0.0.1", up));
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }
}

/** A person who speaks to the service without a browser. */
export class Person {
  #cookie = "";

  private constructor(private readonly service: Service) {}

  static async signUp(service: Service, email: string, password = "correct horse"): Promise<Person> {
    const made = new Person(service);
    const answer = await fetch(`${service.origin}/api/auth/sign-up/email`, { method: "POST", headers: { "Content-Type": "application/json", Origin: service.origin }, body: JSON.stringify({ name: "", email, password }) });
    if (!answer.ok) throw new Error(`sign up: ${answer.status} ${await answer.text()}`);
    made.#cookie = (answer.headers.getSetCookie()[0] ?? "").split(";")[0] ?? "";
    return made;
  }

  /** The session's own secret, which is no token. */
  get session(): string {
    return decodeURIComponent(this.#cookie.split("=")[1] ?? "");
  }

  async token(): Promise<string> {
    const answer = await fetch(`${this.service.origin}/api/auth/token`, { headers: { Cookie: this.#cookie } });
    if (!answer.ok) throw new Error(`token: ${answer.status}`);
    return ((await answer.json()) as { token: string }).token;
  }
}
