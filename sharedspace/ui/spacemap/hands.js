// What hands do on the map: pointer, wheel, keys, buttons.

const REACH = 12; // px: how near the pointer must be to a point
const KEYS = {
  ArrowLeft: (map) => map.pan(60, 0),
  ArrowRight: (map) => map.pan(-60, 0),
  ArrowUp: (map) => map.pan(0, 60),
  ArrowDown: (map) => map.pan(0, -60),
  "+": (map) => map.zoomIn(),
  "=": (map) => map.zoomIn(),
  "-": (map) => map.zoomOut(),
  0: (map) => map.fit(),
  l: (map) => map.useLasso(),
  b: (map) => map.useBox(),
  f: (map) => map.fullScreen(),
  n: (map) => map.step(1),
  "]": (map) => map.step(1),
  p: (map) => map.step(-1),
  "[": (map) => map.step(-1),
  " ": (map) => map.togglePoint(map.hover),
  Enter: (map) => { if (map.hover >= 0) map.setTriggerValue("clicked", map.hover); },
  Escape: (map) => map.leave(),
};
const KEYS_SAID = "Arrow keys pan, plus and minus zoom, 0 fits, N and P step through the hits, Enter opens, "
  + "Space selects, Control A selects all, L is a lasso, B a box, Escape clears.";

class Hands extends Marks {
  constructor(...canvases) {
    super(...canvases);
    this.pointers = new Map(); // pointer id -> [x, y]
    this.tool = null; // what a drag draws: "lasso", "box"; null pans
  }

  listen() {
    const { marks } = this;
    marks.onpointerdown = (event) => this.press(event);
    marks.onpointermove = (event) => this.move(event);
    marks.onpointerup = (event) => this.release(event);
    marks.onpointercancel = (event) => { this.pointers.delete(event.pointerId); this.dropDrag(); };
    marks.onpointerleave = (event) => { if (event.pointerType !== "touch" && !this.drag) this.hoverAt(-1); };
    marks.ondblclick = (event) => { if (!this.tool && this.pick(position(event)) < 0) this.fit(); };
    marks.onkeydown = (event) => this.type(event);
    marks.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.root.onclick = (event) => this.command(event);
  }

  pick([sx, sy], reach = REACH) { // the row of what is drawn there, or -1
    if (!this.xy) return -1;
    const picture = this.thumbAt([sx, sy]);
    if (picture >= 0) return picture;
    const far = Math.max(reach, this.radius + 3) / this.view.scale;
    return this.grid.nearest(...this.toMap(sx, sy), far, (i) => this.isShown(i));
  }

  // ---- dragging: a tool, or Shift or Ctrl, draws an outline; else the map is moved ---------------------

  press(event) {
    if (event.button > 1) return;
    const at = position(event), remove = event.ctrlKey || event.metaKey;
    if (event.button === 1) event.preventDefault(); // no scrolling by the middle button: it pans whatever the tool
    this.marks.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, at);
    const alone = this.pointers.size === 1, wants = this.tool || event.shiftKey || remove;
    const op = remove ? "remove" : event.shiftKey ? "add" : "replace";
    this.drag = { start: at, moved: !alone, op, trace: alone && event.button === 0 && wants ? [at] : null };
  }

  move(event) {
    const at = position(event), before = this.pointers.get(event.pointerId);
    if (!before || !this.drag) return this.hoverAt(this.pick(at));
    const { drag } = this;
    drag.moved ||= distance(at, drag.start) > 4;
    this.pointers.set(event.pointerId, at);
    if (!drag.moved) return;
    this.hoverAt(-1);
    this.marks.classList.add("dragging");
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, at);
    else if (drag.trace) this.draw(at);
    else this.pan(at[0] - before[0], at[1] - before[1]);
  }

  draw(at) {
    const { drag } = this;
    if (this.tool === "box") drag.trace = cornersOf(drag.start, at);
    else if (distance(at, drag.trace.at(-1)) > 3) drag.trace.push(at);
    this.repaint(this.marks);
  }

  pinch(id, before, at) {
    const [other] = [...this.pointers].filter(([one]) => one !== id).map(([, where]) => where);
    this.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    const factor = distance(at, other) / Math.max(distance(before, other), 1);
    this.zoom(factor, (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
  }

  release(event) {
    const { drag } = this, at = position(event);
    this.pointers.delete(event.pointerId);
    if (this.pointers.size || !drag) return;
    this.dropDrag();
    if (drag.trace && drag.moved) {
      const polygon = thin(drag.trace, 100).map(([x, y]) => this.toMap(x, y).map(rounded));
      if (polygon.length > 2) this.gesture(drag.op, { polygon });
    } else if (!drag.moved && event.button === 0) {
      this.click(this.pick(at, event.pointerType === "touch" ? 2 * REACH : REACH), drag.op);
    }
  }

  click(row, op) {
    this.hoverAt(row);
    if (row < 0) return;
    if (op === "replace") this.setTriggerValue("clicked", row);
    else this.gesture(op, { row });
  }

  dropDrag() {
    this.drag = null;
    this.marks.classList.remove("dragging");
    this.repaint(this.marks);
  }

  wheel(event) {
    event.preventDefault();
    const step = event.deltaY * (event.deltaMode ? 33 : 1) * (event.ctrlKey ? 6 : 1);
    this.zoom(Math.exp(-0.0016 * within(step, -400, 400)), ...position(event));
    this.hoverAt(this.pick(position(event)));
  }

  // ---- keys ---------------------------------------------------------------------------------------

  type(event) {
    if (event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "a") return;
      event.preventDefault();
      return this.gesture("all");
    }
    const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(this);
    // A keyboard points with the middle of the map.
    if (/^(Arrow|[-+=0])/.test(event.key)) this.hoverAt(this.pick([this.width / 2, this.height / 2], 40), true);
  }

  step(by) { // to the next hit; where there is none, to the next of the points around the middle
    const hits = this.data.hits.filter((i) => this.isShown(i));
    if (!hits.length && this.xy && !this.nearby?.includes(this.hover)) this.nearby = this.around(12);
    const stops = hits.length ? hits : this.nearby ?? [];
    if (!stops.length) return;
    const at = stops.indexOf(this.hover);
    const next = stops[(at < 0 ? (by > 0 ? 0 : -1) : at + by + stops.length) % stops.length] ?? stops.at(-1);
    const [x, y] = this.placeOf(next);
    if (!this.isIn([x, y], 20)) this.pan(this.width / 2 - x, this.height / 2 - y);
    this.hoverAt(next, true);
  }

  around(count) { // the shown points nearest to the middle of the view
    const [x, y] = this.toMap(this.width / 2, this.height / 2), near = [];
    const far = (i) => Math.hypot(this.xy[2 * i] - x, this.xy[2 * i + 1] - y);
    const reach = Math.max(this.width, this.height) / 2 / this.view.scale;
    this.grid.eachNear([x - reach, y - reach, x + reach, y + reach], (i) => { if (this.isShown(i)) near.push(i); });
    return near.sort((a, b) => far(a) - far(b)).slice(0, count);
  }

  togglePoint(row) { if (row >= 0) this.gesture(this.chosen?.[row] ? "remove" : "add", { row }); }

  leave() {
    if (this.drag?.trace) return this.dropDrag();
    this.use(null);
    this.hoverAt(-1);
    this.clear();
  }

  // ---- buttons --------------------------------------------------------------------------------------

  command(event) {
    const action = event.target.closest("[data-do]")?.dataset.do;
    if (action) this[action]();
  }

  button(action) { return this.root.querySelector(`[data-do="${action}"]`); }
  useLasso() { this.use(this.tool === "lasso" ? null : "lasso"); }
  useBox() { this.use(this.tool === "box" ? null : "box"); }

  use(tool) {
    this.tool = tool;
    this.button("useLasso").setAttribute("aria-pressed", tool === "lasso");
    this.button("useBox").setAttribute("aria-pressed", tool === "box");
    this.marks.classList.toggle("selecting", tool !== null);
  }

  fullScreen() { if (document.fullscreenElement) document.exitFullscreen(); else this.root.requestFullscreen?.(); }
}
