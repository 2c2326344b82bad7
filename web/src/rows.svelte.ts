import { SvelteMap } from "svelte/reactivity";
import type { Key } from "./mutation";
import type { ApprovalRow, ConvRow, Kind, MsgRow, NoticeRow, Row, Rows as RowsOf, SettingsRow, TaskRow } from "./protocol";
import type { Replica } from "./replica";

/** What the page draws from: the rows of the replica as they are shown, each value replaced as a whole when it changes. */
export class Rows {
  readonly task = new SvelteMap<string, TaskRow>();
  readonly conv = new SvelteMap<string, ConvRow>();
  readonly msg = new SvelteMap<string, MsgRow>();
  readonly notice = new SvelteMap<string, NoticeRow>();
  readonly approval = new SvelteMap<string, ApprovalRow>();
  settings = $state.raw<SettingsRow | null>(null);

  /** Takes over some rows of a replica, or all of them. */
  copy(replica: Replica, keys: Iterable<Key> | "all"): void {
    if (keys === "all") {
      for (const key of this.#keys()) if (!replica.get(key)) this.#put(key, undefined);
    }
    for (const key of keys === "all" ? replica.keys() : keys) this.#put(key, replica.get(key));
  }

  *#keys(): Iterable<Key> {
    for (const kind of ["task", "conv", "msg", "notice", "approval"] as const) {
      for (const id of [...this[kind].keys()]) yield `${kind}/${id}`;
    }
    if (this.settings) yield "settings/";
  }

  #put(key: Key, row: Row | undefined): void {
    const slash = key.indexOf("/");
    const kind = key.slice(0, slash) as Kind;
    if (kind === "settings") {
      this.settings = (row as SettingsRow | undefined) ?? null;
      return;
    }
    const map = this[kind] as SvelteMap<string, RowsOf[typeof kind]>;
    if (row) map.set(key.slice(slash + 1), row as RowsOf[typeof kind]);
    else map.delete(key.slice(slash + 1));
  }
}
