import { createContext } from "svelte";
import { SvelteMap, SvelteSet } from "svelte/reactivity";
import { dayLabel, isZone, today, wall } from "./day";
import { Device } from "./device.svelte";
import { Journal, type Happening } from "./journal";
import type { Input } from "./lead";
import type { Intent, Mutation } from "./mutation";
import type { Ack, Actor, Args, Delta, Nack, Presence, TaskRow, Tool } from "./protocol";
import type { Scene } from "./query";
import { unsubscribe } from "./push";
import { Replica } from "./replica";
import { Route } from "./route.svelte";
import { Rows } from "./rows.svelte";
import { Selection } from "./selection.svelte";
import { lastUser, rememberUser, signOut as endSession, type Grant } from "./session";
import type { Link } from "./socket";
import { Store } from "./store";
import { Tabs } from "./tabs";
import { Talk } from "./talk.svelte";
import { Toasts } from "./toasts.svelte";
import { Typing } from "./typing.svelte";
import { uuid } from "./uuid";
import { counts, dueDay } from "./views";
import { alertOutside, employ, lookForNewer } from "./worker";

export const [getApp, setApp] = createContext<App>();

/** A completed task stays in its place this long. */
const LINGER_MS = 1_400;
const FLASH_MS = 2_000;
/** Operations of this page that `z` can take back. */
const MAX_UNDO = 50;
/** Tasks of one call. */
const MAX_BULK = 100;

/** What becomes of a change: `op` names it for an undo, `answer` gives the tool's result or throws the refusal. */
export interface Made {
  op: string;
  answer: Promise<Args>;
}

/** Something that is asked before it is done; `answer` takes the yes or no. */
export interface Question {
  text: string;
  verb: string;
  answer: (yes: boolean) => void;
}

/** A change was refused; the message is for the person. */
export class Refused extends Error {
  override name = "Refused";
  constructor(readonly nack: Nack) {
    super(nack.msg || "The change was refused.");
  }
}

/**
 * The state of the page. Everything it shows follows from the inputs of the leading tab; everything a person does becomes a
 * change or a frame. Components read it and call its verbs.
 */
export class App {
  readonly user: string;
  readonly rows = new Rows();
  readonly route = new Route();
  readonly toasts = new Toasts();
  readonly selection = new Selection();
  readonly device = new Device();
  readonly talk: Talk;
  readonly typing: Typing;

  link = $state.raw<Link>({ state: "connecting", since: null });
  presence = $state.raw<Presence | null>(null);
  /** Whether changes survive a reload. */
  stored = $state(true);
  /** Whether there are rows at all, from here or from before. */
  loaded = $state(false);
  now = $state(Date.now());
  /** The number the rows stand at. */
  seq = $state(0);
  /** Rows with a change that the server has not confirmed. */
  waiting = $state.raw<ReadonlySet<string>>(new Set());
  queued = $state(0);
  /** Tasks that somebody else changed a moment ago, and who. */
  readonly touched = new SvelteMap<string, Actor>();
  /** Tasks whose last change was refused. */
  readonly failed = new SvelteSet<string>();
  readonly lingering = new SvelteSet<string>();
  /** The task that is open for editing. */
  open = $state<string | null>(null);
  /** What happened, the newest first. */
  journal = $state.raw<Happening[]>([]);
  /** With which this browser can subscribe to web push; null where the server sends none. */
  pushKey = $state.raw<string | null>(null);
  /** The name of this browser as a client. */
  client = $state("");
  /** A newer build of the page is here. */
  newer = $state(false);
  question = $state.raw<Question | null>(null);
  /** The tasks of the open list, in its order, drawn or not. */
  listed: readonly string[] = [];

  readonly zone = $derived.by(() => zoneOf(this.rows.settings?.time_zone));
  readonly locale = $derived.by(() => localeOf(this.rows.settings?.locale));
  readonly scene: Scene = $derived({ now: this.now, zone: this.zone, weekStart: this.rows.settings?.week_start ?? "monday" });
  readonly live = $derived(this.link.state === "live");
  /** How many open tasks each place holds. */
  readonly counts = $derived(counts(this.rows.task.values(), this.scene));

  #replica = new Replica("");
  #tabs: Tabs;
  #answers = new Map<string, { m: Intent; resolve: (result: Args) => void; reject: (why: Refused) => void }>();
  #undoable: string[] = [];
  /** Undos of this page, which can be undone. */
  #undone: string[] = [];
  #journal = new Journal();
  #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(user: string, first: Grant | null) {
    this.user = user;
    this.#tabs = new Tabs(user, first, (input) => this.#take(input));
    this.talk = new Talk({ rows: this.rows, toasts: this.toasts, live: () => this.live, zone: () => this.zone, send: (f) => this.#tabs.send(f) });
    this.typing = new Typing({ live: () => this.live, scene: () => this.scene, send: (f) => this.#tabs.send(f) });
  }

  /** Starts to live; gives the way to stop. */
  start(): () => void {
    this.#tabs.start();
    const wake = (): void => {
      this.now = Date.now();
      if (document.visibilityState === "visible") this.#tabs.wake();
    };
    const tick = setInterval(() => (this.now = Date.now()), 15_000);
    const unlisten = this.route.listen();
    const dismissWorker = employ(this);
    document.addEventListener("visibilitychange", wake);
    for (const event of ["online", "pageshow"]) addEventListener(event, wake);
    return () => {
      clearInterval(tick);
      unlisten();
      dismissWorker();
      document.removeEventListener("visibilitychange", wake);
      for (const event of ["online", "pageshow"]) removeEventListener(event, wake);
      for (const t of this.#timers) clearTimeout(t);
      this.#tabs.stop();
    };
  }

  retry(): void {
    this.#tabs.retry();
  }

  /** Somebody signed in while this page was open. */
  signedIn(grant: Grant): void {
    rememberUser(grant.user);
    if (grant.user === this.user) this.#tabs.retry();
    else location.reload();
  }

  /** Ends the session of this browser and removes what it kept. */
  async signOut(): Promise<void> {
    this.#tabs.stop();
    await unsubscribe().catch((cause: unknown) => console.warn("tandem: still subscribed", cause));
    await endSession().catch((cause: unknown) => console.warn("tandem: sign out", cause));
    rememberUser(null);
    await Store.remove(this.user).catch((cause: unknown) => console.warn("tandem: database stays", cause));
    location.assign("/");
  }

  // Changes

  add(args: Args): Made {
    const uid = uuid();
    return this.#call("add_task", { uid, ...args });
  }

  addAll(items: Args[]): Made {
    return this.#call("add_task", { items: items.map((item) => ({ uid: uuid(), ...item })) });
  }

  change(t: TaskRow, args: Args): Made {
    return this.#call("update_task", { task_id: t.uid, ...args }, t.uid);
  }

  /** Ticks or unticks a task, and offers to take that back. */
  toggle(t: TaskRow): void {
    const made = this.#call("complete_task", { task_id: t.uid, ...(t.completed ? { undo: true } : {}) }, t.uid);
    if (t.completed) return;
    this.#linger(t.uid);
    const next = t.next_due && dayLabel(wall(Date.parse(t.next_due), this.zone).date, today(this.now, this.zone), this.locale);
    this.offerUndo(next ? `Completed, next ${next}:` : "Completed", t.title, made.op);
  }

  /** Completes a task that may not be here yet. */
  finish(uid: string): void {
    const t = this.task(uid);
    if (t?.completed) return;
    if (t) this.toggle(t);
    else this.#call("complete_task", { task_id: uid }, uid);
  }

  snooze(uid: string): void {
    this.#call("update_task", { task_id: uid, snooze: "1h" }, uid);
  }

  skip(t: TaskRow): void {
    const made = this.#call("complete_task", { task_id: t.uid, skip_occurrence: true }, t.uid);
    this.offerUndo("Skipped", t.title, made.op);
  }

  remove(t: TaskRow, scope: "this" | "series" = "this"): void {
    if (this.open === t.uid) this.open = null;
    const made = this.#call("delete_task", { task_id: t.uid, ...(scope === "series" ? { scope } : {}) }, t.uid);
    this.offerUndo(scope === "series" ? "Deleted every" : "Deleted", t.title, made.op);
  }

  /** One verb for several tasks, a call for each hundred. */
  bulk(tool: Tool, tasks: readonly TaskRow[], args: Args): Made[] {
    const calls = Array.from({ length: Math.ceil(tasks.length / MAX_BULK) }, (_, i) => tasks.slice(i * MAX_BULK, (i + 1) * MAX_BULK));
    return calls.map((some) => this.#call(tool, { ids: some.map((t) => t.uid), ...args }));
  }

  reopen(t: TaskRow): Made {
    return this.#call("complete_task", { task_id: t.uid, undo: true }, t.uid);
  }

  restore(uid: string): Made {
    return this.#call("update_task", { task_id: uid, restore: true }, uid);
  }

  /** Asks the server for tasks that are not here: deleted ones, the next occurrences, the list of another time. */
  async read(args: Args): Promise<Args> {
    if (!this.live) throw new Refused({ t: "nack", code: "lost", msg: "This needs a connection." });
    return this.#call("list_tasks", args, null, false).answer;
  }

  /** Asks the person; one question at a time. */
  ask(text: string, verb: string): Promise<boolean> {
    this.question?.answer(false);
    return new Promise((decided) => {
      const answer = (yes: boolean): void => {
        this.question = null;
        decided(yes);
      };
      this.question = { text, verb, answer };
    });
  }

  /** Takes back an operation, or a whole turn of the assistant: a new operation, never a rollback. */
  undo(id: string): Made {
    this.#undoable = this.#undoable.filter((op) => op !== id);
    const made = this.#call("update_task", { undo: id }, null, false);
    this.#undone = [...this.#undone.slice(1 - MAX_UNDO), made.op];
    return made;
  }

  /** Undoes the last undo. */
  redoLast(): void {
    const op = this.#undone.at(-1);
    this.#undone = this.#undone.slice(0, -1);
    if (!op) return void this.toasts.add("Nothing to redo.");
    const made = this.#call("update_task", { undo: op }, null, false);
    this.#undoable = [...this.#undoable, made.op];
  }

  undoLast(): void {
    const op = this.#undoable.at(-1);
    if (op) this.undo(op);
    else this.toasts.add("Nothing to undo.");
  }

  offerUndo(text: string, title: string, ...ops: string[]): void {
    const id = this.toasts.add(text, {
      title,
      action: {
        label: "Undo",
        run: () => {
          this.toasts.remove(id);
          for (const op of ops.reverse()) this.undo(op);
        },
      },
    });
  }

  set(patch: Args): Made {
    return this.#submit({ t: "set", op: uuid(), at: new Date().toISOString(), patch }, null);
  }

  dismiss(notice: string): void {
    this.set({ notices: { [notice]: null } });
  }

  task(uid: string | null | undefined): TaskRow | undefined {
    return uid ? this.rows.task.get(uid) : undefined;
  }

  /** Shows a task in its list. */
  reveal(t: TaskRow): void {
    if (t.deleted_at !== null) return;
    const day = dueDay(t, this.zone);
    const view = t.completed ? "completed" : day === null ? "inbox" : day <= today(this.now, this.zone) ? "today" : "upcoming";
    this.route.go(view);
    this.#flash(t.uid, "user");
    requestAnimationFrame(() => document.querySelector(`[data-task="${t.uid}"]`)?.scrollIntoView({ block: "center" }));
  }

  #call(tool: Tool, args: Args, uid: string | null = null, undoable = true): Made {
    const op = uuid();
    if (uid) this.failed.delete(uid);
    if (undoable) this.#undoable = [...this.#undoable.slice(1 - MAX_UNDO), op];
    return this.#submit({ t: "mutate", op, at: new Date().toISOString(), tool, args: { ...args, op_id: op } }, uid);
  }

  #submit(m: Intent, uid: string | null): Made {
    const answer = new Promise<Args>((resolve, reject) => this.#answers.set(m.op, { m, resolve, reject }));
    answer.then(
      (result) => this.#sayWarnings(result),
      (why: unknown) => this.#refused(m, uid, why),
    );
    this.#tabs.submit(structuredClone(m));
    return { op: m.op, answer };
  }

  #refused(m: Intent, uid: string | null, why: unknown): void {
    if (!(why instanceof Refused) || (m.t === "mutate" && m.tool === "list_tasks")) return; // a question is answered where it was asked
    this.#undoable = this.#undoable.filter((op) => op !== m.op);
    const line = m.t === "mutate" && m.tool === "add_task" ? String(m.args.title ?? "") : "";
    const action = line ? { label: "Put back", run: () => this.typing.putBack(line) } : null;
    this.toasts.add(why.message, { tone: "error", title: line, action });
    if (uid) this.#mark(this.failed, uid, FLASH_MS);
  }

  #sayWarnings(result: Args): void {
    const warnings = Array.isArray(result.warnings) ? result.warnings.map(String) : [];
    if (warnings.length > 0) this.toasts.add(warnings.join(" "));
  }

  // Inputs

  #take(input: Input): void {
    switch (input.type) {
      case "state":
        return this.#begin(input);
      case "queued":
        this.rows.copy(this.#replica, this.#replica.enqueue(input.m).shown);
        return this.#count();
      case "renumbered":
        return this.#replica.renumber(input.first);
      case "link":
        if (input.link.state === "signed_out" && this.#elsewhere()) return location.reload();
        this.link = input.link;
        return;
      case "stored":
        this.stored = input.stored;
        return;
      case "frame":
        return this.#frame(input.frame);
    }
  }

  /** Whether another person signed in on this browser meanwhile: this page's rows are not for their eyes. */
  #elsewhere(): boolean {
    const last = lastUser();
    return last !== null && last !== this.user;
  }

  #begin(input: Input & { type: "state" }): void {
    this.#replica = new Replica(input.client);
    this.#replica.load(input.saved);
    this.rows.copy(this.#replica, "all");
    this.link = input.link;
    this.presence = input.presence;
    this.stored = input.stored;
    this.client = input.client;
    this.pushKey = input.pushKey;
    this.#journal = new Journal(input.journal);
    this.journal = this.#journal.list();
    this.loaded = input.saved.epoch !== null;
    this.#count();
  }

  #frame(f: (Input & { type: "frame" })["frame"]): void {
    switch (f.t) {
      case "ready":
        this.pushKey = f.push_key || null;
        lookForNewer();
        return this.talk.ready(f);
      case "delta":
        return this.#delta(f);
      case "ack":
        return this.#answered(f);
      case "nack":
        return f.mid === undefined ? this.talk.refused(f) : this.#answered(f);
      case "turn":
        return this.talk.event(f);
      case "parsed":
        return this.typing.parsed(f);
      case "history":
        this.rows.copy(this.#replica, this.#replica.adopt("msg", f.rows).shown);
        return this.talk.older(f);
      case "presence":
        this.presence = f;
        return;
      case "err":
        return this.talk.failed(f);
      default:
        f satisfies never;
    }
  }

  #delta(f: Delta): void {
    const before = this.#replica.seq;
    if (this.#journal.note(f, this.#replica, new Date().toISOString()).length > 0) {
      this.#journal.trim();
      this.journal = this.#journal.list();
    }
    const effect = this.#replica.delta(f);
    this.rows.copy(this.#replica, effect.shown);
    if (this.#replica.seq > before) for (const c of f.c) if (c.k === "task" && c.client !== this.#replica.client) this.#flash(c.id, c.actor ?? "user");
    for (const c of f.c) if (c.k === "notice" && c.op === "put") this.#alert(c.id);
    this.#count();
    this.talk.prune();
  }

  #alert(id: string): void {
    const n = this.rows.notice.get(id);
    if (n) void alertOutside(n, this.task(n.task_id)?.title ?? n.title);
  }

  #answered(f: Ack | Nack): void {
    const m: Mutation | undefined = this.#replica.pending.find((p) => p.mid === f.mid);
    this.rows.copy(this.#replica, this.#replica.settle(f.mid ?? 0).shown);
    this.#count();
    const waiting = m && this.#answers.get(m.op);
    if (!m || !waiting) return;
    this.#answers.delete(m.op);
    if (f.t === "ack") waiting.resolve((f.result ?? {}) as Args);
    else waiting.reject(new Refused(f));
  }

  #count(): void {
    this.waiting = this.#replica.waiting();
    this.queued = this.#replica.pending.length;
    this.seq = this.#replica.seq;
  }

  #flash(uid: string, actor: Actor): void {
    this.touched.set(uid, actor);
    this.#later(() => this.touched.delete(uid), FLASH_MS);
  }

  #linger(uid: string): void {
    this.#mark(this.lingering, uid, LINGER_MS);
  }

  #mark(set: SvelteSet<string>, uid: string, ms: number): void {
    set.add(uid);
    this.#later(() => set.delete(uid), ms);
  }

  #later(run: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}

function zoneOf(setting: string | undefined): string {
  return setting && isZone(setting) ? setting : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The setting knows the language; the browser knows its country, and so whether a day has 24 hours. */
function localeOf(setting: string | undefined): string {
  const own = navigator.languages.find((l) => !setting || l === setting || l.startsWith(`${setting}-`));
  return own ?? setting ?? "en";
}
