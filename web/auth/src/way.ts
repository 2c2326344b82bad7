/** How long a return address may be. */
const MAX_RETURN = 2_000;

/**
 * Where a person goes once signed in: the address they came with if it belongs to one of `origins`, otherwise the first of
 * these. Origins are compared whole, so that no other host, scheme or port gets anybody, and nothing but a page's address is
 * taken.
 */
export function wayBack(asked: string | null, origins: readonly string[]): string {
  const home = `${origins[0] ?? ""}/`;
  if (!asked || asked.length > MAX_RETURN || !URL.canParse(asked)) return home;
  const url = new URL(asked);
  const known = (url.protocol === "http:" || url.protocol === "https:") && !url.username && !url.password && origins.includes(url.origin);
  return known ? url.href : home;
}
