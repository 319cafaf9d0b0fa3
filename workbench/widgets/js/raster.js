// Points as pixels: a quarter of a million marks are written into one image, which is faster than as many paths.

export const EDGE = 16; // pixels around the picture, so that no mark needs to look where it ends

export class Raster {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true }); // pixels are written, so they stay where they are
    this.version = 0; // of the places
  }

  resize(width, height) {
    if (this.width === width && this.height === height) return;
    Object.assign(this, { width, height, stride: width + 2 * EDGE });
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = new ImageData(this.stride, height + 2 * EDGE);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  // Where each point stands, -1 out of view. Coordinates are x, y in turn from `from`, or between `from` and `to` by `share`; a place in
  // the picture is `a * coordinate + b` in each direction.
  place(values, count, from, to, share, [ax, bx, ay, by]) {
    if (this.at?.length !== count) this.at = new Int32Array(count);
    const { at, stride, width, height } = this;
    for (let i = 0, p = 2 * from, q = 2 * to; i < count; i++, p += 2, q += 2) {
      let x = values[p];
      let y = values[p + 1];
      if (share) {
        x += (values[q] - x) * share;
        y += (values[q + 1] - y) * share;
      }
      const column = Math.round(ax * x + bx);
      const row = Math.round(ay * y + by);
      at[i] = column < 0 || row < 0 || column >= width || row >= height ? -1 : (row + EDGE) * stride + column + EDGE;
    }
    this.version += 1;
  }

  column(point) {
    return (this.at[point] % this.stride) - EDGE;
  }

  row(point) {
    return Math.floor(this.at[point] / this.stride) - EDGE;
  }

  // Draw all points in `order`, each in its style {mark, rgb, alpha}, on the `ground` [red, green, blue].
  paint(order, style, styles, ground) {
    const { pixels } = this;
    pixels.fill(packed(ground));
    if (styles.every(({ mark, alpha }) => mark.side === 2 && alpha === 1)) this.paintBlocks(order, style, Uint32Array.from(styles, ({ rgb }) => packed(rgb)));
    else this.paintMarks(order, style, styles);
    this.context.putImageData(this.image, -EDGE, -EDGE);
  }

  paintBlocks(order, style, colours) {
    const { pixels, at, stride } = this;
    for (let k = 0; k < order.length; k++) {
      const i = order[k];
      const place = at[i];
      if (place < 0) continue;
      const colour = colours[style[i]];
      pixels[place] = colour;
      pixels[place + 1] = colour;
      pixels[place + stride] = colour;
      pixels[place + stride + 1] = colour;
    }
  }

  paintMarks(order, style, styles) {
    const { pixels, at, stride } = this;
    const shapes = styles.map(({ mark, alpha }) => ({
      length: mark.cover.length,
      offsets: Int32Array.from(mark.x, (x, i) => mark.y[i] * stride + x),
      covers: Int32Array.from(mark.cover, (cover) => Math.round((cover * alpha * 256) / 255)),
    }));
    const colours = styles.map(({ rgb }) => packed(rgb));
    const solid = Uint8Array.from(shapes, ({ covers }) => (covers.every((cover) => cover > 250) ? 1 : 0));
    for (let k = 0; k < order.length; k++) {
      const i = order[k];
      const base = at[i];
      if (base < 0) continue;
      const { length, offsets, covers } = shapes[style[i]];
      const colour = colours[style[i]];
      const sides = colour & 0xff00ff;
      const middle = colour & 0x00ff00;
      if (solid[style[i]]) {
        for (let j = 0; j < length; j++) pixels[base + offsets[j]] = colour;
        continue;
      }
      for (let j = 0; j < length; j++) {
        const cover = covers[j];
        const place = base + offsets[j];
        if (cover > 250) pixels[place] = colour;
        else {
          const below = pixels[place];
          const rest = 256 - cover;
          const mixedSides = ((Math.imul(below & 0xff00ff, rest) + Math.imul(sides, cover)) >>> 8) & 0xff00ff;
          const mixedMiddle = ((Math.imul(below & 0x00ff00, rest) + Math.imul(middle, cover)) >>> 8) & 0x00ff00;
          pixels[place] = 0xff000000 | mixedSides | mixedMiddle;
        }
      }
    }
  }
}

const packed = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
