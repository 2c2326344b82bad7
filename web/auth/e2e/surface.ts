import { request } from "node:http";

/** What each surface of the program answers to a token: the status, and what it said. */
export const SURFACES = ["chat", "socket", "mcp"] as const;
export type Surface = (typeof SURFACES)[number];

export async function knock(surface: Surface, origin: string, token: string): Promise<number> {
  switch (surface) {
    case "chat":
      return (await chat(origin, token, "What is due today?")).status;
    case "mcp":
      return (await mcp(origin, token, "tools/list", {})).status;
    case "socket":
      return upgrade(origin, token);
  }
}

/** The user a token names. */
export function subject(token: string): string {
  const body = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { sub?: string };
  return body.sub ?? "nobody";
}

/** A token's key id. */
export function keyOf(token: string): string {
  const head = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString("utf8")) as { kid?: string };
  return head.kid ?? "";
}

export function chat(origin: string, token: string, message: string): Promise<Response> {
  return post(`${origin}/api/${subjectOr(token)}/chat`, token, "application/json", { message });
}

export function mcp(origin: string, token: string, method: string, params: object): Promise<Response> {
  return post(`${origin}/mcp`, token, "application/json, text/event-stream", { jsonrpc: "2.0", id: 1, method, params });
}

function post(url: string, token: string, accept: string, body: object): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Accept: accept },
    body: JSON.stringify(body),
  });
}

/** Opens a socket as a browser does; 101 means that it was let in. */
function upgrade(origin: string, token: string): Promise<number> {
  return new Promise((done, failed) => {
    const req = request(`${origin}/api/${subjectOr(token)}/ws`, {
      headers: {
        Connection: "Upgrade", Upgrade: "websocket", Origin: origin, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": `tandem.sync.v1, bearer.${token}`,
      },
    });
    req.on("upgrade", (answer, socket) => {
      socket.destroy();
      done(answer.statusCode ?? 0);
    });
    req.on("response", (answer) => {
      answer.resume();
      done(answer.statusCode ?? 0);
    });
    req.on("error", failed);
    req.end();
  });
}

function subjectOr(token: string): string {
  try {
    return subject(token);
  } catch {
    return "nobody";
  }
}
