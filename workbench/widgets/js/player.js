// From epoch to epoch: a slider, and a player that moves the points between the stored epochs.
import { h, setText } from "./dom.js";

const STEP = 700; // ms from one epoch to the next
const CALM = 1000; // the same without movement

export function player(app) {
  const { store, view } = app;
  const last = store.epochs - 1;
  const button = h("button", { class: "wb-button wb-play", onclick: () => toggle() });
  const slider = h("input", { type: "range", min: 0, max: last, step: 1, "aria-label": "Epoch", oninput: () => {
    stop();
    view.set({ epoch: Number(slider.value) });
  } });
  const told = h("span", { class: "wb-value wb-epoch" });
  const node = h("div", { class: "wb-player", role: "group", "aria-label": "Epochs" }, button, slider, told);
  node.hidden = last < 1;
  let request = 0;
  let began = 0;
  let from = 0;
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  function step(now) {
    const moment = from + Math.max(0, now - began) / (calm() ? CALM : STEP); // a frame may have begun before the click
    if (moment >= last) {
      finish(last);
      return;
    }
    view.moment = calm() ? Math.floor(moment) : moment;
    app.play();
    request = requestAnimationFrame(step);
  }

  function finish(epoch) {
    cancelAnimationFrame(request);
    request = 0;
    view.moment = null;
    view.set({ epoch });
    app.update();
  }

  const stop = () => request && finish(Math.round(Math.min(last, view.moment ?? view.state.epoch)));

  function toggle() {
    if (request) {
      stop();
      return;
    }
    from = view.state.epoch >= last ? 0 : view.state.epoch;
    began = performance.now();
    view.moment = from;
    request = requestAnimationFrame(step);
    update();
  }

  function move(direction) {
    stop();
    view.set({ epoch: Math.min(last, Math.max(0, view.state.epoch + direction)) });
  }

  function update() {
    setText(button, request ? "❚❚ Pause" : "▶ Play");
    const titles = [...new Set(store.models.map((_, model) => view.epochTitle(model)))];
    setText(told, `${titles.join(" · ")} (${view.epoch + 1} of ${last + 1})`);
    if (Number(slider.value) !== view.epoch) slider.value = view.epoch;
    const words = titles.join(", ");
    if (slider.getAttribute("aria-valuetext") !== words) slider.setAttribute("aria-valuetext", words);
  }
  return { node, update, toggle, move, stop, close: () => cancelAnimationFrame(request), running: () => request !== 0 };
}
