// The view of two labels, and the numbers of every pair.
import { listenKeys } from "./host.js";
import { State } from "./state.js";

export class PairView extends State {
  get other() {
    return this.store.columns.get(this.state.other);
  }

  get signed() {
    return this.store.signed.includes(this.state.values);
  }

  // Do the values end at 1, whatever the largest of them is?
  get bounded() {
    return !["counts", "leakage"].includes(this.state.values);
  }

  get order() {
    return this.store.orders[this.state.sort];
  }

  count(row, column) {
    return this.store.tables.counts.values[row * this.store.labels + column];
  }

  // P(column | row): of the images with the row's label, the share that has the column's.
  conditional(row, column) {
    return this.count(row, column) / Math.max(1, this.count(row, row));
  }

  // Does the row listen to the column? As the archive says, else where P(column | row) reaches the threshold.
  listens(row, column) {
    const { neighbours } = this.store.tables;
    if (row === column) return false;
    return neighbours ? neighbours.values[row * this.store.labels + column] > 0 : this.conditional(row, column) >= this.state.threshold;
  }

  // How far the column's probability moves when the row's object is painted over.
  leakage(row, column) {
    return this.store.tables.leakage.values[row * this.store.labels + column];
  }

  value(row, column) {
    const { values } = this.state;
    const { correlation, predicted } = this.store.tables;
    const place = row * this.store.labels + column;
    if (values === "correlation") return correlation.values[place];
    if (values === "predicted") return predicted.values[place];
    if (values === "error") return predicted.values[place] - correlation.values[place];
    if (values === "leakage") return this.leakage(row, column);
    if (values === "neighbours") return Number(this.store.tables.neighbours.values[row * this.store.labels + column] > 0);
    return values === "counts" ? this.count(row, column) : this.conditional(row, column);
  }

  // A pair in words.
  sentence(row, column) {
    const { categories, tables } = this.store;
    const [a, b] = [categories[row], categories[column]];
    if (row === column) return `“${a}”: in ${this.count(row, row)} images.`;
    const percent = (value) => `${Math.round(100 * value)} %`;
    const verb = tables.neighbours ? "listens to" : "often brings";
    const edges = [this.listens(row, column) && `“${a}” ${verb} “${b}”.`, this.listens(column, row) && `“${b}” ${verb} “${a}”.`].filter(Boolean);
    if (this.signed) {
      const [truth, said] = [tables.correlation, tables.predicted].map(({ values }) => values[row * this.store.labels + column].toFixed(2));
      return `“${a}” and “${b}”: correlation ${truth} in the pictures, ${said} in what the model says.`;
    }
    if (tables.leakage) edges.push(`Painting over “${a}” moves “${b}” by ${this.leakage(row, column).toFixed(3)} in probability.`);
    return `“${a}” and “${b}”: together in ${this.count(row, column)} images, ${percent(this.conditional(row, column))} of those with “${a}” and ${percent(this.conditional(column, row))} of those with “${b}”. ${edges.join(" ")}`;
  }
}

// A canvas of width x height CSS pixels, sharp on every screen; returns its context, cleared.
export function sharp(canvas, width, height) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [w, hgt] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== hgt) canvas.height = hgt;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export const shorten = (name, most = 14) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

// Arrow keys move, Enter chooses; what is taken goes no further.
export function onArrows(canvas, move, choose) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  listenKeys(canvas, ({ key }) => {
    if (steps[key]) move(...steps[key]);
    else if (key === "Enter") choose();
    else return false;
    return true;
  });
}
