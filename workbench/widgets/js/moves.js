// The move lab: one object of a scene goes along a line, and the score of any label is watched.
import { h, probability, select, setChoices, setRead, setText } from "./dom.js";
import { frame } from "./frame.js";
import { actOnKeys, help } from "./help.js";
import { moveCurve } from "./movecurve.js";
import { MoveStore, MoveView } from "./movedata.js";
import { STYLE } from "./style.js";

const MOVE_WORDS = [
  "One object is moved and everything else stays. If the model has learned that a label follows from where this object is, the label's score changes with it; a model that only looks at the label's own object does not care.",
  "The green band below the curve shows where the label is true. A model that knows the rule goes up where the band begins and down where it ends. The hollow dot is where the object was.",
  "Compare with an object that has nothing to do with the label: moving anything edits the picture, so small changes mean nothing. Whether a change stands out is measured by benchmarks/relations.py.",
];
const MOVE_KEYS = [
  ["← →", "move the object"],
  ["↑ ↓", "previous and next label"],
  ["o", "next object; with Shift the one before"],
  ["n p", "next and previous scene"],
  ["a", "across or down"],
  ["l", "probability or logit"],
  ["0", "back to where it was"],
  ["?", "this help"],
];
const after = (list, value, by = 1) => list[(list.indexOf(value) + by + list.length) % list.length];

function moveTools(app) {
  const { store, view } = app;
  const image = select("Scene", store.ids.map((id) => [id, id]), (value) => view.set({ image: value }));
  const thing = select("Object to move", [], (value) => view.set({ thing: value }));
  const label = select("Label to watch", store.categories.map((name) => [name, name]), (value) => view.set({ label: value }));
  const pressed = (key, choices) => choices.map(([value, text]) => h("button", { "data-value": value, onclick: () => view.set({ [key]: value }) }, text));
  const axes = pressed("axis", [["down", "up and down"], ["across", "left and right"]]);
  const scales = pressed("scale", [["probability", "probability"], ["logit", "logit"]]);
  const node = h("div", { class: "wb-tools", role: "group", "aria-label": "The experiment" }, h("label", {}, "Scene ", image), h("label", {}, "Move ", thing), h("span", { class: "wb-segments" }, axes), h("label", {}, "Watch ", label), h("span", { class: "wb-segments" }, scales));
  function update() {
    const { state } = view;
    setChoices(thing, store.objectsOf(state.image).map(({ title }) => [title, title]));
    [image.value, thing.value, label.value] = [state.image, state.thing, state.label];
    for (const button of axes) button.setAttribute("aria-pressed", String(button.dataset.value === state.axis));
    for (const button of scales) button.setAttribute("aria-pressed", String(button.dataset.value === state.scale));
  }
  return { node, update };
}

// The scene with the object where it is now: its box, and a dashed one where it was. A click on an object chooses it.
function movedPicture(app) {
  const { store, view } = app;
  const image = h("img", { class: "wb-scene", alt: "" });
  const [was, is] = [h("div", { class: "wb-box wb-was" }), h("div", { class: "wb-box" })];
  const stage = h("div", { class: "wb-moved" }, image, was, is);
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "Place of the object", oninput: () => view.set({ place: Number(slider.value) }) });
  const told = h("span", { class: "wb-score" });
  const back = h("button", { class: "wb-button", onclick: () => view.set({ place: null }) }, "Back");
  const node = h("div", {}, stage, h("div", { class: "wb-slide" }, slider, told, back));

  function put(box, [x0, y0, x1, y1]) {
    Object.assign(box.style, { left: `${100 * x0}%`, top: `${100 * y0}%`, width: `${100 * (x1 - x0)}%`, height: `${100 * (y1 - y0)}%` });
  }
  function boxNow() {
    const { now, place } = view;
    const by = now.places[place] - now.places[now.start];
    const [dx, dy] = view.state.axis === "down" ? [0, by] : [by, 0];
    return [now.box[0] + dx, now.box[1] + dy, now.box[2] + dx, now.box[3] + dy];
  }
  stage.addEventListener("click", (event) => {
    const edge = stage.getBoundingClientRect();
    const [x, y] = [(event.clientX - edge.left) / edge.width, (event.clientY - edge.top) / edge.height];
    const size = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
    const hit = store.objectsOf(view.state.image).filter(({ title, box: [x0, y0, x1, y1] }) => title !== view.state.thing && x >= x0 && x <= x1 && y >= y0 && y <= y1);
    hit.sort((a, b) => size(a.box) - size(b.box));
    if (hit.length) view.set({ thing: hit[0].title });
  });
  function update() {
    if (!view.now) return;
    const { now, place } = view;
    if (image.getAttribute("src") !== now.urls[place]) image.setAttribute("src", now.urls[place]);
    setRead(image, "alt", `Scene ${view.state.image} with ${view.state.thing} at ${Math.round(100 * now.places[place])} percent`);
    put(was, now.box);
    put(is, boxNow());
    was.hidden = place === now.start;
    slider.max = now.places.length - 1;
    if (Number(slider.value) !== place) slider.value = place;
    setText(told, `${Math.round(100 * now.places[place])} %`);
    back.hidden = place === now.start;
    node.dataset.place = String(place);
  }
  return { node, update };
}

// All labels by how far this movement moves them.
function movedLabels(app) {
  const { store, view } = app;
  const list = h("div", { class: "wb-reach", role: "list" });
  let drawn = null;
  function update() {
    if (!view.now) return;
    if (drawn !== view.now) fill();
    drawn = view.now;
    for (const button of list.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.label === view.state.label));
  }
  function fill() {
    const reaches = store.categories.map((name, label) => [view.reach(label), name, label]).sort((a, b) => b[0] - a[0]);
    list.replaceChildren(
      ...reaches.map(([reach, name, label]) => {
        const places = view.now.places.map((_, place) => view.truth(place, label));
        const flips = places.some((there) => there !== places[0]);
        const bar = h("span", { class: "wb-bar" });
        bar.style.width = `${100 * reach}%`;
        const button = h("button", { class: "wb-label", "data-label": name, onclick: () => view.set({ label: name }) },
          h("span", { class: "wb-state", title: flips ? "its truth changes on the way" : "" }, flips ? "◆" : ""), h("span", { class: "wb-name" }, name), h("span"), h("span", { class: "wb-score" }, probability(reach)), h("span", { class: "wb-track" }, bar));
        return h("div", { role: "listitem" }, button);
      }),
    );
  }
  const node = h("section", { "aria-label": "Labels by how far they move" }, h("h3", {}, "How far each label moves"), list, h("p", { class: "wb-soft" }, "Largest minus smallest probability on the way. ◆: whether it is true changes on the way."));
  return { node, update };
}

function sweepTable(app) {
  const { store, view } = app;
  const body = h("div", { class: "wb-table", tabindex: "0", role: "region", "aria-label": "The curve as a table" });
  const details = h("details", {}, h("summary", {}, "As a table"), body);
  details.addEventListener("toggle", () => app.update());
  function update() {
    if (!details.open || !view.now) return;
    const rows = view.now.places.map((at, place) => {
      const cells = [view.truth(place, view.label) ? "yes" : "no", ...store.models.map((_, model) => view.value(model, place, view.label).toFixed(3))];
      return h("tr", { class: place === view.place ? "wb-chosen" : null }, h("th", { scope: "row" }, `${Math.round(100 * at)} %${place === view.now.start ? " (was here)" : ""}`), cells.map((text) => h("td", {}, text)));
    });
    const heads = ["place", "true", ...store.models].map((text) => h("th", { scope: "col" }, text));
    body.replaceChildren(h("table", {}, h("caption", {}, `“${view.state.label}” while “${view.state.thing}” moves`), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
  }
  return { node: details, update };
}

function buildMoves(app, model) {
  const { store } = app;
  app.view = new MoveView(model, store, () => app.update());
  const { view } = app;
  const legend = h("span", { class: "wb-names" }, store.models.map((name, place) => {
    const swatch = h("span", { class: "wb-swatch" });
    swatch.style.background = STYLE.models[place];
    return h("span", { class: "wb-model" }, swatch, ` ${name}`);
  }));
  const header = h("header", {}, legend, h("button", { class: "wb-button", "aria-label": "Help and keys", onclick: () => app.toggleHelp() }, "? Help"));
  const [watched, moved] = [h("em"), h("em")];
  const question = h("h2", { class: "wb-question" }, "What does “", watched, "” do while “", moved, "” moves?");
  const told = h("p", { class: "wb-told", "aria-live": "polite" });
  const overlay = help(app, MOVE_WORDS, MOVE_KEYS);
  const [tools, picture, labels, table, curve] = [moveTools(app), movedPicture(app), movedLabels(app), sweepTable(app), moveCurve(app)];
  const middle = h("div", {}, curve.canvas, told, table.node);
  const main = h("div", { class: "wb-moves" }, picture.node, middle, labels.node);

  function say() {
    const values = store.models.map((name, each) => `${name} ${view.value(each, view.place, view.label).toFixed(2)}`);
    return `${view.state.thing} at ${Math.round(100 * view.now.places[view.place])} %: ${view.state.label} ${values.join(", ")}, ${view.truth(view.place, view.label) ? "true" : "not true"} there`;
  }

  function words() {
    const { now, place, label } = view;
    const change = store.models.map((name, each) => `${store.models.length > 1 ? `${name} ` : ""}${view.value(each, now.start, label).toFixed(2)} → ${view.value(each, place, label).toFixed(2)}`);
    const [before, here] = [now.start, place].map((each) => (view.truth(each, label) ? "true" : "not true"));
    return `Where it was → here: ${change.join("; ")}. “${view.state.label}” is ${before === here ? `${here} at both` : `${before} there, ${here} here`}.`;
  }

  function update() {
    view.refresh();
    setText(watched, view.state.label);
    setText(moved, view.state.thing);
    for (const part of [tools, picture, curve, labels, table]) part.update();
    main.classList.toggle("wb-waiting", !view.now);
    setText(told, view.now ? words() : late());
  }
  const late = () => store.missing(view.state);
  const resize = () => curve.fit(middle.clientWidth);

  const titles = () => store.objectsOf(view.state.image).map(({ title }) => title);
  const shift = (by) => view.now && view.set({ place: Math.min(view.now.places.length - 1, Math.max(0, view.place + by)) });
  const actions = {
    ArrowLeft: () => shift(-1),
    ArrowRight: () => shift(1),
    ArrowUp: () => view.set({ label: after(store.categories, view.state.label, -1) }),
    ArrowDown: () => view.set({ label: after(store.categories, view.state.label) }),
    o: () => view.set({ thing: after(titles(), view.state.thing) }),
    O: () => view.set({ thing: after(titles(), view.state.thing, -1) }),
    n: () => view.set({ image: after(store.ids, view.state.image) }),
    p: () => view.set({ image: after(store.ids, view.state.image, -1) }),
    a: () => view.set({ axis: after(["down", "across"], view.state.axis) }),
    l: () => view.set({ scale: after(["probability", "logit"], view.state.scale) }),
    0: () => view.set({ place: null }),
    "?": () => app.toggleHelp(),
  };
  actOnKeys(app, overlay, actions);
  return { view, update, say, late, resize, nodes: [header, question, tools.node, main], over: [overlay.node] };
}

export function render(place) {
  return frame(place, "Move lab", (model) => new MoveStore(model), buildMoves);
}

export default { render };
