import { mount } from "svelte";
import "./app.css";
import { door, leave, returned } from "./outside";
import { grant, lastUser, redeem, rememberUser, SignedOut, takeCode, type Grant } from "./session";
import Root from "./ui/Root.svelte";

interface Begin {
  user: string | null;
  first: Grant | null;
  /** A link was opened that is not good any more, or the way to the outside page led back without a session. */
  spent: boolean;
}

/** Signs in by the link that was opened, if there is one. Without a link the last person's rows are shown at once, and the
 * connection finds out whether the session still stands; but who comes from signing in may be somebody else. */
async function begin(): Promise<Begin | null> {
  const code = takeCode();
  const back = returned();
  const known = lastUser();
  if (code === null && !back && known !== null) return { user: known, first: null, spent: false };
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
    if (!(cause instanceof SignedOut)) return { user: known, first: null, spent };
    if (!back && (await goneOutside())) return null;
    return { user: null, first: null, spent: spent || back };
  }
}

/** Nobody is signed in: where that is done outside, the page goes there by itself, once. */
async function goneOutside(): Promise<boolean> {
  const base = await door();
  if (base !== null) leave(base);
  return base !== null;
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
const props = await begin();
if (target && props) mount(Root, { target, props });
