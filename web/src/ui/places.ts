// What is loaded when it is first visited, in one piece.
export { default as Activity } from "./Activity.svelte";
export { default as Past } from "./Past.svelte";
