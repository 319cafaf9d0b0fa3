// Every key of the explorer.
import { listenKeys } from "./host.js";

const OVERLAYS = ["heat", "contour", "map"];
const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const next = (list, value, step = 1) => list[(list.indexOf(value) + step + list.length) % list.length];

export function keyboard(app) {
  const { root, store, view } = app;
  let pointing = false; // the arrows move the cursor in the picture

  const onCanvas = (target) => target.classList.contains("wb-canvas");

  function moveSpot([right, down]) {
    const maps = store.packet(view.image)?.models[view.state.model].maps[view.state.map];
    if (!maps) return;
    const [x, y] = view.state.spot || [0.5, 0.5];
    const clamp = (value, cells) => (Math.min(cells - 1, Math.max(0, value)) + 0.5) / cells;
    view.hover = null;
    view.set({ spot: [clamp(Math.floor(x * maps.columns) + right, maps.columns), clamp(Math.floor(y * maps.rows) + down, maps.rows)] });
  }

  function moveLabel(step) {
    const here = app.ranking.indexOf(view.label);
    const to = app.ranking[Math.min(app.ranking.length - 1, Math.max(0, here + step))];
    view.set({ label: store.categories[to] });
  }

  const actions = {
    ArrowLeft: () => app.goTo(view.neighbour(-1)),
    ArrowRight: () => app.goTo(view.neighbour(1)),
    ArrowUp: () => moveLabel(-1),
    ArrowDown: () => moveLabel(1),
    m: () => view.set({ map: next(view.member.kinds.map((kind) => kind.name), view.state.map) }),
    c: () => view.set({ model: (view.state.model + 1) % store.models.length }),
    o: () => view.set({ overlay: next(OVERLAYS, view.state.overlay) }),
    "[": () => view.set({ alpha: Math.max(0, Math.round(view.state.alpha * 10 - 1) / 10) }),
    "]": () => view.set({ alpha: Math.min(1, Math.round(view.state.alpha * 10 + 1) / 10) }),
    g: () => view.set({ grid: !view.state.grid }),
    r: () => view.set({ regions: !view.state.regions }),
    v: () => view.set({ as_seen: !view.state.as_seen }),
    w: () => view.set({ whatif: !view.state.whatif }),
    "?": () => app.toggleHelp(),
  };

  function handle(event) {
    const { target, key } = event;
    if (app.bench.handle(event)) return true;
    if (key === "Escape") {
      if (!app.help.node.hidden) app.toggleHelp(false);
      else if (pointing || view.state.spot) {
        pointing = false;
        view.hover = null;
        view.set({ spot: null });
      } else return false;
      return true;
    }
    if (!app.help.node.hidden) return key === "?" ? (app.toggleHelp(false), true) : false;
    if (target.matches("select, input[type=range], input[type=text]") && (key in STEP || key.length === 1)) return false;
    if (onCanvas(target)) {
      if (key === "Enter") {
        pointing = true;
        moveSpot([0, 0]);
        return true;
      }
      if (pointing && key in STEP) {
        moveSpot(STEP[key]);
        return true;
      }
    }
    if (target.matches("[role=tab]") && (key === "ArrowLeft" || key === "ArrowRight")) {
      app.nextTab();
      return true;
    }
    if (!actions[key]) return false;
    actions[key]();
    return true;
  }

  listenKeys(root, handle);
  root.addEventListener("focusout", (event) => {
    if (onCanvas(event.target)) pointing = false;
  });
}
