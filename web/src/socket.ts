import { BadFrame, decode, SUBPROTOCOL, type ClientFrame, type Hello, type ServerFrame } from "./protocol";
import { SignedOut } from "./session";

/** How the connection stands; `since` is when it was lost. `stopped` and `signed_out` last until a person acts. */
export type Link =
  | { state: "connecting"; since: number | null }
  | { state: "live" }
  | { state: "waiting"; until: number; since: number }
  | { state: "signed_out" }
  | { state: "stopped"; why: string; reload: boolean };

export interface SocketOptions {
  /** ws:// or wss:// address of a user's socket. */
  url(user: string): string;
  /** A token for the session; throws SignedOut. `fresh` asks for a new one. */
  token(fresh: boolean): Promise<{ token: string; user: string }>;
  hello(): Hello;
  /** The number the rows stand at, with which the server is asked for what is missing. */
  seq(): number;
  /** May throw: the connection is then closed and made anew. */
  frame(f: ServerFrame): void;
  link(l: Link): void;
}

const HEALTHY_MS = 10_000;
const SILENCE_MS = 5_000;
const CONNECT_MS = 15_000;

/** What a close code means for the person, where connecting again would not help. */
const TERMINAL: Record<number, Link> = {
  4400: { state: "stopped", why: "This page and the server do not understand each other.", reload: true },
  4403: { state: "signed_out" },
  4426: { state: "stopped", why: "There is a new version of Tandem.", reload: true },
  4429: { state: "stopped", why: "Tandem is open on too many devices.", reload: false },
};

/** Full jitter: a crowd that was cut off together must not come back together. */
export function backoff(attempt: number, random: number): number {
  return random * Math.min(30_000, 500 * 2 ** attempt);
}

/**
 * One connection that stays. `frame` is called in the order of arrival, and only between the opening of a connection and its end;
 * `link` tells each change of state once. Start nothing twice: `start` and `stop` are idempotent.
 */
export class Socket {
  #o: SocketOptions;
  #ws: WebSocket | null = null;
  #active = false;
  /** Counts connection attempts, so that one overtaken by another notices. */
  #run = 0;
  #attempt = 0;
  #fresh = false;
  #bye: number | null = null;
  #heartbeat = 30_000;
  #lastFrame = 0;
  #lostAt: number | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #probe: ReturnType<typeof setTimeout> | undefined;
  #healthy: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SocketOptions) {
    this.#o = options;
  }

  start(): void {
    if (this.#active) return;
    this.#active = true;
    void this.#connect();
  }

  stop(): void {
    this.#active = false;
    this.#run++;
    this.#drop();
    clearTimeout(this.#retry);
  }

  /** Connects at once if it is waiting to. */
  retry(): void {
    if (!this.#active || this.#ws) return;
    this.#attempt = 0;
    void this.#connect();
  }

  send(f: ClientFrame): boolean {
    if (this.#ws?.readyState !== WebSocket.OPEN) return false;
    this.#ws.send(JSON.stringify(f));
    return true;
  }

  /** The page woke up or the network came back: is the connection still there? A late timer alone proves nothing, so the
   * server is asked. */
  wake(): void {
    if (!this.#ws) return this.retry();
    if (!this.send({ t: "sync", seq: this.#o.seq() })) return;
    clearTimeout(this.#probe);
    this.#probe = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  async #connect(): Promise<void> {
    const run = ++this.#run;
    clearTimeout(this.#retry);
    this.#o.link({ state: "connecting", since: this.#lostAt });
    try {
      const { token, user } = await this.#o.token(this.#fresh);
      this.#fresh = false;
      if (run === this.#run) this.#open(this.#o.url(user), token);
    } catch (cause) {
      if (run !== this.#run) return;
      if (cause instanceof SignedOut) this.#end({ state: "signed_out" });
      else this.#wait();
    }
  }

  #open(url: string, token: string): void {
    const ws = new WebSocket(url, [SUBPROTOCOL, `bearer.${token}`]);
    this.#ws = ws;
    let opened = false;
    this.#probe = setTimeout(() => this.#lost(), CONNECT_MS);
    ws.onopen = () => {
      if (ws.protocol !== SUBPROTOCOL) return this.#lost();
      opened = true;
      this.send(this.#o.hello());
    };
    ws.onmessage = (e) => this.#message(e.data);
    ws.onclose = (e) => {
      if (this.#ws === ws) this.#closed(e.code, opened);
    };
  }

  #message(data: unknown): void {
    clearTimeout(this.#probe);
    this.#lastFrame = Date.now();
    try {
      const f = decode(String(data));
      if (f) this.#take(f);
    } catch (cause) {
      console.warn("tandem: connection dropped", cause instanceof BadFrame ? cause.message : cause);
      this.#lost();
    }
  }

  #take(f: ServerFrame): void {
    if (f.t === "ready") this.#becomeLive(f.hb);
    if (f.t === "bye") this.#bye = f.retry_ms ?? null;
    if (f.t === "auth" && f.in !== undefined) void this.#renew();
    this.#o.frame(f);
  }

  #becomeLive(heartbeat: number): void {
    this.#heartbeat = heartbeat > 0 ? heartbeat : this.#heartbeat;
    this.#lostAt = null;
    this.#healthy = setTimeout(() => (this.#attempt = 0), HEALTHY_MS);
    this.#listen();
    this.#o.link({ state: "live" });
  }

  /** Twice the heartbeat without a frame: ask, then give up. */
  #listen(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      if (Date.now() - this.#lastFrame >= 2 * this.#heartbeat) this.wake();
      this.#listen();
    }, this.#heartbeat);
  }

  async #renew(): Promise<void> {
    const run = this.#run;
    try {
      const { token } = await this.#o.token(true);
      if (run === this.#run) this.send({ t: "auth", token });
    } catch {
      // The server closes with 4401 when the old token ends; connecting again then says whether anybody is signed in.
    }
  }

  #closed(code: number, opened: boolean): void {
    this.#drop();
    const end = TERMINAL[code];
    if (end) return this.#end(end);
    // A browser hides why an upgrade was refused. A token may be the reason, so the first failure tries a new one.
    this.#fresh = code === 4401 || (!opened && this.#attempt === 0);
    this.#wait();
  }

  #lost(): void {
    if (!this.#ws) return;
    this.#drop();
    this.#wait();
  }

  #drop(): void {
    for (const t of [this.#watch, this.#probe, this.#healthy]) clearTimeout(t);
    const ws = this.#ws;
    this.#ws = null;
    if (!ws) return;
    ws.onopen = ws.onmessage = ws.onclose = null;
    ws.close();
  }

  #wait(): void {
    const ms = this.#bye ?? backoff(this.#attempt++, Math.random());
    this.#bye = null;
    this.#lostAt ??= Date.now();
    this.#o.link({ state: "waiting", until: Date.now() + ms, since: this.#lostAt });
    this.#retry = setTimeout(() => void this.#connect(), ms);
  }

  #end(link: Link): void {
    this.#active = false;
    this.#drop();
    this.#o.link(link);
  }
}
