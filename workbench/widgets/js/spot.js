// Which labels look at the cell under the cursor, ranked by the active map.
import { cellAt, rankAtCell } from "./decisions.js";
import { h, setText, stateIcon } from "./dom.js";
import { cellText } from "./pane.js";

const SHOWN = 8;

export function spotPanel(app) {
  const { store, view } = app;
  const where = h("p", { class: "wb-soft" });
  const clear = h("button", { class: "wb-link", onclick: () => view.set({ spot: null }), hidden: true }, "clear");
  const rows = Array.from({ length: SHOWN }, makeRow);
  const list = h("ol", { class: "wb-ranked" }, rows.map((row) => row.node));
  const node = h("section", { class: "wb-card wb-spot" }, h("h3", {}, "Which labels look at this spot?", clear), where, list);

  function makeRow() {
    const icon = h("span", { class: "wb-state" });
    const name = h("span", { class: "wb-name" });
    const value = h("span", { class: "wb-score" });
    const bar = h("span", { class: "wb-bar" });
    const row = { icon, name, value, bar, label: -1 };
    row.button = h("button", { class: "wb-label", onclick: () => view.set({ label: store.categories[row.label] }) }, icon, name, value, h("span", { class: "wb-track" }, bar));
    row.node = h("li", {}, row.button);
    return row;
  }

  function update() {
    const { spot, kind, packet } = view;
    const { model, map } = view.state;
    clear.hidden = !view.state.spot;
    list.hidden = !spot || !packet;
    if (!spot || !packet) {
      setText(where, "Point at a map, or press Enter on it and use the arrow keys. A click keeps the spot.");
      return;
    }
    const maps = packet.models[model].maps[map];
    const [row, column] = cellAt(spot, maps.rows, maps.columns);
    const ranked = rankAtCell(maps, row, column);
    setText(where, `${kind.title}, row ${row + 1}, column ${column + 1} of ${maps.rows} × ${maps.columns}${ranked.length < store.labels ? `; ${ranked.length} labels have a map here` : ""}`);
    const top = Math.max(0, ...ranked.map(([, value]) => Math.abs(value)).filter(Number.isFinite));
    rows.forEach((each, place) => {
      const [label, value] = ranked[place] || [-1, 0];
      each.node.hidden = label < 0;
      if (label < 0) return;
      if (each.label !== label) setText(each.name, store.categories[label]);
      each.label = label;
      const state = view.stateOf(model, label);
      if (each.icon.dataset.state !== state) {
        each.icon.dataset.state = state;
        each.icon.replaceChildren(stateIcon(state));
      }
      setText(each.value, cellText(value));
      each.bar.style.width = `${top > 0 ? Math.min(100, (100 * Math.abs(value || 0)) / top) : 0}%`;
      each.button.setAttribute("aria-pressed", String(label === view.label));
    });
  }
  return { node, update };
}
