/** What a push carries: ids alone. */
export interface Push {
  id: string;
  reminder_id: string;
  task_id: string;
  number: number;
}

/** What a person did with a notification, for the page to do. */
export interface Answer {
  do: "open" | "done" | "snooze";
  task: string;
  notice: string;
}

interface KnownTask {
  title: string;
  due: { date: string; time?: string } | null;
}

/** The notification of a reminder. Its tag is the reminder's, so that the page and a push show one between them. */
export function notification(push: Push, task: KnownTask | null): [title: string, options: NotificationOptions & { actions: { action: string; title: string }[] }] {
  const data: Omit<Answer, "do"> = { task: push.task_id, notice: push.id };
  const body = task?.due?.time ? `Due at ${task.due.time.slice(0, 5)}` : "Reminder";
  const actions = [
    { action: "done", title: "Done" },
    { action: "snooze", title: "Snooze 1 h" },
  ];
  return [task?.title ?? `Task ${push.number}`, { body, tag: push.reminder_id, icon: "/icon-192.png", badge: "/icon-192.png", data, actions }];
}

/** The address that opens the page with an answer to carry out. */
export function addressOf(a: Answer): string {
  return `/today?${new URLSearchParams({ do: a.do, task: a.task, notice: a.notice }).toString()}`;
}

/** Reads a pushed message; null for one of another kind. */
export function readPush(text: string): Push | null {
  try {
    const p = JSON.parse(text) as Partial<Push> & { type?: string };
    const fine = p.type === "reminder.due" && typeof p.id === "string" && typeof p.reminder_id === "string" && typeof p.task_id === "string";
    return fine ? { id: p.id ?? "", reminder_id: p.reminder_id ?? "", task_id: p.task_id ?? "", number: Number(p.number) } : null;
  } catch {
    return null;
  }
}
