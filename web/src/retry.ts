import { grant } from "./session";

/** Asks the chat endpoint to answer a message anew. The answer itself comes by the socket, to every device. */
export async function askAgain(conversation: number, message: string): Promise<void> {
  const { token, user } = await grant();
  const body = { type: "threads.retry_after_item", metadata: {}, params: { thread_id: `thr_${conversation}`, item_id: `msg_${message}` } };
  const answer = await fetch(`/api/${encodeURIComponent(user)}/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`retry: ${answer.status}`);
  void answer.text().catch(() => undefined); // read to its end: the stream is a view of the turn, not its life
}
