/** What /version.json says: the name of the build and its files. */
interface Version {
  build: string;
  files: string[];
}

const PREFIX = "shell-";
/** Which page was given which build, by the id of its client: kept, since a worker may end at any time. */
const PAGES = "pages";
/** Put last: a cache that holds it is whole. */
const MARK = "/version.json";
/** A page that is only being opened is not among the clients yet. */
const OPENING_MS = 60_000;
/** Addresses of the page itself; every other navigation is the server's. */
const PLACES = /^\/(?:today|upcoming|inbox|completed|search|activity|trash|lookback|settings)?$/;

/**
 * The files of the page, one cache a build. A build is used once it is whole, and a page that began with one build gets
 * all its files from that build, whatever came since.
 */
export class Shell {
  #caches: CacheStorage;
  #get: typeof fetch;
  #now: () => number;

  constructor(store: CacheStorage, get: typeof fetch, now: () => number) {
    this.#caches = store;
    this.#get = get;
    this.#now = now;
  }

  /** Fetches the newest build if it is not here. Gives its name. */
  async update(): Promise<string> {
    const answer = await this.#get(MARK, { cache: "no-store" });
    if (!answer.ok) throw new Error(`${MARK}: ${answer.status}`);
    const text = await answer.text();
    const { build, files } = JSON.parse(text) as Version;
    const cache = await this.#caches.open(PREFIX + build);
    if (await cache.match(MARK)) return build;
    await Promise.all(files.map((name) => this.#fill(cache, name === "index.html" ? "/" : `/${name}`)));
    const after = await (await this.#get(MARK, { cache: "no-store" })).text();
    if (after !== text) {
      await this.#caches.delete(PREFIX + build); // the server changed meanwhile: the files may be of two builds
      throw new Error("the build changed while it was fetched");
    }
    await cache.put(MARK, new Response(text));
    return build;
  }

  async #fill(cache: Cache, path: string): Promise<void> {
    const file = await this.#get(path, { cache: "reload", credentials: "omit", ...(path === "/" ? { headers: { Accept: "text/html" } } : {}) });
    if (!file.ok || file.redirected) throw new Error(`${path}: ${file.status}`);
    await cache.put(path, file);
  }

  /** Forgets pages that are gone, and builds that no page uses and that are not the newest. */
  async tidy(newest: string, alive: ReadonlySet<string>): Promise<void> {
    const pages = await this.#caches.open(PAGES);
    const used = new Set([newest]);
    for (const key of await pages.keys()) {
      const id = new URL(key.url).pathname.slice(1);
      const given = await pages.match(key);
      const opening = this.#now() - Number(given?.headers.get("at")) < OPENING_MS;
      if (alive.has(id) || opening) used.add((await given?.text()) ?? "");
      else await pages.delete(key);
    }
    for (const name of await this.#caches.keys()) {
      if (name.startsWith(PREFIX) && !used.has(name.slice(PREFIX.length))) await this.#caches.delete(name);
    }
  }

  /** The page for a navigation, or undefined where the server must answer. */
  async page(url: URL, client: string): Promise<Response | undefined> {
    if (!PLACES.test(url.pathname)) return undefined;
    const build = await this.#newest();
    if (build === null) return undefined;
    const page = await (await this.#caches.open(PREFIX + build)).match("/");
    if (page && client) await (await this.#caches.open(PAGES)).put(`/${client}`, new Response(build, { headers: { at: String(this.#now()) } }));
    return page;
  }

  /** A file for a page, of the build that the page began with. */
  async file(url: URL, client: string): Promise<Response | undefined> {
    const build = await this.buildOf(client);
    return build === null ? undefined : (await this.#caches.open(PREFIX + build)).match(url.pathname);
  }

  /** What can still be given when the network fails. */
  async rescue(url: URL): Promise<Response | undefined> {
    const build = await this.#newest();
    return build === null ? undefined : (await this.#caches.open(PREFIX + build)).match(url.pathname);
  }

  async buildOf(client: string): Promise<string | null> {
    const kept = client ? await (await this.#caches.open(PAGES)).match(`/${client}`) : undefined;
    return kept ? kept.text() : null;
  }

  /** The whole build that came last: names are listed in the order in which caches were made. */
  async #newest(): Promise<string | null> {
    const names = (await this.#caches.keys()).filter((n) => n.startsWith(PREFIX)).reverse();
    for (const name of names) if (await (await this.#caches.open(name)).match(MARK)) return name.slice(PREFIX.length);
    return null;
  }
}
