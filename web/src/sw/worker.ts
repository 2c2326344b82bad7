// The worker of the page: its files without a network, and reminders while it is closed. It holds no token and makes no change:
// what a person answers to a notification is carried out by the page.

import { taskTitle } from "./lookup";
import { addressOf, notification, readPush, type Answer } from "./notice";
import { Shell } from "./shell";

declare const self: ServiceWorkerGlobalScope;

const shell = new Shell(caches, (input, init) => fetch(input, init), Date.now);

self.addEventListener("install", (e) => {
  void self.skipWaiting(); // builds are kept apart by page, so that a new worker can serve old pages
  e.waitUntil(shell.update());
});

self.addEventListener("activate", (e) => e.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (e.request.mode === "navigate") {
    e.waitUntil(renew());
    e.respondWith(shell.page(url, e.resultingClientId).then((page) => page ?? fetch(e.request)));
  } else if (isFile(url.pathname)) {
    e.respondWith(fileFor(e.request, url, e.clientId));
  }
});

self.addEventListener("message", (e) => {
  if (e.data === "check") e.waitUntil(renew());
});

self.addEventListener("push", (e) => e.waitUntil(show(e.data?.text() ?? "")));

self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  const choice = e.action === "done" || e.action === "snooze" ? e.action : "open";
  e.waitUntil(answer({ do: choice, ...(e.notification.data as Omit<Answer, "do">) }));
});

const isFile = (path: string): boolean => path.startsWith("/assets/") || /^\/[^/]+\.(?:js|svg|png|webmanifest|txt)$/.test(path);

async function fileFor(request: Request, url: URL, client: string): Promise<Response> {
  const own = await shell.file(url, client);
  if (own) return own;
  try {
    return await fetch(request);
  } catch (cause) {
    const kept = await shell.rescue(url);
    if (kept) return kept;
    throw cause;
  }
}

/** Looks for a newer build, and tells the pages of older ones. */
async function renew(): Promise<void> {
  const newest = await shell.update().catch(() => null); // without a network the build that is here is the newest
  if (newest === null) return;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  await shell.tidy(newest, new Set(pages.map((p) => p.id)));
  for (const page of pages) {
    const build = await shell.buildOf(page.id);
    if (build !== null && build !== newest) page.postMessage({ tandem: "newer" });
  }
}

async function show(text: string): Promise<void> {
  const push = readPush(text);
  if (!push) return;
  const pages = await self.clients.matchAll({ type: "window" });
  if (pages.some((p) => p.focused)) return; // the notice is on the page
  await self.registration.showNotification(...notification(push, await taskTitle(push.task_id).catch(() => null)));
}

async function answer(a: Answer): Promise<void> {
  const [page] = await self.clients.matchAll({ type: "window" });
  if (!page) return void (await self.clients.openWindow(addressOf(a)));
  page.postMessage({ tandem: "answer", answer: a });
  await page.focus();
}
