// The help overlay: what is to be seen, and every key.
import { h } from "./dom.js";
import { listenKeys } from "./host.js";

const KEYS = [
  ["← →", "previous and next image"],
  ["↑ ↓", "previous and next label"],
  ["m", "next kind of map"],
  ["c", "next model, where several are compared"],
  ["o", "heat, contour or the map alone"],
  ["[ ]", "fainter, stronger overlay"],
  ["g", "the map's own cells"],
  ["r", "outline of the object"],
  ["v", "as the model saw it"],
  ["w", "what if: edit the picture and ask the model at hand again"],
  ["t u b", "what if: next tool, undo, before and after"],
  ["Space", "what if, at the cursor on a picture: pen down, and up again; p: the place to copy from"],
  ["Enter", "on a picture: a cursor that the arrows move; Esc removes it"],
  ["?", "this help"],
];

const READING = [
  "Choose an image in the strip and a label in the list. The maps show where the model looks for that label: the stronger the colour, the more that place counts.",
  "Point at a place to see which labels look there. The numbers tell how far such a map can be trusted: compare them with the grey rows, a random map and a blob in the middle.",
  "What the score is made of: bars that add up to it and, where a model reads several layers, what each of them contributes and where.",
];

export function help(app, words = READING, keys = KEYS) {
  const close = h("button", { class: "wb-button", onclick: () => toggle(false) }, "Close");
  const node = h(
    "div",
    { class: "wb-help", role: "dialog", "aria-label": "Help", hidden: true },
    h("div", { class: "wb-help-box" },
      h("h3", {}, "How to read this"),
      words.map((text) => h("p", {}, text)),
      h("dl", { class: "wb-keys" }, keys.map(([key, meaning]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)])),
      close),
  );
  let returnTo = null;
  function toggle(open = node.hidden) {
    if (open) returnTo = app.root.getRootNode().activeElement;
    node.hidden = !open;
    if (open) close.focus({ preventScroll: true });
    else (app.root.contains(returnTo) ? returnTo : app.root).focus({ preventScroll: true });
  }
  app.toggleHelp = toggle;
  return { node, toggle };
}

// Keys that do something while nothing is typed and the help is closed: {key: function of the event}.
export function actOnKeys(app, overlay, actions) {
  listenKeys(app.root, (event) => {
    const { target, key } = event;
    if (!overlay.node.hidden) return key === "Escape" || key === "?" ? (app.toggleHelp(false), true) : false;
    if (target.matches("select, input") || !actions[key]) return false;
    actions[key](event);
    return true;
  });
}
