/** What a page shows. */
export interface View {
  page: "sign-in" | "sign-up";
  /** A checked address. */
  back: string;
  /** Who is signed in already. */
  email: string | null;
}

const TEXTS = {
  "sign-in": { title: "Sign in to Tandem", button: "Sign in", action: "/api/auth/sign-in/email", password: "current-password", other: "sign-up", ask: "New here?", link: "Create an account" },
  "sign-up": { title: "Create your account", button: "Create account", action: "/api/auth/sign-up/email", password: "new-password", other: "sign-in", ask: "Have an account?", link: "Sign in" },
} as const;

const MARK = `<svg width="44" height="44" viewBox="0 0 26 26" fill="none" aria-hidden="true"><rect width="26" height="26" rx="7" class="tile"/><g stroke="#fff" stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round"><path d="M5.6 13.6l3.1 3.1 5.3-6.3" opacity=".62"/><path d="M11.9 13.6l3.1 3.1 5.3-6.3"/></g></svg>`;

export function page(v: View): string {
  const text = TEXTS[v.page];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text.title}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/sign.css">
<script type="module" src="/assets/sign.js"></script>
</head>
<body>
<main>
${v.email === null ? form(v) : signedIn(v.email, v.back)}
</main>
<noscript><p class="wrong">Tandem needs JavaScript.</p></noscript>
</body>
</html>
`;
}

function form(v: View): string {
  const text = TEXTS[v.page];
  const fresh = v.page === "sign-up";
  return `<form method="post" action="${text.action}" data-back="${escape(v.back)}">
${MARK}
<h1>${text.title}</h1>
<label><span>E-mail</span><input name="email" type="email" autocomplete="username" inputmode="email" autocapitalize="none" spellcheck="false" maxlength="254" required autofocus></label>
<label><span>Password</span><input name="password" type="password" autocomplete="${text.password}" ${fresh ? `minlength="8" aria-describedby="rule" ` : ""}maxlength="128" required></label>
${fresh ? `<p id="rule" class="hint">At least 8 characters; a few words make a good one.</p>\n` : ""}<label class="check"><input type="checkbox" data-show><span>Show the password</span></label>
<button type="submit" class="button primary">${text.button}</button>
<p class="wrong" role="alert"></p>
<p class="hint">${text.ask} <a href="/${text.other}?return=${escape(encodeURIComponent(v.back))}">${text.link}</a></p>
</form>`;
}

function signedIn(email: string, back: string): string {
  return `<form method="post" action="/api/auth/sign-out" data-stay>
${MARK}
<h1>You are signed in</h1>
<p>as <bdi>${escape(email)}</bdi></p>
<a class="button primary" href="${escape(back)}">Continue to Tandem</a>
<button type="submit" class="button">Use another account</button>
<p class="wrong" role="alert"></p>
</form>`;
}

const SPECIAL: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => SPECIAL[c] ?? c);
}
