// What is known beside a game on points, in the browser: what `truth.py` measures, by the same definitions.

import { CURVES, LAWS, Random, objectiveOf, sampleLaw } from "./engine.js";

const length = (x, y) => Math.sqrt(x * x + y * y); // Math.hypot takes ten times as long

export function assignment(x, y) {
  // The exact W1 of two heaps of n points: the mean length of the shortest ways that pair them off.  Kuhn's algorithm
  // with prices (the Hungarian method): one point of x after the other finds its partner by a shortest path.
  const n = x.length / 2, cost = new Float64Array((n + 1) * (n + 1));
  for (let i = 1; i <= n; i++) for (let j = 1; j <= n; j++) cost[i * (n + 1) + j] = length(x[2 * i - 2] - y[2 * j - 2], x[2 * i - 1] - y[2 * j - 1]);
  if (!cost.every(Number.isFinite)) return NaN;
  const u = new Float64Array(n + 1), v = new Float64Array(n + 1), partner = new Int32Array(n + 1), way = new Int32Array(n + 1);
  // The cheap half first: whoever is somebody's nearest, and still free.
  const taken = new Uint8Array(n + 1);
  for (let j = 1; j <= n; j++) { v[j] = Infinity; for (let i = 1; i <= n; i++) v[j] = Math.min(v[j], cost[i * (n + 1) + j]); }
  for (let i = 1; i <= n; i++) {
    let best = 0;
    u[i] = Infinity;
    for (let j = 1; j <= n; j++) if (cost[i * (n + 1) + j] - v[j] < u[i]) { u[i] = cost[i * (n + 1) + j] - v[j]; best = j; }
    if (!partner[best]) { partner[best] = i; taken[i] = 1; }
  }
  for (let i = 1; i <= n; i++) {
    if (taken[i]) continue;
    const least = new Float64Array(n + 1).fill(Infinity), used = new Uint8Array(n + 1);
    partner[0] = i;
    let j0 = 0;
    do {
      used[j0] = 1;
      const i0 = partner[j0], row = i0 * (n + 1);
      let delta = Infinity, j1 = 0;
      for (let j = 1; j <= n; j++) {
        if (used[j]) continue;
        const now = cost[row + j] - u[i0] - v[j];
        if (now < least[j]) { least[j] = now; way[j] = j0; }
        if (least[j] < delta) { delta = least[j]; j1 = j; }
      }
      for (let j = 0; j <= n; j++) {
        if (used[j]) { u[partner[j]] += delta; v[j] -= delta; } else least[j] -= delta;
      }
      j0 = j1;
    } while (partner[j0]);
    do { const j1 = way[j0]; partner[j0] = partner[j1]; j0 = j1; } while (j0);
  }
  let total = 0;
  for (let j = 1; j <= n; j++) total += cost[partner[j] * (n + 1) + j];
  return total / n;
}

const interpolate = (v, xs, ys) => {
  const last = xs.length - 1;
  if (!(v > xs[0])) return Number.isNaN(v) ? NaN : ys[0];
  if (v >= xs[last]) return ys[last];
  let low = 0, high = last;
  while (high - low > 1) { const k = (low + high) >> 1; xs[k] <= v ? (low = k) : (high = k); }
  return ys[low] + (ys[high] - ys[low]) * (v - xs[low]) / (xs[high] - xs[low]);
};
const LOG_RATIOS = Float64Array.from({ length: 241 }, (_, k) => -12 + k / 10);
const known = new Map();

function bestScores(setting) {
  // The best score for each of LOG_RATIOS (`objectives.best_response`: a grid, then golden sections), or null if it
  // is at an end of all numbers.
  const key = `${setting.objective} ${setting.smoothing}`;
  if (known.has(key)) return known.get(key);
  const { d_real: [real], d_fake: [fake], paired } = objectiveOf({ ...setting, hold: "nothing" });
  const costs = (s) => (paired ? [real(s) + fake(-s), fake(s) + real(-s)] : [real(s), fake(s)]);
  const ends = Math.asinh(1e6), grid = Float64Array.from({ length: 801 }, (_, k) => Math.sinh(ends * (k / 400 - 1)));
  const table = Array.from(grid, costs), golden = (Math.sqrt(5) - 1) / 2;
  const scores = LOG_RATIOS.map((log) => {
    const r = Math.exp(log), cost = (s) => { const [a, b] = costs(s); return r * a + b; };
    let at = 0;
    table.forEach(([a, b], k) => { if (r * a + b < r * table[at][0] + table[at][1]) at = k; });
    let low = grid[Math.max(0, at - 1)], high = grid[Math.min(800, at + 1)];
    for (let k = 0; k < 60; k++) {
      const a = high - golden * (high - low), b = low + golden * (high - low);
      cost(a) <= cost(b) ? (high = b) : (low = a);
    }
    return (low + high) / 2;
  });
  const none = Math.abs(scores[120]) > 1e5 || Math.max(...scores) - Math.min(...scores) < 1e-9;
  known.set(key, none ? null : scores);
  return known.get(key);
}

const isPaired = (setting) => CURVES[setting.objective].paired;

export function evenScore(setting) {
  // The best D's score where data and samples are equally likely; null where no score is that.
  const scores = isPaired(setting) ? null : bestScores(setting);
  return scores && scores[120];
}

export function probability(setting) {
  // How likely data are where the best D would have a score, as a function of it; null where a score does not say so.
  const scores = isPaired(setting) ? null : bestScores(setting);
  if (!scores || new Set(Array.from(scores, (s) => Math.round(s * 1e6))).size < 241 / 2) return null;
  return (score) => 1 / (1 + Math.exp(-interpolate(score, scores, LOG_RATIOS)));
}

export function atRest(setting) {
  // What D and G pay where both laws are the same and D is the best; NaN where that is not one number.
  const { d_real: [real], d_fake: [fake], g_fake: [g], paired } = objectiveOf({ ...setting, hold: "nothing" });
  const even = paired ? 0 : evenScore(setting), scores = even === null ? [-1, 0, 1] : [even];
  const single = (cost) => { const all = scores.map(cost); return all.every((v) => v === all[0]) ? all[0] : NaN; };
  return { d_loss: single((s) => real(s) + fake(s)), g_loss: single(g) };
}

const log = (v) => Math.log(Math.max(v, 1e-300));
const kl = (p, q) => p.reduce((sum, v, k) => sum + (v > 0 ? v * Math.log(v / q[k]) : 0), 0);

export class Truth {
  // The law of a setting's data, through the blur of a grid; and what can be measured against it.
  constructor(setting, window, numbers) {
    Object.assign(this, { cells: numbers.cells, fine: numbers.fine, few: numbers.few, setting });
    this.law = LAWS[setting.data](setting.drawing);
    this.random = new Random(1);
    const [x, y, half] = window;
    this.low = [x - half, y - half];
    this.width = 2 * half;
    this.blur = this.makeBlur();
    this.p = this.blurred(this.density());
    this.x = this.sample(this.few);
    const floor = () => assignment(this.sample(this.few), this.sample(this.few));
    this.w1Floor = (floor() + floor() + floor()) / 3;
    this.jsFloor = this.distances(this.lawOf(this.sample(numbers.many))).js;
    this.hasModes = Boolean(this.law.centers) && setting.data !== "your own"; // the dots of a pen are no modes
  }

  sample(n, random = this.random) { return sampleLaw(this.law, n, random); }

  centers() {
    // The middles of the cells, row by row from below.
    const { cells: n, width, low } = this, out = new Float64Array(2 * n * n);
    for (let k = 0; k < n * n; k++) {
      out[2 * k] = low[0] + ((k % n) + 0.5) / n * width;
      out[2 * k + 1] = low[1] + (Math.floor(k / n) + 0.5) / n * width;
    }
    return out;
  }

  density() {
    // The share of each cell, from `fine` points on each of its sides: a Gaussian is a product of two, of x and of y.
    const { cells: n, fine, low, width } = this, { centers, curve, sd, scale } = this.law, m = n * fine, out = new Float64Array(n * n);
    const places = centers || Array.from({ length: 2000 }, (_, k) => curve((k + 0.5) / 2000));
    for (const place of places) {
      const [ex, ey] = [0, 1].map((axis) => {
        const sums = new Float64Array(n);
        for (let k = 0; k < m; k++) sums[Math.floor(k / fine)] += Math.exp(-0.5 * (((low[axis] + (k + 0.5) / m * width) / scale - place[axis]) / sd) ** 2);
        return sums;
      });
      for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) out[j * n + i] += ey[j] * ex[i];
    }
    const total = out.reduce((a, b) => a + b, 0);
    return out.map((v) => v / total);
  }

  makeBlur() {
    const n = this.cells, blur = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += blur[i * n + j] = Math.exp(-((i - j) ** 2) / 2);
      for (let j = 0; j < n; j++) blur[i * n + j] /= sum; // from a row to the columns: nothing is lost at the edge
    }
    return blur;
  }

  blurred(cells) {
    const { cells: n, blur } = this, half = new Float64Array(n * n), out = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) for (let j = 0; j < n; j++) half[i * n + j] += blur[k * n + i] * cells[k * n + j];
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) for (let j = 0; j < n; j++) out[i * n + j] += half[i * n + k] * blur[k * n + j];
    return out;
  }

  lawOf(samples) {
    // The blurred law of samples; those outside the window count for its edge.
    const { cells: n, low, width } = this, out = new Float64Array(n * n);
    const cell = (v, axis) => Math.min(n - 1, Math.max(0, Math.floor((v - low[axis]) / width * n) || 0));
    for (let k = 0; k < samples.length; k += 2) out[cell(samples[k + 1], 1) * n + cell(samples[k], 0)] += 2 / samples.length;
    return this.blurred(out);
  }

  distances(q) {
    const { p } = this, m = p.map((v, k) => (v + q[k]) / 2);
    return { js: (kl(p, m) + kl(q, m)) / 2, kl: kl(p, q), reverse_kl: kl(q, p), tv: p.reduce((s, v, k) => s + Math.abs(v - q[k]), 0) / 2 };
  }

  bestScore(setting, q) {
    // The score of the best D against a blurred law q; null where no finite score is best.
    const scores = bestScores(setting), cells = this.cells ** 2;
    return scores && Float32Array.from(this.p, (p, k) => ((p + q[k]) * cells < 1e-3 ? NaN // neither law is here
      : interpolate(Math.min(12, Math.max(-12, log(p) - log(q[k]))), LOG_RATIOS, scores)));
  }

  bestOfPairs(q) {
    // How often the best D tells which of a datum and a sample is the datum.
    const { p } = this, order = Array.from(p, (v, k) => [log(v) - log(q[k]), k]).sort((a, b) => a[0] - b[0]);
    let below = 0, right = 0;
    for (const [, k] of order) { below += q[k]; right += p[k] * (below - q[k] / 2); }
    return right;
  }

  measure([d_loss, g_loss], setting, D, fake, q) {
    // All measures of one moment, by name.
    const few = this.few, { tv, ...apart } = this.distances(q), x = this.sample(2048), near = fake.subarray(0, 4096);
    const [hit, inside] = this.hasModes ? this.modes(fake) : [NaN, NaN];
    return { d_loss, g_loss, ...apart, w1: assignment(this.x, fake.subarray(0, 2 * few)), modes: hit, inside,
      accuracy: accuracy(setting, D, x, near), bayes: isPaired(setting) ? this.bestOfPairs(q) : (1 + tv) / 2,
      ...slopes(D, x.subarray(0, 2 * few), near.subarray(0, 2 * few), this.random) };
  }

  modes(fake) {
    // Which share of the modes is hit by one of 1000 samples, and which share of all samples lies in a mode: within 3 sd.
    const { centers, sd, scale } = this.law, hit = new Set();
    let inside = 0;
    for (let k = 0; k < fake.length; k += 2) {
      let least = Infinity, nearest = 0;
      centers.forEach(([x, y], j) => {
        const far = length(fake[k] / scale - x, fake[k + 1] / scale - y);
        if (far < least) { least = far; nearest = j; }
      });
      if (!(least <= 3 * sd)) continue;
      inside += 1;
      if (k < 2000) hit.add(nearest);
    }
    return [hit.size / centers.length, 2 * inside / fake.length];
  }
}

export function accuracy(setting, D, x, fake) {
  // How often D is right about as many data as samples, or paired, about all pairs; NaN where a score says nothing.
  const n = x.length / 2, real = D.forward(x, n).out.slice(), made = D.forward(fake, n).out.slice();
  if (isPaired(setting)) {
    made.sort();
    const below = (s, orEqual) => {
      let low = 0, high = n;
      while (low < high) { const k = (low + high) >> 1; (orEqual ? made[k] <= s : made[k] < s) ? (low = k + 1) : (high = k); }
      return low;
    };
    return real.reduce((sum, s) => sum + below(s, false) + below(s, true), 0) / (2 * n * n); // ties by chance
  }
  const even = evenScore(setting);
  if (even === null) return NaN;
  return (real.reduce((a, s) => a + (s > even), 0) + made.reduce((a, s) => a + (s <= even), 0)) / (2 * n);
}

export function slopes(D, x, fake, random) {
  // Mean and largest slope of D at random places between data and samples.
  const n = x.length / 2, t = random.many(n), u = x.map((v, k) => v + t[k >> 1] * (fake[k] - v));
  const slope = D.slopes(D.forward(u, n));
  let sum = 0, steepest = 0;
  for (let k = 0; k < 2 * n; k += 2) {
    const size = length(slope[k], slope[k + 1]);
    sum += size;
    steepest = Math.max(steepest, size);
  }
  return { slope: sum / n, steepest };
}
