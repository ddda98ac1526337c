import fc from "fast-check";
import { expect, test } from "vitest";
import { moved, whole, zoomed, type Placed, type Size } from "./zoom";

const table: Size = { width: 800, height: 400 };
const picture: Size = { width: 400, height: 400 };

test("a picture is whole in the middle of the table, large or small", () => {
  expect(whole(picture, table)).toEqual({ x: 200, y: 0, scale: 1 });
  expect(whole({ width: 8000, height: 1000 }, table)).toEqual({ x: 0, y: 150, scale: 0.1 });
  expect(whole({ width: 8, height: 8 }, table)).toEqual({ x: 200, y: 0, scale: 50 });
});

test("what lies under the pointer stays there while the picture comes closer", () => {
  const about = { x: 300, y: 100 };
  const under = (at: Placed) => [(about.x - at.x) / at.scale, (about.y - at.y) / at.scale];
  const near = zoomed(whole(picture, table), 4, about, picture, table);
  expect(near.scale).toBe(4);
  expect(under(near)).toEqual(under(whole(picture, table)));
});

test("its own size is reached from either side, and it goes no further away than whole or than that", () => {
  const small = { width: 8, height: 8 };
  expect(zoomed(whole(small, table), 1 / 50, { x: 0, y: 0 }, small, table)).toEqual({ x: 396, y: 196, scale: 1 });
  expect(zoomed(whole(small, table), 1e-9, { x: 0, y: 0 }, small, table).scale).toBe(1);
  const large = { width: 8000, height: 1000 };
  expect(zoomed(whole(large, table), 10, { x: 0, y: 200 }, large, table).scale).toBe(1);
  expect(zoomed(whole(large, table), 1e-9, { x: 0, y: 0 }, large, table)).toEqual(whole(large, table));
});

test("no gesture leads the picture out of sight", () => {
  const length = fc.integer({ min: 1, max: 9000 });
  const place = fc.double({ min: -2000, max: 2000, noNaN: true });
  const gesture = fc.record({ x: place, y: place, by: fc.option(fc.double({ min: 0.01, max: 100, noNaN: true })) });
  fc.assert(
    fc.property(length, length, fc.array(gesture, { maxLength: 12 }), (width, height, gestures) => {
      const of = { width, height };
      const at = gestures.reduce((now, { by, ...point }) => (by === null ? moved(now, point, of, table) : zoomed(now, by, point, of, table)), whole(of, table));
      for (const [start, long, room] of [[at.x, width * at.scale, table.width], [at.y, height * at.scale, table.height]] as const) {
        const slack = 1e-6 * (long + room);
        if (long <= room) expect(Math.abs(start - (room - long) / 2)).toBeLessThan(slack);
        else expect(start <= slack && start + long >= room - slack).toBe(true);
      }
    }),
  );
});
