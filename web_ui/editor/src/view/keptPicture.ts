// Decides when the browser keeps the picture that it has of the graph and shifts it: always, but while one zooms. Once that is over the graph is
// painted anew, so that text is sharp at its size; while it goes on a kept picture would have to grow with every step away.

import type { Viewport } from "@xyflow/react";

const SHARP_AFTER_MS = 200;

export class KeptPicture {
  private timer = 0;

  constructor(private readonly drawing: () => HTMLElement | null | undefined) {}

  /** To be called with each step of a zoom. */
  zoomed(): void {
    clearTimeout(this.timer);
    this.drawing()?.style.setProperty("will-change", "auto");
    this.timer = window.setTimeout(() => this.drawing()?.style.removeProperty("will-change"), SHARP_AFTER_MS);
  }
}

/** A picture is shifted by whole pixels of the screen: between them it is blurred, and mixing neighbours takes twice the time. */
export function onPixels({ x, y, zoom }: Viewport): Viewport {
  const toPixel = (at: number) => Math.round(at * devicePixelRatio) / devicePixelRatio;
  return { x: toPixel(x), y: toPixel(y), zoom };
}
