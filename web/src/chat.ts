import type { ApprovalRow, MsgRow, Phase, ToolCall, ToolEvent, TurnEnd, TurnFrame } from "./protocol";

/** A turn of the assistant as this page has seen it. */
export interface Turn {
  readonly id: string;
  conv: number | null;
  /** The number of the last event; -1 before the first. */
  n: number;
  /** What the person wrote; empty for a turn that another device began. */
  asked: string;
  text: string;
  tools: ToolEvent[];
  approval: ApprovalRow | null;
  status: string;
  engine: string;
  end: TurnEnd | null;
  /** Set when the server refused the turn. */
  refusal: string | null;
  /** An event is missing: the text stands still until a whole state comes. */
  torn: boolean;
}

export function newTurn(id: string, conv: number | null, asked = ""): Turn {
  return { id, conv, n: -1, asked, text: "", tools: [], approval: null, status: "sent", engine: "", end: null, refusal: null, torn: false };
}

/**
 * Gives the turn after an event; the same object where the event changes nothing. Events count up by one; a state replaces all
 * that was known. An event that was seen is dropped, and one too far ahead tears the turn until the next state.
 */
export function advance(turn: Turn, f: TurnFrame): Turn {
  if (f.ev === "state") return restated(turn, f);
  if (f.n <= turn.n || turn.end) return turn;
  const joined = turn.n === -1 ? f.ev === "start" : f.n === turn.n + 1;
  if (!joined || turn.torn) return f.ev === "done" ? ended(turn, f.n, f.conv, f.end) : { ...turn, torn: true };
  const next = { ...turn, n: f.n, conv: f.conv };
  switch (f.ev) {
    case "start":
      return { ...next, status: "running", engine: f.engine ?? next.engine };
    case "text":
      return { ...next, status: "running", text: next.text + (f.d ?? "") };
    case "tool":
      return { ...next, status: "running", tools: withTool(next.tools, f.tool) };
    case "approval":
      return { ...next, status: "waiting", approval: f.approval };
    case "done":
      return ended(next, f.n, f.conv, f.end);
  }
}

function restated(turn: Turn, f: TurnFrame & { ev: "state" }): Turn {
  if (f.n < turn.n) return turn;
  return {
    ...turn, n: f.n, conv: f.conv, text: f.text, tools: f.tools ?? [], status: f.status ?? "running", engine: f.engine ?? turn.engine,
    approval: f.approval ?? null, torn: false,
  };
}

function ended(turn: Turn, n: number, conv: number, end: TurnEnd): Turn {
  return { ...turn, n, conv, end, status: end.status, engine: end.engine ?? turn.engine, torn: false };
}

function withTool(tools: ToolEvent[], tool: ToolEvent): ToolEvent[] {
  const i = tools.findIndex((t) => t.id === tool.id);
  if (i === -1) return [...tools, tool];
  return tools.map((t, at) => (at === i ? { ...t, ...tool } : t));
}

/** A call counts as done only once the list shows its change. */
export function phaseAt(tool: ToolEvent, seq: number): Phase {
  return tool.phase === "ok" && tool.seq !== undefined && tool.seq > seq ? "running" : tool.phase;
}

/** What the log shows: a stored message, or a turn that has no stored answer yet. */
export type Entry = { kind: "msg"; id: string; msg: MsgRow } | { kind: "asked"; id: string; text: string } | { kind: "turn"; id: string; turn: Turn };

/** The log of one conversation: stored messages in their order, then what is still only live. A turn leaves once its answer is
 * among the messages; its question is shown from the turn until it is. */
export function entries(conv: number | null, messages: MsgRow[], turns: Iterable<Turn>): Entry[] {
  const stored = messages.filter((m) => m.conversation_id === conv).sort(inOrder);
  const said = new Set(stored.map((m) => `${m.role} ${m.turn_id}`));
  const log: Entry[] = stored.map((msg) => ({ kind: "msg", id: msg.id, msg }));
  for (const turn of turns) {
    if (turn.conv !== conv || said.has(`assistant ${turn.id}`)) continue;
    if (turn.asked && !said.has(`user ${turn.id}`)) log.push({ kind: "asked", id: `asked ${turn.id}`, text: turn.asked });
    log.push({ kind: "turn", id: `turn ${turn.id}`, turn });
  }
  return log;
}

function inOrder(a: MsgRow, b: MsgRow): number {
  return a.created_at === b.created_at ? (a.id < b.id ? -1 : 1) : a.created_at < b.created_at ? -1 : 1;
}

/** A stored call in the shape of a live one, so that one card draws both. */
export function asEvent(call: ToolCall): ToolEvent {
  const { id, tool, status, result } = call;
  return {
    id, name: tool, phase: isPhase(status) ? status : "ok", result,
    ...(call.arguments ? { args: call.arguments } : {}),
    ...(call.op_id ? { op_id: call.op_id } : {}),
    ...(call.seq ? { seq: call.seq } : {}),
  };
}

const PHASES: readonly string[] = ["forming", "queued", "waiting", "running", "ok", "error", "undone"] satisfies Phase[];
const isPhase = (s: string): s is Phase => PHASES.includes(s);
