// One point: the picture, what it is of, and its numbers; the other categories of the same picture lead to their points.
import { h, setText, stateIcon } from "./dom.js";
import { STATES } from "./decisions.js";
import { fixed } from "./choosing.js";

export function thumbnail(store, image, alt = "") {
  const url = store.thumbnails.get(image);
  const [height, width] = store.tables.sizes.values.subarray(2 * image, 2 * image + 2);
  const picture = url ? h("img", { src: url, alt, draggable: "false" }) : h("span", { class: "wb-blank" });
  picture.style.aspectRatio = `${width} / ${height}`;
  return picture;
}

export function pointCard(app) {
  const { store, view } = app;
  const frame = h("div", { class: "wb-portrait" });
  const name = h("em");
  const id = h("p", { class: "wb-soft wb-id" });
  const body = h("tbody");
  const several = store.models.length > 1;
  const head = h("thead", { hidden: !several }, h("tr", {}, h("td"), store.models.map((model) => h("th", { scope: "col" }, model.name))));
  const others = h("p", { class: "wb-others" });
  const node = h("section", { class: "wb-point", "aria-label": "The chosen point" }, frame, h("h3", {}, name), id, h("table", {}, head, body), others);
  let shown = "";

  function rows(point) {
    const lines = [["Decision", (model) => {
      const state = STATES[store.stateOf(model, point)];
      return h("span", { class: "wb-decision" }, stateIcon(state), ` ${state === "TP" ? "found" : "missed"}`);
    }]];
    for (const { name: key, title, meaning } of store.numbers.filter(({ kind }) => kind === "point")) lines.push([title, (model) => fixed(store.number(model, key, view.epoch)[point]), meaning]);
    lines.push(["Nearest other is", (model) => store.categories[store.tables[`nearest.${model}`].values[point]] ?? "–"]);
    return lines.map(([title, cell, meaning]) => h("tr", {}, h("th", { scope: "row", title: meaning }, title), store.models.map((_, model) => h("td", {}, cell(model)))));
  }

  function update() {
    const point = view.hover >= 0 ? view.hover : view.point;
    if (point < 0) return;
    const image = store.imageOf[point];
    store.askThumbnails([image]);
    const key = `${point} ${Boolean(store.thumbnails.get(image))} ${view.hover >= 0}`;
    if (key === shown) return;
    shown = key;
    setText(name, store.nameOf(point));
    setText(id, `in image ${store.idOf(point)}`);
    frame.replaceChildren(thumbnail(store, image, `Image ${store.idOf(point)}`));
    body.replaceChildren(...rows(point));
    const rest = [...store.pointsOfImage(image)].filter((other) => other !== point);
    others.replaceChildren(rest.length ? "Also in it: " : "Nothing else is labelled in it.", ...rest.flatMap((other, place) => [place ? ", " : "", h("button", { class: "wb-link", onclick: () => view.choose(other) }, store.nameOf(other))]));
  }
  return { node, update };
}
