// The map: pictures as points, texts as diamonds, the query as a star; what the user does with them.
// Texts come from users: they are drawn with fillText or textContent, never as HTML.
// component.py joins geometry.js, drawing.js, painter.js and this file into one module.

const OTHER = 255; // category of noise and of what has no colour
const REACH = 12; // px: how near the pointer must be to a point

const kept = new Map(); // key and url -> {view, names, hidden, lasso}: outlives a change of page
const maps = new WeakMap(); // parentElement -> SpaceMap: outlives a rerun

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const map = maps.get(parentElement) ?? new SpaceMap(parentElement);
  maps.set(parentElement, map);
  map.update(data, setStateValue, setTriggerValue);
  return () => { map.destroy(); maps.delete(parentElement); };
}

class SpaceMap extends Painter {
  constructor(parent) {
    const find = (selector) => parent.querySelector(selector);
    super(find(".points"), find(".marks"));
    [this.root, this.plot] = [find(".spacemap"), find(".plot")];
    [this.legend, this.status, this.card, this.message] = [".legend", ".status", ".card", ".message"].map(find);
    this.data = {};
    this.hover = -1;
    this.pointers = new Map(); // pointer id -> [x, y]
    this.listen();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.plot);
  }

  destroy() {
    this.observer.disconnect();
    this.fetching?.abort();
    clearTimeout(this.pictureTimer);
    clearTimeout(this.hideTimer);
  }

  // ---- data -------------------------------------------------------------------------------------

  update(data, setStateValue, setTriggerValue) {
    const before = this.data;
    Object.assign(this, { data, setStateValue, setTriggerValue });
    if (data.url !== before.url || data.key !== before.key) this.recall();
    if (data.categories !== before.categories) this.categories = decode(data.categories);
    const marked = data.selected && decode(data.selected);
    this.isMarked = marked ? (i) => (marked[i >> 3] >> (i & 7)) & 1 : null;
    const names = JSON.stringify(data.legend);
    if (names !== this.kept.names) this.forgetHidden(names);
    this.root.style.setProperty("--height", `${data.height}px`);
    this.readTheme();
    this.moveStar(before.star);
    this.select();
    if (data.url !== before.url) this.load();
  }

  recall() {
    const name = `${this.data.key} ${this.data.url}`;
    if (!kept.has(name)) kept.set(name, { view: null, names: null, hidden: new Set(), lasso: [] });
    this.kept = kept.get(name);
    if (this.kept.lasso.length) this.sendLasso(); // Streamlit forgets on a change of page
  }

  forgetHidden(names) {
    const stale = this.kept.hidden.size && this.kept.lasso.length;
    Object.assign(this.kept, { names, hidden: new Set() });
    if (stale) this.sendLasso();
  }

  async load() {
    const { url, n } = this.data;
    this.hoverAt(-1);
    this.xy = this.grid = null;
    this.fetching?.abort();
    this.fetching = new AbortController();
    this.say("Loading the map …");
    try {
      const answer = await fetch(new URL(url, document.baseURI), { signal: this.fetching.signal });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const bytes = await answer.arrayBuffer();
      const expected = bytes.byteLength === 4 + 8 * n && new DataView(bytes).getUint32(0, true) === n;
      if (!expected) throw new Error("not the expected data");
      this.xy = new Float32Array(bytes, 4);
      this.grid = new Grid(this.xy);
      this.say(n || this.data.anchors.length ? "" : "No pictures on this map yet.");
    } catch (error) {
      if (error.name === "AbortError") return;
      this.say(`The map could not be loaded (${error.message}).`, true);
    }
    this.select();
    this.root.dataset.ready = this.xy ? url : "";
  }

  say(text, retry = false) {
    this.message.hidden = !text;
    this.message.querySelector("p").textContent = text;
    this.message.querySelector("button").hidden = !retry;
  }

  // ---- selection: what the lasso holds, and what Python marked --------------------------------------

  select() {
    const { kept: { lasso, hidden }, isMarked, categories, xy } = this;
    const counts = this.counts = { all: new Uint32Array(256), chosen: new Uint32Array(256) };
    const within = lasso.length && xy ? insidePolygon(lasso) : null;
    this.chosen = xy && (within || isMarked) ? new Uint8Array(categories.length) : null;
    for (let i = 0; i < categories.length; i++) {
      counts.all[categories[i]]++;
      if (!this.chosen || hidden.has(categories[i])) continue;
      if (!within?.(xy[2 * i], xy[2 * i + 1]) && !isMarked?.(i)) continue;
      this.chosen[i] = 1;
      counts.chosen[categories[i]]++;
    }
    this.describe();
    this.listCategories();
    this.repaint(this.points, this.marks);
  }

  describe() {
    const { n, anchors, star } = this.data;
    const chosen = this.chosen && this.counts.chosen.reduce((sum, count) => sum + count);
    const images = n === 1 ? "1 image" : `${grouped(n)} images`;
    const said = [`Map of ${images}, ${anchors.length} ${anchors.length === 1 ? "anchor" : "anchors"}`];
    if (star) said.push(`query star “${star[0]}” at ${star[1].toFixed(2)}, ${star[2].toFixed(2)}`);
    if (this.chosen) said.push(`${chosen} selected`);
    this.marks.setAttribute("aria-label", `${said.join("; ")}. Arrow keys pan, plus and minus zoom, 0 fits, Escape clears.`);
    this.status.textContent = this.chosen ? `${grouped(chosen)} of ${images} selected` : images;
    this.button("clear").disabled = !this.kept.lasso.length;
  }

  sendLasso() {
    const { lasso, hidden } = this.kept;
    this.setStateValue("lasso", { url: this.data.url, polygon: lasso, hidden: [...hidden] });
  }

  setLasso(polygon) {
    this.kept.lasso = polygon;
    this.select();
    this.sendLasso();
  }

  clear() {
    const had = this.kept.lasso.length || this.drag?.trace;
    this.drag = null;
    this.useLasso(false);
    this.hoverAt(-1);
    if (had) this.setLasso([]);
  }

  // ---- legend -----------------------------------------------------------------------------------

  categoryName(category) { return this.data.legend[category] ?? this.data.other; }

  listCategories() {
    const { palette, legend } = this.data, { all, chosen } = this.counts;
    const present = [...palette.keys(), OTHER].filter((category) => all[category]);
    const looks = (category) => [category, this.categoryName(category), this.colourOf(category)];
    const wanted = JSON.stringify(present.map(looks));
    if (wanted !== this.listed) this.legend.replaceChildren(...present.map((category) => this.legendEntry(category)));
    this.listed = wanted;
    this.legend.hidden = !legend.length;
    for (const entry of this.legend.children) {
      const category = Number(entry.dataset.category);
      entry.setAttribute("aria-pressed", !this.kept.hidden.has(category));
      entry.lastChild.textContent = (this.chosen ? `${grouped(chosen[category])} of ` : "") + grouped(all[category]);
    }
  }

  legendEntry(category) {
    const entry = element("button", { type: "button", title: this.categoryName(category) });
    entry.append(element("i"), element("b", { textContent: entry.title }), element("span"));
    entry.firstChild.style.setProperty("--chip", this.colourOf(category));
    entry.dataset.category = category;
    return entry;
  }

  hide(category, alone) {
    const { hidden } = this.kept;
    const others = [...this.data.palette.keys(), OTHER].filter((c) => c !== category && this.counts.all[c]);
    const isolated = !hidden.has(category) && others.every((c) => hidden.has(c));
    if (alone) this.kept.hidden = new Set(isolated ? [] : others);
    else if (!hidden.delete(category)) hidden.add(category);
    this.hoverAt(-1);
    this.select();
    clearTimeout(this.hideTimer);
    if (this.kept.lasso.length) this.hideTimer = setTimeout(() => this.sendLasso(), 300); // one rerun for a double click
  }

  // ---- hover: the picture above its point, below it where there is no room -----------------------------

  nearest([sx, sy], reach = REACH) {
    if (!this.xy) return -1;
    const shown = (i) => !this.kept.hidden.has(this.categories[i]);
    return this.grid.nearest(...this.toMap(sx, sy), Math.max(reach, this.radius + 3) / this.view.scale, shown);
  }

  hoverAt(index) {
    if (index >= 0) this.placeCard(index);
    if (index === this.hover) return;
    this.hover = index;
    this.card.hidden = index < 0;
    this.marks.classList.toggle("pointing", index >= 0);
    clearTimeout(this.pictureTimer);
    if (index >= 0) this.showPicture(index);
    this.repaint(this.marks);
  }

  showPicture(index) {
    const [image, caption] = this.card.children;
    const rank = this.data.hits.indexOf(index) + 1;
    const name = this.data.legend.length && this.categoryName(this.categories[index]);
    caption.textContent = [name, rank && `hit ${rank}`].filter(Boolean).join(" · ");
    caption.hidden = !caption.textContent;
    image.removeAttribute("src");
    image.alt = "";
    image.onerror = () => { image.alt = "no picture"; };
    const address = new URL(this.data.thumb.replace("{i}", index), document.baseURI).href;
    this.pictureTimer = setTimeout(() => { image.src = address; }, 15); // a sweep over many points asks for few pictures
  }

  placeCard(index) {
    const [x, y] = this.toScreen(this.xy[2 * index], this.xy[2 * index + 1]);
    const gap = Math.max(this.radius * 1.5, 5) + 6, above = y - gap > 205;
    const middle = Math.min(Math.max(x, 88), this.width - 88);
    const corner = above ? `${middle}px, ${y - gap}px` : `${middle}px, ${y + gap}px`;
    this.card.style.transform = `translate(${corner}) translate(-50%, ${above ? "-100%" : "0"})`;
  }

  // ---- hands: pointer, wheel, keys, buttons -----------------------------------------------------------

  listen() {
    const { marks } = this;
    marks.onpointerdown = (event) => this.press(event);
    marks.onpointermove = (event) => this.move(event);
    marks.onpointerup = (event) => this.release(event);
    marks.onpointercancel = (event) => { this.pointers.delete(event.pointerId); this.drag = null; this.repaint(marks); };
    marks.onpointerleave = (event) => { if (event.pointerType !== "touch") this.hoverAt(-1); };
    marks.ondblclick = (event) => { if (this.nearest(position(event)) < 0) this.fit(); };
    marks.onkeydown = (event) => this.type(event);
    marks.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.root.onclick = (event) => this.command(event);
    this.legend.ondblclick = (event) => this.legendClick(event, true);
  }

  press(event) {
    if (event.button !== 0) return;
    const at = position(event);
    this.marks.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, at);
    const alone = this.pointers.size === 1;
    this.drag = { start: at, moved: !alone, trace: alone && (this.lassoing || event.shiftKey) ? [at] : null };
  }

  move(event) {
    const at = position(event), before = this.pointers.get(event.pointerId);
    if (!before || !this.drag) return this.hoverAt(this.nearest(at));
    const { drag } = this;
    drag.moved ||= distance(at, drag.start) > 4;
    this.pointers.set(event.pointerId, at);
    if (!drag.moved) return;
    this.hoverAt(-1);
    this.marks.classList.add("dragging");
    if (drag.trace) {
      if (distance(at, drag.trace.at(-1)) > 3) drag.trace.push(at);
      this.repaint(this.marks);
    } else if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, where]) => where);
      this.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
      this.zoom(distance(at, other) / Math.max(distance(before, other), 1), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    } else {
      this.pan(at[0] - before[0], at[1] - before[1]);
    }
  }

  release(event) {
    const { drag } = this, at = position(event);
    this.pointers.delete(event.pointerId);
    if (this.pointers.size || !drag) return;
    this.drag = null;
    this.marks.classList.remove("dragging");
    if (drag.trace && drag.moved) {
      this.useLasso(false);
      if (drag.trace.length > 2) this.setLasso(thin(drag.trace, 100).map(([x, y]) => this.toMap(x, y).map(rounded)));
      this.repaint(this.marks);
    } else if (!drag.moved) {
      const index = this.nearest(at, event.pointerType === "touch" ? 2 * REACH : REACH);
      this.hoverAt(index);
      if (index >= 0) this.setTriggerValue("clicked", index);
    }
  }

  wheel(event) {
    event.preventDefault();
    const step = event.deltaY * (event.deltaMode ? 33 : 1) * (event.ctrlKey ? 6 : 1);
    this.zoom(Math.exp(-0.0016 * Math.min(Math.max(step, -400), 400)), ...position(event));
    this.hoverAt(this.nearest(position(event)));
  }

  type(event) {
    const keys = {
      ArrowLeft: () => this.pan(60, 0),
      ArrowRight: () => this.pan(-60, 0),
      ArrowUp: () => this.pan(0, 60),
      ArrowDown: () => this.pan(0, -60),
      "+": () => this.zoomIn(),
      "=": () => this.zoomIn(),
      "-": () => this.zoomOut(),
      0: () => this.fit(),
      l: () => this.toggleLasso(),
      f: () => this.fullScreen(),
      Escape: () => this.clear(),
      Enter: () => { if (this.hover >= 0) this.setTriggerValue("clicked", this.hover); },
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
    // A keyboard points with the middle of the map.
    if (/^(Arrow|[-+=0])/.test(event.key)) this.hoverAt(this.nearest([this.width / 2, this.height / 2], 40));
  }

  command(event) {
    const action = event.target.closest("[data-do]")?.dataset.do;
    if (action) this[action]();
    else this.legendClick(event, event.shiftKey);
  }

  legendClick(event, alone) {
    const category = event.target.closest("[data-category]")?.dataset.category;
    if (!category || (event.type === "click" && event.detail > 1)) return;
    if (event.type === "dblclick") this.hide(Number(category), false); // takes back what its first click did
    this.hide(Number(category), alone);
  }

  button(action) { return this.root.querySelector(`[data-do="${action}"]`); }

  toggleLasso() { this.useLasso(!this.lassoing); }

  useLasso(on) {
    this.lassoing = on;
    this.button("toggleLasso").setAttribute("aria-pressed", on);
    this.marks.classList.toggle("lassoing", on);
  }

  fullScreen() { if (document.fullscreenElement) document.exitFullscreen(); else this.root.requestFullscreen?.(); }

  savePicture() {
    this.hoverAt(-1);
    this.paint(this.points, this.marks);
    const shown = this.data.legend.length ? [...this.legend.children].filter((entry) => entry.ariaPressed === "true") : [];
    const { width, height } = this.points;
    const sheet = element("canvas", { width: width + (shown.length && 190 * this.ratio), height });
    const context = sheet.getContext("2d");
    context.fillStyle = this.theme.ground;
    context.fillRect(0, 0, sheet.width, sheet.height);
    context.drawImage(this.points, 0, 0);
    context.drawImage(this.marks, 0, 0);
    context.setTransform(this.ratio, 0, 0, this.ratio, width, 0);
    Object.assign(context, { font: `13px ${this.theme.font}`, textBaseline: "middle" });
    shown.forEach((entry, row) => {
      context.fillStyle = this.colourOf(Number(entry.dataset.category));
      context.fillRect(8, 14 + 20 * row, 12, 12);
      context.fillStyle = this.theme.ink;
      const [, name, count] = [...entry.children].map((part) => part.textContent);
      context.fillText(`${shortened(name, 18)}  ${count}`, 28, 20 + 20 * row, 155);
    });
    sheet.toBlob((blob) => {
      const link = element("a", { download: "map.png", href: URL.createObjectURL(blob) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
}
