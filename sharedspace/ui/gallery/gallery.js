// A gallery: pictures as a grid of squares; Python holds what is selected, the browser shows a gesture at once.
// Texts come from users: they become textContent or attributes, never HTML.

const galleries = new WeakMap(); // parentElement -> Gallery: outlives a rerun

export default function ({ parentElement, data, setTriggerValue }) {
  const gallery = galleries.get(parentElement) ?? new Gallery(parentElement);
  galleries.set(parentElement, gallery);
  gallery.update(data, setTriggerValue);
  return () => galleries.delete(parentElement);
}

function put(node, attributes) { // null takes one away
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) node.removeAttribute(name);
    else node.setAttribute(name, value);
  }
}

class Gallery {
  constructor(parent) {
    this.grid = parent.querySelector(".ss-gallery");
    this.pattern = parent.querySelector("template").content.firstElementChild;
    this.data = { selected: [] };
    this.cells = new Map(); // id -> cell
    this.pending = []; // gestures that Python has not answered yet: {serial, op, ids}
    this.serial = Date.now();
    this.grid.onclick = (event) => this.click(event);
    this.grid.onkeydown = (event) => this.type(event);
    this.grid.onmousedown = (event) => { if (event.shiftKey) event.preventDefault(); }; // marks no text
    this.grid.addEventListener("focusin", (event) => this.stand(event.target.dataset.id));
  }

  update(data, setTriggerValue) {
    const stranger = !data.seen && String(data.selected) !== String(this.data.selected); // changed by others than us
    this.pending = stranger || !data.pick ? [] : this.pending.filter(({ serial }) => serial > (data.seen ?? 0));
    Object.assign(this, { data, setTriggerValue, ids: data.tiles.map(([id]) => id) });
    this.grid.style.setProperty("--tile", data.tile);
    put(this.grid, { role: data.pick ? "listbox" : "group", "aria-label": data.label, "aria-multiselectable": data.pick || null });
    this.grid.classList.toggle("picking", data.pick);
    this.place();
    this.paint();
    this.stand(this.ids.includes(this.at) ? this.at : this.ids[0]);
  }

  // ---- the pictures: each has one cell as long as it is shown, so that nothing loads twice ---------------

  place() {
    const { grid, cells, ids, data } = this, focused = grid.getRootNode().activeElement;
    const shown = new Set(ids);
    for (const [id, cell] of cells) if (!shown.has(id)) { cell.remove(); cells.delete(id); }
    data.tiles.forEach((tile, i) => {
      const cell = cells.get(ids[i]) ?? this.pattern.cloneNode(true);
      cells.set(ids[i], cell);
      this.fill(cell, tile);
      if (grid.children[i] !== cell) grid.insertBefore(cell, grid.children[i] ?? null);
    });
    if (grid.contains(focused)) focused.focus({ preventScroll: true });
  }

  fill(cell, tile) {
    const content = JSON.stringify([tile, this.data.thumb]);
    if (cell.content === content) return;
    cell.content = content;
    const [id, strong, words, note, faded, mark] = tile, find = (selector) => cell.querySelector(selector);
    cell.dataset.id = id;
    cell.title = [[strong, words].filter(Boolean).join(" "), note].filter(Boolean).join("\n");
    put(cell, { "aria-label": [mark, strong, words, note].filter(Boolean).join(", ") || "Picture" });
    cell.classList.toggle("faded", faded);
    find("b").textContent = strong;
    find(".caption span").textContent = words;
    find("small").textContent = note;
    find(".mark").textContent = mark;
    const image = find("img"), address = new URL(this.data.thumb.replaceAll("{id}", id), document.baseURI).href;
    image.alt = words || "no picture";
    image.onerror = () => cell.classList.add("broken");
    image.onload = () => cell.classList.remove("broken");
    if (image.src !== address) image.src = address;
  }

  paint() {
    const chosen = this.chosen(), { pick, current, elsewhere } = this.data;
    this.any = chosen.size > 0 || (elsewhere > 0 && !this.pending.some(({ op }) => op === "clear"));
    this.grid.classList.toggle("any", this.any);
    for (const [id, cell] of this.cells) {
      put(cell, { role: pick ? "option" : "button", "aria-selected": pick ? chosen.has(id) : null, "aria-current": id === current || null });
    }
  }

  stand(id) { // where the keyboard is: the one tab stop
    this.at = id;
    for (const [one, cell] of this.cells) cell.tabIndex = one === id ? 0 : -1;
  }

  // ---- selection: what Python says, and what the user did since --------------------------------------

  chosen() {
    const chosen = new Set(this.data.selected);
    for (const { op, ids } of this.pending) {
      if (op === "clear") chosen.clear();
      for (const id of ids) if (op === "remove") chosen.delete(id); else chosen.add(id);
    }
    return chosen;
  }

  // Streamlit keeps only the last of the triggers that wait for a run, so each takes along what was not answered.
  gesture(op, ids = []) {
    const serial = ++this.serial;
    this.pending.push({ serial, op, ids });
    this.paint();
    this.setTriggerValue("gesture", { serial, steps: this.pending.map((one) => [one.op, one.ids]) });
  }

  act(id, { toggle, range }) {
    const [start, end] = [this.ids.indexOf(this.from), this.ids.indexOf(id)];
    if (range && start >= 0) {
      this.gesture("add", this.ids.slice(Math.min(start, end), Math.max(start, end) + 1));
      return; // the next range starts where this one did
    }
    this.from = id;
    if (range || toggle) this.gesture(this.chosen().has(id) ? "remove" : "add", [id]);
    else this.setTriggerValue("opened", id);
  }

  // ---- hands: pointer and keys ---------------------------------------------------------------------

  click(event) {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    cell.focus({ preventScroll: true, focusVisible: false });
    const toggle = event.ctrlKey || event.metaKey || event.target.closest(".check");
    this.act(cell.dataset.id, this.data.pick ? { toggle, range: event.shiftKey } : {});
  }

  type(event) {
    const { key, shiftKey: range } = event, { pick } = this.data, id = event.target.dataset.id;
    const held = event.ctrlKey || event.metaKey;
    if (!id || event.altKey || (event.repeat && !key.startsWith("Arrow"))) return;
    if (held && key === "a" && pick) this.gesture("all", this.ids);
    else if (held) return;
    else if (key === "Enter") this.act(id, {});
    else if (key === " ") this.act(id, pick ? { toggle: true, range } : {});
    else if (key === "Escape" && pick && this.any) this.gesture("clear");
    else if (!this.walk(key, this.ids.indexOf(id))) return;
    event.preventDefault();
    event.stopPropagation();
  }

  walk(key, from) {
    const columns = getComputedStyle(this.grid).gridTemplateColumns.split(" ").length, last = this.ids.length - 1;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, ArrowUp: from - columns, ArrowDown: from + columns, Home: 0, End: last }[key];
    if (to === undefined) return false;
    const below = Math.floor(from / columns) < Math.floor(last / columns); // a short last row is reached all the same
    const target = to < 0 ? from : to > last ? (key === "ArrowDown" && below ? last : from) : to;
    this.cells.get(this.ids[target]).focus();
    return true;
  }
}
