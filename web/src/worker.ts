import type { App } from "./app.svelte";
import type { NoticeRow } from "./protocol";
import { notification, type Answer } from "./sw/notice";

/** What the service worker says to a page. */
type Said = { tandem: "newer" } | { tandem: "answer"; answer: Answer };

/** Starts the worker that keeps the page's files, and listens to it. Without one the page works as before, online. */
export function employ(app: App): () => void {
  const { serviceWorker } = navigator;
  if (!serviceWorker || import.meta.env.DEV) return () => undefined;
  const heard = (e: MessageEvent<Said>): void => {
    if (e.data?.tandem === "newer") app.newer = true;
    else if (e.data?.tandem === "answer") carryOut(app, e.data.answer);
  };
  serviceWorker.addEventListener("message", heard);
  serviceWorker.register(scriptURL("/sw.js")).catch((cause: unknown) => console.info("tandem: no service worker", cause));
  return () => serviceWorker.removeEventListener("message", heard);
}

/** Has the worker look for a newer build: the connection came back, perhaps to another one. */
export function lookForNewer(): void {
  navigator.serviceWorker?.controller?.postMessage("check");
}

/** A path of this origin is no danger; the page's policy wants that said. */
function scriptURL(path: string): string {
  const types = (globalThis as { trustedTypes?: { createPolicy: (name: string, rules: { createScriptURL: (s: string) => string }) => { createScriptURL: (s: string) => unknown } } }).trustedTypes;
  const policy = types?.createPolicy("tandem-worker", { createScriptURL: (s) => (s === "/sw.js" ? s : "") });
  return (policy?.createScriptURL(path) ?? path) as string;
}

/** Does what a person chose on a notification, or in a shortcut of the system. */
export function carryOut(app: App, a: Answer): void {
  const task = app.task(a.task);
  if (a.do === "done") app.finish(a.task);
  else if (a.do === "snooze") app.snooze(a.task);
  else if (task) app.reveal(task);
  if (a.do !== "open") app.dismiss(a.notice);
}

/** What the address asks for besides a place: an answer to a notification, a task to add, words that were shared. Said once. */
export function arrivals(app: App, add: (line: string) => void): void {
  const asked = new URLSearchParams(location.search);
  const [task, notice, what] = [asked.get("task"), asked.get("notice"), asked.get("do")];
  const shared = ["title", "text", "url"].map((name) => asked.get(name)).filter(Boolean);
  const wanted = what !== null || asked.has("add") || shared.length > 0;
  if (!wanted) return;
  history.replaceState(null, "", location.pathname);
  if (task && notice && (what === "done" || what === "snooze" || what === "open")) carryOut(app, { do: what, task, notice });
  else if (what === null) add([...new Set(shared)].join(" ").slice(0, 500));
}

/** Shows a reminder outside of the page while nobody looks at it. */
export async function alertOutside(n: NoticeRow, title: string): Promise<void> {
  if (!document.hidden || !("Notification" in globalThis) || Notification.permission !== "granted") return;
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.showNotification(...notification({ id: n.id, reminder_id: n.reminder_id, task_id: n.task_id, number: n.number }, { title, due: n.due }));
}
