// From the first logits to the final ones: the steps of every label of this image, and the images that the final answer fixed or broke.
import { h, number, probability, select, setChoices, setRead, setText } from "./dom.js";
import { cellTest, imagesWhere } from "./decisions.js";

const MOST = 24; // chips in a list

export function stepsPanel(app) {
  const { store, view } = app;
  const canvas = h("canvas", { class: "wb-slope", role: "img", tabindex: "0" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const value = h("span", { class: "wb-slope-value", "aria-hidden": "true" });
  const table = h("div", { class: "wb-table" });
  const details = h("details", {}, h("summary", {}, "As a table"), table);
  details.addEventListener("toggle", () => update());
  const before = select("Compared with", [], (value) => view.set({ before: value }));
  const every = h("input", { type: "checkbox", onchange: () => update() });
  const fixed = makeList("fixed", "Fixed");
  const broken = makeList("broken", "Broken");
  const sentence = h("p", { class: "wb-soft" });
  const slope = h("div", { class: "wb-steps" }, h("h4", {}, "This image, step by step"), h("div", { class: "wb-slope-box" }, canvas, value), details);
  const lists = h(
    "div",
    { class: "wb-lists" },
    h("h4", {}, "What the final answer changed, compared with ", before),
    h("label", { class: "wb-check" }, every, " all labels, not only the chosen one"),
    sentence,
    fixed.node,
    broken.node,
  );
  const node = h("div", { class: "wb-two" }, slope, lists);
  let drawn = "";
  let sloped = "";
  let ground = {};
  let room = 300;

  function makeList(filter, title) {
    const count = h("strong");
    const chips = h("div", { class: "wb-chips" });
    const only = h("button", { class: "wb-link", onclick: () => view.set({ filter_state: filter, filter_label: every.checked ? "" : view.state.label }) }, "show only these");
    return { filter, count, chips, only, late: [], node: h("div", { class: `wb-list-${filter}` }, h("p", {}, `${title}: `, count, " ", only), chips) };
  }

  function fillList(list, states, changes) {
    const column = every.checked ? -1 : view.label;
    const images = imagesWhere(store.count, store.labels, column, cellTest(list.filter, states, changes));
    setText(list.count, String(images.length));
    list.only.hidden = !images.length;
    const shown = images.slice(0, MOST);
    store.askThumbnails(shown);
    list.late = shown.filter((image) => !store.thumbnails.get(image));
    list.chips.replaceChildren(...shown.map((image) => chip(image, list.filter, changes)), images.length > MOST ? h("span", { class: "wb-soft" }, `and ${images.length - MOST} more`) : "");
  }

  function chip(image, filter, changes) {
    const url = store.thumbnails.get(image);
    let { label } = view;
    if (every.checked) label = changes.subarray(image * store.labels, (image + 1) * store.labels).indexOf(filter === "fixed" ? 1 : -1);
    const name = store.categories[label];
    return h(
      "button",
      { class: "wb-chip", "data-image": image, title: `${store.ids[image]}: ${name}`, "aria-label": `${filter}: ${name} in ${store.ids[image]}`, onclick: () => view.set({ image: store.ids[image], label: name }) },
      url ? h("img", { src: url, alt: "" }) : h("span", { class: "wb-blank" }),
    );
  }

  function drawSlope() {
    const kinds = view.member.logits;
    const { image, label } = view;
    const { model } = view.state;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const [width, height] = [Math.max(220, room), 190];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [left, right, top, bottom] = [34, width - 70, 10, height - 24];
    const x = (place) => left + ((right - left) * place) / Math.max(1, kinds.length - 1);
    const y = (p) => bottom - (bottom - top) * p;
    const text = app.look.color;
    const line = (colour, size, ...lines) => {
      context.strokeStyle = colour;
      context.lineWidth = size;
      context.beginPath();
      for (const points of lines) points.forEach(([px, py], i) => (i ? context.lineTo(px, py) : context.moveTo(px, py)));
      context.stroke();
    };
    const of = (each) => kinds.map((kind, place) => [x(place), y(store.probability(model, kind.name, image, each))]);
    const key = [image, model, width, ratio, text].join();
    if (ground.key === key) context.putImageData(ground.picture, 0, 0);
    else drawGround();
    const chosen = of(label);
    line(app.look.accent, 3, chosen);
    context.fillStyle = app.look.accent;
    for (const [px, py] of chosen) {
      context.beginPath();
      context.arc(px, py, 4, 0, 7);
      context.fill();
    }
    const values = kinds.map((kind) => probability(store.probability(model, kind.name, image, label)));
    setText(value, values.at(-1)); // an element: text on a canvas makes the browser compute styles
    value.style.left = `${right + 10}px`;
    value.style.top = `${chosen.at(-1)[1] - 9}px`;
    const spoken = kinds.map((kind, place) => `${kind.title} ${values[place]}`).join(", ");
    setRead(canvas, "aria-label", `Probability of ${store.categories[label]}: ${spoken}. The other labels are drawn thin.`);

    // Axes and the thin lines of all labels, kept for the next label of the same image.
    function drawGround() {
      context.clearRect(0, 0, width, height);
      context.font = `12px ${app.look.fontFamily}`;
      context.globalAlpha = 0.22;
      line(text, 1, ...app.ranking.map(of));
      context.globalAlpha = 0.6;
      context.setLineDash([4, 4]);
      line(text, 1, [[left, y(view.member.threshold)], [right, y(view.member.threshold)]]);
      context.setLineDash([]);
      context.globalAlpha = 1;
      context.fillStyle = text;
      context.textAlign = "right";
      for (const p of [0, 1, view.member.threshold]) context.fillText(String(p), left - 10, y(p) + 4);
      context.textAlign = "center";
      kinds.forEach((kind, place) => context.fillText(kind.title, x(place), height - 6));
      ground = { key, picture: context.getImageData(0, 0, canvas.width, canvas.height) };
    }
  }

  function fillTable() {
    const kinds = view.member.logits;
    const { model } = view.state;
    const row = (label) =>
      h("tr", { class: label === view.label ? "wb-chosen" : null }, h("th", { scope: "row" }, store.categories[label]), kinds.map((kind) => h("td", {}, `${probability(store.probability(model, kind.name, view.image, label))} (${number(store.logits(model, kind.name)[view.image * store.labels + label])})`)));
    table.replaceChildren(
      h("table", {}, h("caption", {}, "Probability (logit) of each label"), h("thead", {}, h("tr", {}, h("td"), kinds.map((kind) => h("th", { scope: "col", title: kind.meaning }, kind.title)))), h("tbody", {}, app.ranking.map(row))),
    );
  }

  function update() {
    const { model, before: other } = view.state;
    const choices = view.befores(model);
    slope.hidden = view.member.logits.length < 2;
    lists.hidden = !choices.length;
    const slopeKey = [model, view.image, view.label, room, app.look.color, details.open].join();
    if (!slope.hidden && slopeKey !== sloped) {
      sloped = slopeKey;
      drawSlope();
      if (details.open) fillTable();
    }
    if (lists.hidden) return;
    setChoices(before, choices);
    before.value = other;
    const title = choices.find(([value]) => value === other)?.[1];
    const what = every.checked ? "for any label" : `for “${view.state.label}”`;
    setText(sentence, `Images in which ${title} was wrong ${what} and the final answer is right (fixed), and the other way round (broken). Unknown truths do not count.`);
    const key = [model, other, every.checked || view.label].join();
    const changes = store.changes(model, other);
    for (const list of [fixed, broken]) {
      if (key !== drawn || list.late.some((image) => store.thumbnails.get(image))) fillList(list, store.states(model), changes);
      for (const each of list.chips.children) each.setAttribute("aria-current", String(Number(each.dataset.image) === view.image));
    }
    drawn = key;
  }

  const resize = () => {
    room = canvas.clientWidth || room;
  };
  return { node, update, resize, title: "What changed the answer", available: () => view.member.logits.length > 1 || store.models.length > 1 };
}
