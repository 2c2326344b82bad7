import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Ready, ServerFrame } from "../src/protocol";
import { SignedOut } from "../src/session";
import { backoff, Socket, type Link } from "../src/socket";
import { FakeSocket } from "./wire";

const READY: Ready = { t: "ready", epoch: "e", seq: 0, mode: "live", last_mid: 0, hb: 10_000, now: "" };

let links: Link[];
let frames: ServerFrame[];
let asked: boolean[];
let token: () => Promise<{ token: string; user: string }>;
let socket: Socket;

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const state = (): string | undefined => links.at(-1)?.state;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.spyOn(Math, "random").mockReturnValue(1);
  FakeSocket.all = [];
  [links, frames, asked] = [[], [], []];
  token = async () => ({ token: "tok", user: "ann" });
  socket = new Socket({
    url: (user) => `ws://host/api/${user}/ws`,
    token: (fresh) => (asked.push(fresh), token()),
    hello: () => ({ t: "hello", client: "c", ver: 1, caps: [] }),
    seq: () => 7,
    frame: (f) => void frames.push(f),
    link: (l) => void links.push(l),
  });
  socket.start();
  await settle();
});

afterEach(() => {
  socket.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("the token travels in the subprotocol list, never in the address", () => {
  expect(FakeSocket.last.url).toBe("ws://host/api/ann/ws");
  expect(FakeSocket.last.protocols).toEqual(["tandem.sync.v1", "bearer.tok"]);
});

test("hello first; live at ready", () => {
  const ws = FakeSocket.last.open();
  expect(ws.said.map((f) => f.t)).toEqual(["hello"]);
  expect(state()).toBe("connecting");
  ws.tell(READY);
  expect(state()).toBe("live");
  expect(frames).toEqual([READY]);
});

test("a server that speaks another protocol is left", () => {
  const ws = FakeSocket.last;
  ws.readyState = 1;
  ws.onopen?.();
  expect([ws.said.length, state()]).toEqual([0, "waiting"]);
});

test("waiting grows to thirty seconds, and starts anew after ten healthy ones", async () => {
  expect([0, 1, 2, 9].map((n) => backoff(n, 1))).toEqual([500, 1000, 2000, 30_000]);
  const waits: number[] = [];
  for (let i = 0; i < 3; i++) {
    FakeSocket.last.end();
    const link = links.at(-1);
    const wait = link?.state === "waiting" ? link.until - Date.now() : -1;
    waits.push(wait);
    await vi.advanceTimersByTimeAsync(wait);
  }
  expect(waits).toEqual([500, 1000, 2000]);
  FakeSocket.last.open().tell(READY);
  await vi.advanceTimersByTimeAsync(10_000);
  FakeSocket.last.end();
  expect(links.at(-1)).toMatchObject({ state: "waiting", until: Date.now() + 500 });
});

test("the first refused upgrade asks for a new token, the second does not", async () => {
  FakeSocket.last.end();
  await vi.advanceTimersByTimeAsync(500);
  FakeSocket.last.end();
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual([false, true, false]);
});

test("a token that ran out is replaced", async () => {
  FakeSocket.last.open().tell(READY);
  FakeSocket.last.end(4401);
  await vi.advanceTimersByTimeAsync(500);
  expect(asked).toEqual([false, true]);
});

test("a token is renewed in band before it ends", async () => {
  FakeSocket.last.open().tell(READY);
  FakeSocket.last.tell({ t: "auth", in: 60 });
  await settle();
  expect(FakeSocket.last.heard("auth")).toEqual([{ t: "auth", token: "tok" }]);
});

test.each([
  [4400, "stopped"], [4403, "signed_out"], [4426, "stopped"], [4429, "stopped"],
])("close code %i is the end: %s", async (code, want) => {
  FakeSocket.last.open().tell(READY);
  FakeSocket.last.end(code);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([state(), FakeSocket.all.length]).toEqual([want, 1]);
  socket.start();
  await settle();
  expect(FakeSocket.all.length, "until a person asks again").toBe(2);
});

test("what the server says about when to come back is kept", async () => {
  FakeSocket.last.open().tell(READY);
  FakeSocket.last.tell({ t: "bye", code: "drain", retry_ms: 1234 });
  FakeSocket.last.end(1012);
  expect(links.at(-1)).toMatchObject({ state: "waiting", until: Date.now() + 1234 });
});

test("silence is asked about, and only then taken for the end", async () => {
  const ws = FakeSocket.last.open();
  ws.tell(READY);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(ws.heard("sync")).toEqual([{ t: "sync", seq: 7 }]);
  expect(state()).toBe("live");
  ws.tell({ t: "hb", seq: 7 });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(state(), "an answer in time").toBe("live");
  await vi.advanceTimersByTimeAsync(25_000);
  expect(links.map((l) => l.state)).toContain("waiting");
});

test("waking up connects at once", async () => {
  FakeSocket.last.end();
  expect(FakeSocket.all.length).toBe(1);
  socket.wake();
  await settle();
  expect(FakeSocket.all.length).toBe(2);
});

test("a broken frame ends the connection, not the page", async () => {
  vi.spyOn(console, "warn").mockReturnValue();
  const ws = FakeSocket.last.open();
  ws.onmessage?.({ data: `{"t":"ready"}` });
  expect(state()).toBe("waiting");
  await vi.advanceTimersByTimeAsync(500);
  expect(FakeSocket.all.length).toBe(2);
});

test("nobody signed in is said, and not tried again; no network is", async () => {
  FakeSocket.last.end(4401);
  token = () => Promise.reject(new TypeError("no network"));
  await vi.advanceTimersByTimeAsync(500);
  expect(state()).toBe("waiting");
  token = () => Promise.reject(new SignedOut());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state()).toBe("signed_out");
});

test("a connection that never opens is given up", async () => {
  await vi.advanceTimersByTimeAsync(15_000);
  expect(state()).toBe("waiting");
});
