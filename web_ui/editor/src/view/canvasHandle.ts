// Decides what the rest of the editor may ask of the canvas that is shown.

import type { Box } from "../graph/arrange";
import type { Point } from "../graph/document";

export interface CanvasHandle {
  centre(): Point;
  at(x: number, y: number): Point;
  fit(ids?: readonly string[]): void;
  zoom(to?: number): void;
  focus(id: string): void;
  boxes(ids?: readonly string[]): Box[];
}

let handle: CanvasHandle | null = null;
export const canvas = (): CanvasHandle | null => handle;
export function setCanvas(next: CanvasHandle | null): void {
  handle = next;
}
