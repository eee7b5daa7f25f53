// The map: pictures as points, texts as diamonds, the query as a star; what the user does with them.
// Texts come from users: they are drawn with fillText or textContent, never as HTML.
// payload.py joins the files of this folder into one module, this one last.

const PATIENCE_MS = 20000; // how long a selection is shown that the other side has not confirmed
const kept = new Map(); // key and url -> {view, names, hidden}: outlives a change of page
const maps = new WeakMap(); // parentElement -> SpaceMap: outlives a rerun

export default function ({ parentElement, data, setTriggerValue }) {
  const map = maps.get(parentElement) ?? new SpaceMap(parentElement);
  maps.set(parentElement, map);
  map.update(data, setTriggerValue);
  return () => { map.destroy(); maps.delete(parentElement); };
}

class SpaceMap extends Saving {
  constructor(parent) {
    const find = (selector) => parent.querySelector(selector);
    super(find(".points"), find(".pictures"), find(".marks"));
    [this.root, this.plot] = [find(".spacemap"), find(".plot")];
    [this.legend, this.status, this.card, this.message, this.note] =
      [".legend", ".status", ".card", ".message", ".note"].map(find);
    this.data = {};
    this.hover = -1;
    this.unanswered = []; // gestures that `selected` does not hold yet, the oldest first
    this.listen();
    this.root.ontransitionend = (event) => { if (event.target === this.root) this.changeTheme(); };
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.plot);
  }

  destroy() {
    this.observer.disconnect();
    this.fetching?.abort();
    clearTimeout(this.pictureTimer);
    clearTimeout(this.patience);
  }

  // ---- data -------------------------------------------------------------------------------------

  update(data, setTriggerValue) {
    const before = this.data, moved = data.url !== before.url || data.key !== before.key;
    Object.assign(this, { data, setTriggerValue });
    if (moved) this.recall();
    if (data.categories !== before.categories) this.categories = decode(data.categories);
    if (moved || data.selected !== before.selected) this.marked = decodeBits(data.selected, data.n);
    if (moved || data.filtered !== before.filtered) this.filtered = decodeBits(data.filtered, data.n);
    if (moved || data.thumb !== before.thumb) this.forgetPictures();
    const names = data.scale ? "a scale" : JSON.stringify(data.legend);
    if (names !== this.kept.names) Object.assign(this.kept, { names, hidden: new Set() });
    this.root.style.setProperty("--height", `${data.height}px`);
    this.root.style.setProperty("--larger", data.larger ?? 1);
    this.note.textContent = data.note;
    this.root.classList.toggle("worded", Boolean(data.axes));
    this.readTheme();
    this.moveStar(before.star);
    this.hearAnswer();
    this.select();
    if (moved) this.load();
  }

  changeTheme() { // the ground has another colour; the style sheet has a transition of it to say so
    this.readTheme();
    this.listCategories();
    this.repaintAll();
  }

  recall() {
    const name = `${this.data.key} ${this.data.url}`;
    if (!kept.has(name)) kept.set(name, { view: null, names: null, hidden: new Set() });
    this.kept = kept.get(name);
    this.giveUp();
  }

  async load() {
    const { n, url } = this.data;
    this.hoverAt(-1);
    this.xy = this.grid = null;
    this.say("Loading the map …");
    try {
      const bytes = await this.fetchPoints();
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

  async fetchPoints() {
    this.fetching?.abort();
    if (this.data.points) return decode(this.data.points).buffer; // a page of its own holds them
    this.fetching = new AbortController();
    const answer = await fetch(new URL(this.data.url, document.baseURI), { signal: this.fetching.signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return answer.arrayBuffer();
  }

  addressOf(row) { // of a picture; none where a page of its own has none
    const { thumb, thumbs } = this.data;
    return thumbs ? thumbs[row] : new URL(thumb.replace("{i}", row), document.baseURI).href;
  }

  say(text, retry = false) {
    this.message.hidden = !text;
    this.message.querySelector("p").textContent = text;
    this.message.querySelector("button").hidden = !retry;
  }

  // ---- selection: what Python holds, and the gestures that it has not answered yet ---------------------

  gesture(op, { polygon = [], row = null } = {}) {
    const number = Math.max(Date.now(), (this.number ?? 0) + 1);
    this.number = number;
    this.fading = polygon.length ? { polygon, since: 0 } : null;
    this.unanswered.push({ url: this.data.url, op, polygon, row, hidden: [...this.kept.hidden], number });
    this.select();
    if (this.data.points) { // nobody to ask
      this.marked = this.chosen;
      this.answerUpTo(number);
    } else this.send();
  }

  send() { // one at a time: of two triggers in one run only the second would be heard
    const [next] = this.unanswered;
    if (!next || next === this.sent) return;
    this.sent = next;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => { this.giveUp(); this.select(); }, PATIENCE_MS);
    this.setTriggerValue("gesture", next);
  }

  hearAnswer() {
    if (!this.unanswered.some(({ number }) => number === this.data.answered)) return;
    this.answerUpTo(this.data.answered);
    setTimeout(() => this.send());
  }

  answerUpTo(number) {
    this.unanswered = this.unanswered.filter((one) => one.number > number);
    if (this.unanswered.length) return;
    clearTimeout(this.patience);
    if (this.fading) this.fading = this.still ? null : { ...this.fading, since: performance.now() };
    this.repaint(this.marks);
  }

  giveUp() {
    Object.assign(this, { unanswered: [], sent: null, fading: null });
    clearTimeout(this.patience);
  }

  applied({ op, polygon, row, hidden }, before) { // as Gesture.apply in gestures.py
    const { categories, filtered, data: { n } } = this, after = new Uint8Array(n), value = op === "remove" ? 0 : 1;
    if (op === "clear") return after;
    if (before && (op === "add" || op === "remove")) after.set(before);
    const off = Uint8Array.from({ length: 256 }, (_, category) => hidden.includes(category));
    const put = (i) => { if (!off[categories[i]] && !filtered?.[i]) after[i] = value; };
    if (row !== null) put(row);
    else if (op !== "all") this.grid?.eachWithin(polygon, put);
    else for (let i = 0; i < n; i++) put(i);
    return after;
  }

  select() {
    const { categories, filtered } = this;
    const counts = this.counts = { all: new Uint32Array(256), chosen: new Uint32Array(256) };
    const chosen = this.unanswered.reduce((before, step) => this.applied(step, before), this.marked);
    for (let i = 0; i < categories.length; i++) {
      if (filtered !== null && filtered[i]) continue;
      counts.all[categories[i]]++;
      if (chosen !== null && chosen[i]) counts.chosen[categories[i]]++;
    }
    const sum = (array) => array.reduce((total, count) => total + count, 0);
    Object.assign(counts, { shown: sum(counts.all), selected: sum(counts.chosen) });
    this.chosen = chosen?.includes(1) ? chosen : null;
    this.describe();
    this.listCategories();
    this.repaintAll();
  }

  describe() {
    const { n, anchors, star, note } = this.data, { shown, selected } = this.counts;
    const images = n === 1 ? "1 image" : `${shown < n ? `${grouped(shown)} of ` : ""}${grouped(n)} images`;
    const said = [`Map of ${images}, ${anchors.length} ${anchors.length === 1 ? "anchor" : "anchors"}`];
    if (star) said.push(`query star “${star[0]}” at ${star[1].toFixed(2)}, ${star[2].toFixed(2)}`);
    if (this.chosen) said.push(`${selected} selected`);
    if (note) said.push(note.replace(/\.$/, ""));
    this.marks.setAttribute("aria-label", `${said.join("; ")}. ${KEYS_SAID}`);
    this.status.textContent = this.chosen
      ? `${grouped(selected)} of ${shown === 1 ? "1 image" : `${grouped(shown)} images`} selected` : images;
    this.button("clear").disabled = !this.chosen;
  }

  clear() { if (this.chosen) this.gesture("clear"); }

  // ---- hover: the picture beside its point, never over it ---------------------------------------------

  hoverAt(index, byKey = false) {
    if (index === this.hover && index < 0) return;
    const other = index !== this.hover;
    this.hover = index;
    this.card.hidden = index < 0;
    this.marks.classList.toggle("pointing", index >= 0);
    if (other) clearTimeout(this.pictureTimer);
    if (other && index >= 0) this.showPicture(index, byKey);
    if (index >= 0) this.placeCard(index);
    this.repaint(this.marks);
  }

  showPicture(index, byKey) {
    const [image, caption] = this.card.children, { hits, legend, scale, captions, n } = this.data;
    const rank = hits.indexOf(index) + 1;
    const name = (legend.length || scale) && this.categoryName(this.categories[index]);
    const number = byKey && `image ${grouped(index + 1)} of ${grouped(n)}`;
    caption.textContent = [captions?.[index], name, rank && `hit ${rank}`, number].filter(Boolean).join(" · ");
    caption.hidden = !caption.textContent;
    image.removeAttribute("src");
    image.alt = "";
    image.onerror = () => { image.alt = "no picture"; };
    const address = this.addressOf(index);
    image.hidden = !address;
    // A sweep over many points asks for few pictures.
    if (address) this.pictureTimer = setTimeout(() => { image.src = address; }, this.store.get(index) ? 0 : 15);
  }

  placeCard(index) { // above its point, else below, else beside it: where it fits; else where most room is
    const [x, y] = this.placeOf(index), { card, width, height } = this;
    const { offsetWidth: wide, offsetHeight: high } = card, box = this.thumbBox(index);
    const gap = Math.max(this.radius * 1.5, 5, box ? (box[2] - box[0]) / 2 : 0) + 6;
    const across = within(x - wide / 2, 0, Math.max(width - wide, 0));
    const along = within(y - high / 2, 0, Math.max(height - high, 0));
    const places = [
      [y - gap - high, across, y - gap - high], [height - y - gap - high, across, y + gap],
      [width - x - gap - wide, x + gap, along], [x - gap - wide, x - gap - wide, along],
    ];
    const [, left, top] = places.find(([spare]) => spare >= 0) ?? places.sort((a, b) => b[0] - a[0])[0];
    card.style.transform = `translate(${left}px, ${top}px)`;
  }
}
