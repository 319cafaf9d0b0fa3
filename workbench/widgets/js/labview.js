// The state of one view of the threshold lab, and the numbers that follow from it. Only labels whose threshold moved are counted again.
import { limitOf, measureAll, criterionWords } from "./rates.js";
import { State } from "./state.js";

export class LabView extends State {
  // What the thresholds were before the last change; a slider that is being dragged makes one change until it is let go.
  complete(next, changes) {
    if (!changes.thresholds || this.dragging || String(changes.thresholds) === String(this.state.thresholds)) return;
    next.before = this.state.thresholds;
  }

  refresh() {
    const { thresholds, convention } = this.state;
    const { store } = this;
    this.convention = store.conventions.find(({ name }) => name === convention);
    if (this.counted !== convention) {
      this.counted = convention;
      this.known = [];
      this.counts = [];
      const limit = limitOf(store.reference);
      this.before = measureAll(store.categories.map((_, label) => store.measured.counts(label, limit, this.convention)), this.convention);
    }
    let moved = !this.counts.length;
    thresholds.forEach((threshold, label) => {
      if (this.known[label] === threshold) return;
      this.known[label] = threshold;
      this.counts[label] = store.measured.counts(label, limitOf(threshold), this.convention);
      moved = true;
    });
    if (moved) this.now = measureAll(this.counts, this.convention);
  }

  get threshold() {
    return this.state.thresholds[this.label];
  }

  // The threshold of a label that the one in view is compared with.
  compared(label) {
    return this.state.since === "reference" ? this.store.reference : this.state.before[label];
  }

  // Move the threshold of one label, which becomes the chosen one; `drag` says that more of the same change may follow, until `settle`.
  move(label, threshold, drag = false) {
    if (!(threshold > 0 && threshold < 1)) return;
    const [thresholds, origins] = [this.state.thresholds.slice(), this.state.origins.slice()];
    thresholds[label] = threshold;
    origins[label] = "hand";
    this.set({ label: this.store.categories[label], thresholds, origins });
    this.dragging = drag;
  }

  moveAll(threshold, drag = false) {
    if (!(threshold > 0 && threshold < 1)) return;
    this.set({ thresholds: this.state.thresholds.map(() => threshold), origins: this.state.origins.map(() => "hand") });
    this.dragging = drag;
  }

  settle() {
    this.dragging = false;
  }

  reset() {
    this.set({ thresholds: this.state.thresholds.map(() => this.store.reference), origins: this.state.origins.map(() => "reference") });
  }

  // Best thresholds by the criterion in view; returns the names of labels that have none and keep theirs.
  choose(labels) {
    const { criterion, floor } = this.state;
    const [thresholds, origins] = [this.state.thresholds.slice(), this.state.origins.slice()];
    const without = labels.filter((label) => {
      const best = this.store.choosing.best(label, criterion, floor, this.convention);
      if (best === null) return true;
      thresholds[label] = best;
      origins[label] = `chosen: ${criterionWords(criterion, floor)}`;
      return false;
    });
    this.set({ thresholds, origins });
    return without.map((label) => this.store.categories[label]);
  }

  // How many labels have a threshold from where: {reference, hand, chosen, loaded}.
  get origins() {
    const found = { reference: 0, hand: 0, chosen: 0, loaded: 0 };
    for (const origin of this.state.origins) found[origin.split(": ")[0]] += 1;
    return found;
  }
}
