// One row for each label: its slider, its threshold as a number, what it gives, and where it comes from. Below: all labels together.
import { h, setText } from "./dom.js";
import { percent, thresholdText } from "./rates.js";

export const SLIDER = { min: 0.005, max: 0.995, step: 0.005 };
const OVERALL = ["CP", "CR", "CF1", "OP", "OR", "OF1"];
const ROW = 25; // px, as the style sheet says
const IN_VIEW = 26; // rows that fit into its height, and some
const LATER = 70; // ms after the last change, when rows that are scrolled out of view follow it
const FROM = { reference: "–", hand: "hand", chosen: "best", loaded: "file" };

// A slider and a field for the same threshold; `move` takes a number and whether it is being dragged, `settle` ends that.
export function thresholdInputs(name, move, settle) {
  const slider = h("input", { type: "range", ...SLIDER, "aria-label": name, oninput: () => move(Number(slider.value), true), onchange: settle });
  const field = h("input", { type: "number", min: 0, max: 1, step: 0.001, "aria-label": `${name}, as a number`, onchange: () => { move(Number(field.value)); show(shown, true); } });
  let shown = null;
  function show(threshold, again = false) {
    if (threshold === shown && !again) return;
    shown = threshold;
    if (Number(slider.value) !== threshold) slider.value = threshold;
    slider.setAttribute("aria-valuetext", thresholdText(threshold));
    field.value = Number(threshold.toPrecision(3));
  }
  // No one threshold: the slider stands where it may be dragged from.
  function blank(start) {
    shown = null;
    slider.value = start;
    slider.setAttribute("aria-valuetext", "they differ");
    field.value = "";
  }
  return { slider, field, show, blank };
}

export function labelRows(app) {
  const { store, view } = app;
  const body = h("tbody", { role: "rowgroup" }); // roles are named, since rows are laid out each for itself: a number that changes moves no other
  const heads = [["label", ""], ["threshold", "Probability from which the label is predicted"], ["", ""], ["P", "Precision, %"], ["R", "Recall, %"], ["F1", "F1, %"], ["TP", "Predicted and present"], ["FP", "Predicted, not present"], ["FN", "Present, not predicted"], ["from", "Where the threshold comes from"]];
  const head = h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.filter(([text]) => text).map(([text, title]) => h("th", { role: "columnheader", scope: "col", title: title || null, colspan: text === "threshold" ? 2 : null }, text))));
  const node = h("div", { class: "wb-thresholds", tabindex: "0", role: "region", "aria-label": "Thresholds of all labels" }, h("table", { role: "table" }, head, body));
  const rows = store.categories.map(makeRow);
  let order = "";
  let chosen = -1;
  let scrolled = 0;
  let rest = 0;
  node.addEventListener("scroll", () => {
    scrolled = node.scrollTop;
    fillRows();
  });

  function makeRow(name, label) {
    const inputs = thresholdInputs(`Threshold of ${name}`, (threshold, drag) => view.move(label, threshold, drag), () => view.settle());
    const button = h("button", { class: "wb-link wb-name", title: name, onclick: () => view.set({ label: name }) }, name);
    const cells = Array.from({ length: 7 }, () => h("td", { role: "cell", class: "wb-score" }));
    for (const each of [inputs.slider, inputs.field, button]) each.tabIndex = -1;
    const row = h("tr", { role: "row", "data-label": label }, h("th", { role: "rowheader", scope: "row" }, button), [inputs.slider, inputs.field].map((each) => h("td", { role: "cell" }, each)), cells);
    return { row, inputs, button, cells, shown: null };
  }

  // One stop of the Tab key: the chosen row.
  function mark(label) {
    for (const [place, on] of [[chosen, false], [label, true]]) {
      if (place < 0) continue;
      const { row, inputs, button } = rows[place];
      row.classList.toggle("wb-chosen", on);
      for (const each of [inputs.slider, inputs.field, button]) each.tabIndex = on ? 0 : -1;
      button.setAttribute("aria-current", String(on));
    }
    chosen = label;
    requestAnimationFrame(() => {
      const { row } = rows[label];
      const head = ROW;
      if (row.offsetTop < node.scrollTop + head) node.scrollTop = Math.max(0, row.offsetTop - head);
      else if (row.offsetTop + row.offsetHeight > node.scrollTop + node.clientHeight) node.scrollTop = row.offsetTop + row.offsetHeight - node.clientHeight;
    });
  }

  function sorted() {
    const places = store.categories.map((_, label) => label);
    const { sort } = view.state;
    const ap = store.AP[view.convention.ap];
    const present = (label) => store.measured.of(label)[0].length;
    if (sort === "name") places.sort((a, b) => (store.categories[a] < store.categories[b] ? -1 : 1));
    if (sort === "frequency") places.sort((a, b) => present(b) - present(a) || a - b);
    if (sort === "AP") places.sort((a, b) => (ap[a] || 0) - (ap[b] || 0) || a - b);
    return places;
  }

  // The rows from one place of the order to another; all of them by default.
  function fillRows(first = 0, end = rows.length) {
    const { thresholds, origins, convention } = view.state;
    for (const label of app.order.slice(Math.max(0, first), end)) {
      const each = rows[label];
      const key = `${thresholds[label]} ${origins[label]} ${convention}`;
      if (each.shown === key) continue;
      each.shown = key;
      const { hits, chosen: said, present } = view.counts[label];
      const texts = [...view.now.rates[label].map(percent), hits, said - hits, present - hits, FROM[origins[label].split(": ")[0]]];
      texts.forEach((text, place) => setText(each.cells[place], String(text)));
      each.cells[6].title = origins[label];
      each.inputs.show(thresholds[label]);
    }
  }

  function update() {
    const { sort } = view.state;
    if (order !== sort) {
      order = sort;
      app.order = sorted();
      body.replaceChildren(...app.order.map((label) => rows[label].row));
    }
    const first = Math.floor(scrolled / ROW) - 1;
    fillRows(first, first + IN_VIEW);
    clearTimeout(rest);
    rest = setTimeout(() => fillRows(), LATER);
    if (chosen !== view.label) mark(view.label);
  }
  return { node, update, close: () => clearTimeout(rest) };
}

export function overall(app) {
  const { store, view } = app;
  const cells = ["now", "before"].map(() => OVERALL.map(() => h("td", { class: "wb-score" })));
  const row = (title, place) => h("tr", { class: place ? "wb-reference" : "wb-total" }, h("th", { scope: "row" }, title), cells[place]);
  const head = h("tr", {}, h("td"), OVERALL.map((name) => h("th", { scope: "col", class: "wb-score" }, name)));
  const caption = h("caption");
  const node = h("table", { class: "wb-overall" }, caption, h("thead", {}, head), h("tbody", {}, row("these thresholds", 0), row(`all at ${store.reference}`, 1)));
  function update() {
    setText(caption, `All ${store.labels} labels, in %, convention ${view.convention.name}: ${store.count.toLocaleString("en")} images of ${store.name}`);
    [view.now, view.before].forEach((numbers, place) => OVERALL.forEach((name, column) => setText(cells[place][column], percent(numbers[name]))));
  }
  return { node, update };
}
