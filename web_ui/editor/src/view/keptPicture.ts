// Decides when the browser keeps the picture that it has of the graph and shifts it: while a hand pans. Once the hand rests the graph is painted
// anew, so that text is sharp whatever a second finger did to the zoom. The wheel gains nothing by it.

const SHARP_AFTER_MS = 200;

export class KeptPicture {
  private timer = 0;

  constructor(private readonly drawing: () => HTMLElement | null | undefined) {}

  keep(): void {
    clearTimeout(this.timer);
    this.drawing()?.style.setProperty("will-change", "transform");
  }

  release(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.drawing()?.style.removeProperty("will-change"), SHARP_AFTER_MS);
  }
}
