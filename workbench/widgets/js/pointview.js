// The state of one view of the embedding explorer: the synced entries, the selection, and the moment between two epochs.
import { bytesOf } from "./dom.js";
import { State } from "./state.js";

const COMBINED = { replace: [0, 1, 0, 1], add: [0, 1, 1, 1], remove: [0, 0, 1, 0], keep: [0, 0, 0, 1] };

export class PointView extends State {
  constructor(model, store, changed) {
    super(model, store, changed);
    this.hover = -1; // point under the pointer
    this.moment = null; // epoch with a fraction, while the player runs
    this.version = 0; // of the selection
    this.onPicked = () => this.adoptPicked();
    model.on("change:picked", this.onPicked);
    this.adoptPicked(true);
  }

  close() {
    super.close();
    this.model.off("change:picked", this.onPicked);
  }

  complete(next, changes) {
    // A category that is chosen brings a point of its own.
    if (changes.category === undefined || changes.image !== undefined || next.label === changes.category) return;
    const point = this.pointsOf(this.store.columns.get(changes.category))[0];
    if (point !== undefined) Object.assign(next, { image: this.store.idOf(point), label: changes.category });
  }

  // Several views of one model hold the same selection; none takes its own change for another's.
  adoptPicked(first = false) {
    const value = this.model.get("picked");
    const bytes = value && (value.byteLength ? bytesOf(value).slice() : new Uint8Array(0));
    const places = bytes ? new Int32Array(bytes.buffer, 0, bytes.length >> 2) : new Int32Array(0);
    if (!first && places.length === this.places.length && places.every((place, i) => place === this.places[i])) return;
    this.keep(places);
    if (!first) this.changed();
  }

  keep(places) {
    this.places = places;
    this.mask = new Uint8Array(this.store.count);
    for (const place of places) this.mask[place] = 1;
    this.version += 1;
  }

  // Select the points of a mask: instead of the selection, besides it, without them, or what both hold.
  pick(found, how = this.state.combine) {
    const mask = new Uint8Array(this.store.count);
    const both = COMBINED[how]; // by 2 * was + is found
    let total = 0;
    for (let i = 0; i < mask.length; i++) {
      mask[i] = both[2 * this.mask[i] + found[i]];
      total += mask[i];
    }
    const places = new Int32Array(total);
    for (let i = 0, next = 0; i < mask.length; i++) if (mask[i]) places[next++] = i;
    this.keep(places);
    this.model.set("picked", new DataView(places.slice().buffer));
    this.saveSoon();
    this.changed();
  }

  pickWhere(test, how) {
    const found = new Uint8Array(this.store.count);
    for (let i = 0; i < found.length; i++) found[i] = test(i) ? 1 : 0;
    this.pick(found, how);
  }

  saveSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.model.save_changes(), 120);
  }

  choose(point) {
    if (point >= 0) this.set({ image: this.store.idOf(point), label: this.store.nameOf(point) });
  }

  // The chosen point.
  get point() {
    return this.store.place(this.state.image, this.state.label);
  }

  get column() {
    return this.store.columns.get(this.state.category);
  }

  // The epoch in view, as a whole number.
  get epoch() {
    return this.moment === null ? this.state.epoch : Math.floor(this.moment);
  }

  epochTitle(model) {
    const { epochs } = this.store.models[model];
    return epochs[Math.min(this.epoch, epochs.length - 1)].title;
  }

  pointsOf(label) {
    const { labelOf, count, sizes } = this.store;
    if (this.listed?.label !== label) {
      const points = new Int32Array(sizes[label]);
      for (let i = 0, next = 0; i < count; i++) if (labelOf[i] === label) points[next++] = i;
      this.listed = { label, points };
    }
    return this.listed.points;
  }

  // The point `step` places further among those of the chosen point's category.
  neighbour(step) {
    const points = this.pointsOf(this.store.columns.get(this.state.label));
    const here = points.indexOf(this.point);
    return points[Math.min(points.length - 1, Math.max(0, here + step))];
  }
}
