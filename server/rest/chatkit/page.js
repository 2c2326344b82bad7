// The chat endpoint in the front end of ChatKit. The token lives in this page's memory, as in the browser client.

let session = null;

async function signedIn() {
  if (session && Date.parse(session.expires_at) - Date.now() > 60_000) return session;
  const answer = await fetch("/auth/token", { method: "POST", credentials: "same-origin" });
  if (!answer.ok) throw new Error("Sign in to Tandem in this browser first, then reload this page.");
  session = await answer.json();
  return session;
}

async function authorized(url, options = {}) {
  const { token } = await signedIn();
  const headers = new Headers(options.headers);
  headers.set("Authorization", `Bearer ${token}`);
  headers.set("Idempotency-Key", crypto.randomUUID());
  return fetch(url, { ...options, headers });
}

async function start() {
  const { user_id } = await signedIn();
  const { domain_key } = await (await fetch("/chatkit/settings.json")).json();
  await customElements.whenDefined("openai-chatkit");
  document.querySelector("openai-chatkit").setOptions({
    api: { url: `/api/${encodeURIComponent(user_id)}/chat`, domainKey: domain_key, fetch: authorized },
  });
}

start().catch((error) => {
  document.querySelector("[role=status]").textContent = error.message;
});
