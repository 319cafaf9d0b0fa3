// Drawing on the panes: a map over the picture, its contour, its cells, and the outlines of objects.
import { STYLE } from "./style.js";
import { mixingTable, nanColour } from "./colormaps.js";

// For each of `size` pixels the two cells between which it lies and how far from the first (bilinear, clamped at the border), or twice
// the cell that it lies in.
function between(size, cells, nearest) {
  const first = new Int32Array(size);
  const second = new Int32Array(size);
  const part = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const place = nearest ? Math.floor((i * cells) / size) : Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / size - 0.5));
    first[i] = Math.floor(place);
    second[i] = Math.min(cells - 1, first[i] + 1);
    part[i] = place - first[i];
  }
  return { first, second, part };
}

// One row of cells between two of the map, for the y-th row of pixels.
function rowBetween(line, { values, columns }, { first, second, part }, y) {
  const above = first[y] * columns;
  const below = second[y] * columns;
  for (let c = 0; c < columns; c++) line[c] = values[above + c] + (values[below + c] - values[above + c]) * part[y];
}

// Values of a map at width x height points, bilinear.
export function resample(map, width, height) {
  const out = new Float32Array(width * height);
  const { first, second, part } = between(width, map.columns);
  const down = between(height, map.rows);
  const line = new Float32Array(map.columns);
  for (let y = 0; y < height; y++) {
    rowBetween(line, map, down, y);
    for (let x = 0; x < width; x++) out[y * width + x] = line[first[x]] + (line[second[x]] - line[first[x]]) * part[x];
  }
  return out;
}

const pictures = new WeakMap(); // canvas -> the image data that it is drawn from

function pictureOf(context) {
  const { canvas } = context;
  let picture = pictures.get(canvas);
  if (!picture || picture.width !== canvas.width || picture.height !== canvas.height) {
    picture = context.createImageData(canvas.width, canvas.height);
    pictures.set(canvas, picture);
  }
  return picture;
}

// The map in colours on the picture's grey values [height * width]; `alpha` null paints it opaque. One pass over the pixels: value,
// level, colour, mixed with what is below.
export function drawHeat(context, map, kind, [low, high], { palette, alpha, grid }, grey) {
  const { width, height } = context.canvas;
  const table = mixingTable(kind, palette, alpha);
  const picture = pictureOf(context);
  const out = new Uint32Array(picture.data.buffer);
  const { first, second, part } = between(width, map.columns, grid);
  const down = between(height, map.rows, grid);
  const line = new Float32Array(map.columns);
  const top = STYLE.levels - 1;
  const factor = top / (high - low);
  const levelOf = (value) => Math.min(top, Math.max(0, (value - low) * factor)) + 0.5;
  for (let y = 0, i = 0; y < height; y++) {
    rowBetween(line, map, down, y);
    for (let c = 0; c < line.length; c++) line[c] = levelOf(line[c]);
    const row = down.part[y] < 0.5 ? down.first[y] : down.second[y];
    for (let x = 0; x < width; x++, i++) {
      const left = line[first[x]];
      let level = left + (line[second[x]] - left) * part[x];
      if (level !== level) {
        // Beside a cell without a number: the nearest cell's own value, or the stripes.
        level = levelOf(map.values[row * map.columns + (part[x] < 0.5 ? first[x] : second[x])]);
        if (level !== level) {
          out[i] = nanColour(x, y, grey[i]);
          continue;
        }
      }
      out[i] = table[((level | 0) << 8) | grey[i]];
    }
  }
  context.putImageData(picture, 0, 0);
}

// The value above which the top share of the area lies.
export function topLevel(field, share) {
  const sorted = Float32Array.from(field.filter((value) => value === value)).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * (1 - share)))];
}

function strokeTwice(context, path, { line, halo }, size) {
  context.lineJoin = "round";
  context.strokeStyle = halo;
  context.lineWidth = size * 2;
  context.stroke(path);
  context.strokeStyle = line;
  context.lineWidth = size;
  context.stroke(path);
}

// Outline of the top share of a map: marching squares on the smooth map, or the borders of the cells.
export function drawContour(context, map, grid) {
  const { width, height } = context.canvas;
  const [columns, rows] = grid ? [map.columns, map.rows] : [Math.min(width, map.columns * 4), Math.min(height, map.rows * 4)];
  const field = grid ? map.values : resample(map, columns, rows);
  const level = topLevel(field, STYLE.contour.share);
  const path = grid
    ? borders((x, y) => field[y * columns + x] >= level, columns, rows, width / columns, height / rows)
    : isoline(field, columns, rows, level, width / columns, height / rows);
  strokeTwice(context, path, STYLE.contour, Math.max(1.5, width / 160));
}

function isoline(field, columns, rows, level, stepX, stepY) {
  const path = new Path2D();
  // One ring of low values around the field closes lines that would run off the picture.
  const at = (x, y) => (x < 0 || y < 0 || x >= columns || y >= rows || Number.isNaN(field[y * columns + x]) ? -Infinity : field[y * columns + x] - level);
  const cross = (x0, y0, a, x1, y1, b) => {
    const t = a === -Infinity ? 1 : b === -Infinity ? 0 : a / (a - b);
    return [(x0 + (x1 - x0) * t + 0.5) * stepX, (y0 + (y1 - y0) * t + 0.5) * stepY];
  };
  for (let y = -1; y < rows; y++) {
    for (let x = -1; x < columns; x++) {
      const corners = [[x, y, at(x, y)], [x + 1, y, at(x + 1, y)], [x + 1, y + 1, at(x + 1, y + 1)], [x, y + 1, at(x, y + 1)]];
      const points = [];
      for (let i = 0; i < 4; i++) {
        const a = corners[i];
        const b = corners[(i + 1) % 4];
        if (a[2] >= 0 !== b[2] >= 0) points.push(cross(...a, ...b));
      }
      for (let i = 0; i + 1 < points.length; i += 2) {
        path.moveTo(...points[i]);
        path.lineTo(...points[i + 1]);
      }
    }
  }
  return path;
}

// Border lines between cells that are inside and cells that are not.
function borders(inside, columns, rows, stepX, stepY) {
  const path = new Path2D();
  const is = (x, y) => x >= 0 && y >= 0 && x < columns && y < rows && inside(x, y);
  for (let y = 0; y <= rows; y++) {
    for (let x = 0; x <= columns; x++) {
      if (is(x, y) !== is(x - 1, y)) {
        path.moveTo(x * stepX, y * stepY);
        path.lineTo(x * stepX, (y + 1) * stepY);
      }
      if (is(x, y) !== is(x, y - 1)) {
        path.moveTo(x * stepX, y * stepY);
        path.lineTo((x + 1) * stepX, y * stepY);
      }
    }
  }
  return path;
}

export function drawCells(context, rows, columns) {
  const { width, height } = context.canvas;
  context.strokeStyle = "rgba(128, 128, 128, 0.45)";
  context.lineWidth = 1;
  context.beginPath();
  for (let c = 1; c < columns; c++) {
    context.moveTo((c * width) / columns, 0);
    context.lineTo((c * width) / columns, height);
  }
  for (let r = 1; r < rows; r++) {
    context.moveTo(0, (r * height) / rows);
    context.lineTo(width, (r * height) / rows);
  }
  context.stroke();
}

// Objects of one label: the outline of the mask and, dashed, the box.
export function drawRegions(context, regions) {
  const { width, height } = context.canvas;
  const size = Math.max(1, width / 360);
  for (const region of regions) {
    if (region.mask) {
      const { mask } = region;
      region.path = region.path || {};
      const key = `${width}x${height}`;
      region.path[key] =
        region.path[key] || borders((x, y) => mask.inside[y * mask.width + x], mask.width, mask.height, width / mask.width, height / mask.height);
      strokeTwice(context, region.path[key], STYLE.region, size);
    }
    const [x0, y0, x1, y1] = region.box;
    const box = new Path2D();
    box.rect(x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height);
    context.setLineDash([6, 4]);
    strokeTwice(context, box, STYLE.region, size * 0.6);
    context.setLineDash([]);
  }
}
