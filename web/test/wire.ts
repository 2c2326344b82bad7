import type { ClientFrame, ServerFrame } from "../src/protocol";

/** A WebSocket whose other end is the test. */
export class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    const last = FakeSocket.all.at(-1);
    if (!last) throw new Error("nobody connected");
    return last;
  }

  readyState = 0;
  protocol = "";
  said: ClientFrame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: string }) => void) | null = null;
  onclose: ((e: { code: number }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    FakeSocket.all.push(this);
  }

  send(data: string): void {
    this.said.push(JSON.parse(data) as ClientFrame);
  }

  close(): void {
    this.readyState = 3;
  }

  /** The server accepts. */
  open(): this {
    this.readyState = 1;
    this.protocol = "tandem.sync.v1";
    this.onopen?.();
    return this;
  }

  tell(f: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(f) });
  }

  /** The connection ends from the other side. */
  end(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  heard<T extends ClientFrame["t"]>(t: T): (ClientFrame & { t: T })[] {
    return this.said.filter((f): f is ClientFrame & { t: T } => f.t === t);
  }
}
