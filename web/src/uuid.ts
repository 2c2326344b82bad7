let last = 0;
let count = 0;

/** A UUIDv7 that sorts behind all that were made here before (RFC 9562 section 6.2, method 1: a counter within the millisecond). */
export function uuid(now: number = Date.now()): string {
  count = now > last ? Math.floor(Math.random() * 1024) : count + 1;
  last = Math.max(last, now) + (count > 0xfff ? 1 : 0);
  count &= 0xfff;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(last / 2 ** (8 * (5 - i))) & 0xff;
  bytes[6] = 0x70 | (count >> 8);
  bytes[7] = count & 0xff;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
