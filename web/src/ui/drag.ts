import type { Attachment } from "svelte/attachments";
import type { App } from "../app.svelte";
import type { TaskRow } from "../protocol";
import { moveAll } from "../verbs";

/** What a dragged task is known by to the place it is dropped on. */
const DRAGGED = "application/x-tandem-task";

/** A row begins to be dragged. */
export function drag(e: DragEvent, task: TaskRow): void {
  if (!e.dataTransfer) return;
  e.dataTransfer.setData(DRAGGED, task.uid);
  e.dataTransfer.effectAllowed = "move";
}

/** A place that stands for a day: what is dropped on it moves there, together with what else is picked. */
export function dropped(app: App, day: string | null): Attachment<HTMLElement> {
  return (node) => {
    if (day === null) return;
    const over = (e: DragEvent): void => {
      if (!e.dataTransfer?.types.includes(DRAGGED)) return;
      e.preventDefault();
      node.classList.add("over");
    };
    const leave = (e: DragEvent): void => {
      if (!node.contains(e.relatedTarget as Node | null)) node.classList.remove("over");
    };
    const drop = (e: DragEvent): void => {
      node.classList.remove("over");
      const task = app.task(e.dataTransfer?.getData(DRAGGED));
      if (!task) return;
      e.preventDefault();
      const picked = app.selection.picked.has(task.uid) ? [...app.selection.picked] : [task.uid];
      moveAll(app, picked.map((uid) => app.task(uid)).filter((t) => t !== undefined), day);
    };
    node.addEventListener("dragover", over);
    node.addEventListener("dragleave", leave);
    node.addEventListener("drop", drop);
    return () => {
      node.removeEventListener("dragover", over);
      node.removeEventListener("dragleave", leave);
      node.removeEventListener("drop", drop);
    };
  };
}
