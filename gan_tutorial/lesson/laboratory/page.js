// The laboratory on a page without Python: it answers the messages of laboratory.js as `widget.py` does, with the
// engine in place of torch.  `given` is what Python wrote into the page: controls, names, numbers, pieces of code.

import { Random, latentDim, makeGame, sampleLatent, LAWS } from "./engine.js";
import { Truth, atRest, evenScore, probability } from "./measures.js";

const OWN = "your own", PLAYERS = { both: "both", D: "only D", G: "only G" };
const nextFrame = () => new Promise((go) => requestAnimationFrame(() => { // after it was drawn, and clicks were heard
  const channel = new MessageChannel();
  channel.port1.onmessage = go;
  channel.port2.postMessage(0);
}));
const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// ---- Settings, and the cell of code that says the same (`setting.py`) ----

export function but(old, changes, given) {
  // A setting with changes, and with what a new objective brings along unless it is named.
  const all = {};
  for (const [name, pair] of Object.entries(given.both)) if (name in changes) for (const one of pair) all[one] = changes[name];
  for (const [name, value] of Object.entries(changes)) if (!(name in given.both)) all[name] = value;
  const brings = all.objective && all.objective !== old.objective ? given.suits[all.objective] || given.free : {};
  const setting = { ...old, ...brings, ...all };
  if (!setting.drawing.length) throw Error("The drawing is empty; draw at least one point.");
  if (setting.smoothing && given.fixed.paired.includes(setting.objective)) throw Error(given.unlabelled);
  return setting;
}

function short(v) { // Python's "g"
  const digits = Number(v.toPrecision(6)), power = v ? Math.floor(Math.log10(Math.abs(digits))) : 0;
  if (power >= -4 && power < 6) return String(digits);
  return digits.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}
const float = (v) => (Number.isInteger(v) ? `${v}.0` : String(v)); // Python's repr
const fill = (template, values) => template.replace(/\{\{|\}\}|\{(\w*)\}/g, (all, name) => (all.length === 2 && name === undefined ? all[0] : name in values ? values[name] : values[""]));

export function codeOf(s, given, steps = 2000) {
  const held = fill(given.holds[s.hold], { "": short(s.weight), 0: short(s.weight) });
  let objective = `objectives.${given.bare[s.objective] || s.objective}`;
  if (s.smoothing) objective = `objectives.smooth(${objective}, ${short(s.smoothing)})`;
  if (held) objective = `replace(${objective}, ${held})`;
  const names = ["mlp", ...(s.noise ? ["NoisyInput"] : []), "PointDiscriminator"];
  const imports = [
    ...(held ? ["from dataclasses import replace\n"] : []), "import matplotlib.pyplot as plt", "import torch\n",
    `from gan_tutorial.game import Game, objectives, ${s.g_steps > 1 ? "average_move, g_move, train" : "train"}`,
    `from gan_tutorial.game.networks import ${names.join(", ")}`,
    "from gan_tutorial.lesson.figures import scatter2d", "from gan_tutorial.truth import densities",
  ].join("\n");
  const layers = (width, depth) => Array(depth).fill(width).join(", ");
  const D = `PointDiscriminator(2, [${layers(s.d_width, s.d_depth)}])`;
  const networks = `G = mlp([${latentDim(s.latent)}, ${layers(s.g_width, s.g_depth)}, 2])\nD = ${s.noise ? `NoisyInput(${D}, ${short(s.noise)})` : D}`;
  const optimiser = (player, rule, lr) => `torch.optim.${rule}(${player}.parameters(), lr=${short(lr)}, ${rule === "Adam"
    ? `betas=(${float(s.momentum)}, 0.999), fused=True` : `momentum=${float(s.momentum)}`})`;
  const places = `(${s.drawing.map(([x, y]) => `(${float(x)}, ${float(y)})`).join(", ")}${s.drawing.length === 1 ? "," : ""})`;
  const law = s.data === OWN ? `densities.Spots(${places}, sd=0.08)` : given.data[s.data];
  const x = given.fixed.paired.includes(s.objective) ? `, x=game.data(${s.batch_size})[0]` : "";
  return fill(given.code, {
    imports, networks, objective, steps, seed: s.seed, batch_size: s.batch_size, d_steps: s.d_steps, latent: given.latents[s.latent],
    g_opt: optimiser("G", s.g_optimiser, s.g_lr), d_opt: optimiser("D", s.d_optimiser, s.d_lr),
    data: `densities.as_data(${law}${s.data in given.scale ? `, scale=${given.scale[s.data]}` : ""})`,
    more: s.g_steps > 1 ? fill(given.more_moves, { more: s.g_steps - 1, batch_size: s.batch_size, x }) : "",
    draw: "scatter2d(plt.gca(), game.data(400)[0], game.sample(400, ema=False));",
  });
}

// ---- The game in hand (`play.py`) ----

class Play {
  constructor(setting, given) {
    this.given = given;
    this.setting = setting;
    this.players = PLAYERS.both;
    this.age = 0; // grows with each change: who holds an older one is out of date
    this.begin();
  }

  begin() {
    this.game = makeGame(this.setting);
    this.paid = [];
    this.age += 1;
    this.good = this.game.state();
    const before = makeGame({ ...this.setting, d_steps: 1, g_steps: 1, d_lr: 0, g_lr: 0, hold: "nothing" });
    this.last = before.step(); // with step sizes of 0 nobody moves, and both say what they would pay
  }

  change(setting) {
    // Take over a setting without stopping the game, where that can be.  -> whether a new one had to begin
    const old = this.setting;
    this.setting = setting;
    if (this.given.anew.some((name) => old[name] !== setting[name])) { this.begin(); return true; }
    this.game.take(setting);
    if (!equal(old.drawing, setting.drawing)) this.game.source.law = LAWS[setting.data](setting.drawing);
    this.age += 1;
    return false;
  }

  step() {
    const { game, players } = this;
    if (players === PLAYERS.both) this.pay(game.step());
    else {
      let [d_loss, g_loss] = this.last;
      const n = this.setting.batch_size;
      if (players === PLAYERS.D) d_loss = game.dMove(game.source.data(n));
      else {
        g_loss = game.gMove(n, game.objective.paired ? game.source.data(n) : null);
        game.moreMovesOfG();
      }
      game.steps += 1;
      this.pay([d_loss, g_loss]);
    }
  }

  *stages() {
    // The same, cut where something can be seen: [what happens, the batch that D is shown].
    const { game, players } = this, { batch_size: n, d_steps, g_steps } = this.setting, moves = players === PLAYERS.G ? 0 : d_steps;
    let [d_loss, g_loss] = this.last, x = null;
    for (let k = 0; k < moves; k++) {
      const count = moves > 1 ? ` (move ${k + 1} of ${moves})` : "";
      const z = game.source.latent(n), batch = [x = game.source.data(n), game.G.forward(z, n).out.slice()];
      yield [`① D is shown ${n} data and ${n} samples${count}.`, batch];
      const draw = game.source.latent;
      game.source.latent = () => z; // the samples that were shown are those it learns from
      d_loss = game.dMove(x);
      game.source.latent = draw;
      yield [`② D has moved: its score rose at the data and fell at the samples${count}.`, batch];
    }
    if (players !== PLAYERS.D) {
      yield ["③ D's slope tells each sample which way is cheaper: the arrows.", null];
      g_loss = game.gMove(n, game.objective.paired ? x || game.source.data(n) : null);
      game.steps += 1;
      game.moreMovesOfG();
      yield [`④ G has moved: its weights took ${g_steps === 1 ? "one step" : `${g_steps} steps`} for all arrows together.`, null];
    } else game.steps += 1;
    this.pay([d_loss, g_loss]);
  }

  pay(losses) {
    const { game } = this, n = game.steps;
    if (!losses.every(Number.isFinite)) {
      game.restore(this.good);
      const whose = losses.map((v, k) => (Number.isFinite(v) ? "" : ["D's loss", "G's loss"][k])).filter(Boolean).join(" and ");
      throw Error(`${whose} became NaN or infinite at step ${n}, so the game was put back to step ${game.steps}, its last good state; `
        + "try a smaller learning rate, a bounded objective or a penalty on D's slope.");
    }
    this.last = losses;
    this.paid.push(losses);
    if (n - this.good.steps >= 100 && game.G.w.every(Number.isFinite) && game.D.w.every(Number.isFinite)) this.good = game.state();
  }

  meanPaid() {
    const { paid } = this, mean = paid.length ? [0, 1].map((k) => paid.reduce((sum, one) => sum + one[k], 0) / paid.length) : this.last;
    this.paid = [];
    return mean;
  }
}

// ---- Challenges (`challenges.py`) ----

export class Judge {
  constructor({ challenge, heart }) {
    Object.assign(this, { goal: challenge, heart, solved: new Set() });
    this.begin();
  }
  begin() { Object.assign(this, { collapsedAt: null, exploded: false, angles: [], drawing: this.heart, since: null }); }

  see(step, setting, m) {
    if (this.collapsedAt !== null && setting.d_lr !== this.collapsedAt) this.collapsedAt = null;
    if (step > 0 && m.modes <= 0.25 && m.inside >= 0.5 && ["ring", "grid"].includes(setting.data)) {
      this.solved.add("collapse");
      this.collapsedAt = setting.d_lr;
    } else if (this.collapsedAt !== null && m.modes >= 7 / 8 && m.inside >= this.goal.saved) this.solved.add("save");
    this.initial(step, setting, m);
    if (CRITIC(setting)) {
      if (m.slope > 10) this.exploded = true;
      else if (this.exploded && m.slope < 2) this.solved.add("slope");
    } else this.exploded = false;
  }

  initial(step, setting, m) {
    if (setting.data !== OWN || equal(setting.drawing, this.heart)) return;
    if (!equal(setting.drawing, this.drawing) || step === 0) Object.assign(this, { drawing: setting.drawing, since: null });
    else if (this.since === null) this.since = performance.now();
    else if (performance.now() - this.since <= 1000 * this.goal.seconds && m.js < this.goal.written) this.solved.add("initial");
  }

  turn(setting, [x, y], both) {
    const far = Math.hypot(x, y), takesTurns = both && setting.d_steps === 1 && setting.g_steps === 1;
    if (!takesTurns || !(far > this.goal.near && far < Infinity)) { this.angles = []; return; }
    this.angles.push(Math.atan2(y, x));
    const turned = this.angles.slice(1).map((a, k) => { const d = a - this.angles[k]; return d - 2 * Math.PI * Math.round(d / (2 * Math.PI)); });
    const total = Math.abs(turned.reduce((a, b) => a + b, 0)), each = turned.reduce((a, b) => a + Math.abs(b), 0) / turned.length;
    if (total >= 2 * Math.PI * this.goal.turns && each < Math.PI / 2) this.solved.add("circle");
  }
}
const CRITIC = (setting) => evenScore(setting) === null && !["rpgan", "r3gan"].includes(setting.objective);

// ---- The laboratory itself (`widget.py`) ----

// What a tour puts aside, and brings back.
const MINE = ["play", "atFirst", "judge", "records", "reach", "best", "dim", "z", "lattice", "truth", "truthOf", "x", "grid", "scene"];
const MINE_TO_SEE = ["players", "slow", "pace", "layers", "recorded", "text"];
const pick = (from, names) => Object.fromEntries(names.map((name) => [name, from[name]]));

const roundUp = (x) => {
  if (!(x > 0 && x < Infinity)) return 1;
  const ten = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5].map((k) => k * ten).find((v) => v >= x) ?? 10 * ten;
};
const said = (x) => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "–" : x > 0 ? "∞" : "−∞";
  const size = Math.abs(x), [digits, power] = size.toExponential(1).split("e");
  const words = size < 100 ? size.toFixed(3) : size < 1e4 ? Math.round(size).toLocaleString("en")
    : `${digits}·10${String(Number(power)).replace(/\d/g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])}`;
  return x < 0 ? `−${words}` : words;
};
const inThePlane = (z, dim) => (dim === 2 ? Float32Array.from(z) : Float32Array.from({ length: 2 * z.length }, (_, k) => (k % 2 ? 0 : z[k >> 1])));
const meanOf = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const center = (points) => [0, 1].map((axis) => meanOf(points.filter((_, k) => k % 2 === axis)));

export class PageModel {
  // What laboratory.js talks to: the model of an anywidget, with the laboratory behind it.
  constructor(given) {
    Object.assign(this, { given, k: given.numbers, listeners: {}, watchers: 0, sent: 0, shown: 0, reach: 0, slices: [] });
    this.judge = new Judge(given);
    this.play = new Play(given.setting, given);
    this.atFirst = given.setting;
    this.state = { fixed: given.fixed, layers: given.layers, playing: false, players: PLAYERS.both, slow: false, pace: 0,
      recorded: 0, text: "", stage: "", error: "", code: "", challenges: [], stop: -1, setting: given.setting };
    this.begin();
  }

  // The interface of an anywidget's model.
  get(name) { return name === "first" ? this.everything() : this.state[name]; }
  set(name, value) {
    if (equal(this.state[name], value)) return;
    this.state[name] = value;
    for (const heard of this.listeners[`change:${name}`] || []) heard();
  }
  save_changes() {}
  on(what, heard) { (this.listeners[what] ||= new Set()).add(heard); }
  off(what, heard) { this.listeners[what]?.delete(heard); }
  say(message, buffers = []) { for (const heard of this.listeners["msg:custom"] || []) heard(message, buffers); }

  send(message) {
    try { this.obey(message); } catch (error) { this.set("error", error.message); }
    if ("n" in message) setTimeout(() => this.say({ what: "did", n: message.n })); // later: it has yet to note the number
  }

  obey(message) {
    const commands = {
      hello: () => { this.watchers += 1; this.say(...this.scene); this.sendSeries(); this.show(); },
      seen: () => {},
      play: () => this.start(),
      pause: () => { this.stopping = true; },
      step: () => this.oneStep(),
      reset: () => this.reset(),
      defaults: () => this.change(this.atFirst),
      preset: () => this.takePreset(message.name),
      set: () => this.change({ [message.name]: message.value }),
      players: () => { this.set("players", message.value); this.play.players = message.value; },
      slow: () => this.set("slow", Boolean(message.value)),
      pace: () => this.set("pace", Number(message.value)),
      layer: () => this.set("layers", { ...this.state.layers, [message.name]: Boolean(message.value) }),
      tour: () => this.tour(message.stop),
      look: () => this.lookBack(message.record),
      now: () => { this.sendPicture(this.picture()); this.set("text", this.line(this.records.at(-1))); },
    };
    commands[message.do]();
  }

  change(changes) {
    const before = this.play.setting, setting = but(before, changes, this.given);
    this.set("error", "");
    if (this.play.change(setting)) this.begin();
    else {
      if (!equal(before.drawing, setting.drawing)) this.lookAtTheData();
      this.mirror();
    }
    this.show(!this.state.playing);
  }

  reset() {
    this.set("error", "");
    this.play.begin();
    this.begin();
    this.show();
  }

  takePreset(name) {
    const { seed, drawing } = this.play.setting, onItsWay = this.state.playing && this.goal < Infinity;
    this.change({ ...but(this.given.setting, this.given.presets[name], this.given), seed, drawing });
    this.reset();
    if (name in this.given.learned) {
      this.goal = this.given.learned[name]; // it plays to there by itself, as fast as it can
      this.start();
      this.stopping = false;
    } else if (onItsWay) this.stopping = true; // nobody has pressed Play
  }

  tour(stop) {
    // To a stop of the tour, or away from it: -1.  What was played before waits, untouched, until then.
    this.stopping = true;
    if (!this.mine && stop >= 0) {
      if (this.inHand?.age === this.play.age) for (const _ of this.inHand.stages); // half a step is none
      this.mine = { all: pick(this, MINE), state: pick(this.state, MINE_TO_SEE) };
    }
    if (stop >= 0) this.visit(this.given.tour[stop], this.mine.all.play.setting.seed);
    else if (this.mine) {
      const { all, state } = this.mine;
      this.mine = null;
      this.play = all.play;
      this.mirror();
      Object.assign(this, all);
      for (const [name, value] of Object.entries(state)) this.set(name, value);
      this.say(...this.scene);
      this.sendSeries();
      this.tick();
    }
    this.set("stop", stop);
    this.set("error", "");
    this.show();
  }

  visit({ setting, before: [players, steps], layers, ...state }, seed) {
    this.play = new Play({ ...but(this.given.setting, setting, this.given), seed }, this.given);
    this.play.players = players;
    for (let k = 0; k < steps; k++) this.play.step();
    this.play.players = state.players;
    Object.assign(this, { atFirst: this.play.setting, judge: new Judge(this.given) });
    for (const [name, value] of Object.entries({ ...state, pace: 0 })) this.set(name, value);
    this.set("layers", { ...this.given.layers, ...Object.fromEntries(layers.map((name) => [name, true])) });
    this.begin();
  }

  begin() {
    // What a new game needs: the same latents to the end, no records, the truth beside it.
    const { setting } = this.play, dim = latentDim(setting.latent);
    Object.assign(this, { records: [], best: null, dim, goal: Infinity });
    this.judge.begin();
    this.z = sampleLatent(setting.latent, this.k.many, new Random(1000 + setting.seed));
    const edge = this.given.edges[setting.latent.split(",")[0]], m = edge.length;
    this.lattice = new Float64Array(dim * m * m);
    for (let k = 0; k < m * m; k++) {
      this.lattice[dim * k] = edge[k % m];
      if (dim === 2) this.lattice[2 * k + 1] = edge[Math.floor(k / m)];
    }
    this.lookAtTheData();
    this.mirror();
    this.record();
  }

  lookAtTheData() {
    const { setting } = this.play, window = this.given.window[setting.data] || [0, 0, 1.6];
    const key = JSON.stringify([setting.data, setting.data === OWN && setting.drawing]);
    if (this.truthOf !== key) { this.truth = new Truth(setting, window, this.k); this.truthOf = key; }
    this.x = this.truth.sample(this.k.shown, new Random(0));
    this.grid = this.truth.centers();
    this.scene = [{ what: "scene", pictures: false, window }, [Float32Array.from(this.x), Float32Array.from(this.truth.p),
      inThePlane(this.z.subarray(0, this.dim * this.k.shown), this.dim), inThePlane(this.lattice, this.dim)]];
    if (this.watchers) this.say(...this.scene);
  }

  mirror() {
    Object.assign(this, { inHand: null, reach: 0 });
    this.set("stage", "");
    this.set("setting", this.play.setting);
    this.set("code", codeOf(this.play.setting, this.given));
  }

  // Playing

  async start() {
    if (this.state.playing) return;
    this.stopping = false;
    this.set("error", "");
    this.set("playing", true);
    try {
      while (!this.stopping && this.play.game.steps < this.goal) {
        if (this.state.slow && this.goal === Infinity) await this.slowly();
        else {
          this.slice();
          this.show(this.due());
        }
        await nextFrame();
      }
    } catch (error) {
      this.set("error", error.message);
    }
    this.goal = Infinity;
    this.set("playing", false);
    this.set("stage", "");
    this.show(true);
  }

  slice() {
    const end = performance.now() + this.k.slice, left = this.goal - this.play.game.steps;
    const most = left < Infinity ? left : this.state.pace || Infinity;
    let n = 0;
    while (n < most && (n === 0 || performance.now() < end)) { this.play.step(); n += 1; }
  }

  due() {
    // Measuring takes longer than a picture: it may have a fifth of the time, and happens once a second, or forty times
    // on the way to a goal.
    if (this.goal < Infinity) return this.play.game.steps - this.records.at(-1).step >= this.goal / 40;
    const wait = Math.min(1000, 5 * this.recordTook);
    return this.shown - this.shownThen >= this.k.record_every && performance.now() - this.recordedAt > wait;
  }

  async slowly() {
    const { play } = this, { age } = play, stages = play.stages(); // of this game, should somebody go on tour meanwhile
    for (const [words, batch] of stages) {
      this.set("stage", words);
      this.show(false, batch);
      const until = performance.now() + this.k.stage;
      while (performance.now() < until && this.state.slow && !this.stopping && play.age === age) await nextFrame();
      if (play.age !== age) return;
      if (this.stopping) { for (const _ of stages); return; } // half a step is none
    }
    this.show(true);
  }

  oneStep() {
    if (this.state.playing) { this.stopping = true; return; }
    this.set("error", "");
    if (!this.state.slow) {
      this.play.step();
      this.show(true);
      return;
    }
    if (this.inHand?.age !== this.play.age) this.inHand = { age: this.play.age, stages: this.play.stages() };
    const { done, value } = this.inHand.stages.next();
    if (done) this.inHand = null;
    this.set("stage", done ? "" : value[0]);
    this.show(done, done ? null : value[1]);
  }

  // Looking

  show(record = false, batch = null) {
    this.shown += 1;
    if (record) this.record();
    if (this.watchers) this.sendPicture(this.picture(batch));
  }

  sendPicture([about, buffers], more = {}) {
    this.sent += 1;
    this.say({ what: "picture", frame: this.sent, ...about, ...more }, buffers);
  }

  record() {
    const start = performance.now(), { game, setting } = this.play, n = this.k.many, fake = game.G.forward(this.z, n).out;
    const law = this.truth.lawOf(fake), measures = this.truth.measure(this.play.meanPaid(), setting, game.D, fake, law);
    this.best = this.truth.bestScore(setting, law);
    if (this.records.at(-1)?.step === game.steps) this.records.pop(); // the same moment under another setting
    this.records.push({ step: game.steps, measures, picture: this.picture() });
    this.judge.see(game.steps, setting, measures);
    this.tick();
    if (this.records.length > this.k.records) this.records = this.records.filter((_, i, all) => i % 2 === 0 || i === all.length - 1);
    this.set("recorded", this.records.length);
    this.set("text", this.line(this.records.at(-1)));
    if (this.watchers) this.sendSeries();
    this.recordedAt = performance.now();
    this.recordTook = this.recordedAt - start;
    this.shownThen = this.shown;
  }

  tick() {
    const { solved } = this.mine?.all.judge || this.judge; // what the tour shows, nobody has brought about
    this.set("challenges", this.given.challenges.map((one) => ({ ...one, solved: solved.has(one.name) })));
  }

  picture(batch = null) {
    const { game, setting, players } = this.play, { G, D, objective } = game, { shown, judged } = this.k, count = this.grid.length / 2;
    const samples = G.forward(this.z.subarray(0, this.dim * shown), shown).out.slice();
    // The field is most of the work: while it plays, every second picture shows that of the one before.
    const again = this.state.playing && !this.state.slow && this.field?.game === game && this.shown % 2;
    const score = again ? this.field.score : D.forward(this.grid, count).out.slice(), real = D.forward(this.x, shown).out.slice(), fake = D.forward(samples, shown).out.slice();
    const even = evenScore(setting), colors = this.colors(setting, even, real, fake, score), few = [...Array(judged).keys()];
    const parts = { samples, score, tint: score.map(colors.of) };
    this.field = { game, score };
    parts.says_real = few.map((i) => (objective.paired ? real[i] - fake[i] : colors.of(real[i])));
    parts.says_fake = few.map((i) => (objective.paired ? fake[i] - real[i] : colors.of(fake[i])));
    parts.grid = G.forward(this.lattice, this.lattice.length / this.dim).out;
    const [mine, theirs] = [center(samples), center(this.x)];
    this.judge.turn(setting, [mine[0] - theirs[0], mine[1] - theirs[1]], players === PLAYERS.both);
    parts.arrows = this.arrows(samples.slice(0, 2 * this.k.arrows));
    if (batch) [parts.real_batch, parts.fake_batch] = batch;
    if (this.best) parts.best = this.best;
    const about = { step: game.steps, parts: Object.keys(parts), legend: colors.legend, even, paired: objective.paired,
      line: even !== null, judges: even !== null || objective.paired };
    return [about, Object.values(parts).map((part) => new Float32Array(part))];
  }

  colors(setting, even, real, fake, everywhere) {
    // A score as a colour, from -1 (a sample) to 1 (a datum), and what the ends and the middle mean.
    const likely = probability(setting);
    if (likely) return { of: (s) => 2 * likely(s) - 1, legend: ["a sample for sure", "D cannot tell", "a datum for sure"] };
    const middle = even ?? (meanOf(real) + meanOf(fake)) / 2;
    const apart = everywhere.map((s) => Math.abs(s - middle)).filter(Number.isFinite).sort();
    const needed = apart.length ? apart[Math.floor(0.95 * (apart.length - 1))] : 1;
    if (needed > this.reach || this.reach === 0) this.reach = roundUp(needed); // it never shrinks
    const { reach } = this, size = reach < 1e4 ? short(reach) : said(reach);
    return { of: (s) => Math.min(1, Math.max(-1, (s - middle) / reach)),
      legend: [`${size} lower`, even === null ? "score of D, from the middle" : "D cannot tell", `${size} higher`] };
  }

  arrows(x) {
    // Which way, and how strongly, each sample would go to lower G's loss; paired, on average over data.
    const { D, objective } = this.play.game, n = x.length / 2, slope = objective.g_fake[1];
    const real = objective.paired ? D.forward(this.truth.x, this.k.few).out.slice() : [0], pass = D.forward(x, n);
    return D.backward(pass, pass.out.map((s) => meanOf(Array.from(real, (r) => slope(s - r)))), false).map((v) => -v);
  }

  sendSeries() { this.say(...this.series()); }
  series() {
    const rows = this.records.flatMap(({ step, measures }) => [step, ...this.given.fixed.measures.map((name) => measures[name])]);
    const theory = { ...atRest(this.play.setting), js: this.truth.jsFloor, w1: this.truth.w1Floor, ...(this.truth.hasModes ? { inside: this.k.inside } : {}) };
    for (const name of Object.keys(theory)) if (Number.isNaN(theory[name])) delete theory[name];
    return [{ what: "series", theory }, [Float32Array.from(rows)]];
  }

  everything() {
    const all = [this.scene, this.series(), [{ what: "picture", ...this.records.at(-1).picture[0] }, this.records.at(-1).picture[1]]];
    return { messages: all.map(([about, buffers]) => ({ ...about, buffers })) };
  }

  lookBack(number) {
    const record = this.records[Math.min(number, this.records.length - 1)];
    this.sendPicture(record.picture, { past: true });
    this.set("text", this.line(record));
  }

  line({ step, measures: m, picture: [about] }) {
    const nats = (v) => (v === Infinity ? "∞" : v.toFixed(2)), whole = (v) => `${Math.round(100 * v)}%`, modes = this.truth.hasModes ? this.truth.law.centers.length : 0;
    const parts = [`step ${step.toLocaleString("en")}`, `loss of D ${said(m.d_loss)}`, `of G ${said(m.g_loss)}`, `JS ${m.js.toFixed(3)}`,
      `KL ${nats(m.kl)}, reversed ${nats(m.reverse_kl)}`, `W1 ${said(m.w1)} (floor ${this.truth.w1Floor.toFixed(3)})`];
    if (modes) parts.push(`${Math.round(m.modes * modes)} of ${modes} modes hit, ${(100 * m.inside).toFixed(1)}% of samples in one`);
    if (!Number.isNaN(m.accuracy)) parts.push(`D is right ${whole(m.accuracy)}${about.paired ? " of pairs" : ""} (the best D, through the blur, ${whole(m.bayes)})`);
    return [...parts, `slope of D ${said(m.slope)}`].join(" · ");
  }
}
