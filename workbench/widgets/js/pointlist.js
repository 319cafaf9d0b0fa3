// The selected points, or without a selection those of the category in colour, as a table and as pictures.
import { h, select, setText, stateIcon } from "./dom.js";
import { STATES } from "./decisions.js";
import { firstBy, fixed } from "./choosing.js";
import { thumbnail } from "./pointcard.js";

const ROWS = 60;
const PICTURES = 48;

// What is listed: {points, words}.
function listed(view) {
  if (view.places.length) return { points: view.places, words: `${view.places.length.toLocaleString("en")} selected points` };
  const points = view.pointsOf(view.column);
  return { points, words: `Nothing is selected: the ${points.length.toLocaleString("en")} points of “${view.state.category}”` };
}

function sorter(app) {
  const { store, view } = app;
  const node = select("Order of the points", [["stored", "place in the archive"], ...store.numbers.flatMap(({ name, title }) => [[name, `${title}, lowest first`], [`-${name}`, `${title}, highest first`]])], (sort) => view.set({ sort }));
  const first = (points, most) => {
    const { sort, model } = view.state;
    if (sort === "stored") return [...points.subarray(0, most)];
    const falling = sort.startsWith("-");
    return firstBy(points, store.number(model, falling ? sort.slice(1) : sort, view.epoch), falling, most);
  };
  return { node, first };
}

export function tablePanel(app) {
  const { store, view } = app;
  const order = sorter(app);
  const words = h("span");
  const body = h("tbody");
  const shownNumbers = store.numbers.filter(({ kind }) => kind === "point");
  const columns = store.models.flatMap((model, place) => [...shownNumbers.map(({ title, name, meaning }) => ({ title, name, meaning, place, model: model.name })), { title: "Nearest other is", place, model: model.name }]);
  const group = h("tr", { hidden: store.models.length < 2 }, h("td", { colspan: 2 }), store.models.map((model) => h("th", { scope: "colgroup", colspan: shownNumbers.length + 2 }, model.name)));
  const names = h("tr", {}, h("th", { scope: "col" }, "Image"), h("th", { scope: "col" }, "Category"), store.models.map((_, place) => [h("th", { scope: "col" }, "Decision"), columns.filter((column) => column.place === place).map(({ title, meaning }) => h("th", { scope: "col", title: meaning }, title))]));
  const node = h("div", {}, h("p", { class: "wb-sentence" }, words, h("label", {}, "sorted by ", order.node)), h("div", { class: "wb-table", tabindex: "0", role: "region", "aria-label": "Points as a table" }, h("table", {}, h("thead", {}, group, names), body)));
  let shown = "";

  function row(point) {
    const cells = store.models.map((_, model) => {
      const state = STATES[store.stateOf(model, point)];
      const nearest = store.tables[`nearest.${model}`].values[point];
      return [h("td", {}, stateIcon(state), ` ${state}`), shownNumbers.map(({ name }) => h("td", {}, fixed(store.number(model, name, view.epoch)[point]))), h("td", {}, store.categories[nearest] ?? "–")];
    });
    return h("tr", { class: point === view.point ? "wb-chosen" : null }, h("th", { scope: "row" }, h("button", { class: "wb-link", onclick: () => view.choose(point) }, store.idOf(point))), h("td", {}, store.nameOf(point)), cells);
  }

  function update() {
    const { sort, model, category } = view.state;
    const key = [view.version, view.places.length ? "" : category, sort, model, view.epoch, view.point].join();
    if (key === shown) return;
    shown = key;
    const list = listed(view);
    order.node.value = sort;
    setText(words, `${list.words}${list.points.length > ROWS ? `, the first ${ROWS} of them` : ""}`);
    body.replaceChildren(...order.first(list.points, ROWS).map(row));
  }
  return { node, update, title: "Table" };
}

export function imagesPanel(app) {
  const { store, view } = app;
  const order = sorter(app);
  const words = h("span");
  const grid = h("div", { class: "wb-grid" });
  const node = h("div", {}, h("p", { class: "wb-sentence" }, words, h("label", {}, "sorted by ", order.node)), grid);
  let shown = "";

  function update() {
    const { sort, model, category } = view.state;
    const list = listed(view);
    const first = order.first(list.points, 4 * PICTURES);
    const byImage = new Map();
    for (const point of first) {
      const image = store.imageOf[point];
      if (!byImage.has(image) && byImage.size < PICTURES) byImage.set(image, point);
    }
    store.askThumbnails([...byImage.keys()]);
    const here = [...byImage.keys()].filter((image) => store.thumbnails.get(image)).length;
    const key = [view.version, view.places.length ? "" : category, sort, model, view.epoch, view.point, here].join();
    if (key === shown) return;
    shown = key;
    order.node.value = sort;
    setText(words, `${list.words}${list.points.length > byImage.size ? `; ${byImage.size} pictures` : ""}`);
    grid.replaceChildren(...[...byImage].map(([image, point]) => h("button", { class: "wb-tile", title: `${store.idOf(point)}: ${store.nameOf(point)}`, "aria-label": `Image ${store.idOf(point)}, ${store.nameOf(point)}`, "aria-current": String(point === view.point), onclick: () => view.choose(point) }, thumbnail(store, image), h("span", { class: "wb-name" }, store.nameOf(point)))));
  }
  return { node, update, title: "Pictures" };
}
