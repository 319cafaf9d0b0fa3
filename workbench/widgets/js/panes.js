// The pictures: the photo, and each kind of map over it, one row for each model, with one cursor for all of them.
import { unitOf, valueRange } from "./colormaps.js";
import { h, setText, stateIcon } from "./dom.js";
import { verdict } from "./labels.js";
import { drawPane, makePane, mapOf, markPane, sizePanes, strongest } from "./pane.js";
import { STYLE } from "./style.js";

const LARGEST = 448; // px
const GAP = 14;

// The kinds that stand at the top. Where the layer view shows the layers of a sum, only the sum.
function atTop(model) {
  const layered = new Set(model.families.flatMap((family) => family.kinds));
  const kinds = model.kinds.filter((kind) => !layered.has(kind.name));
  return kinds.length ? kinds : model.kinds;
}

export function panes(app) {
  const { store, view } = app;
  const rows = store.models.map(makeRow);
  const legend = h("div", { class: "wb-legend wb-soft" }, h("p"), h("p"));
  const notice = h("p", { class: "wb-notice", role: "alert", hidden: true });
  const node = h("div", { class: "wb-panes" }, rows.map((row) => row.node), legend, notice);
  const allPanes = rows.flatMap((row) => row.panes);
  const most = Math.max(...rows.map((row) => row.panes.length));
  let width = 0;
  let drawn = "";

  function makeRow(model, place) {
    const heading = h("button", { class: "wb-answer", onclick: () => view.set({ model: place }) });
    const all = [null, ...atTop(model)].map((kind) => makePane(app, kind, place, kind && { model: place, map: kind.name }));
    const row = h("div", { class: "wb-row", role: "group", "aria-label": model.name }, heading, h("div", { class: "wb-row-panes" }, all.map((pane) => pane.node)));
    return { node: row, heading, panes: all };
  }

  // Ends of each pane's scale: shared by the maps in view that have one unit, by all labels of the image, or by nobody. Before and after
  // edits it is the same.
  function ranges(packet) {
    const tops = new Map();
    const both = view.pair?.() ? [store.packet(view.image), view.pair()].filter(Boolean) : [packet];
    const keyOf = (pane) => (view.state.scale === "map" ? `${pane.place} ${pane.kind.name}` : unitOf(pane.kind));
    for (const pane of allPanes) {
      if (!pane.kind) continue;
      for (const seen of both) {
        const all = seen.models[pane.place].maps[pane.kind.name];
        const map = mapOf(all, view.label);
        let top = 0;
        if (view.state.scale === "labels") top = all.strongest = all.strongest || strongest(all.values);
        else if (map) top = strongest(map.values);
        tops.set(keyOf(pane), Math.max(tops.get(keyOf(pane)) || 0, top));
      }
    }
    return (pane) => valueRange(pane.kind, tops.get(keyOf(pane)));
  }

  function layout() {
    const room = width || 700;
    let columns = most;
    while (columns > 2 && (room - GAP * (columns - 1)) / columns < 150) columns = Math.ceil(columns / 2);
    return sizePanes(app, allPanes, room, columns, LARGEST, GAP, view.shape);
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
    for (const pane of allPanes) {
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
    for (const { kind } of allPanes) if (kind) kinds.set(unitOf(kind), [...new Set([...(kinds.get(unitOf(kind)) || []), kind.title])]);
    const shared = [...kinds.values()].filter((titles) => titles.length > 1).map((titles) => titles.join(" and "));
    const own = [...kinds.values()].filter((titles) => titles.length === 1).flat();
    const among = scale === "labels" ? "for all labels of this image" : "for the maps in view";
    const parts = shared.map((titles) => `${titles} share one scale ${among}`);
    if (own.length && shared.length) parts.push(`${own.join(" and ")} ${own.length > 1 ? "have scales of their own, being other quantities" : "has its own, being another quantity"}`);
    if (!shared.length) parts.push(`One scale ${among}, whatever the model`);
    if (view.pair?.()) parts.push("before and after the edits it is the same");
    return `${parts.join("; ")}.`;
  }

  function update() {
    const { packet } = view;
    headings();
    node.classList.toggle("wb-waiting", !packet);
    const words = packet ? "" : store.missing(view.image);
    notice.hidden = !words;
    setText(notice, words);
    const { image, label, state } = view;
    if (!packet) return;
    const size = layout();
    const key = JSON.stringify([image, label, state.overlay, state.alpha, state.grid, state.scale, state.palette, state.regions, state.as_seen, size, packet.serial, view.pair?.()?.serial]);
    if (key !== drawn) {
      drawn = key;
      const rangeOf = ranges(packet);
      for (const pane of allPanes) drawPane(app, pane, packet, pane.kind && mapOf(packet.models[pane.place].maps[pane.kind.name], label), pane.kind && rangeOf(pane));
      setText(legend.children[1], describeScale());
    }
    markActive();
    for (const { panes: row } of rows) {
      const cells = row.find((other) => other.map)?.map;
      for (const pane of row) markPane(pane, view.spot, pane.kind ? pane.map : cells);
    }
  }

  function resize() {
    width = node.clientWidth || width;
  }
  return { node, update, resize };
}
