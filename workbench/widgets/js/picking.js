// From a place or an outline in the picture to points.
import { EDGE } from "./raster.js";

const CELL = 16; // pixels
const sheetOf = document.createElement("canvas"); // where outlines are filled

// The nearest point to a place, by a grid that is made anew when the points have moved.
export class Finder {
  constructor(raster) {
    this.raster = raster;
    this.version = -1;
  }

  build() {
    const { raster } = this;
    const { at, width, height } = raster;
    this.columns = Math.ceil(width / CELL);
    this.rows = Math.ceil(height / CELL);
    const cells = new Int32Array(at.length);
    this.first = new Int32Array(this.columns * this.rows + 1);
    for (let i = 0; i < at.length; i++) {
      cells[i] = at[i] < 0 ? -1 : Math.floor(raster.row(i) / CELL) * this.columns + Math.floor(raster.column(i) / CELL);
      if (cells[i] >= 0) this.first[cells[i] + 1] += 1;
    }
    for (let cell = 0; cell < this.columns * this.rows; cell++) this.first[cell + 1] += this.first[cell];
    const next = this.first.slice();
    this.points = new Int32Array(this.first.at(-1));
    for (let i = 0; i < at.length; i++) if (cells[i] >= 0) this.points[next[cells[i]]++] = i;
    this.version = raster.version;
  }

  // The point nearest to (x, y) within `reach` pixels, at most one cell, or -1.
  nearest(x, y, reach) {
    const { raster } = this;
    if (!raster.at) return -1;
    if (this.version !== raster.version) this.build();
    let best = -1;
    let least = reach * reach;
    const column = Math.floor(x / CELL);
    const row = Math.floor(y / CELL);
    for (let r = Math.max(0, row - 1); r <= Math.min(this.rows - 1, row + 1); r++) {
      for (let c = Math.max(0, column - 1); c <= Math.min(this.columns - 1, column + 1); c++) {
        const cell = r * this.columns + c;
        for (let k = this.first[cell]; k < this.first[cell + 1]; k++) {
          const point = this.points[k];
          const dx = raster.column(point) - x;
          const dy = raster.row(point) - y;
          const distance = dx * dx + dy * dy;
          if (distance < least) [best, least] = [point, distance];
        }
      }
    }
    return best;
  }
}

// A mask of the points inside an outline [[x, y], ...] in pixels: the outline is filled once, and each point looks at its pixel.
export function insideOutline(raster, outline) {
  const { stride, height, at } = raster;
  sheetOf.width = stride;
  sheetOf.height = height + 2 * EDGE;
  const context = sheetOf.getContext("2d", { willReadFrequently: true });
  context.translate(EDGE, EDGE);
  context.beginPath();
  outline.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.fill("evenodd");
  const filled = context.getImageData(0, 0, sheetOf.width, sheetOf.height).data;
  const found = new Uint8Array(at.length);
  for (let i = 0; i < found.length; i++) if (at[i] >= 0 && filled[4 * at[i] + 3] > 127) found[i] = 1;
  return found;
}

export function corners([[x0, y0], [x1, y1]]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}
