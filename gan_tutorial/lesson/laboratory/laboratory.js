// What the browser shows of a laboratory.  It computes nothing about GANs: numbers come from the kernel (`widget.py`) or,
// on a page without one, from `page.js`, in messages, and every click goes back as a message.  Nothing is loaded.

const DARK = { data: "#5CB8EE", model: "#FF8A3D", D: "#3DDBA8", G: "#E59ACB", truth: "#F2F2F2", guide: "#A8A8A8" };
const ICONS = { // paths in a square of 16: drawn, because fonts differ
  play: "M3 1.5v13l11-6.5z", pause: "M3 2h4v12H3zM9 2h4v12H9z", step: "M2 2v12l8-6zM11 2h3v12h-3z",
  reset: "M8 2a6 6 0 1 0 5.6 3.8l-1.9.8A4 4 0 1 1 8 4v2.5L12.5 3 8-.5z", solved: "M1.5 8.5l2-2 3 3 6-7 2 1.7-8 9.3z",
  open: "M8 1a7 7 0 1 0 .01 0zM8 2.6a5.4 5.4 0 1 1-.01 0z", dot: "M8 4a4 4 0 1 0 .01 0z", line: "M0 7h16v2.2H0z",
  cross: "M3 1.6l5 5 5-5L14.4 3l-5 5 5 5-1.4 1.4-5-5-5 5L1.6 13l5-5-5-5z", dashes: "M0 7h5v2.2H0zM8 7h5v2.2H8z",
  field: "M1 1h14v14H1z", arrow: "M1 7h8V3l6 5-6 5V9H1z", rings: "M8 1a7 7 0 1 0 .01 0zM8 3a5 5 0 1 1-.01 0zM8 6a2 2 0 1 0 .01 0z",
  grid: "M1 3h14v1.4H1zM1 7.3h14v1.4H1zM1 11.6h14V13H1zM3 1h1.4v14H3zM7.3 1h1.4v14H7.3zM11.6 1H13v14h-1.4z",
  shirt: "M5.5 2L8 3.6 10.5 2 15 4.6l-1.7 3-1.5-.8V14H4.2V6.8l-1.5.8L1 4.6z",
};
const LAYERS = { // colour, icon, what it is
  "data": ["data", "dot", "real examples"],
  "samples": ["model", "cross", "what G makes of latents that stay the same"],
  "score of D": ["D", "field", "what D thinks of each place: the colours are explained below the picture"],
  "arrows": ["G", "arrow", "which way each sample would go to lower the loss of G; longer where more is at stake"],
  "warped grid": ["model", "grid", "where G puts a grid of latents, darker where it puts more: point at the picture to see it unfold"],
  "density": ["data", "rings", "where data are likely"],
  "best D": ["truth", "dashes", "where the best of all D could not tell, known exactly"],
};
const ONLY_IN_THE_PLANE = new Set(["arrows", "warped grid", "density", "best D"]);
const ESSENTIALS = ["objective", "d_lr", "g_lr"]; // and the data, as small pictures; everything else is under "more"
const ASLEEP = "This is a picture now: its kernel is gone. To wake it, run its cell again (click it, Shift+Enter).";
const PATIENCE = 400; // milliseconds without an answer, after which the kernel is called busy
let laboratories = 0;

const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  for (const [name, value] of Object.entries(props.attributes_ || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const icon = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
};
const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const bytes = (view) => new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const middle = (values) => { const s = Array.from(values).sort((a, b) => a - b); return s[s.length >> 1]; };
const percent = (v) => `${Math.round(100 * v)} %`;

function readable(v) {
  // A number as one would write it: few digits, a true minus, powers of ten raised.
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "–" : v > 0 ? "∞" : "−∞";
  const size = Math.abs(v);
  let said;
  if (size >= 1e5 || (size > 0 && size < 1e-5)) {
    const [digits, power] = size.toExponential(1).split("e");
    said = `${Number(digits)}·10${String(Number(power)).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(c)])}`;
  } else if (size >= 1000) said = Math.round(size).toLocaleString("en");
  else said = size < 1e-3 && size > 0 ? size.toFixed(Math.min(6, 1 - Math.floor(Math.log10(size)))) : String(Number(size.toPrecision(3)));
  return v < 0 ? `−${said}` : said;
}

function sharp(canvas, width, height) {
  // A canvas with as many points as the screen has, drawn on in CSS pixels.
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

function* contour(values, n, level) {
  // Marching squares: line segments [x1, y1, x2, y2] in units of the whole grid.
  const cross = (a, b) => (level - a) / (b - a);
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++) {
      const a = values[j * n + i], b = values[j * n + i + 1], c = values[(j + 1) * n + i + 1], d = values[(j + 1) * n + i];
      if (Number.isNaN(a + b + c + d)) continue;
      const on = [];
      if ((a > level) !== (b > level)) on.push([i + cross(a, b), j]);
      if ((b > level) !== (c > level)) on.push([i + 1, j + cross(b, c)]);
      if ((d > level) !== (c > level)) on.push([i + cross(d, c), j + 1]);
      if ((a > level) !== (d > level)) on.push([i, j + cross(a, d)]);
      for (let k = 0; k + 1 < on.length; k += 2)
        yield [...on[k], ...on[k + 1]].map((v) => (v + 0.5) / n);
    }
  }
}

function render({ model, el }) {
  const fixed = model.get("fixed"), number = ++laboratories, ids = (name) => `gan-laboratory-${number}-${name}`;
  const dark = () => document.body.dataset.jpThemeLight === "false";
  const colors = () => dark() ? { ...fixed.colors, ...DARK } : fixed.colors;
  const paired = () => fixed.paired.includes(model.get("setting").objective);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const view = { scene: null, picture: null, series: null, theory: {}, layers: { ...model.get("layers") },
                 drawing: null, cursor: null, past: false, zoom: 1, unfold: 1, asleep: false, busy: null };

  // ---- Talking to the kernel ----

  // Every message but "seen" is answered with "did" and its number once it was obeyed.  What waits for longer, waits
  // for a kernel that is busy; a click on a button that waits already is the same click.
  const waiting = new Map();
  let told = 0, impatient = 0;
  function tell(message) {
    if (view.asleep) return 0;
    if (message.do === "seen") { model.send(message); return 0; }
    const pressed = ["play", "pause", "step", "reset", "defaults", "hello"];
    if (pressed.includes(message.do) && [...waiting.values()].some((w) => w.do === message.do && performance.now() - w.at > PATIENCE)) return 0;
    const n = ++told;
    waiting.set(n, { do: message.do, at: performance.now() });
    model.send({ ...message, n });
    clearTimeout(impatient);
    impatient = setTimeout(say, PATIENCE);
    return n;
  }
  function did(n) {
    waiting.delete(n);
    if (!waiting.size) view.busy = null;
    if (n === asking) answered();
    if (n === view.consulting) { view.consulting = 0; consult(); }
    say();
  }
  function say() {
    // What a person must know before anything else: whether there is a kernel, and whether it listens.
    const late = [...waiting.values()].filter((w) => performance.now() - w.at >= PATIENCE - 20).map((w) => w.do);
    let words = "";
    if (view.asleep) words = ASLEEP;
    else if (late.length) {
      const name = late.includes("play") ? "Play starts" : late.includes("pause") ? "it pauses" : late.includes("step") ? "it steps"
        : late.includes("reset") ? "Reset comes" : late.every((what) => what === "hello") ? "" : "your change comes";
      words = `The kernel is busy${view.busy ? ` with cell ${view.busy}` : ""}; ${name ? `${name} when it is free.` : "the buttons answer when it is free."}`;
    }
    notice.textContent = words;
    notice.hidden = !words;
    hint.hidden = Boolean(words || model.get("stop") >= 0 || model.get("playing") || model.get("stage") || model.get("error"));
    root.dataset.busy = Boolean(late.length && !view.asleep);
    root.dataset.asleep = view.asleep;
  }
  function sleep(yes) {
    if (view.asleep === yes) return;
    view.asleep = yes;
    waiting.clear();
    wanted.clear();
    asking = null;
    for (const part of [transport, essentials, below, timeRow]) part.hidden = yes; // no button that does nothing
    tour.hidden = yes || model.get("stop") < 0;
    mirror();
    say();
  }

  // ---- The page ----

  const root = make("div", { className: "gan-lab", tabIndex: -1 });
  root.dataset.lmSuppressShortcuts = "true";
  const button = (what, label, title, drawn) => {
    const node = make("button", { type: "button", title }, ...(drawn ? [icon(drawn)] : []), make("span", { textContent: label }));
    node.dataset.do = what;
    return node;
  };
  const play = button("play", "Play", "train, and watch (space)", "play");
  const step = button("step", "Step", "one step; in slow motion, its next stage (s)", "step");
  const reset = button("reset", "Reset", "new networks, the controls as they are (r)", "reset");
  const defaults = button("defaults", "Defaults", "all controls as its cell set them; the networks stay where they can");
  play.onclick = () => tell({ do: model.get("playing") ? "pause" : "play" });
  step.onclick = () => tell({ do: "step" });
  reset.onclick = () => tell({ do: "reset" });
  defaults.onclick = () => { wanted.clear(); tell({ do: "defaults" }); };

  const players = make("select", { name: "players", title: "who moves, in Play and in Step" },
    ...fixed.players.map((name) => make("option", { value: name, textContent: name })));
  players.onchange = () => tell({ do: "players", value: players.value });
  const slow = make("input", { type: "checkbox", name: "slow", id: ids("slow") });
  slow.onchange = () => tell({ do: "slow", value: slow.checked });
  const pace = make("input", { type: "range", name: "pace", min: 1, max: fixed.fastest + 1, step: 1, id: ids("pace") });
  const paceSaid = make("output");
  pace.oninput = () => tell({ do: "pace", value: pace.value > fixed.fastest ? 0 : Number(pace.value) });
  const transport = make("div", { className: "row transport" }, play, step, reset, defaults,
    make("label", { textContent: "who moves " }, players),
    make("label", { title: "see the stages of each step" }, slow, " slow motion"),
    make("label", { title: "steps between two pictures" }, "speed ", pace, paceSaid));

  const hint = make("span", { className: "quiet", textContent: "G makes samples, D tells them from data; each learns to lower its own loss. Press Play, or Tour." });
  const stage = make("span", { className: "stage" });
  stage.setAttribute("aria-live", "polite");
  const notice = make("span", { className: "notice", hidden: true });
  notice.setAttribute("role", "status");
  const trouble = make("span", { className: "trouble" });
  trouble.setAttribute("role", "alert");
  const caption = make("div", { className: "caption" }, notice, trouble, stage, hint);

  const machine = make("canvas", { className: "machine", title: "the game as a machine; point at G to see where it puts a grid of latents" });
  machine.setAttribute("role", "img");
  const canvas = make("canvas", { className: "plane", tabIndex: 0 });
  canvas.setAttribute("role", "img");
  const bar = make("i"), ends = [make("span"), make("span"), make("span")];
  const legend = make("div", { className: "legend" }, bar, ...ends);
  const outside = make("span");
  outside.setAttribute("role", "status");
  const zoom = button("zoom", "Zoom out", "show all samples");
  zoom.onclick = () => { view.zoom = view.zoom > 1 ? 1 : wide(); redraw(); };
  const outsideRow = make("div", { className: "row outside", hidden: true }, outside, zoom);
  const layerBoxes = {};
  const layerRow = make("div", { className: "row layers" });
  layerRow.setAttribute("role", "group");
  layerRow.setAttribute("aria-label", "what is drawn");
  for (const name of Object.keys(view.layers)) {
    const box = make("input", { type: "checkbox", name: `layer ${name}`, checked: view.layers[name] });
    box.onchange = () => {
      view.layers[name] = box.checked;
      tell({ do: "layer", name, value: box.checked });
      redraw();
      if (name === "warped grid" && box.checked) unfold();
    };
    const mark = icon(LAYERS[name][1]);
    layerBoxes[name] = { box, mark };
    layerRow.append(make("label", { title: LAYERS[name][2] }, box, mark, ` ${name}`));
  }
  const clear = button("clear", "Clear the drawing", "then draw with the mouse, or with the arrow keys and Enter");
  clear.onclick = () => { view.drawing = []; redraw(); canvas.focus(); };
  const drawRow = make("div", { className: "row drawing" }, clear, make("span", { className: "quiet",
    textContent: "Draw in the picture: with the mouse, or with the arrow keys and Enter." }));

  const charts = ["both losses", "how far apart", "right answers of D", "samples in modes", "slope of D"].map((title) => {
    const node = make("canvas", { className: "chart" });
    node.setAttribute("role", "img");
    return { title, node };
  });
  const numbers = make("div", { className: "numbers" });
  numbers.setAttribute("role", "status");
  const time = make("input", { type: "range", name: "time", min: 0, max: 0, value: 0, step: 1, id: ids("time") });
  const timeSaid = make("output", { textContent: "now" });
  time.oninput = () => {
    const last = Number(time.value) >= model.get("recorded") - 1;
    if (model.get("playing")) tell({ do: "pause" });
    tell(last ? { do: "now" } : { do: "look", record: Number(time.value) });
  };
  const timeRow = make("label", { className: "row time", title: "go back to any moment that was recorded" }, "time ", time, timeSaid);

  // What opens and closes: a button says which, and whether it is open.
  const opening = (what, label, title, part) => {
    const node = button(what, label, title);
    const show = (yes) => { part.hidden = !yes; node.setAttribute("aria-expanded", yes); };
    node.onclick = () => show(part.hidden);
    show(false);
    return node;
  };
  const code = make("pre", { className: "code", hidden: true });
  const copy = button("copy", "Copy as code", "the cell that does the same with the package, and draws it");
  const copied = make("span", { className: "quiet" });
  copy.onclick = async () => {
    code.hidden = false;
    code.textContent = model.get("code");
    try {
      await navigator.clipboard.writeText(model.get("code"));
      copied.textContent = "copied: paste it into a new cell";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard here: the text is selected instead
      copied.textContent = "press Ctrl+C to copy it";
    }
  };
  // The tour: at each stop what to watch, and a question; its games are its own.
  const go = (by) => {
    const stop = Math.min(Math.max(model.get("stop") + by, 0), fixed.tour.length - 1);
    if (stop !== model.get("stop")) tell({ do: "tour", stop });
  };
  const touring = button("tour", "Tour", "eight short stops: what to watch, and a question at each");
  const back = button("back", "Back", "the stop before (b)"), next = button("next", "Next", "the next stop (n)");
  const leave = button("leave", "Leave the tour", "back to your own game, as it was (Escape)");
  touring.onclick = () => { view.led = true; go(1); };
  back.onclick = () => go(-1);
  next.onclick = () => go(1);
  leave.onclick = () => { tell({ do: "tour", stop: -1 }); root.focus(); };
  const where = make("strong"), watch = make("p"), question = make("p", { className: "question" }), reply = make("p");
  const answer = make("details", {}, make("summary", { textContent: "Answer" }), reply);
  const said = make("div", {}, watch, question, answer);
  said.setAttribute("aria-live", "polite");
  const tour = make("section", { className: "tour", hidden: true }, make("div", { className: "row" }, where, back, next, leave), said);
  tour.setAttribute("aria-label", "tour");

  const tasks = make("ul", { className: "challenges" });
  const found = make("ul", { className: "diagnosis" });
  const presets = make("ul", { className: "presets" });
  for (const { name, line } of fixed.presets) {
    const choose = button("preset", name, "take these settings, and begin anew");
    choose.onclick = () => { wanted.clear(); tell({ do: "preset", name }); };
    presets.append(make("li", {}, choose, make("code", { textContent: line })));
  }

  // ---- The controls, from the kernel's own list ----

  // One wish at a time: a slider that is dragged over a busy kernel skips what it has no time for.
  const wanted = new Map();
  let asking = null, askedFor = null;
  function ask() {
    if (asking !== null || !wanted.size || view.asleep) return;
    const [name, value] = wanted.entries().next().value;
    wanted.delete(name);
    askedFor = name;
    asking = tell({ do: "set", name, value });
  }
  function answered() {
    asking = askedFor = null;
    ask();
    mirror();
  }

  const panel = make("div", { className: "panel" }), essentials = make("div", { className: "essentials" }), inputs = {}, groups = {};
  const thumbs = make("fieldset", { className: "thumbs" });
  thumbs.setAttribute("aria-label", "data");
  essentials.append(thumbs);
  const choices = [];
  for (const [name, control] of Object.entries(fixed.controls)) {
    if (name === "data") {
      for (const option of control.options) {
        const input = make("input", { type: "radio", name: ids("data"), value: option });
        input.dataset.data = option;
        input.onchange = () => { wanted.set("data", option); ask(); };
        const picture = make("canvas");
        choices.push({ option, input, picture });
        thumbs.append(make("label", { title: `data: ${option}` }, input, picture, option));
      }
      inputs.data = { control, boxes: choices.map((c) => c.input), show: (value) => {
        if (!wanted.has("data") && askedFor !== "data") for (const { option, input } of choices) input.checked = option === value;
      } };
      continue;
    }
    if (!ESSENTIALS.includes(name) && !groups[control.group]) {
      groups[control.group] = make("fieldset", { className: "group" }, make("legend", { textContent: control.group }));
      panel.append(groups[control.group]);
    }
    const input = control.options.length
      ? make("select", {}, ...control.options.map((o) => make("option", { value: o, textContent: String(o).replaceAll("_", " ") })))
      : make("input", { type: "range" });
    const said = make("output");
    Object.assign(input, { name, id: ids(name), title: control.help });
    const log = !control.options.length && control.step === 0;
    if (log) Object.assign(input, { min: 0, max: 200, step: 1 });
    else if (!control.options.length) Object.assign(input, { min: control.low, max: control.high, step: control.step });
    const ratio = control.high / control.low;
    const read = () => {
      if (control.options.length) return typeof control.options[0] === "number" ? Number(input.value) : input.value;
      return log ? Number((control.low * ratio ** (input.value / 200)).toPrecision(2)) : Number(input.value);
    };
    input.addEventListener(control.options.length ? "change" : "input", () => {
      if (!control.options.length) said.textContent = readable(read());
      wanted.set(name, read());
      ask();
    });
    inputs[name] = {
      show: (value) => {
        if (wanted.has(name) || askedFor === name) return; // an answer to an older wish would pull the slider back
        if (control.options.length) input.value = value;
        else {
          if (Math.abs(read() - value) > 1e-9) input.value = log ? 200 * Math.log(value / control.low) / Math.log(ratio) : value;
          said.textContent = readable(value);
        }
      },
      control, boxes: [input],
    };
    (ESSENTIALS.includes(name) ? essentials : groups[control.group]).append(
      make("label", { className: "control", htmlFor: input.id, title: control.help }, make("span", { textContent: control.label }), input, ...(control.options.length ? [] : [said])));
  }

  const more = opening("more", "More controls", "everything else that can be set", panel);
  const challenging = opening("challenges", "Challenges", "five things to bring about", tasks);
  // A diagnosis is asked for when it is opened and, while it stays open, with each new record: one at a time.
  const diagnosing = opening("diagnose", "Diagnosis", "what losses, scores and samples show since the last change", found);
  diagnosing.hidden = !fixed.diagnoses;
  const consult = () => {
    const seen = `${model.get("recorded")} ${model.get("text")}`;
    if (found.hidden || view.consulting || view.consulted === seen) return;
    view.consulted = seen;
    view.consulting = tell({ do: "diagnose" });
  };
  diagnosing.addEventListener("click", () => { view.consulted = null; consult(); });
  const starting = opening("presets", "Presets", "settings with a name", presets);
  const below = make("div", { className: "below" }, make("div", { className: "row" }, more, touring, challenging, diagnosing, starting, copy, copied), panel, tasks, found, presets, code);
  root.append(tour, make("div", { className: "frame" }, transport, caption,
    make("div", { className: "left" }, make("div", { className: "sheet" }, canvas, outsideRow), legend, layerRow, drawRow),
    make("div", { className: "rest" }, machine,
      make("div", { className: "right" }, essentials, make("div", { className: "charts" }, ...charts.map((c) => c.node)), timeRow, numbers),
      below)));
  el.append(root);

  // ---- Drawing ----

  let pending = false, drawnAt = 0, chartsToo = true;
  function redraw(charts = true) { // charts only where they change: with a record, not with each picture
    if (charts) chartsToo = true;
    if (pending) return;
    pending = true;
    const wait = calm.matches ? Math.max(0, 250 - (performance.now() - drawnAt)) : 0; // four pictures a second are calm
    const go = () => requestAnimationFrame(drawAll);
    wait ? setTimeout(go, wait) : go();
  }
  function drawAll() {
    pending = false;
    drawnAt = performance.now();
    draw();
    drawMachine();
    if (chartsToo) drawCharts();
    chartsToo = false;
  }
  function drawAnew() {
    chartsToo = true;
    drawAll();
  }

  // The warped grid unfolds: from where the latents are to where G puts them.
  function unfold() {
    if (calm.matches || view.unfold < 1 || !view.scene || view.scene.pictures) return;
    const start = performance.now();
    view.unfold = 0;
    const go = () => {
      view.unfold = Math.min(1, Math.max(0, (performance.now() - start - 250) / 1100));
      redraw();
      if (view.unfold < 1) requestAnimationFrame(go);
    };
    go();
  }
  canvas.addEventListener("pointerenter", () => { if (view.layers["warped grid"]) unfold(); });
  machine.addEventListener("pointermove", (event) => {
    const g = view.boxG, at = event.clientX - machine.getBoundingClientRect().left, inside = Boolean(g) && at >= g[0] && at <= g[1];
    if (inside && !view.pointed) unfold();
    view.pointed = inside;
    redraw();
  });
  machine.addEventListener("pointerleave", () => { view.pointed = false; redraw(); });

  const half = () => view.scene.window[2] * view.zoom;
  const away = (points, h) => {
    const [mx, my] = view.scene.window;
    let n = 0;
    for (let i = 0; i < points.length; i += 2) if (!(Math.abs(points[i] - mx) <= h && Math.abs(points[i + 1] - my) <= h)) n += 1;
    return n;
  };
  function wide() {
    let factor = 2;
    while (factor < 2 ** 60 && away(view.picture.parts.samples, view.scene.window[2] * factor) > 0) factor *= 2;
    return factor;
  }

  function draw() {
    const side = canvas.clientWidth || 400, pen = sharp(canvas, side, side), ink = colors();
    for (const [name, { mark }] of Object.entries(layerBoxes)) mark.style.color = ink[LAYERS[name][0]];
    drawThumbs(ink);
    if (!view.scene || !view.picture) return;
    const { picture, scene } = view, samples = picture.parts.samples;
    const gone = samples ? away(samples, scene.window[2]) : 0;
    outsideRow.hidden = !gone && view.zoom === 1;
    outside.textContent = gone ? `${gone} of ${samples.length / 2} samples are outside.` : "";
    zoom.lastChild.textContent = view.zoom > 1 ? "Zoom in" : "Zoom out";
    scene.pictures ? drawPictures(pen, side, ink) : drawPlane(pen, side, ink);
    drawLegend(picture, ink);
    const frame = picture.frame ?? 0;
    if (canvas.dataset.frame !== String(frame) || canvas.dataset.step !== String(picture.step)) {
      canvas.dataset.frame = frame;
      canvas.dataset.step = picture.step;
      if (frame) tell({ do: "seen", frame });
    }
  }

  function drawLegend(picture, ink) {
    const shown = view.layers["score of D"] && picture.legend.length;
    legend.hidden = !shown;
    if (!shown) return;
    const mix = (hex, part) => `rgba(${rgb(hex).join(",")},${part})`;
    bar.style.background = `linear-gradient(to right, ${mix(ink.model, 0.6)}, ${mix(ink.model, 0)} 50%, ${mix(ink.data, 0)} 50%, ${mix(ink.data, 0.6)})`;
    picture.legend.forEach((words, i) => { ends[i].textContent = words; });
  }

  function drawThumbs(ink) {
    for (const { option, picture } of choices) {
      const side = picture.clientWidth || 44, pen = sharp(picture, side, side);
      const points = option === "your own" ? fixed.thumbs[option] && model.get("setting").drawing.flat().map((v) => 0.5 + v / 3.2) : fixed.thumbs[option];
      if (!points) {
        pen.fillStyle = ink.data;
        pen.setTransform(pen.getTransform().scale(side / 24, side / 24).translate(4, 4));
        pen.fill(new Path2D(ICONS.shirt));
      } else dots(pen, points, (x) => x * side, (y) => (1 - y) * side, ink.data, Math.max(1, side / 40), 0.75);
    }
  }

  function drawPlane(pen, side, ink) {
    const { scene, picture, layers } = view, n = fixed.cells, [mx, my] = scene.window, h = half();
    const X = (x) => (x - mx + h) / (2 * h) * side, Y = (y) => (my + h - y) / (2 * h) * side;
    const parts = picture.parts, inner = side / view.zoom, edge = (side - inner) / 2;
    const lines = (values, level, color, width, dash = []) => {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.setLineDash(dash);
      pen.beginPath();
      for (const [x1, y1, x2, y2] of contour(values, n, level)) {
        pen.moveTo(edge + x1 * inner, edge + (1 - y1) * inner);
        pen.lineTo(edge + x2 * inner, edge + (1 - y2) * inner);
      }
      pen.stroke();
      pen.setLineDash([]);
    };
    if (layers["score of D"] && parts.tint) {
      drawField(pen, edge, inner, parts.tint, n, ink);
      if (picture.line) lines(parts.tint, 0, ink.D, 2);
    }
    if (view.zoom > 1) {
      pen.strokeStyle = ink.guide;
      pen.lineWidth = 1;
      pen.strokeRect(edge, edge, inner, inner);
    }
    if (layers.density && scene.density)
      for (const part of [0.08, 0.35, 0.7]) lines(scene.density, part * scene.most, ink.data, 1.2);
    if (layers["best D"]) {
      if (parts.best && picture.even !== null) lines(parts.best, picture.even, ink.truth, 1.6, [5, 4]);
      else note(pen, side, ink, picture.paired ? "paired: only differences of scores count" : "no finite score is best here");
    }
    if ((layers["warped grid"] || view.pointed || view.unfold < 1) && parts.grid) warpedGrid(pen, parts.grid, X, Y, ink);
    if (layers.data) dots(pen, view.drawing ? view.drawing.flat() : scene.data, X, Y, ink.data, 2, 0.55);
    if (layers.samples && parts.samples && !(view.unfold < 1)) crosses(pen, parts.samples, X, Y, ink.model, 2.1);
    if (layers.arrows && parts.arrows && !(view.unfold < 1)) arrows(pen, parts.samples, parts.arrows, X, Y, side, ink.G);
    if (parts.real_batch) {
      rings(pen, parts.real_batch, X, Y, ink.data);
      rings(pen, parts.fake_batch, X, Y, ink.model);
    }
    if (view.drawing && !view.drawing.length) note(pen, side, ink, "an empty sheet: draw here");
    if (view.cursor) {
      const [x, y] = [X(view.cursor[0]), Y(view.cursor[1])];
      pen.strokeStyle = ink.truth;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x - 9, y); pen.lineTo(x + 9, y); pen.moveTo(x, y - 9); pen.lineTo(x, y + 9);
      pen.stroke();
    }
  }

  function warpedGrid(pen, grid, X, Y, ink) {
    // Every mesh holds the same share of the latents: the smaller it becomes, the denser G's samples are there.
    const m = Math.round(Math.sqrt(grid.length / 2)), from = view.scene.lattice, ease = view.unfold * view.unfold * (3 - 2 * view.unfold);
    const at = (k, axis) => ease < 1 && from ? (1 - ease) * from[2 * k + axis] * view.scene.window[2] / 2.2 + ease * grid[2 * k + axis] : grid[2 * k + axis];
    const usual = (X(view.scene.window[2]) - X(0)) ** 2 * 4 / (m - 1) ** 2; // as large as if the meshes tiled the window
    pen.lineWidth = 0.7;
    pen.strokeStyle = pen.fillStyle = ink.model;
    for (let j = 0; j < m - 1; j++) {
      for (let i = 0; i < m - 1; i++) {
        const corners = [j * m + i, j * m + i + 1, (j + 1) * m + i + 1, (j + 1) * m + i].map((k) => [X(at(k, 0)), Y(at(k, 1))]);
        let area = 0;
        corners.forEach(([x, y], k) => { const [u, v] = corners[(k + 1) % 4]; area += (x * v - u * y) / 2; });
        pen.beginPath();
        corners.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
        pen.closePath();
        pen.globalAlpha = 0.75 * (1 - Math.exp(-0.12 * usual / (Math.abs(area) + 1e-9)));
        pen.fill();
        pen.globalAlpha = 0.55;
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  const small = document.createElement("canvas");
  function drawField(pen, edge, inner, tint, n, ink) {
    small.width = small.height = n;
    const brush = small.getContext("2d"), image = brush.createImageData(n, n), high = rgb(ink.data), low = rgb(ink.model);
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) {
        const t = tint[j * n + i], k = 4 * ((n - 1 - j) * n + i), c = t > 0 ? high : low;
        image.data.set([c[0], c[1], c[2], 153 * Math.min(1, Math.abs(t))], k);
      }
    }
    brush.putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = true;
    pen.drawImage(small, edge, edge, inner, inner);
  }

  function dots(pen, points, X, Y, color, size, alpha) {
    pen.fillStyle = color;
    pen.globalAlpha = alpha;
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = X(points[i]), y = Y(points[i + 1]);
      pen.moveTo(x + size, y);
      pen.arc(x, y, size, 0, 7);
    }
    pen.fill();
    pen.globalAlpha = 1;
  }

  function crosses(pen, points, X, Y, color, size) {
    pen.strokeStyle = color;
    pen.lineWidth = 1.4;
    pen.globalAlpha = 0.85;
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = X(points[i]), y = Y(points[i + 1]);
      pen.moveTo(x - size, y - size); pen.lineTo(x + size, y + size);
      pen.moveTo(x - size, y + size); pen.lineTo(x + size, y - size);
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  function rings(pen, points, X, Y, color) {
    pen.strokeStyle = color;
    pen.lineWidth = 1.6;
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = X(points[i]), y = Y(points[i + 1]);
      pen.moveTo(x + 4.5, y);
      pen.arc(x, y, 4.5, 0, 7);
    }
    pen.stroke();
  }

  function arrows(pen, from, way, X, Y, side, color) {
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = 1.5;
    for (let i = 0; i < way.length; i += 2) {
      const size = Math.hypot(way[i], way[i + 1]);
      if (!(size > 1e-9)) continue;
      // The root: a young game has losses of hundredths, a critic of tens, and both have arrows to see.
      const long = 0.13 * side * Math.sqrt(size / (size + 0.3)), ux = way[i] / size, uy = -way[i + 1] / size;
      if (long < 1.5) continue; // a vanishing gradient has no arrow: that is the message
      arrow(pen, X(from[i]), Y(from[i + 1]), X(from[i]) + long * ux, Y(from[i + 1]) + long * uy, Math.min(5, 0.5 * long));
    }
  }

  function arrow(pen, x, y, tx, ty, head) {
    const long = Math.hypot(tx - x, ty - y) || 1, ux = (tx - x) / long, uy = (ty - y) / long;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(tx, ty);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(tx + 0.6 * head * ux, ty + 0.6 * head * uy);
    pen.lineTo(tx - head * ux + 0.6 * head * uy, ty - head * uy - 0.6 * head * ux);
    pen.lineTo(tx - head * ux - 0.6 * head * uy, ty - head * uy + 0.6 * head * ux);
    pen.fill();
  }

  function note(pen, side, ink, words) {
    pen.fillStyle = ink.guide;
    pen.font = "12px sans-serif";
    pen.fillText(words, 8, side - 8);
  }

  function stampImage(pen, from, index, x, y, w) {
    small.width = small.height = 28;
    const brush = small.getContext("2d"), image = brush.createImageData(28, 28);
    for (let k = 0; k < 784; k++) {
      const v = from[784 * index + k];
      image.data.set([v, v, v, 255], 4 * k);
    }
    brush.putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, x, y, w, w);
  }

  function drawPictures(pen, side, ink) {
    // 16 real pictures above 48 of G's; a frame says what D says of each: blue for data, orange for samples.
    const { scene, picture, layers } = view, parts = picture.parts, tile = side / 8, gap = 2;
    const stamp = (from, index, place, says) => {
      const x = (place % 8) * tile + gap, y = Math.floor(place / 8) * tile + gap, w = tile - 2 * gap;
      stampImage(pen, from, index, x, y, w);
      if (layers["score of D"] && says !== undefined && picture.judges) {
        pen.strokeStyle = says > 0 ? ink.data : ink.model;
        pen.lineWidth = 2.5;
        pen.strokeRect(x - 0.5, y - 0.5, w + 1, w + 1);
      }
    };
    const real = layers.data ? 16 : 0;
    for (let i = 0; i < real; i++) stamp(scene.real, i, i, parts.says_real?.[i]);
    if (!layers.samples || !parts.pictures) return;
    for (let i = real; i < 64; i++) stamp(parts.pictures, i, i, parts.says_fake[i]);
    if (!real) return;
    pen.strokeStyle = ink.guide;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, 2 * tile); pen.lineTo(side, 2 * tile);
    pen.stroke();
  }

  // ---- The machine: noise -> G -> samples -> D <- data; what D says of a few; both losses ----

  const STAGES = "①②③④"; // a stage in slow motion begins with its number
  const LIT = [[], ["samples", "data", "D"], ["D", "verdicts"], ["samples", "back"], ["G", "samples"]];

  function drawMachine() {
    if (!machine.clientWidth) return;
    const width = machine.clientWidth, height = 104, pen = sharp(machine, width, height), ink = colors();
    const text = getComputedStyle(root).color, paper = getComputedStyle(canvas).backgroundColor;
    const lit = LIT[STAGES.indexOf(model.get("stage")[0] || " ") + 1], still = !lit.length;
    const { scene, picture } = view, parts = picture?.parts || {}, small_ = 44, narrow = width < 520;
    const on = (name) => still || lit.includes(name);
    const column = (part) => Math.round(part * width);
    const tight = width < 400; // a phone: losses stand below the verdicts, which are as many as there is room for
    const noise = { x: 2, y: tight ? 26 : 16, w: tight ? 44 : 64 }, wG = Math.max(46, column(0.1)), wD = wG;
    const G = { x: column(0.17), y: 20, w: wG, h: 56 }, shown = { x: column(0.375), w: small_ };
    const D = { x: column(0.53), y: 24, w: wD, h: 56 }, says = { x: D.x + D.w + (narrow ? 14 : 30) };
    view.boxG = [G.x, G.x + G.w];

    const tile = (x, y, w, name, color, draw) => {
      pen.globalAlpha = on(name) ? 1 : 0.3;
      pen.fillStyle = paper;
      pen.fillRect(x, y, w, w);
      pen.save();
      pen.beginPath();
      pen.rect(x, y, w, w);
      pen.clip();
      if (scene && picture) draw();
      pen.restore();
      pen.strokeStyle = color;
      pen.lineWidth = on(name) && !still ? 2.5 : 1;
      pen.strokeRect(x, y, w, w);
      pen.globalAlpha = 1;
    };
    const box = (at, name, color, slant) => {
      pen.globalAlpha = on(name) ? 1 : 0.3;
      pen.fillStyle = pen.strokeStyle = color;
      pen.lineWidth = on(name) && !still ? 3 : 1.5;
      pen.beginPath();
      pen.moveTo(at.x, at.y + (slant > 0 ? slant : 0)); pen.lineTo(at.x + at.w, at.y - (slant < 0 ? slant : 0));
      pen.lineTo(at.x + at.w, at.y + at.h + (slant < 0 ? slant : 0)); pen.lineTo(at.x, at.y + at.h - (slant > 0 ? slant : 0));
      pen.closePath();
      pen.save();
      pen.globalAlpha *= !still && on(name) ? 0.35 : 0.14;
      pen.fill();
      pen.restore();
      pen.stroke();
      pen.font = "700 20px sans-serif";
      pen.textAlign = "center";
      pen.fillText(name, at.x + at.w / 2, at.y + at.h / 2 + 7);
      pen.globalAlpha = 1;
    };
    const words = (said, x, y, align = "center", bold = false) => {
      pen.font = `${bold ? "600 " : ""}11px sans-serif`;
      pen.fillStyle = text;
      pen.textAlign = align;
      pen.fillText(said, x, y);
    };
    const flow = (x1, y1, x2, y2, name, color = ink.guide) => {
      pen.globalAlpha = on(name) ? 1 : 0.3;
      pen.strokeStyle = pen.fillStyle = color;
      pen.lineWidth = on(name) && !still ? 2.5 : 1.3;
      arrow(pen, x1, y1, x2 - 4, y2 - 4 * Math.sign(y2 - y1) * (x1 === x2), 5);
      pen.globalAlpha = 1;
    };

    const few = (points, n) => points.subarray(0, 2 * n);
    tile(noise.x, noise.y, noise.w, "noise", ink.guide, () => {
      const z = scene.latents, X = (v) => noise.x + noise.w * (0.5 + v / 6), Y = (v) => noise.y + noise.w * (0.5 - v / 6);
      if (!scene.pictures) dots(pen, few(z, 40), X, Y, ink.guide, 1.6, 0.9);
      else for (let i = 0; i < 8; i++) for (let j = 0; j < 8; j++) { // numbers, light or dark: there are no places
        pen.fillStyle = ink.guide;
        pen.globalAlpha = Math.min(1, Math.max(0, 0.5 + z[8 * i + j] / 4));
        pen.fillRect(noise.x + 8 * j, noise.y + 8 * i, 8, 8);
      }
    });
    const inPlane = (x, y, w) => {
      const [mx, my, h] = scene.window;
      return [(v) => x + w * (0.5 + (v - mx) / (2 * h)), (v) => y + w * (0.5 - (v - my) / (2 * h))];
    };
    tile(shown.x, 2, small_, "samples", ink.model, () => {
      if (scene.pictures) for (let i = 0; i < 4; i++) stampImage(pen, parts.pictures, 16 + i, shown.x + 22 * (i % 2), 2 + 22 * (i >> 1), 22);
      else crosses(pen, few(parts.fake_batch || parts.samples, 60), ...inPlane(shown.x, 2, small_), ink.model, 1.3);
    });
    tile(shown.x, 58, small_, "data", ink.data, () => {
      if (scene.pictures) for (let i = 0; i < 4; i++) stampImage(pen, scene.real, i, shown.x + 22 * (i % 2), 58 + 22 * (i >> 1), 22);
      else dots(pen, few(parts.real_batch || scene.data, 60), ...inPlane(shown.x, 58, small_), ink.data, 1.3, 0.8);
    });
    box(G, "G", ink.G, 12);
    box(D, "D", ink.D, -12);
    flow(noise.x + noise.w + 3, 48, G.x - 2, 48, "G");
    flow(G.x + G.w + 3, 44, shown.x - 2, 28, "samples");
    flow(shown.x + small_ + 3, 26, D.x - 2, 44, "samples");
    flow(shown.x + small_ + 3, 80, D.x - 2, 62, "data");
    if (lit.includes("back")) {
      pen.setLineDash([4, 3]);
      flow(D.x - 2, 36, shown.x + small_ + 10, 16, "back", ink.G);
      pen.setLineDash([]);
    }
    words("noise", noise.x + noise.w / 2, 94);
    words("samples", shown.x + small_ / 2, 55);
    if (!narrow) words("data", shown.x - 6, 84, "right");

    // What D says of eight of each, and whether it is right, in as many words as there is room for beside the losses.
    pen.font = "600 11px sans-serif";
    const end = width - (tight ? 2 : 10 + pen.measureText("loss of G 0.00").width);
    const row = (values, y, real) => {
      if (!values) return;
      let right = 0;
      const room = tight ? Math.min(8, Math.floor((width - says.x) / 17)) : 8;
      for (let i = 0; i < room; i++) {
        const says_ = values[i], x = says.x + 8 + 17 * i, good = (says_ > 0) === real;
        right += good;
        pen.globalAlpha = on("verdicts") || on("D") ? 1 : 0.3;
        pen.fillStyle = says_ > 0 ? ink.data : ink.model;
        pen.strokeStyle = pen.fillStyle;
        pen.lineWidth = 1;
        pen.save();
        pen.globalAlpha *= 0.2 + 0.8 * Math.min(1, Math.abs(says_));
        pen.beginPath();
        pen.arc(x, y, 7, 0, 7);
        pen.fill();
        pen.restore();
        pen.beginPath();
        pen.arc(x, y, 7, 0, 7);
        pen.stroke();
        if (picture.judges && !good) { // a wrong verdict is crossed out
          pen.strokeStyle = text;
          pen.lineWidth = 1.6;
          pen.beginPath();
          pen.moveTo(x - 6, y + 6); pen.lineTo(x + 6, y - 6);
          pen.stroke();
        }
        pen.globalAlpha = 1;
      }
      pen.font = "11px sans-serif";
      const said = [`${right} of 8 right`, `${right} of 8`].find((each) => says.x + 142 + pen.measureText(each).width < end);
      if (picture.judges && !narrow && said) words(said, says.x + 142, y + 4, "left");
    };
    flow(D.x + D.w + 3, 52, says.x - 2, 52, "verdicts");
    row(parts.says_fake, 26, false);
    row(parts.says_real, 80, true);
    const legend = picture && !picture.judges ? ["D's scores: above of samples, below of data", "D's scores"]
      : ["blue: “data”, orange: “sample”; struck: wrong", "blue: “data”; struck: wrong"];
    const short = legend.find((each) => says.x + pen.measureText(each).width < width - 2);
    if (!narrow && short) words(short, says.x, 56, "left");

    // Both losses, at the right end.
    const at = momentShown();
    if (at < 0) return;
    const [d, g] = ["d_loss", "g_loss"].map((name) => column_(name)[at]);
    for (const [name, v, y] of [["G", g, tight ? 48 : 30], ["D", d, tight ? 102 : 84]]) {
      pen.globalAlpha = on(name) || on("verdicts") ? 1 : 0.3;
      words(`loss of ${name} ${readable(Number(v.toPrecision(2)))}`, width - 2, y, "right", true);
      pen.globalAlpha = 1;
    }
    const label = `noise, G, samples, D, data; loss of D ${readable(d)}, of G ${readable(g)}`;
    machine.setAttribute("aria-label", label);
  }

  // ---- Charts ----

  function column_(name) {
    const width = fixed.measures.length + 1, at = fixed.measures.indexOf(name) + 1;
    return view.series ? Array.from({ length: view.series.length / width }, (_, i) => view.series[i * width + at]) : [];
  }
  function momentShown() {
    const steps = column_("step");
    const found = view.past && view.picture ? steps.indexOf(view.picture.step) : -1;
    return found >= 0 ? found : steps.length - 1;
  }

  function drawCharts() {
    const ink = colors(), steps = column_("step"), theory = view.theory;
    const lines = [
      [["d_loss", "D", ink.D], ["g_loss", "G", ink.G]],
      [["js", "JS", ink.data], ["kl", "KL", ink.model], ["w1", "W₁", ink.truth]],
      [["accuracy", "D", ink.D], ["bayes", "best", ink.truth, [4, 3]]],
      [["modes", "hit", ink.truth, [4, 3]], ["inside", "inside", ink.model]],
      [["slope", "mean", ink.D], ["steepest", "most", ink.guide, [2, 2]]],
    ];
    const guides = [
      [[theory.d_loss, ink.D], [theory.g_loss, ink.G]], [[theory.js, ink.data], [theory.w1, ink.truth], [Math.LN2, ink.guide]],
      [[0.5, ink.guide]], [[theory.inside, ink.model]], [[1, ink.guide]],
    ];
    const most = [null, 1.6, 1.05, 1.05, null], share = [false, false, true, true, false];
    const measured = column_("slope").some(Number.isFinite); // just after the first picture it is not; the place is kept
    charts.forEach((chart, i) => {
      const shown = lines[i].map(([name, label, color, dash]) => ({ label, color, dash, values: column_(name) }))
        .filter((line) => line.values.some(Number.isFinite));
      chart.node.hidden = measured && !shown.length;
      if (shown.length) drawChart(chart, steps, shown, guides[i].filter(([v]) => Number.isFinite(v)), most[i], ink, share[i]);
    });
  }

  function drawChart({ title, node }, steps, lines, guides, most, ink, share) {
    const width = node.clientWidth || 220, height = node.clientHeight || 104, pen = sharp(node, width, height);
    const text = getComputedStyle(root).color, left = 34, right = 6, top = 28, bottom = 15;
    const finite = lines.flatMap((l) => l.values).concat(guides.map(([v]) => v)).filter(Number.isFinite).sort((a, b) => a - b);
    let low = finite[Math.floor(0.01 * finite.length)], high = finite[Math.ceil(0.99 * finite.length) - 1];
    if (most !== null) [low, high] = [0, Math.min(most, Math.max(high, most / 2))];
    if (!(high > low)) high = low + 1;
    const pad = most === null ? 0.08 * (high - low) : 0;
    [low, high] = [low - pad, high + pad];
    const last = steps[steps.length - 1], first = steps[0];
    const X = (s) => left + (width - left - right) * (last > first ? (s - first) / (last - first) : 0.5);
    const Y = (v) => top + (height - top - bottom) * (1 - (Math.min(high, Math.max(low, v)) - low) / (high - low));
    pen.font = "600 10.5px sans-serif";
    pen.fillStyle = text;
    pen.fillText(title, 4, 11);
    pen.font = "10px sans-serif";
    let at = 4;
    const here = momentShown(), said = (v) => share ? percent(v) : readable(Number(v.toPrecision(2)));
    const narrow = width < 175;
    if (narrow) pen.font = "9.5px sans-serif";
    for (const { label, color, values } of lines) { // the legend, with the value of the moment that is shown
      const words = `${label} ${Number.isNaN(values[here]) ? "" : said(values[here])}`;
      pen.fillStyle = color;
      pen.fillRect(at, 18, 7, 3);
      pen.fillStyle = text;
      pen.fillText(words, at + 9, 22.5);
      at += (narrow ? 12 : 18) + pen.measureText(words).width;
    }
    pen.strokeStyle = pen.fillStyle = ink.guide;
    pen.lineWidth = 0.6;
    pen.beginPath();
    pen.moveTo(left, top); pen.lineTo(left, height - bottom); pen.lineTo(width - right, height - bottom);
    pen.stroke();
    pen.textAlign = "right";
    pen.font = "10px sans-serif";
    for (const v of share ? [0, 0.5, 1] : [low + pad, (low + high) / 2, high - pad]) pen.fillText(said(v), left - 3, Y(v) + 3.5);
    pen.fillText(`step ${Math.round(last).toLocaleString("en")}`, width - right, height - 3);
    pen.textAlign = "left";
    for (const [v, color] of guides) {
      pen.strokeStyle = color;
      pen.setLineDash([5, 4]);
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(left, Y(v)); pen.lineTo(width - right, Y(v));
      pen.stroke();
    }
    for (const { values, color, dash } of lines) {
      pen.strokeStyle = color;
      pen.setLineDash(dash || []);
      pen.lineWidth = 1.6;
      pen.beginPath();
      let down = false;
      values.forEach((v, i) => {
        if (Number.isNaN(v)) { down = false; return; }
        down ? pen.lineTo(X(steps[i]), Y(v)) : pen.moveTo(X(steps[i]), Y(v));
        down = true;
      });
      pen.stroke();
      const end = values[values.length - 1];
      if (Number.isNaN(end)) continue;
      pen.fillStyle = color;
      pen.beginPath();
      pen.arc(X(last), Y(end), 2.2, 0, 7);
      pen.fill();
    }
    pen.setLineDash([]);
    if (view.past) { // the moment that the time slider shows
      pen.strokeStyle = text;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(X(steps[here]), top - 2); pen.lineTo(X(steps[here]), height - bottom);
      pen.stroke();
    }
    node.dataset.marker = view.past ? steps[here] : "";
    node.setAttribute("aria-label", `${title}: ${lines.map((l) => `${l.label} ${said(l.values[here])}`).join(", ")}`);
  }

  // ---- Drawing data with the mouse or the keyboard ----

  const own = () => !view.asleep && model.get("setting").data === "your own" && view.scene && !view.scene.pictures;
  const place = (event) => {
    const box = canvas.getBoundingClientRect(), [mx, my] = view.scene.window, h = half();
    return [mx - h + 2 * h * (event.clientX - box.left) / box.width, my + h - 2 * h * (event.clientY - box.top) / box.height];
  };
  const add = (point) => {
    view.drawing ||= model.get("setting").drawing.map((p) => [...p]);
    const apart = view.drawing.every((p) => Math.hypot(p[0] - point[0], p[1] - point[1]) > 0.04);
    if (apart && view.drawing.length < 400) view.drawing.push(point.map((v) => Number(v.toFixed(3))));
    redraw();
  };
  const handOver = () => { if (view.drawing && view.drawing.length) { wanted.set("drawing", view.drawing); ask(); } };
  canvas.addEventListener("pointerdown", (event) => {
    if (!own()) return;
    canvas.setPointerCapture(event.pointerId);
    add(place(event));
  });
  canvas.addEventListener("pointermove", (event) => { if (own() && event.buttons & 1) add(place(event)); });
  canvas.addEventListener("pointerup", () => { if (own()) handOver(); });
  const ARROW = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  canvas.addEventListener("keydown", (event) => {
    if (!own()) return;
    const [mx, my] = view.scene.window;
    view.cursor ||= [mx, my];
    if (ARROW[event.key]) view.cursor = view.cursor.map((v, i) => v + ARROW[event.key][i] * half() / 20);
    else if (event.key === "Enter") { add([...view.cursor]); handOver(); }
    else return;
    event.preventDefault();
    redraw();
  });
  canvas.addEventListener("blur", () => { view.cursor = null; redraw(); });

  // ---- Keys ----

  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // else JupyterLab takes "d d" for "delete this cell"
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox";
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const onTour = model.get("stop") >= 0 ? { n: next, b: back, Escape: leave } : {};
    const pressed = { " ": play, s: step, r: reset, ...onTour }[event.key];
    if (!pressed || (event.key === " " && /^(BUTTON|INPUT)$/.test(event.target.tagName))) return;
    event.preventDefault();
    pressed.click();
  });

  // ---- What the kernel says ----

  const playLabel = { true: ["pause", "Pause"], false: ["play", "Play"] };
  function mirror() {
    const playing = model.get("playing"), setting = model.get("setting"), recorded = model.get("recorded");
    if (play.getAttribute("aria-pressed") !== String(playing)) play.replaceChildren(icon(playLabel[playing][0]), make("span", { textContent: playLabel[playing][1] }));
    play.setAttribute("aria-pressed", playing);
    root.dataset.playing = playing;
    players.value = model.get("players");
    slow.checked = model.get("slow");
    pace.value = model.get("pace") || fixed.fastest + 1;
    paceSaid.textContent = model.get("pace") ? `${model.get("pace")} a picture` : "as it can";
    for (const [name, { show, boxes, control }] of Object.entries(inputs)) {
      show(setting[name]);
      for (const box of boxes) {
        box.disabled = (control.points_only && setting.data === "clothes") || (name === "weight" && setting.hold === "nothing")
          || (name === "smoothing" && paired());
        if (name === "smoothing") box.title = paired() ? "a paired objective compares two examples: it has no labels" : control.help;
      }
    }
    for (const [name, { box }] of Object.entries(layerBoxes)) {
      box.checked = view.layers[name];
      box.disabled = setting.data === "clothes" && ONLY_IN_THE_PLANE.has(name);
    }
    drawRow.hidden = setting.data !== "your own" || view.asleep;
    time.max = Math.max(0, recorded - 1);
    if (!view.past) time.value = time.max;
    numbers.textContent = model.get("text");
    canvas.setAttribute("aria-label", model.get("text"));
    for (const [node, words] of [[stage, model.get("stage")], [trouble, model.get("error")]]) {
      if (node.textContent !== words) node.textContent = words;
      node.hidden = !words;
    }
    const stop = model.get("stop");
    if (stop !== view.stop) {
      view.stop = stop;
      touring.hidden = stop >= 0;
      tour.hidden = stop < 0 || view.asleep;
      if (stop >= 0) {
        const { title, ...words } = fixed.tour[stop];
        where.textContent = `${stop + 1} of ${fixed.tour.length} · ${title}`;
        for (const [node, what] of [[watch, "watch"], [question, "question"], [reply, "answer"]]) node.textContent = words[what];
        answer.open = false;
        back.setAttribute("aria-disabled", stop === 0); // not `disabled`, which would let go of the keyboard
        next.setAttribute("aria-disabled", stop === fixed.tour.length - 1);
        if (view.led) next.focus(); // the button that led here is gone
        view.led = false;
      }
    }
    if (!code.hidden) code.textContent = model.get("code");
    copied.textContent = code.hidden ? "" : copied.textContent;
    const todo = model.get("challenges"), done = todo.filter((one) => one.solved).length;
    challenging.lastChild.textContent = `Challenges ${done} of ${todo.length}`;
    tasks.replaceChildren(...todo.map((one) => make("li", { className: one.solved ? "solved" : "" }, icon(one.solved ? "solved" : "open"),
      make("div", {}, make("span", { textContent: one.words }), make("span", { className: "quiet", textContent: ` ${one.hint}` })))));
    const findings = model.get("diagnosis") || [];
    found.replaceChildren(...findings.map((one) => make("li", { className: one.ill ? "ill" : "" },
      make("div", {}, make("strong", { textContent: one.ill ? `${one.name} (${one.sure})` : one.name }), make("div", { textContent: one.says }),
        one.first ? make("div", { className: "quiet", textContent: `Try first: ${one.first}` }) : ""))));
    consult();
    say();
    if (model.get("stage") !== view.stage) { view.stage = model.get("stage"); redraw(); }
  }

  function heard(message, buffers) {
    if (message.what === "did") { did(message.n); return; }
    if (message.what === "busy") { view.busy = message.cell; say(); return; }
    if (message.what === "scene") {
      const [first, density, latents, lattice] = buffers;
      view.scene = message.pictures
        ? { pictures: true, real: bytes(first), latents: floats(density) }
        : { pictures: false, window: message.window, data: floats(first), density: floats(density), latents: floats(latents), lattice: floats(lattice) };
      if (!message.pictures) view.scene.most = view.scene.density.reduce((a, b) => Math.max(a, b), 0);
      view.drawing = view.picture = null;
      view.zoom = 1;
    } else if (message.what === "series") {
      view.series = floats(buffers[0]);
      view.theory = message.theory;
    } else if (message.what === "picture") {
      const parts = {};
      message.parts.forEach((name, i) => { parts[name] = name === "pictures" ? bytes(buffers[i]) : floats(buffers[i]); });
      view.picture = { ...message, parts };
      const past = Boolean(message.past);
      if (!past && !view.past) { redraw(false); return; }
      view.past = past;
      timeSaid.textContent = view.past ? `step ${message.step.toLocaleString("en")}` : "now";
    }
    redraw();
  }

  const layersChanged = () => { view.layers = { ...model.get("layers") }; mirror(); redraw(); };
  // A comm that was open when this was drawn has come to its end: the kernel was restarted, or stopped.
  const lost = () => sleep(true);
  const received = (message, buffers) => {
    if (view.asleep) sleep(false);
    heard(message, buffers);
  };
  const watched = ["playing", "players", "slow", "pace", "setting", "recorded", "text", "stage", "error", "code", "challenges", "diagnosis", "stop"];
  for (const name of watched) model.on(`change:${name}`, mirror);
  model.on("change:layers", layersChanged);
  model.on("msg:custom", received);
  model.on("comm_live_update", lost);
  const kernel = model.widget_manager?.kernel; // JupyterLab's; elsewhere there may be none
  kernel?.disposed?.connect?.(lost);
  const died = (_, status) => { if (status === "dead") lost(); };
  kernel?.statusChanged?.connect?.(died);
  // The new theme's colours come with a style sheet, some time after its name.
  const later = [];
  const theme = new MutationObserver(() => {
    drawAnew();
    for (const wait of [60, 250, 800]) later.push(setTimeout(drawAnew, wait));
  });
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const size = new ResizeObserver(redraw);
  size.observe(root);
  for (const { what, buffers, ...rest } of model.get("first").messages || []) heard({ what, ...rest }, buffers); // before anybody answers
  mirror();
  tell({ do: "hello" });
  return () => {
    for (const name of watched) model.off(`change:${name}`, mirror);
    model.off("change:layers", layersChanged);
    model.off("msg:custom", received);
    model.off("comm_live_update", lost);
    kernel?.disposed?.disconnect?.(lost);
    kernel?.statusChanged?.disconnect?.(died);
    theme.disconnect();
    size.disconnect();
    for (const one of [impatient, ...later]) clearTimeout(one);
  };
}

export default { render };
