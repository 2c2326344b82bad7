export type Level = "info" | "warn" | "error";

/** Writes one JSON line. Of an error only its kind, message and place are told: a driver puts rows into the rest. */
export function log(level: Level, msg: string, more: { err?: unknown } & Record<string, unknown> = {}): void {
  const { err, ...fields } = more;
  const line = { time: new Date().toISOString(), level, msg, ...fields, ...(err === undefined ? {} : { err: told(err) }) };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

function told(err: unknown): string {
  return err instanceof Error ? (err.stack ?? err.message) : typeof err === "string" ? err : typeof err;
}
