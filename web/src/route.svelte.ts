import type { ListName } from "./views";

/** What the page can show: a list, or a place of another kind. */
export type ViewName = ListName | PlaceName;
export type PlaceName = "activity" | "trash" | "lookback" | "settings";

const PLACES: readonly string[] = ["activity", "trash", "lookback", "settings"] satisfies PlaceName[];
const NAMES: readonly string[] = ["today", "upcoming", "inbox", "completed", "search", ...PLACES] satisfies (ViewName | string)[];
export const isPlace = (v: ViewName): v is PlaceName => PLACES.includes(v);
const isView = (s: string): s is ViewName => NAMES.includes(s);

/** Which list is open. The address holds it, so that a reload, a bookmark and the back button mean what they say. */
export class Route {
  view = $state<ViewName>("today");
  query = $state("");

  constructor() {
    this.#read();
  }

  /** Follows the back and forward buttons; gives the way to stop. */
  listen(): () => void {
    const read = (): void => this.#read();
    addEventListener("popstate", read);
    return () => removeEventListener("popstate", read);
  }

  go(view: ViewName, query = ""): void {
    if (view === this.view && query === this.query) return;
    const replace = view === this.view; // another query, not another place
    this.view = view;
    this.query = query;
    history[replace ? "replaceState" : "pushState"](null, "", query ? `/${view}?q=${encodeURIComponent(query)}` : `/${view}`);
  }

  #read(): void {
    const name = location.pathname.slice(1);
    this.view = isView(name) ? name : "today";
    this.query = new URLSearchParams(location.search).get("q") ?? "";
  }
}
