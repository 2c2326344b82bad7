// What lies over the page when it is asked for, in one piece.
export { default as Help } from "./Help.svelte";
export { default as Palette } from "./Palette.svelte";
