// Which label pushes which: the influence of each column's label on each row's, as a matrix and as ranked lists for the chosen label.
import { h, number, select, setChoices, setRead, setText } from "./dom.js";
import { listenKeys } from "./host.js";
import { ramp } from "./colormaps.js";
import { STYLE } from "./style.js";

const NAMED = 24; // up to so many labels have their names at the matrix
const LISTED = 6;

export function influencePanel(app) {
  const { store, view } = app;
  const canvas = h("canvas", { class: "wb-matrix", role: "img", tabindex: "0" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const told = h("p", { class: "wb-told" });
  const scale = h("div", { class: "wb-scale", "aria-hidden": "true" }, h("span"), h("i"), h("span"));
  scale.children[1].style.backgroundImage = `linear-gradient(to right, ${STYLE.palettes[STYLE.signed_palette].join(", ")})`;
  const of = select("Mean or this image", [["mean", "mean of all images"], ["image", "this image"]], (relation_of) => view.set({ relation_of }));
  const which = select("Kind of influence", [], (value) => {
    chosen = Number(value);
    update();
  });
  const lists = h("div", { class: "wb-pushes" });
  const table = h("div", { class: "wb-table" });
  const details = h("details", {}, h("summary", {}, "As a table"), table);
  details.addEventListener("toggle", () => update());
  const heading = h("h4", {});
  const node = h("div", { class: "wb-two wb-influence" }, h("div", { class: "wb-matrix-box" }, h("div", { class: "wb-sentence" }, which, of), canvas, scale, told), h("div", {}, heading, lists, details));
  let chosen = 0;
  let room = 400;
  let drawn = "";
  let at = null; // cell under the pointer or the arrows: [row, column]
  let frame = { x: 0, y: 0, cell: 1 };

  function matrix() {
    const relation = view.member.relations[chosen] || view.member.relations[0];
    const packet = store.packet(view.image);
    const own = packet?.models[view.state.model].relations[relation.name];
    const values = view.state.relation_of === "image" && own ? own : store.tables[`relations.${view.state.model}.${relation.name}`].values;
    return { relation, values, own: Boolean(own) };
  }

  function draw(values, top) {
    const n = store.labels;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
        const named = n <= NAMED;
    context.font = `11px ${app.look.fontFamily}`;
    const short = (name) => (name.length > 14 ? `${name.slice(0, 13)}…` : name);
    const margin = named ? Math.max(...store.categories.map((name) => context.measureText(short(name)).width)) + 8 : 4;
    const cell = (room - margin) / n;
    frame = { x: margin, y: margin, cell };
    const size = margin + cell * n;
    canvas.width = canvas.height = Math.ceil(size * ratio);
    canvas.style.width = canvas.style.height = `${size}px`;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const bytes = ramp(STYLE.signed_palette);
    for (let i = 0; i < n * n; i++) {
      const level = Math.floor(Math.min(1, Math.max(0, (values[i] / top + 1) / 2)) * (STYLE.levels - 1) + 0.5) * 3;
      context.fillStyle = `rgb(${bytes[level]},${bytes[level + 1]},${bytes[level + 2]})`;
      context.fillRect(margin + cell * (i % n), margin + cell * Math.floor(i / n), cell + 0.5, cell + 0.5);
    }
    context.fillStyle = context.strokeStyle = app.look.color;
    context.font = `11px ${app.look.fontFamily}`;
    if (named) {
      store.categories.forEach((name, label) => {
        context.textAlign = "right";
        context.fillText(short(name), margin - 5, margin + cell * (label + 0.5) + 4);
        context.save();
        context.translate(margin + cell * (label + 0.5) + 4, margin - 5);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(short(name), 0, 0);
        context.restore();
      });
    }
    context.lineWidth = 1.5;
    context.strokeRect(margin, margin + cell * view.label, cell * n, cell);
    if (at) context.strokeRect(margin + cell * at[1], margin + cell * at[0], cell, cell);
  }

  function tell(values) {
    const [row, column] = at || [view.label, view.label];
    const value = values[row * store.labels + column];
    const [to, from] = [store.categories[row], store.categories[column]];
    const push = value > 0 ? "raises" : value < 0 ? "lowers" : "leaves";
    setText(told, at ? `Seeing “${from}” ${push} the score of “${to}”: ${number(value)}` : "Rows are pushed, columns push. Point at a cell; a click chooses the row's label.");
  }

  function push(values, label, sign) {
    const n = store.labels;
    const others = store.categories.map((_, column) => [column, values[label * n + column]]).filter(([, value]) => value * sign > 0);
    others.sort((a, b) => (b[1] - a[1]) * sign);
    return others.slice(0, LISTED);
  }

  function fillLists(values, top) {
    const list = (title, sign) =>
      h(
        "div",
        {},
        h("p", { class: "wb-soft" }, title),
        h("ul", {}, push(values, view.label, sign).map(([column, value]) => {
          const bar = h("span", { class: "wb-bar" });
          bar.style.width = `${(100 * Math.abs(value)) / top}%`;
          bar.style.background = STYLE.palettes[STYLE.signed_palette][sign > 0 ? 8 : 2];
          const name = store.categories[column];
          return h("li", {}, h("button", { class: "wb-label", onclick: () => view.set({ label: name }) }, h("span", { class: "wb-name" }, name), h("span", { class: "wb-score" }, number(value)), h("span", { class: "wb-track" }, bar)));
        })),
      );
    lists.replaceChildren(list("raised by", 1), list("lowered by", -1));
  }

  function fillTable(values) {
    const n = store.labels;
    const rows = store.categories.map((name, label) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, number(values[view.label * n + label])), h("td", {}, number(values[label * n + view.label]))));
    table.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, `on ${view.state.label}`), h("th", { scope: "col" }, `of ${view.state.label}`))), h("tbody", {}, rows)));
  }

  function update() {
    const { relations } = view.member;
    const { image, label, state } = view;
    const key = [state.model, state.relation_of, chosen, label, at, room, app.look.color, details.open, state.relation_of === "image" && image, Boolean(store.packet(image))].join();
    if (key === drawn) return;
    drawn = key;
    setChoices(which, relations.map(({ title }, place) => [String(place), title]));
    which.hidden = relations.length < 2;
    const { relation, values, own } = matrix();
    of.hidden = !own && view.state.relation_of === "mean";
    of.value = view.state.relation_of;
    let top = 0;
    for (const value of values) top = Math.max(top, Math.abs(value));
    top = top || 1;
    setText(scale.children[0], number(-top));
    setText(scale.children[2], number(top));
    setText(heading, `What pushes “${view.state.label}”?`);
    setRead(canvas, "aria-label", `${relation.title}: ${store.labels} by ${store.labels} labels. Arrow keys move, Enter chooses the row's label; the table below holds the same numbers.`);
    draw(values, top);
    tell(values);
    fillLists(values, top);
    if (details.open) fillTable(values);
  }

  function cellOf(event) {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - frame.x) / frame.cell);
    const row = Math.floor((event.clientY - box.top - frame.y) / frame.cell);
    const inside = row >= 0 && column >= 0 && row < store.labels && column < store.labels;
    return inside ? [row, column] : null;
  }

  function point(cell) {
    if (String(cell) === String(at)) return;
    at = cell;
    update();
  }
  canvas.addEventListener("pointermove", (event) => point(cellOf(event)));
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (cell) view.set({ label: store.categories[cell[0]] });
  });
  listenKeys(canvas, ({ key }) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (moves[key]) {
      const [row, column] = at || [view.label, view.label];
      const clamp = (place) => Math.min(store.labels - 1, Math.max(0, place));
      point([clamp(row + moves[key][0]), clamp(column + moves[key][1])]);
    } else if (key === "Enter" && at) view.set({ label: store.categories[at[0]] });
    else return false;
    return true;
  });
  const resize = () => {
    room = Math.min(460, canvas.parentElement.clientWidth || room);
  };
  return { node, update, resize, title: "Which labels push which", available: () => view.member.relations.length > 0 };
}
