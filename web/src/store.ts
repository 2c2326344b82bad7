import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Happening } from "./journal";
import type { Key, Mutation } from "./mutation";
import type { Row } from "./protocol";
import type { Saved } from "./replica";

/** What a browser keeps of one person: the confirmed rows with their epoch and number, the unanswered changes, and its name as
 * a client. */
export interface Kept extends Saved {
  client: string;
  /** The highest number given to a change. */
  lastMid: number;
  journal: Happening[];
}

interface Schema extends DBSchema {
  rows: { key: Key; value: Row };
  pending: { key: string; value: Mutation };
  meta: { key: string; value: string | number | null };
  journal: { key: string; value: Happening };
}

const nameOf = (user: string): string => `tandem:${user}`;

/** IndexedDB behind the replica. Rows, epoch and number change in one transaction; a change is stored before it is sent. */
export class Store {
  #db: IDBPDatabase<Schema>;

  private constructor(db: IDBPDatabase<Schema>) {
    this.#db = db;
  }

  static async open(user: string): Promise<Store> {
    const db = await openDB<Schema>(nameOf(user), 2, {
      upgrade(db, from) {
        if (from < 1) for (const name of ["rows", "pending", "meta"] as const) db.createObjectStore(name);
        db.createObjectStore("journal");
      },
      blocking: (_, __, event) => (event.target as IDBDatabase).close(),
    });
    return new Store(db);
  }

  static async remove(user: string): Promise<void> {
    await deleteDB(nameOf(user));
  }

  close(): void {
    this.#db.close();
  }

  async load(freshClient: string): Promise<Kept> {
    const tx = this.#db.transaction(["rows", "pending", "meta", "journal"], "readwrite");
    const meta = tx.objectStore("meta");
    const [keys, rows, pending, client, epoch, seq, lastMid, journal] = await Promise.all([
      tx.objectStore("rows").getAllKeys(),
      tx.objectStore("rows").getAll(),
      tx.objectStore("pending").getAll(),
      meta.get("client"),
      meta.get("epoch"),
      meta.get("seq"),
      meta.get("last_mid"),
      tx.objectStore("journal").getAll(),
    ]);
    if (typeof client !== "string") await meta.put(freshClient, "client");
    await tx.done;
    return {
      client: typeof client === "string" ? client : freshClient,
      epoch: typeof epoch === "string" ? epoch : null,
      seq: Number(seq ?? 0),
      lastMid: Number(lastMid ?? 0),
      rows: keys.flatMap((key, i): [Key, Row][] => (rows[i] ? [[key, rows[i]]] : [])),
      journal,
      pending: pending.sort((a, b) => a.mid - b.mid),
    };
  }

  /** Stores changed rows; undefined removes one. `whole` replaces all that was there. With what they brought about go the changes that are
   * `answered`, so that a task is always in one or the other. */
  async write(rows: Iterable<[Key, Row | undefined]>, at: { epoch: string | null; seq: number }, whole: boolean, answered: Iterable<string>): Promise<void> {
    const tx = this.#db.transaction(["rows", "meta", "pending"], "readwrite", { durability: "relaxed" });
    const table = tx.objectStore("rows");
    if (whole) void table.clear();
    for (const [key, row] of rows) void (row ? table.put(row, key) : table.delete(key));
    void tx.objectStore("meta").put(at.epoch, "epoch");
    void tx.objectStore("meta").put(at.seq, "seq");
    for (const op of answered) void tx.objectStore("pending").delete(op);
    await tx.done;
  }

  /** Keeps what happened, and forgets what is too old. */
  async note(entries: Iterable<Happening>, gone: Iterable<string>): Promise<void> {
    const tx = this.#db.transaction("journal", "readwrite", { durability: "relaxed" });
    for (const h of entries) void tx.store.put(h, h.id);
    for (const id of gone) void tx.store.delete(id);
    await tx.done;
  }

  async enqueue(m: Mutation): Promise<void> {
    const tx = this.#db.transaction(["pending", "meta"], "readwrite", { durability: "strict" });
    void tx.objectStore("pending").put(m, m.op);
    void tx.objectStore("meta").put(m.mid, "last_mid");
    await tx.done;
  }

  /** Stores the changes under their new numbers, and forgets those that are answered. */
  async renumber(pending: readonly Mutation[], answered: Iterable<string>): Promise<void> {
    const tx = this.#db.transaction(["pending", "meta"], "readwrite", { durability: "strict" });
    for (const op of answered) void tx.objectStore("pending").delete(op);
    for (const m of pending) void tx.objectStore("pending").put(m, m.op);
    const last = pending.at(-1);
    if (last) void tx.objectStore("meta").put(last.mid, "last_mid");
    await tx.done;
  }
}
