import type { Args } from "./protocol";

/** Whether this browser can get pushes: yes, or why not. */
export function pushSupport(): "ready" | "denied" | "missing" {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis) || !("Notification" in globalThis)) return "missing";
  return Notification.permission === "denied" ? "denied" : "ready";
}

/** Asks the person, subscribes, and gives the subscription as the server keeps it. Throws an error that can be shown. */
export async function subscribe(key: string): Promise<Args> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("Notifications are not allowed for this page.");
  const registration = await navigator.serviceWorker.ready;
  const before = await registration.pushManager.getSubscription();
  if (before) await before.unsubscribe(); // it may be for another key
  try {
    const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
    return wireForm(made.toJSON());
  } catch (cause) {
    throw new Error("The push service of this browser could not be reached.", { cause });
  }
}

export async function unsubscribe(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

function wireForm({ endpoint = "", expirationTime = null, keys = {} }: PushSubscriptionJSON): Args {
  return { endpoint, expirationTime: expirationTime ?? null, keys: { p256dh: keys.p256dh ?? "", auth: keys.auth ?? "" } };
}

/** Reads base64url. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
