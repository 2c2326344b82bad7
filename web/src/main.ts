import { mount } from "svelte";
import "./app.css";
import { grant, lastUser, redeem, rememberUser, SignedOut, takeCode, type Grant } from "./session";
import Root from "./ui/Root.svelte";

/** Signs in by the link that was opened, if there is one. Without a link the last person's rows are shown at once, and the
 * connection finds out whether the session still stands. */
async function begin(): Promise<{ user: string | null; first: Grant | null; spent: boolean }> {
  const code = takeCode();
  const known = lastUser();
  if (code === null && known !== null) return { user: known, first: null, spent: false };
  let spent = false;
  try {
    if (code !== null) await redeem(code);
  } catch (cause) {
    spent = cause instanceof SignedOut;
  }
  try {
    const first = await grant();
    rememberUser(first.user);
    return { user: first.user, first, spent: false };
  } catch (cause) {
    const gone = cause instanceof SignedOut;
    return { user: gone ? null : known, first: null, spent };
  }
}

// A sign-in link that is opened where the page is already open only changes the fragment.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#code=")) location.reload();
});

// Chunks of an older build may be gone after an update. One reload brings the page and its chunks together again.
addEventListener("vite:preloadError", (e) => {
  e.preventDefault();
  if (sessionStorage.getItem("tandem.reloaded")) return;
  sessionStorage.setItem("tandem.reloaded", "1");
  location.reload();
});

const target = document.getElementById("app");
if (target) mount(Root, { target, props: await begin() });
