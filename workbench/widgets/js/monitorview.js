// The state of one view of the training monitor, and what follows from it.
import { State } from "./state.js";

export const ORDERS_OF_LABELS = { stored: "as stored", name: "by name", low: "lowest AP first", high: "highest AP first", fell: "fell most", rose: "rose most" };

export class MonitorView extends State {
  // The epoch whose maps are shown, from 1: the chosen one or, as long as none is chosen, the last; 0 before there is one.
  get epoch() {
    const { probed } = this.store;
    return probed.includes(this.state.epoch) ? this.state.epoch : (probed.at(-1) ?? 0);
  }

  get newest() {
    return this.epoch === (this.store.probed.at(-1) ?? 0);
  }

  get kind() {
    return this.store.kinds.find(({ name }) => name === this.state.map) || this.store.kinds[0] || null;
  }

  // A step along the epochs that have maps; the last one is followed from then on.
  step(by) {
    const { probed } = this.store;
    if (!probed.length) return;
    const place = Math.min(probed.length - 1, Math.max(0, probed.indexOf(this.epoch) + by));
    this.choose(probed[place]);
  }

  choose(epoch) {
    const { probed } = this.store;
    if (!probed.length) return;
    const nearest = probed.reduce((best, each) => (Math.abs(each - epoch) < Math.abs(best - epoch) ? each : best));
    this.set({ epoch: nearest === probed.at(-1) ? null : nearest });
  }

  // AP of a label after the last epoch, and its change since the one before.
  ap(label) {
    return this.store.ap(this.store.rows - 1, label);
  }

  change(label) {
    return this.ap(label) - this.store.ap(this.store.rows - 2, label);
  }

  // Columns of the labels in the order in view; labels without an AP come last.
  get order() {
    const places = this.store.categories.map((_, label) => label);
    const { categories } = this.store;
    const by = (value) => places.sort((a, b) => (Number.isNaN(value(a)) ? Infinity : value(a)) - (Number.isNaN(value(b)) ? Infinity : value(b)) || a - b);
    const { sort } = this.state;
    if (sort === "name") places.sort((a, b) => (categories[a] < categories[b] ? -1 : 1));
    if (sort === "low") by((label) => this.ap(label));
    if (sort === "high") by((label) => -this.ap(label));
    if (sort === "fell") by((label) => this.change(label));
    if (sort === "rose") by((label) => -this.change(label));
    return places;
  }
}
