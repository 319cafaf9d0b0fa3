// Every key of the embedding explorer, and its help.
import { listenKeys } from "./host.js";

export const POINT_WORDS = [
  "Each point is one category in one picture: the features that the model gathered for it. Points of one category should lie together and away from the others. The plane is only a shadow of the full space, so read distances from the numbers.",
  "Point at a point to see its picture; a click chooses it. Draw around points with the lasso or a rectangle, or fill in the form, to select them: the numbers, the table and the pictures follow.",
];

export const POINT_KEYS = [
  ["← →", "previous and next point of the category"],
  ["↑ ↓", "previous and next category"],
  ["Enter", "select the chosen point, or take it away"],
  ["a", "select all points of the category in colour"],
  ["Esc", "select nothing"],
  ["o", "colour by category, decision or number"],
  ["p", "next projection"],
  ["c", "next model, where two are compared"],
  ["space", "play or pause"],
  ["[ ]", "previous and next epoch"],
  ["t", "point, lasso or rectangle"],
  ["+ − 0", "closer, further, all; with Shift the arrows move the picture"],
  ["?", "this help"],
];

const COLOURS = ["category", "state", "number"];
const TOOLS = ["point", "lasso", "rectangle"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const following = (list, value, step = 1) => list[(list.indexOf(value) + step + list.length) % list.length];

export function pointKeys(app) {
  const { root, store, view } = app;
  const present = store.categories.filter((_, label) => store.sizes[label]);

  const actions = {
    ArrowLeft: () => view.choose(view.neighbour(-1)),
    ArrowRight: () => view.choose(view.neighbour(1)),
    ArrowUp: () => view.set({ category: following(present, view.state.category, -1) }),
    ArrowDown: () => view.set({ category: following(present, view.state.category) }),
    Enter: () => view.pickWhere((point) => point === view.point, view.mask[view.point] ? "remove" : "add"),
    a: () => view.pickWhere((point) => store.labelOf[point] === view.column, "replace"),
    o: () => view.set({ colour: following(COLOURS, view.state.colour) }),
    p: () => view.set({ projection: following(store.projections.map(({ name }) => name), view.state.projection) }),
    c: () => view.set({ model: (view.state.model + 1) % store.models.length }),
    t: () => view.set({ tool: following(TOOLS, view.state.tool) }),
    " ": () => store.epochs > 1 && app.player.toggle(),
    "[": () => app.player.move(-1),
    "]": () => app.player.move(1),
    "+": () => app.zoomBy(1.5),
    "=": () => app.zoomBy(1.5),
    "-": () => app.zoomBy(1 / 1.5),
    0: () => view.set({ zoom: null }),
    "?": () => app.toggleHelp(),
  };

  listenKeys(root, ({ target, key, shiftKey }) => {
    if (key === "Escape") {
      if (!app.help.node.hidden) app.toggleHelp(false);
      else if (view.places.length) view.pickWhere(() => false, "replace");
      else return false;
      return true;
    }
    if (!app.help.node.hidden) return key === "?" ? (app.toggleHelp(false), true) : false;
    if (target.matches("input[type=text]")) return false;
    if (target.matches("select, input[type=range]") && (key in ARROWS || key === " " || key === "Enter" || (target.matches("select") && key.length === 1))) return false;
    if (target.matches("button, summary") && (key === " " || key === "Enter")) return false;
    if (target.matches("[role=tab]") && (key === "ArrowLeft" || key === "ArrowRight")) {
      app.nextTab(key === "ArrowLeft" ? -1 : 1);
      return true;
    }
    if (target.matches(".wb-table") && key in ARROWS) return false;
    if (shiftKey && key in ARROWS) app.panBy(...ARROWS[key]);
    else if (actions[key]) actions[key]();
    else return false;
    return true;
  });
}
