// One pane: the photo, or a map over it, with its heading, its colour bar, a cursor and the value under the cursor.
import { cssGradient, nanStripes } from "./colormaps.js";
import { drawCells, drawContour, drawHeat, drawRegions } from "./canvas.js";
import { cellAt } from "./decisions.js";
import { h, number, setRead, setText } from "./dom.js";
import { STYLE } from "./style.js";

// `kind` is what is drawn, null for the photo; `place` the model; `choose` what a click on it changes in the view.
export function makePane(app, kind, place, choose) {
  const { view } = app;
  const canvas = h("canvas", { class: "wb-canvas", role: "img", tabindex: "0" });
  const cursor = h("span", { class: "wb-cell", hidden: true });
  cursor.style.borderColor = STYLE.cursor.line;
  const missing = h("span", { class: "wb-missing", hidden: true });
  const title = choose ? h("button", { class: "wb-title", title: kind.meaning, onclick: () => view.set(choose) }, kind.title) : h("span", { class: "wb-title" }, kind ? kind.title : "Photo");
  const value = h("span", { class: "wb-value" });
  const bar = kind ? h("div", { class: "wb-scale", "aria-hidden": "true" }, h("span"), h("i", {}, h("b", { hidden: true })), h("span"), h("span", { class: "wb-nan", title: STYLE.nan.meaning, hidden: true }, STYLE.nan.word)) : null;
  if (bar) bar.lastChild.style.backgroundImage = nanStripes();
  const stage = h("div", { class: "wb-stage" }, canvas, cursor, missing);
  const figure = h("figure", { class: "wb-pane" }, h("div", { class: "wb-head" }, title, value), stage, bar);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pane = { kind, place, node: figure, canvas, context, cursor, missing, title, value, bar, stage };
  const spotOf = (event) => {
    const box = canvas.getBoundingClientRect();
    const clamp = (share) => Math.min(0.999999, Math.max(0, share));
    return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
  };
  canvas.addEventListener("pointermove", (event) => view.setHover(spotOf(event)));
  canvas.addEventListener("pointerleave", () => view.setHover(null));
  canvas.addEventListener("click", (event) => {
    view.hover = null;
    view.set({ spot: spotOf(event), ...choose });
    canvas.focus({ preventScroll: true });
  });
  return pane;
}

// Panes of `count` columns in a room of so many pixels: their width and height, which they take; `shape` where it is not the image's own.
export function sizePanes(app, panes, room, columns, largest, gap, shape) {
  const { store, view } = app;
  const { image } = view;
  const [height, wide] = view.state.as_seen ? view.member.frame : shape || store.tables.sizes.values.subarray(2 * image, 2 * image + 2);
  const aspect = wide / height;
  let across = Math.min(largest, Math.floor((room - gap * (columns - 1)) / columns));
  if (across / aspect > largest) across = largest * aspect;
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const size = [Math.floor(across), Math.round(across / aspect)];
  for (const pane of panes) {
    pane.node.style.width = `${size[0]}px`;
    pane.stage.style.height = `${size[1]}px`;
    const [w, hgt] = [Math.round(size[0] * ratio), Math.round(size[1] * ratio)];
    if (pane.canvas.width !== w) pane.canvas.width = w;
    if (pane.canvas.height !== hgt) pane.canvas.height = hgt;
  }
  return size.join("x") + ratio;
}

// The values of a label among the maps of a kind, or null where they are not stored.
export function mapOf(maps, label) {
  const k = maps.where.get(label);
  if (k === undefined) return null;
  const size = maps.rows * maps.columns;
  return { values: maps.values.subarray(k * size, (k + 1) * size), rows: maps.rows, columns: maps.columns };
}

// The value of a cell in words, "NaN" where it is not a number.
export function cellText(value) {
  return Number.isNaN(value) ? STYLE.nan.word : Math.abs(value) === Infinity ? (value > 0 ? "∞" : "−∞") : number(value);
}

export function strongest(values) {
  let top = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > top && size < Infinity) top = size;
  }
  return top;
}

// The picture at the pane's size, from the resolution that was stored or that the model saw: its pixels, and its grey values.
function scaledPhoto(app, pane, packet) {
  const { width: w, height: hgt } = pane.canvas;
  const seen = app.view.state.as_seen ? app.store.models[pane.place].frame : null;
  const key = `${w} ${hgt} ${seen}`;
  if (!packet.scaled.has(key)) {
    if (packet.scaled.size > 3) packet.scaled.clear();
    const [from, to] = [0, 1].map(() => document.createElement("canvas").getContext("2d", { willReadFrequently: true }));
    [from.canvas.height, from.canvas.width] = seen || [packet.photo.height, packet.photo.width];
    from.drawImage(packet.photo, 0, 0, from.canvas.width, from.canvas.height);
    [to.canvas.width, to.canvas.height] = [w, hgt];
    to.imageSmoothingEnabled = !seen;
    to.drawImage(from.canvas, 0, 0, w, hgt);
    const picture = to.getImageData(0, 0, w, hgt);
    const grey = new Uint8Array(w * hgt);
    const { data } = picture;
    for (let i = 0; i < grey.length; i++) grey[i] = 0.3 * data[4 * i] + 0.59 * data[4 * i + 1] + 0.11 * data[4 * i + 2];
    packet.scaled.set(key, { picture, grey });
  }
  return packet.scaled.get(key);
}

// Draw `map` (null: the photo alone) on the scale [low, high].
export function drawPane(app, pane, packet, map, range) {
  const { store, view } = app;
  const { context, kind, canvas } = pane;
  const { overlay, alpha, grid, palette, regions } = view.state;
  const name = store.categories[view.label];
  const { picture, grey } = scaledPhoto(app, pane, packet);
  if (!map || overlay === "contour") context.putImageData(picture, 0, 0);
  if (kind) {
    pane.range = range;
    pane.map = map;
    pane.missing.hidden = Boolean(map);
    if (!map) setText(pane.missing, packet.serial ? "The model at hand does not give this map." : `The archive keeps no map of “${name}” for this image.`);
    if (map && overlay !== "contour") drawHeat(context, map, kind, range, { palette, alpha: overlay === "map" ? null : alpha, grid }, grey);
    if (map && grid) drawCells(context, map.rows, map.columns);
    if (map && overlay === "contour") drawContour(context, map, grid);
    const [low, track, high, nan] = pane.bar.children;
    nan.hidden = !map || map.values.every((value) => !Number.isNaN(value));
    track.style.backgroundImage = cssGradient(kind, palette);
    setText(low, number(range[0]));
    setText(high, number(range[1]));
    pane.bar.style.visibility = overlay === "contour" ? "hidden" : "";
  }
  if (regions) drawRegions(context, packet.regions.filter((region) => region.label === view.label));
  const photo = packet.serial ? "Edited photo" : "Photo";
  if (!kind) setText(pane.title, photo);
  const what = kind ? `${kind.title} of ${name} in${packet.serial ? " the edited" : ""}` : `${photo},`;
  const striped = kind && !pane.bar.lastChild.hidden ? " Striped cells are not a number (NaN)." : "";
  setRead(canvas, "aria-label", `${store.models[pane.place].name}: ${what} image ${view.state.image}.${striped} Press Enter for a cursor that the arrows move.`);
}

// The cursor in a pane with cells as in `map`, and the value under it.
export function markPane(pane, spot, map) {
  pane.cursor.hidden = !spot || !map;
  const knob = pane.bar?.children[1].firstChild;
  if (knob) knob.hidden = !spot || !map;
  if (!spot || !map) {
    setText(pane.value, "");
    return;
  }
  const [row, column] = cellAt(spot, map.rows, map.columns);
  const { style } = pane.cursor;
  style.left = `${(100 * column) / map.columns}%`;
  style.top = `${(100 * row) / map.rows}%`;
  style.width = `${100 / map.columns}%`;
  style.height = `${100 / map.rows}%`;
  if (!pane.kind) return;
  const value = map.values[row * map.columns + column];
  setText(pane.value, cellText(value));
  knob.hidden = Number.isNaN(value);
  const [low, high] = pane.range;
  knob.style.left = `${100 * Math.min(1, Math.max(0, (value - low) / (high - low)))}%`;
}
