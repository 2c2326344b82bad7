import { flushSync } from "svelte";
import type { Attachment } from "svelte/attachments";

/** Puts the cursor at the end of a field when it appears. */
export const takeFocus: Attachment<HTMLInputElement | HTMLTextAreaElement> = (node) => {
  node.focus({ preventScroll: true });
  node.setSelectionRange(node.value.length, node.value.length);
};

/** Keeps a text area as high as its text. The value is an argument so that a change made elsewhere is measured too. */
export function grow(value: string): Attachment<HTMLTextAreaElement> {
  return (node) => {
    void value;
    node.style.height = "auto";
    node.style.height = `${node.scrollHeight}px`;
  };
}

/** Puts the cursor into a field that may only now be drawn. At once: the next key is meant for it. */
export function focusOn(field: "add" | "say" | "search"): void {
  flushSync();
  document.querySelector<HTMLElement>(`[data-${field}]`)?.focus();
}
