// Words in two rows: those of the sentence, in order, and those left out. Python hears of each new arrangement.
// A word is only ever the text of a button, never HTML.

const rows = new WeakMap(); // parentElement -> Chips: outlives a rerun

export default function ({ parentElement, data, setStateValue }) {
  const chips = rows.get(parentElement) ?? new Chips(parentElement);
  rows.set(parentElement, chips);
  chips.update(data, setStateValue);
  return () => rows.delete(parentElement);
}

class Chips {
  constructor(parent) {
    this.find = (selector) => parent.querySelector(selector);
    this.words = this.find(".words");
    this.out = this.find(".out");
  }

  update(data, set) {
    Object.assign(this, { data, set });
    this.find(".name").textContent = data.label;
    this.words.setAttribute("aria-label", data.label);
    this.out.setAttribute("aria-label", "Words left out");
    if (data.version === this.version) return; // of its own arrangement the browser knows more
    this.version = data.version;
    this.words.replaceChildren(...data.order.map((place) => this.chip(place)));
    this.out.replaceChildren(...data.out.map((place) => this.chip(place)));
    this.told = String([data.order, "out", data.out]);
  }

  chip(place) {
    const item = document.createElement("li"), button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: this.data.words[place] });
    button.dataset.place = place;
    button.onkeydown = (event) => this.key(event, item);
    button.onpointerdown = (event) => this.take(event, item);
    item.append(button);
    return item;
  }

  key(event, item) {
    const out = item.parentElement === this.out, { previousElementSibling: before, nextElementSibling: after } = item;
    if (event.key === "ArrowLeft" && before) before.before(item);
    else if (event.key === "ArrowRight" && after) after.after(item);
    else if (!out && (event.key === "Delete" || event.key === "Backspace")) this.out.append(item);
    else if (out && (event.key === "Enter" || event.key === " ")) this.words.append(item);
    else return;
    event.preventDefault();
    item.firstChild.focus(); // a node that moves loses it
    this.tell(item);
  }

  take(event, item) {
    if (event.button) return;
    // Not by capture: a node that moves in the page loses it.
    const move = (now) => this.over(now, item), end = new AbortController();
    const drop = () => {
      item.firstChild.classList.remove("held");
      end.abort();
      this.tell(item); // where a word only passes by is no arrangement
    };
    item.firstChild.classList.add("held");
    addEventListener("pointermove", move, { signal: end.signal });
    for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, drop, { signal: end.signal });
  }

  over({ clientX, clientY }, item) { // the word goes where the pointer is, at once
    const row = [this.words, this.out].find((one) => inside(one.getBoundingClientRect(), clientX, clientY));
    if (!row) return;
    const others = [...row.children].filter((one) => one !== item);
    const next = others.find((one) => {
      const { left, width, bottom } = one.getBoundingClientRect();
      return clientY < bottom && clientX < left + width / 2;
    });
    if (item.parentElement === row && item.nextElementSibling === (next ?? null)) return;
    row.insertBefore(item, next ?? null);
  }

  tell(item) {
    const order = places(this.words), out = places(this.out), now = String([order, "out", out]);
    if (now === this.told) return;
    this.told = now;
    this.find(".said").textContent = item.parentElement === this.out
      ? `${item.textContent} left out`
      : `${item.textContent}: place ${order.indexOf(place(item)) + 1} of ${order.length}`;
    this.set("arranged", { version: this.version, order, out });
  }
}

const place = (item) => Number(item.firstChild.dataset.place);
const places = (row) => [...row.children].map(place);
const inside = (box, x, y) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
