// Sends the form as JSON and goes where the server said. Without an answer that is known the person is told why not.

const form = document.querySelector("form");
const wrong = document.querySelector<HTMLElement>("[role=alert]");
const button = document.querySelector<HTMLButtonElement>("button[type=submit]");

form?.addEventListener("submit", (e) => {
  e.preventDefault();
  void send(form);
});

document.querySelector<HTMLInputElement>("[data-show]")?.addEventListener("change", (e) => {
  const field = document.querySelector<HTMLInputElement>("[name=password]");
  if (field && e.target instanceof HTMLInputElement) field.type = e.target.checked ? "text" : "password";
});

async function send(form: HTMLFormElement): Promise<void> {
  if (button) button.disabled = true;
  say("");
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values(form)), signal: AbortSignal.timeout(20_000) });
    if (answer.ok) return leave(form);
    say(await reason(answer));
  } catch {
    say("The sign-in service cannot be reached. Try again in a moment.");
  }
  if (button) button.disabled = false;
}

function values(form: HTMLFormElement): Record<string, string> {
  const data = new FormData(form);
  const email = String(data.get("email") ?? "").trim();
  if (!email) return {};
  const person = { email, password: String(data.get("password") ?? "") };
  return form.action.endsWith("/sign-up/email") ? { ...person, name: email.split("@")[0] ?? email } : person;
}

function leave(form: HTMLFormElement): void {
  if (form.dataset.back) location.replace(form.dataset.back);
  else location.reload();
}

async function reason(answer: Response): Promise<string> {
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get("Retry-After")) || 10;
    return `Too many tries. Wait ${seconds === 1 ? "a second" : `${seconds} seconds`} and try again.`;
  }
  const body: unknown = await answer.json().catch(() => null);
  const code = typeof body === "object" && body !== null && "code" in body ? String(body.code) : "";
  return REASONS[code] ?? "That did not work. Try again in a moment.";
}

const REASONS: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: "The e-mail address or the password is wrong.",
  INVALID_EMAIL: "This is not an e-mail address.",
  USER_ALREADY_EXISTS: "There is an account with this address. Sign in instead.",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: "There is an account with this address. Sign in instead.",
  PASSWORD_TOO_SHORT: "The password needs at least 8 characters.",
  PASSWORD_TOO_LONG: "The password may have at most 128 characters.",
};

function say(text: string): void {
  if (wrong) wrong.textContent = text;
}

export {};
