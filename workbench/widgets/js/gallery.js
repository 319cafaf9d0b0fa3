// Which images: the filter as a sentence, the order, and a strip of thumbnails.
import { h, select, setChoices, setText } from "./dom.js";
import { cellTest, countFilters, imagesWhere } from "./decisions.js";

const THUMB = 58; // px from one thumbnail to the next

const WORDS = [
  ["all", "anything"],
  ["TP", "correctly predicted (TP)"],
  ["FP", "a false alarm (FP)"],
  ["FN", "missed (FN)"],
  ["TN", "rightly not predicted (TN)"],
  ["unknown", "of unknown truth"],
  ["fixed", "fixed"],
  ["broken", "broken"],
];
const ORDERS = [
  ["stored", "their place in the archive"],
  ["high", "the label\u2019s score, highest first"],
  ["low", "the label\u2019s score, lowest first"],
  ["errors", "mistakes, most first"],
];
const COMPARED = [
  ["disagreement", "the models\u2019 disagreement on any label"],
  ["label disagreement", "the models\u2019 disagreement on the label"],
];

export function gallery(app) {
  const { store, view } = app;
  const which = select("Label to filter by", [], (filter_label) => view.set({ filter_label }));
  const state = select("State to filter by", [], (filter_state) => view.set({ filter_state }));
  const order = select("Order of the images", [...ORDERS, ...(store.models.length > 1 ? COMPARED : [])], (sort) => view.set({ sort }));
  const count = h("span", { class: "wb-count", "aria-live": "polite" });
  const back = h("button", { class: "wb-page", "aria-label": "Earlier images", onclick: () => app.page(-1) }, "‹");
  const on = h("button", { class: "wb-page", "aria-label": "Later images", onclick: () => app.page(1) }, "›");
  const strip = h("div", { class: "wb-strip", role: "listbox", "aria-label": "Images", "aria-orientation": "horizontal" });
  const node = h(
    "section",
    { class: "wb-gallery", "aria-label": "Images" },
    h("div", { class: "wb-sentence" }, h("span", {}, "Images where"), which, h("span", {}, "is"), state, h("span", {}, "sorted by"), order, count),
    h("div", { class: "wb-reel" }, back, strip, on),
  );
  let shown = "";
  let first = 0;
  let room = 800;

  app.page = (direction) => {
    const size = app.pageSize || 8;
    const here = view.rank.get(view.image) || 0;
    const target = Math.min(view.order.length - 1, Math.max(0, here + direction * size));
    if (view.order.length) app.goTo(view.order[target]);
  };

  function thumbnail(image) {
    const url = store.thumbnails.get(image);
    const [height, width] = store.tables.sizes.values.subarray(2 * image, 2 * image + 2);
    const picture = url ? h("img", { src: url, alt: "", draggable: "false" }) : h("span", { class: "wb-blank" });
    picture.style.aspectRatio = `${width} / ${height}`;
    const chosen = image === view.image;
    return h(
      "button",
      { class: "wb-thumb", role: "option", "aria-selected": String(chosen), tabindex: "-1", title: store.ids[image], "aria-label": `Image ${store.ids[image]}`, onclick: () => app.goTo(image) },
      picture,
    );
  }

  function update() {
    const { filter_label, filter_state, model, before, sort } = view.state;
    const column = filter_label ? store.columns.get(filter_label) : -1;
    const changes = store.changes(model, before);
    const totals = store.once(`totals ${model} ${before} ${column}`, () => countFilters(store.count, store.labels, column, store.states(model), changes));
    setChoices(
      state,
      WORDS.filter(([value]) => value in totals).map(([value, text]) => [value, `${text} · ${totals[value]}`, !totals[value] && value !== filter_state]),
    );
    const test = cellTest(filter_state, store.states(model), changes);
    const empty = store.once(`empty ${model} ${before} ${filter_state}`, () => store.categories.map((_, label) => !imagesWhere(store.count, store.labels, label, test).length));
    setChoices(which, [["", "any label"], ...store.categories.map((name, label) => [name, name, empty[label] && name !== filter_label])]);
    which.value = filter_label;
    state.value = filter_state;
    order.value = sort;
    const here = view.rank.get(view.image);
    const total = view.order.length;
    setText(count, total ? `${here === undefined ? "–" : here + 1} of ${total} images` : "No image is like that; choose another filter.");
    const size = Math.max(4, Math.floor(room / THUMB));
    app.pageSize = size;
    if (here !== undefined && (here < first || here >= first + size || first >= total)) first = Math.max(0, Math.min(total - size, here - (size >> 1)));
    const images = view.order.slice(first, first + size);
    store.askThumbnails([...images, ...view.order.slice(first + size, first + size + 8)]);
    const key = `${view.image} ${images.map((image) => `${image}${store.thumbnails.get(image) ? "" : "?"}`).join()}`;
    if (key !== shown) {
      shown = key;
      strip.replaceChildren(...images.map(thumbnail));
    }
    back.disabled = !total || here === 0;
    on.disabled = !total || here === total - 1;
  }
  const resize = () => {
    room = strip.clientWidth || room;
  };
  return { node, update, resize };
}
