// The pictures: the photo, and each kind of map over it, one row for each model, with one cursor for all of them.
import { cssGradient, unitOf, valueRange } from "./colormaps.js";
import { drawCells, drawContour, drawHeat, drawRegions } from "./canvas.js";
import { cellAt } from "./decisions.js";
import { h, number, setText, stateIcon } from "./dom.js";
import { verdict } from "./labels.js";
import { STYLE } from "./style.js";

const LARGEST = 448; // px
const GAP = 14;

export function panes(app) {
  const { store, view } = app;
  const rows = store.models.map(makeRow);
  const legend = h("div", { class: "wb-legend wb-soft" }, h("p"), h("p"));
  const node = h("div", { class: "wb-panes" }, rows.map((row) => row.node), legend);
  let width = 0;
  let drawn = "";

  function makeRow(model, place) {
    const heading = h("button", { class: "wb-answer", onclick: () => view.set({ model: place }) });
    const all = [null, ...model.kinds].map((kind) => makePane(kind, place));
    const row = h("div", { class: "wb-row", role: "group", "aria-label": model.name }, heading, h("div", { class: "wb-row-panes" }, all.map((pane) => pane.node)));
    return { node: row, heading, panes: all };
  }

  function makePane(kind, place) {
    const canvas = h("canvas", { class: "wb-canvas", role: "img", tabindex: "0" });
    const cursor = h("span", { class: "wb-cell", hidden: true });
    cursor.style.borderColor = STYLE.cursor.line;
    const missing = h("span", { class: "wb-missing", hidden: true });
    const title = kind
      ? h("button", { class: "wb-title", title: kind.meaning, onclick: () => view.set({ model: place, map: kind.name }) }, kind.title)
      : h("span", { class: "wb-title" }, "Photo");
    const value = h("span", { class: "wb-value" });
    const bar = kind ? h("div", { class: "wb-scale", "aria-hidden": "true" }, h("span"), h("i", {}, h("b", { hidden: true })), h("span")) : null;
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
      view.set({ spot: spotOf(event), ...(kind ? { model: place, map: kind.name } : {}) });
      canvas.focus({ preventScroll: true });
    });
    return pane;
  }

  const allPanes = () => rows.flatMap((row) => row.panes);

  // The values of the chosen label in a pane, or null.
  function mapOf(pane, packet) {
    const maps = packet.models[pane.place].maps[pane.kind.name];
    const k = maps.where.get(view.label);
    if (k === undefined) return null;
    const size = maps.rows * maps.columns;
    return { values: maps.values.subarray(k * size, (k + 1) * size), rows: maps.rows, columns: maps.columns, maps };
  }

  function strongest(values) {
    let top = 0;
    for (let i = 0; i < values.length; i++) {
      const size = Math.abs(values[i]);
      if (size > top) top = size;
    }
    return top;
  }

  // Ends of each pane's scale: shared by the maps in view that have one unit, by all labels of the image, or by nobody.
  function ranges(packet) {
    const tops = new Map();
    const keyOf = (pane) => (view.state.scale === "map" ? `${pane.place} ${pane.kind.name}` : unitOf(pane.kind));
    for (const pane of allPanes()) {
      if (!pane.kind) continue;
      const map = mapOf(pane, packet);
      const all = packet.models[pane.place].maps[pane.kind.name];
      let top = 0;
      if (view.state.scale === "labels") top = all.strongest = all.strongest || strongest(all.values);
      else if (map) top = strongest(map.values);
      tops.set(keyOf(pane), Math.max(tops.get(keyOf(pane)) || 0, top));
    }
    return (pane) => valueRange(pane.kind, tops.get(keyOf(pane)));
  }

  function layout() {
    const { image } = view;
    const [height, wide] = view.state.as_seen ? view.member.frame : store.tables.sizes.values.subarray(2 * image, 2 * image + 2);
    const most = Math.max(...store.models.map((model) => model.kinds.length)) + 1;
    const room = width || 700;
    let columns = most;
    while (columns > 2 && (room - GAP * (columns - 1)) / columns < 150) columns = Math.ceil(columns / 2);
    const aspect = wide / height;
    let across = Math.min(LARGEST, Math.floor((room - GAP * (columns - 1)) / columns));
    if (across / aspect > LARGEST) across = LARGEST * aspect;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const size = [Math.floor(across), Math.round(across / aspect)];
    for (const pane of allPanes()) {
      pane.node.style.width = `${size[0]}px`;
      pane.stage.style.height = `${size[1]}px`;
      const [w, hgt] = [Math.round(size[0] * ratio), Math.round(size[1] * ratio)];
      if (pane.canvas.width !== w) pane.canvas.width = w;
      if (pane.canvas.height !== hgt) pane.canvas.height = hgt;
    }
    return size.join("x") + ratio;
  }

  // The picture at the pane's size, from the resolution that was stored or that the model saw: its pixels, and its grey values.
  function scaledPhoto(pane, packet) {
    const { width: w, height: hgt } = pane.canvas;
    const seen = view.state.as_seen ? store.models[pane.place].frame : null;
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

  function draw(pane, packet, rangeOf) {
    const { context, kind, canvas } = pane;
    const { overlay, alpha, grid, palette, regions } = view.state;
    const name = store.categories[view.label];
    const map = kind ? mapOf(pane, packet) : null;
    const { picture, grey } = scaledPhoto(pane, packet);
    if (!map || overlay === "contour") context.putImageData(picture, 0, 0);
    if (kind) {
      const range = rangeOf(pane);
      pane.range = range;
      pane.map = map;
      pane.missing.hidden = Boolean(map);
      if (!map) setText(pane.missing, `The archive keeps no map of “${name}” for this image.`);
      if (map && overlay !== "contour") drawHeat(context, map, kind, range, { palette, alpha: overlay === "map" ? null : alpha, grid }, grey);
      if (map && grid) drawCells(context, map.rows, map.columns);
      if (map && overlay === "contour") drawContour(context, map, grid);
      const [low, track, high] = pane.bar.children;
      track.style.backgroundImage = cssGradient(kind, palette);
      setText(low, number(range[0]));
      setText(high, number(range[1]));
      pane.bar.style.visibility = overlay === "contour" ? "hidden" : "";
    }
    if (regions) drawRegions(context, packet.regions.filter((region) => region.label === view.label));
    const what = kind ? `${kind.title} of ${name} in` : "Photo,";
    canvas.setAttribute("aria-label", `${store.models[pane.place].name}: ${what} image ${view.state.image}. Press Enter for a cursor that the arrows move.`);
  }

  // The cursor and the value under it, in every pane.
  function mark(pane) {
    const { spot } = view;
    const map = pane.kind ? pane.map : rows[pane.place].panes.find((other) => other.map)?.map;
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
    setText(pane.value, number(value));
    const [low, high] = pane.range;
    knob.style.left = `${100 * Math.min(1, Math.max(0, (value - low) / (high - low)))}%`;
  }

  function headings() {
    rows.forEach((row, place) => {
      const { state, text, meaning } = verdict(app, place);
      const several = store.models.length > 1;
      row.heading.hidden = !several;
      if (!several) return;
      const key = `${state} ${text}`;
      if (row.heading.dataset.key !== key) {
        row.heading.dataset.key = key;
        const swatch = h("span", { class: "wb-swatch" });
        swatch.style.background = STYLE.models[place];
        row.heading.replaceChildren(swatch, h("strong", {}, store.models[place].name), " ", stateIcon(state), ` ${text}`);
        row.heading.title = meaning;
      }
      row.heading.setAttribute("aria-pressed", String(place === view.state.model));
    });
  }

  function markActive() {
    for (const pane of allPanes()) {
      const active = pane.kind && pane.place === view.state.model && pane.kind.name === view.state.map;
      pane.node.classList.toggle("wb-active", Boolean(active));
      if (pane.kind) pane.title.setAttribute("aria-pressed", String(Boolean(active)));
    }
    setText(legend.children[0], `${view.kind.title}: ${view.kind.meaning}`);
  }

  function describeScale() {
    const { scale, overlay } = view.state;
    if (overlay === "contour") return "The line encloses the fifth of the picture where the map is strongest.";
    if (scale === "map") return "Each map has its own scale: do not compare colours between maps.";
    const kinds = new Map();
    for (const kind of store.models.flatMap((model) => model.kinds)) kinds.set(unitOf(kind), [...new Set([...(kinds.get(unitOf(kind)) || []), kind.title])]);
    const shared = [...kinds.values()].filter((titles) => titles.length > 1).map((titles) => titles.join(" and "));
    const own = [...kinds.values()].filter((titles) => titles.length === 1).flat();
    const among = scale === "labels" ? "for all labels of this image" : "for the maps in view";
    const parts = shared.map((titles) => `${titles} share one scale ${among}`);
    if (own.length && shared.length) parts.push(`${own.join(" and ")} ${own.length > 1 ? "have scales of their own, being other quantities" : "has its own, being another quantity"}`);
    if (!shared.length) parts.push(`One scale ${among}, whatever the model`);
    return `${parts.join("; ")}.`;
  }

  function update() {
    const packet = store.packet(view.image);
    headings();
    node.classList.toggle("wb-waiting", !packet);
    const { image, label, state } = view;
    if (packet) {
      const size = layout();
      const key = JSON.stringify([image, label, state.overlay, state.alpha, state.grid, state.scale, state.palette, state.regions, state.as_seen, size]);
      if (key !== drawn) {
        drawn = key;
        const rangeOf = ranges(packet);
        for (const pane of allPanes()) draw(pane, packet, rangeOf);
        setText(legend.children[1], describeScale());
      }
      markActive();
      for (const pane of allPanes()) mark(pane);
    }
  }

  function resize() {
    width = node.clientWidth || width;
  }
  return { node, update, resize };
}
