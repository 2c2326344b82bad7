/** What a dragged task is known by to the place it is dropped on. */
export const DRAGGED = "application/x-tandem-task";
