import type { TaskRow } from "../src/protocol";

/** A task as the server would send it. */
export function taskRow(uid: string, more: Partial<TaskRow> = {}): TaskRow {
  return {
    task_id: 1, uid, title: `Task ${uid}`, description: "", status: "pending", completed: false, priority: "medium", tags: [], due: null,
    due_date: null, recurrence: null, recurrence_pattern: "none", repeat_from: null, next_due: null, series_id: null, reminders: [],
    created_at: "2026-11-01T00:00:00.000Z", updated_at: "2026-11-01T00:00:00.000Z", completed_at: null, deleted_at: null, version: 1, ...more,
  };
}
