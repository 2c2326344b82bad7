import { randomBytes } from "node:crypto";
import type { Auth } from "./auth.js";

/** Gives a person a new password, which is told once, and ends their sessions. Throws for an unknown address. */
export async function newPassword(auth: Auth, email: string): Promise<string> {
  const { internalAdapter, password } = await auth.$context;
  const user = await find(auth, email);
  const fresh = randomBytes(15).toString("base64url");
  await internalAdapter.updatePassword(user.id, await password.hash(fresh));
  await internalAdapter.deleteUserSessions(user.id);
  return fresh;
}

/** Removes a person with their sessions and password; gives the id, by which Tandem knows them. Throws for an unknown address. */
export async function remove(auth: Auth, email: string): Promise<string> {
  const { internalAdapter } = await auth.$context;
  const user = await find(auth, email);
  await internalAdapter.deleteUser(user.id);
  return user.id;
}

async function find(auth: Auth, email: string): Promise<{ id: string }> {
  const { internalAdapter } = await auth.$context;
  const found = await internalAdapter.findUserByEmail(email.toLowerCase());
  if (!found) throw new Error("nobody has this address");
  return found.user;
}
