// Decides where a picture lies on the table on which it is looked at: whole, closer or at its own size, moved, but never out of sight.

import type { Point } from "./document";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The picture's upper left corner on the table, and how many points of the screen one of its pixels takes. */
export interface Placed extends Point {
  readonly scale: number;
}

/** Of a small picture this much closer than whole at most, of a large one at most this many points a pixel. */
const CLOSEST = 8;

export function whole(picture: Size, table: Size): Placed {
  return within({ x: 0, y: 0, scale: wholeScale(picture, table) }, picture, table);
}

/** Zoomed about a point of the table, which keeps showing what it showed. */
export function zoomed(from: Placed, by: number, about: Point, picture: Size, table: Size): Placed {
  const least = Math.min(1, wholeScale(picture, table));
  const most = Math.max(CLOSEST, CLOSEST * wholeScale(picture, table));
  const scale = Math.max(least, Math.min(most, from.scale * by));
  const factor = scale / from.scale;
  return within({ x: about.x - (about.x - from.x) * factor, y: about.y - (about.y - from.y) * factor, scale }, picture, table);
}

export function moved(from: Placed, by: Point, picture: Size, table: Size): Placed {
  return within({ ...from, x: from.x + by.x, y: from.y + by.y }, picture, table);
}

/** What fits on the table lies in its middle; what does not leaves no part of it empty. */
export function within({ x, y, scale }: Placed, picture: Size, table: Size): Placed {
  return { x: along(x, picture.width * scale, table.width), y: along(y, picture.height * scale, table.height), scale };
}

function along(at: number, length: number, room: number): number {
  return length <= room ? (room - length) / 2 : Math.max(room - length, Math.min(0, at));
}

function wholeScale(picture: Size, table: Size): number {
  return Math.min(table.width / picture.width, table.height / picture.height);
}
