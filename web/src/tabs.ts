import { Lead, type Input } from "./lead";
import type { Intent } from "./mutation";
import type { LooseFrame } from "./protocol";
import type { Grant } from "./session";
import { uuid } from "./uuid";

/** A leader that does not answer for this long is taken to be frozen. */
const PATIENCE_MS = 1_000;

type Question =
  | { from: string; say: "join" | "wake" | "retry" }
  | { from: string; say: "submit"; intent: Intent }
  | { from: string; say: "send"; frame: LooseFrame };

/** What a leader says: `n` is how many inputs it had told before. */
type Answer = { lead: string; n: number } & ({ say: "here" } | { say: "input"; input: Input } | { say: "state"; input: Input });

/** Without `to`, an answer is for every tab; a question is for whoever leads. */
type Message = Question | (Answer & { to?: string });

/**
 * The tabs of one browser and person. One of them leads; every tab gets the same inputs in the same order, beginning with a state.
 * A change is posted again whenever the leader changes, until it was seen in the queue: the leader takes each operation once.
 */
export class Tabs {
  #id = uuid();
  #user: string;
  #grant: Grant | null;
  #on: (input: Input) => void;
  #lead: Lead | null = null;
  #channel: BroadcastChannel | null = null;
  #release: (() => void) | null = null;
  #stopped = false;
  /** Of this tab's leading: how many inputs were told. */
  #told = 0;
  /** Of the leader that is followed: who, and the next input expected; null until its state has come. */
  #followed: { lead: string; next: number } | null = null;
  /** Changes of this tab that no queue has shown yet. */
  #unseen = new Map<string, Intent>();
  #doubt: ReturnType<typeof setTimeout> | undefined;
  #joining = false;
  #queued: AbortController | null = null;

  constructor(user: string, first: Grant | null, on: (input: Input) => void) {
    this.#user = user;
    this.#grant = first;
    this.#on = on;
  }

  start(): void {
    if (!("locks" in navigator)) {
      void this.#takeLead();
      return;
    }
    this.#channel = new BroadcastChannel(`tandem:${this.#user}`);
    this.#channel.onmessage = (e: MessageEvent<Message>) => this.#heard(e.data);
    this.#campaign(false);
    this.#join();
  }

  stop(): void {
    this.#stopped = true;
    this.#resign();
    this.#channel?.close();
    this.#channel = null;
    this.#calm();
  }

  submit(intent: Intent): void {
    this.#unseen.set(intent.op, intent);
    if (this.#lead) this.#lead.submit(intent);
    else if (this.#followed) this.#ask({ from: this.#id, say: "submit", intent });
  }

  /** Sends a frame if the link is live; what it asks for comes as an input, or not at all. */
  send(frame: LooseFrame): void {
    if (this.#lead) this.#lead.send(frame);
    else this.#ask({ from: this.#id, say: "send", frame });
  }

  /** The page became visible, or the network came back. */
  wake(): void {
    if (this.#lead) this.#lead.wake();
    else {
      this.#post({ from: this.#id, say: "wake" });
      this.#join();
    }
  }

  retry(): void {
    if (this.#lead) this.#lead.retry();
    else this.#post({ from: this.#id, say: "retry" });
  }

  #campaign(steal: boolean): void {
    this.#queued?.abort();
    const queued = (this.#queued = new AbortController());
    const options: LockOptions = steal ? { steal: true } : { signal: queued.signal };
    const lock = navigator.locks.request(`tandem:${this.#user}`, options, () => this.#takeLead());
    lock.catch(() => {
      if (!queued.signal.aborted) this.#deposed();
    });
  }

  /** Leads until it resigns; the lock is held as long as the promise is open. */
  async #takeLead(): Promise<void> {
    if (this.#stopped) return;
    this.#calm();
    this.#followed = null;
    this.#told = 0;
    const released = new Promise<void>((resolve) => (this.#release = resolve));
    const lead = new Lead(this.#user, this.#grant, (input) => this.#tell(input));
    await lead.start();
    this.#lead = lead;
    this.#post({ lead: this.#id, n: this.#told, say: "here" });
    for (const intent of this.#unseen.values()) lead.submit(intent);
    await released;
  }

  /** Another tab took the lock, thinking this one frozen. */
  #deposed(): void {
    if (this.#stopped) return;
    this.#resign();
    this.#campaign(false);
    this.#join();
  }

  #resign(): void {
    this.#lead?.stop();
    this.#lead = null;
    this.#release?.();
    this.#release = null;
  }

  #tell(input: Input): void {
    this.#seen(input);
    this.#post({ lead: this.#id, n: this.#told++, say: "input", input });
    this.#on(input);
  }

  #join(): void {
    if (this.#joining) return;
    this.#joining = true;
    this.#ask({ from: this.#id, say: "join" });
  }

  /** Says something that an awake leader answers. */
  #ask(m: Question): void {
    this.#post(m);
    if (document.visibilityState !== "visible") return;
    this.#doubt ??= setTimeout(() => {
      this.#calm();
      if (!this.#lead && !this.#stopped) this.#campaign(true);
    }, PATIENCE_MS);
  }

  #calm(): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    this.#joining = false;
  }

  #post(m: Message): void {
    this.#channel?.postMessage(m);
  }

  #heard(m: Message): void {
    if ("from" in m) {
      if (this.#lead) this.#answer(this.#lead, m);
    } else if (!this.#lead && (m.to === undefined || m.to === this.#id)) this.#learn(m);
  }

  #answer(lead: Lead, m: Question): void {
    switch (m.say) {
      case "join":
        return this.#post({ to: m.from, lead: this.#id, n: this.#told, say: "state", input: lead.state() });
      case "submit":
        return lead.submit(m.intent);
      case "send":
        lead.send(m.frame);
        return this.#post({ to: m.from, lead: this.#id, n: this.#told, say: "here" });
      case "wake":
        return lead.wake();
      case "retry":
        return lead.retry();
    }
  }

  #learn(m: Answer): void {
    const joining = this.#joining && m.say === "input";
    this.#calm();
    this.#joining = joining;
    if (m.say === "state") return this.#begin(m);
    const followed = this.#followed?.lead === m.lead ? this.#followed : null;
    if (!followed || m.n > followed.next) return this.#join();
    if (m.say === "here" || m.n < followed.next) return;
    followed.next++;
    this.#follow(m.input);
  }

  #begin(m: Answer & { say: "state" }): void {
    this.#followed = { lead: m.lead, next: m.n };
    this.#follow(m.input);
    for (const intent of this.#unseen.values()) this.submit(intent);
  }

  #follow(input: Input): void {
    this.#seen(input);
    this.#on(input);
  }

  #seen(input: Input): void {
    if (input.type === "queued") this.#unseen.delete(input.m.op);
    if (input.type === "state") for (const m of input.saved.pending) this.#unseen.delete(m.op);
  }
}
