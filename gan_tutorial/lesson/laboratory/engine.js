// GANs on points without Python: what the laboratory offers, with the formulas of the package and of torch.  All numbers
// are float64; each array holds one row after the other.

// ---- Products of matrices: nearly all of the time is spent here ----

// In blocks of two rows and four columns, so that what was read is used several times; of an odd number the last row
// is taken twice.

function affine(y, x, n, n_in, w, at, n_out, bias) {
  // y = x W' + b; bias < 0: none
  for (let r = 0; r < n; r += 2) {
    const s = Math.min(r + 1, n - 1), xr = r * n_in, xs = s * n_in, yr = r * n_out, ys = s * n_out;
    let o = 0;
    for (; o + 3 < n_out; o += 4) {
      const w0 = at + o * n_in, w1 = w0 + n_in, w2 = w1 + n_in, w3 = w2 + n_in;
      let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
      for (let k = 0; k < n_in; k++) {
        const u = x[xr + k], v = x[xs + k], p = w[w0 + k], q = w[w1 + k], s = w[w2 + k], t = w[w3 + k];
        a += u * p; b += u * q; c += u * s; d += u * t;
        e += v * p; f += v * q; g += v * s; h += v * t;
      }
      y[yr + o] = a; y[yr + o + 1] = b; y[yr + o + 2] = c; y[yr + o + 3] = d;
      y[ys + o] = e; y[ys + o + 1] = f; y[ys + o + 2] = g; y[ys + o + 3] = h;
    }
    for (; o < n_out; o++) {
      let a = 0, e = 0;
      for (let k = 0; k < n_in; k++) { a += x[xr + k] * w[at + o * n_in + k]; e += x[xs + k] * w[at + o * n_in + k]; }
      y[yr + o] = a; y[ys + o] = e;
    }
  }
  if (bias >= 0) for (let k = 0; k < n * n_out; k += n_out) for (let o = 0; o < n_out; o++) y[k + o] += w[bias + o];
}

function pulled(dx, dy, n, n_out, w, at, n_in) {
  // dx = dy W
  dx.fill(0);
  for (let r = 0; r < n; r += 2) {
    const two = r + 1 < n ? 1 : 0, xr = r * n_in, xs = (r + two) * n_in, yr = r * n_out, ys = (r + two) * n_out;
    let o = 0;
    for (; o + 3 < n_out; o += 4) {
      const w0 = at + o * n_in, w1 = w0 + n_in, w2 = w1 + n_in, w3 = w2 + n_in;
      const a = dy[yr + o], b = dy[yr + o + 1], c = dy[yr + o + 2], d = dy[yr + o + 3];
      const e = two * dy[ys + o], f = two * dy[ys + o + 1], g = two * dy[ys + o + 2], h = two * dy[ys + o + 3];
      for (let k = 0; k < n_in; k++) {
        const p = w[w0 + k], q = w[w1 + k], s = w[w2 + k], t = w[w3 + k];
        dx[xr + k] += a * p + b * q + c * s + d * t;
        dx[xs + k] += e * p + f * q + g * s + h * t;
      }
    }
    for (; o < n_out; o++) {
      const a = dy[yr + o], e = two * dy[ys + o];
      for (let k = 0; k < n_in; k++) { const p = w[at + o * n_in + k]; dx[xr + k] += a * p; dx[xs + k] += e * p; }
    }
  }
}

function outer(g, at, dy, x, n, n_out, n_in) {
  // dW += dy' x
  let r = 0;
  for (; r + 3 < n; r += 4) {
    const x0 = r * n_in, x1 = x0 + n_in, x2 = x1 + n_in, x3 = x2 + n_in, y0 = r * n_out, y1 = y0 + n_out, y2 = y1 + n_out, y3 = y2 + n_out;
    for (let o = 0; o < n_out; o += 2) {
      const two = o + 1 < n_out ? 1 : 0, to = at + o * n_in, too = to + two * n_in, v = o + two;
      const a = dy[y0 + o], b = dy[y1 + o], c = dy[y2 + o], d = dy[y3 + o];
      const e = two * dy[y0 + v], f = two * dy[y1 + v], h = two * dy[y2 + v], i = two * dy[y3 + v];
      for (let k = 0; k < n_in; k++) {
        const p = x[x0 + k], q = x[x1 + k], s = x[x2 + k], t = x[x3 + k];
        g[to + k] += a * p + b * q + c * s + d * t;
        g[too + k] += e * p + f * q + h * s + i * t;
      }
    }
  }
  for (; r < n; r++) for (let o = 0; o < n_out; o++) {
    for (let k = 0; k < n_in; k++) g[at + o * n_in + k] += dy[r * n_out + o] * x[r * n_in + k];
  }
}

function sums(g, at, dy, n, n_out) {
  for (let r = 0; r < n; r++) for (let o = 0; o < n_out; o++) g[at + o] += dy[r * n_out + o];
}

// ---- Networks ----

// Activations, from the value h that they let through.  Written out twice: a function that is called for each number
// would take longer than all products.
function activate(y, tanh) {
  if (tanh) for (let k = 0; k < y.length; k++) y[k] = 1 - 2 / (Math.exp(2 * y[k]) + 1); // twice as fast as Math.tanh
  else for (let k = 0; k < y.length; k++) y[k] = y[k] > 0 ? y[k] : 0;
}
function timesSlope(d, h, tanh) {
  if (tanh) for (let k = 0; k < d.length; k++) d[k] *= 1 - h[k] * h[k];
  else for (let k = 0; k < d.length; k++) d[k] = h[k] > 0 ? d[k] : 0;
}

export class Network {
  // Linear layers with an activation between them (`networks.mlp`).  `w` holds all weights as torch's
  // parameters_to_vector would, `g` their gradient.
  constructor(sizes, activation) {
    this.sizes = sizes;
    this.tanh = activation === "tanh"; // else ReLU
    this.layers = [];
    let at = 0;
    for (let l = 0; l + 1 < sizes.length; l++) {
      const [i, o] = [sizes[l], sizes[l + 1]];
      this.layers.push({ i, o, at, bias: at + i * o });
      at += i * o + o;
    }
    this.w = new Float64Array(at);
    this.g = new Float64Array(at);
    this.scratch = new Map(); // arrays are used again: a step that allocates megabytes is a step that stutters
  }

  begin(random) {
    // torch's own first weights: uniform, within 1 / sqrt(inputs)
    for (const { i, o, at } of this.layers) {
      const reach = 1 / Math.sqrt(i);
      for (let k = at; k < at + i * o + o; k++) this.w[k] = reach * (2 * random.uniform() - 1);
    }
    return this;
  }

  array(name, size) {
    const key = `${name} ${size}`;
    if (!this.scratch.has(key)) this.scratch.set(key, new Float64Array(size));
    return this.scratch.get(key);
  }

  forward(x, n) {
    // A pass: h[0] = x, then what each layer lets through.  Good until the next pass of as many rows.
    const h = [x], last = this.layers.length - 1;
    this.layers.forEach(({ i, o, at, bias }, l) => {
      const y = this.array(`h${l}`, n * o);
      affine(y, h[l], n, i, this.w, at, o, bias);
      if (l < last) activate(y, this.tanh);
      h.push(y);
    });
    return { n, h, out: h[last + 1] };
  }

  backward({ n, h }, d, weights = true) {
    // From the gradient at the output to that at the input; those of the weights are added to `g`.
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const { i, o, at, bias } = this.layers[l];
      if (weights) {
        outer(this.g, at, d, h[l], n, o, i);
        sums(this.g, bias, d, n, o);
      }
      const below = this.array(`d${l}`, n * i);
      pulled(below, d, n, o, this.w, at, i);
      if (l > 0) timesSlope(below, h[l], this.tanh);
      d = below;
    }
    return d;
  }

  slopes(pass) {
    // The gradient of each score in its own input.  (n, 1) -> (n, inputs)
    return this.backward(pass, this.array("ones", pass.n).fill(1), false);
  }

  backwardOfSlopes({ n, h }, v) {
    // Adds to `g` the gradient of sum v . slope, v fixed: the second backward pass that a gradient penalty needs.
    // v . slope is how fast the score changes along v.  So: carry the direction t forward beside h, then go back
    // through both.  Where h = act(a): t = act'(a) (W t below), whose own slope in a is act''(a) (W t below).
    const last = this.layers.length - 1, t = [v], raw = [];
    this.layers.forEach(({ i, o, at }, l) => {
      const y = this.array(`raw${l}`, n * o);
      affine(y, t[l], n, i, this.w, at, o, -1);
      raw.push(y);
      if (l === last) return;
      const z = this.array(`t${l}`, n * o);
      z.set(y);
      timesSlope(z, h[l + 1], this.tanh);
      t.push(z);
    });
    let dt = this.array("ones", n).fill(1), dh = null; // gradients at what a layer puts out, before its activation
    for (let l = last; l >= 0; l--) {
      const { i, o, at, bias } = this.layers[l];
      outer(this.g, at, dt, t[l], n, o, i);
      if (dh) {
        outer(this.g, at, dh, h[l], n, o, i);
        sums(this.g, bias, dh, n, o);
      }
      if (l === 0) break;
      const tBelow = this.array(`dt${l}`, n * i), hBelow = this.array(`dh${l}`, n * i);
      pulled(tBelow, dt, n, o, this.w, at, i);
      dh ? pulled(hBelow, dh, n, o, this.w, at, i) : hBelow.fill(0);
      timesSlope(hBelow, h[l], this.tanh);
      timesSlope(tBelow, h[l], this.tanh);
      // tanh'' = -2 tanh tanh', and ReLU has no curvature
      if (this.tanh) for (let k = 0; k < tBelow.length; k++) hBelow[k] -= 2 * h[l][k] * raw[l - 1][k] * tBelow[k];
      [dt, dh] = [tBelow, hBelow];
    }
  }
}

// ---- Optimisers: torch's, with torch's defaults ----

export const OPTIMISERS = {
  SGD: (w, m) => {
    const run = new Float64Array(w.length);
    return { run, step: (g, lr) => { for (let k = 0; k < w.length; k++) w[k] -= lr * (run[k] = m * run[k] + g[k]); } };
  },
  RMSprop: (w, m) => {
    const run = new Float64Array(w.length), square = new Float64Array(w.length);
    return { run, square, step: (g, lr) => {
      for (let k = 0; k < w.length; k++) {
        square[k] = 0.99 * square[k] + 0.01 * g[k] * g[k];
        run[k] = m * run[k] + g[k] / (Math.sqrt(square[k]) + 1e-8);
        w[k] -= lr * run[k];
      }
    } };
  },
  Adam: (w, m) => {
    const run = new Float64Array(w.length), square = new Float64Array(w.length);
    return { run, square, t: 0, step(g, lr) {
      this.t += 1;
      const size = lr / (1 - m ** this.t), root = Math.sqrt(1 - 0.999 ** this.t);
      for (let k = 0; k < w.length; k++) {
        run[k] = m * run[k] + (1 - m) * g[k];
        square[k] = 0.999 * square[k] + 0.001 * g[k] * g[k];
        w[k] -= size * run[k] / (Math.sqrt(square[k]) / root + 1e-8);
      }
    } };
  },
};

// ---- Objectives: curves as [value, slope], as in `game.objectives` ----

const sigmoid = (s) => (s > 0 ? 1 / (1 + Math.exp(-s)) : Math.exp(s) / (1 + Math.exp(s)));
const softplus = (s) => Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s)));
const relu = (s) => Math.max(s, 0), BEND = 20, LOG2 = Math.LN2;
const bent = (s) => { const b = relu(s - BEND); return Math.exp(Math.min(s, BEND)) * (1 + b + b * b / 2); };
const bentSlope = (s) => Math.exp(Math.min(s, BEND)) * (1 + relu(s - BEND));
const tangent = bentSlope, tangentSlope = (s) => Math.exp(Math.min(s, BEND));
const logSoftplus = (s) => (s > -15 ? Math.log(softplus(s)) : s);
const logSoftplusSlope = (s) => (s > -15 ? sigmoid(s) / softplus(s) : 1);
const root = (s) => Math.sqrt(1 + s * s), one = () => 1, zero = () => 0;

const minus = ([f, slope]) => [(s) => -f(s), (s) => -slope(s)];
const mix = (a, [f, fSlope], b, [h, hSlope]) => [(s) => a * f(s) + b * h(s), (s) => a * fSlope(s) + b * hSlope(s)];
const fGan = (T, conjugate) => ({ d_real: minus(T), d_fake: conjugate, g_fake: minus(conjugate), paired: false });
const fakeAsReal = (curves) => ({ ...curves, g_fake: curves.d_real });
const identity = [(s) => s, one], away = [(s) => softplus(-s), (s) => -sigmoid(-s)], toward = [softplus, sigmoid];

const minimax = fGan(minus(away), toward);
const non_saturating = fakeAsReal(minimax);
const wasserstein = { d_real: minus(identity), d_fake: identity, g_fake: minus(identity), paired: false };
const rpgan = { d_real: away, d_fake: [zero, zero], g_fake: away, paired: true };
const toOne = [(s) => (s - 1) ** 2 / 2, (s) => s - 1];
const oneLessBent = [(s) => 1 - bent(-s), (s) => bentSlope(-s)];
const halfTanh = [(s) => Math.tanh(s) / 2, (s) => (1 - Math.tanh(s) ** 2) / 2];
export const CURVES = {
  minimax,
  non_saturating,
  max_likelihood: { ...minimax, g_fake: [(s) => -bent(s), (s) => -bentSlope(s)] },
  least_squares: { d_real: toOne, d_fake: [(s) => s * s / 2, (s) => s], g_fake: toOne, paired: false },
  hinge: {
    d_real: [(s) => relu(1 - s), (s) => (s < 1 ? -1 : 0)], d_fake: [(s) => relu(1 + s), (s) => (s > -1 ? 1 : 0)],
    g_fake: minus(identity), paired: false,
  },
  kl: fGan(identity, [(s) => bent(s - 1), (s) => bentSlope(s - 1)]),
  reverse_kl: fGan([(s) => -bent(-s), (s) => bentSlope(-s)], [(s) => s - 1, one]),
  jensen_shannon: fGan([(s) => LOG2 - softplus(-s), (s) => sigmoid(-s)], [(s) => softplus(s) - LOG2, sigmoid]),
  pearson: fGan(identity, [(s) => relu(1 + s / 2) ** 2 - 1, (s) => relu(1 + s / 2)]),
  neyman: fGan([(s) => 1 - tangent(-s) ** 2, (s) => 2 * tangent(-s) * tangentSlope(-s)],
    [(s) => 2 - 2 * tangent(-s), (s) => 2 * tangentSlope(-s)]),
  squared_hellinger: fGan(oneLessBent, [(s) => bent(s) - 1, bentSlope]),
  total_variation: fGan(halfTanh, halfTanh),
  jeffreys: fGan([(s) => s + 1 - bent(-s), (s) => 1 + bentSlope(-s)], [(s) => bent(s) - 1 + s, (s) => bentSlope(s) + 1]),
  gentle_kl: fakeAsReal(fGan([(s) => 1 + logSoftplus(s), logSoftplusSlope], toward)),
  gentle_hellinger: fakeAsReal(fGan([(s) => -Math.expm1(-Math.asinh(s)), (s) => Math.exp(-Math.asinh(s)) / root(s)],
    [(s) => Math.expm1(Math.asinh(s)), (s) => Math.exp(Math.asinh(s)) / root(s)])),
  wgan: wasserstein, wgan_gp: wasserstein, wgan_lp: wasserstein, r1: non_saturating, rpgan, r3gan: rpgan,
};

// What holds D's slope -> where slopes are looked at, and what a squared slope costs: [cost, its slope in |slope|^2].
const squared = (weight) => [(q) => weight / 2 * q, () => weight / 2];
const distance = (weight, oneSided) => {
  const excess = (q) => { const e = (q > 0 ? Math.sqrt(q) : 0) - 1; return oneSided ? relu(e) : e; };
  return [(q) => weight * excess(q) ** 2, (q) => (q > 0 ? weight * excess(q) / Math.sqrt(q) : 0)]; // flat: no slope
};
const PENALTIES = {
  "nothing": () => [], "clip": () => [],
  "penalty": (weight) => [["between", distance(weight, false)]],
  "one-sided penalty": (weight) => [["between", distance(weight, true)]],
  "R1": (weight) => [["data", squared(weight)]],
  "R1 and R2": (weight) => [["data", squared(weight)], ["samples", squared(weight)]],
};

export function objectiveOf({ objective, hold, weight, smoothing = 0 }) {
  // The curves, the penalties and the bound of a setting (`Setting.make_objective`).
  const curves = CURVES[objective];
  const d_real = smoothing ? mix(1 - smoothing, curves.d_real, smoothing, curves.d_fake) : curves.d_real;
  return { ...curves, d_real, penalties: PENALTIES[hold](weight), clip: hold === "clip" ? weight : 0 };
}

// ---- The game ----

export class Game {
  // Two players, and a `source` of all that is drawn: data(n), latent(n), normal(n, 2) as arrays, uniform(n).
  constructor(setting, source, dim) {
    this.source = source;
    this.G = new Network([dim, ...Array(setting.g_depth).fill(setting.g_width), 2], "relu");
    this.D = new Network([2, ...Array(setting.d_depth).fill(setting.d_width), 1], "tanh");
    this.steps = 0;
    this.take(setting);
  }

  take(setting) {
    // What can change while it plays; a new optimiser begins with nothing in its memory.
    const old = this.setting || {};
    this.setting = setting;
    for (const player of ["g", "d"]) {
      const net = player === "g" ? this.G : this.D, rule = `${player}_optimiser`;
      if (old[rule] !== setting[rule] || old.momentum !== setting.momentum) this[player] = OPTIMISERS[setting[rule]](net.w, setting.momentum);
    }
    this.objective = objectiveOf(setting);
  }

  noisy(x) {
    // Whatever D is shown, behind instance noise.
    const sd = this.setting.noise;
    if (!sd) return x;
    const noise = this.source.normal(x.length);
    return x.map((v, k) => v + sd * noise[k]);
  }

  dMove(x) {
    // D's move against a fixed G; -> its loss, with the penalties.
    const n = x.length / 2, { D, objective, source } = this, { d_real, d_fake, paired } = objective;
    const fake = this.G.forward(source.latent(n), n).out.slice(), both = new Float64Array(4 * n);
    both.set(x);
    both.set(fake, 2 * n);
    const pass = D.forward(this.noisy(both), 2 * n), s = pass.out, d = new Float64Array(2 * n);
    let loss = 0;
    for (let i = 0; i < n; i++) {
      const real = paired ? s[i] - s[n + i] : s[i], made = paired ? -real : s[n + i];
      loss += (d_real[0](real) + d_fake[0](made)) / n;
      const a = d_real[1](real) / n, b = d_fake[1](made) / n;
      [d[i], d[n + i]] = paired ? [a - b, b - a] : [a, b];
    }
    D.g.fill(0);
    D.backward(pass, d);
    for (const [where, price] of objective.penalties) loss += this.penalise(where, price, x, fake, n);
    this.d.step(D.g, this.setting.d_lr);
    const c = objective.clip;
    if (c) for (let k = 0; k < D.w.length; k++) D.w[k] = Math.min(c, Math.max(-c, D.w[k]));
    return loss;
  }

  penalise(where, [cost, slopeOfCost], x, fake, n) {
    let u = where === "data" ? x : fake;
    if (where === "between") {
      const t = this.source.uniform(n);
      u = x.map((v, k) => v + t[k >> 1] * (fake[k] - v));
    }
    const pass = this.D.forward(this.noisy(u), n), slope = this.D.slopes(pass), v = new Float64Array(2 * n);
    let loss = 0;
    for (let i = 0; i < 2 * n; i += 2) {
      const q = slope[i] ** 2 + slope[i + 1] ** 2, c = 2 * slopeOfCost(q) / n;
      loss += cost(q) / n;
      [v[i], v[i + 1]] = [c * slope[i], c * slope[i + 1]];
    }
    this.D.backwardOfSlopes(pass, v);
    return loss;
  }

  gMove(n, x) {
    // G's move against a fixed D; a paired objective compares its samples with the data x.  -> its loss
    const { D, G } = this, { g_fake, paired } = this.objective;
    const real = paired ? D.forward(this.noisy(x), n).out.slice() : null;
    const pass = G.forward(this.source.latent(n), n), judged = D.forward(this.noisy(pass.out), n), d = new Float64Array(n);
    let loss = 0;
    for (let i = 0; i < n; i++) {
      const s = judged.out[i] - (paired ? real[i] : 0);
      loss += g_fake[0](s) / n;
      d[i] = g_fake[1](s) / n;
    }
    G.g.fill(0);
    G.backward(pass, D.backward(judged, d, false));
    this.g.step(G.g, this.setting.g_lr);
    return loss;
  }

  moreMovesOfG() {
    // G may move more often than D; the data it is compared with are new ones.
    const { g_steps, batch_size: n } = this.setting;
    for (let k = 1; k < g_steps; k++) this.gMove(n, this.objective.paired ? this.source.data(n) : null);
  }

  step() {
    // `loop.play`: D's moves, each on fresh data, then G's; -> both losses
    const n = this.setting.batch_size;
    let x, d_loss;
    for (let k = 0; k < this.setting.d_steps; k++) d_loss = this.dMove(x = this.source.data(n));
    const g_loss = this.gMove(n, x);
    this.moreMovesOfG();
    this.steps += 1;
    return [d_loss, g_loss];
  }

  state() {
    const copy = ({ run, square, t }) => ({ run: run.slice(), square: square?.slice(), t });
    return { G: this.G.w.slice(), D: this.D.w.slice(), g: copy(this.g), d: copy(this.d), steps: this.steps };
  }

  restore({ G, D, g, d, steps }) {
    this.G.w.set(G);
    this.D.w.set(D);
    for (const [mine, kept] of [[this.g, g], [this.d, d]]) {
      if (mine.square ? !kept.square : kept.square) continue; // another optimiser by now
      mine.run.set(kept.run);
      mine.square?.set(kept.square);
      if (mine.t !== undefined) mine.t = kept.t ?? 0;
    }
    this.steps = steps;
  }
}

// ---- What is drawn ----

export class Random {
  // sfc32: small, fast, and passes the usual tests of randomness.
  constructor(seed) {
    this.state = new Uint32Array([0x9e3779b9, 0x243f6a88 ^ seed, 0xb7e15162 + seed, 1]);
    this.spare = null;
    for (let k = 0; k < 16; k++) this.uniform();
  }
  uniform() {
    const s = this.state, t = (s[0] + s[1] + s[3]) >>> 0;
    s[3] += 1;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + t;
    return (t + 0.5) / 2 ** 32;
  }
  normal() { // Box and Muller: two at a time
    if (this.spare !== null) { const kept = this.spare; this.spare = null; return kept; }
    const r = Math.sqrt(-2 * Math.log(this.uniform())), angle = 2 * Math.PI * this.uniform();
    this.spare = r * Math.sin(angle);
    return r * Math.cos(angle);
  }
  many(n, draw = () => this.uniform()) {
    const out = new Float64Array(n);
    for (let k = 0; k < n; k++) out[k] = draw();
    return out;
  }
}

// A law is a place, chosen evenly among `centers` or along a curve, plus noise, all times `scale`.
const along = (curve, sd, scale = 1) => ({ curve, sd, scale });
const around = (centers, sd) => ({ centers, sd, scale: 1 });
const whole = (n) => Array.from({ length: n }, (_, k) => k);
const swissAngle = (t) => 1.5 * Math.PI * (1 + 2 * t);
export const LAWS = {
  "line": () => along((t) => [-1 + 2 * t, -0.6 + 1.2 * t], 0.05),
  "ring": () => around(whole(8).map((k) => [Math.cos(k * Math.PI / 4), Math.sin(k * Math.PI / 4)]), 0.05),
  "grid": () => around(whole(25).map((k) => [0.5 * (Math.floor(k / 5) - 2), 0.5 * (k % 5 - 2)]), 0.04),
  "Swiss roll": () => along((t) => [swissAngle(t) * Math.cos(swissAngle(t)), swissAngle(t) * Math.sin(swissAngle(t))], 0.5, 1 / 12),
  "two moons": () => along((t) => {
    const angle = 2 * Math.PI * (t < 0.5 ? t : t - 0.5);
    return t < 0.5 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
  }, 0.1),
  "three regions": () => around([[-0.9, -0.6], [0.9, -0.6], [0, 0.9]], 0.15),
  "your own": (drawing) => around(drawing, 0.08),
};

export function sampleLaw({ centers, curve, sd, scale }, n, random) {
  const out = new Float64Array(2 * n);
  for (let i = 0; i < 2 * n; i += 2) {
    const u = random.uniform(), [x, y] = centers ? centers[Math.floor(u * centers.length)] : curve(u);
    out[i] = scale * (x + sd * random.normal());
    out[i + 1] = scale * (y + sd * random.normal());
  }
  return out;
}

export const latentDim = (latent) => (latent.endsWith("1-D") ? 1 : 2);
export function sampleLatent(latent, n, random) {
  const draw = latent.startsWith("Gaussian") ? () => random.normal() : () => Math.sqrt(3) * (2 * random.uniform() - 1);
  return random.many(n * latentDim(latent), draw);
}

export function makeGame(setting) {
  // A new game, all of whose random numbers come from the setting's seed (`Setting.make_game`).
  const random = new Random(setting.seed), source = {
    law: LAWS[setting.data](setting.drawing),
    data: (n) => sampleLaw(source.law, n, random),
    latent: (n) => sampleLatent(setting.latent, n, random),
    normal: (n) => random.many(n, () => random.normal()),
    uniform: (n) => random.many(n),
  };
  const game = new Game(setting, source, latentDim(setting.latent));
  game.G.begin(random);
  game.D.begin(random);
  return game;
}
