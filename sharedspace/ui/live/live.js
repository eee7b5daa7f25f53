// A text area whose text goes to Python while one types. The browser's text holds until Python names a new version.
// The text is only ever the value of the field, never HTML.

const QUIET = 150; // ms after the last key
const LONGEST = 600; // ms that typing goes on without a message
const LOST = 5000; // ms after which a message is not waited for
const areas = new WeakMap(); // parentElement -> Area: outlives a rerun
const kept = new Map(); // key -> { version, text }: outlives the field, should it be mounted anew

export default function ({ parentElement, data, setStateValue }) {
  const area = areas.get(parentElement) ?? new Area(parentElement);
  areas.set(parentElement, area);
  area.update(data, setStateValue);
  return () => { areas.delete(parentElement); area.end(); };
}

class Area {
  constructor(parent) {
    this.find = (selector) => parent.querySelector(selector);
    this.field = this.find("textarea");
    this.serial = Date.now();
    this.flight = this.since = 0; // the message under way, and since when there is something to send
    this.composing = false;
    this.path = location.pathname;
    this.field.oninput = () => this.typed();
    this.field.onblur = () => this.send(true);
    this.field.onkeydown = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.commit(event); };
    this.field.addEventListener("compositionstart", () => { this.composing = true; });
    this.field.addEventListener("compositionend", () => {
      this.composing = false;
      this.typed();
      this.update(this.data, this.set);
    });
    this.back = () => this.follow();
    addEventListener("popstate", this.back);
  }

  end() {
    clearTimeout(this.timer);
    removeEventListener("popstate", this.back);
  }

  update(data, set) {
    Object.assign(this, { data, set });
    this.find("label").textContent = data.label;
    this.find("[role=tooltip]").textContent = data.help;
    this.find(".ss-live").classList.toggle("bare", !data.help);
    this.find(".ss-live").style.setProperty("--height", `${data.height}px`);
    Object.assign(this.field, { placeholder: data.placeholder, maxLength: data.most });
    if (data.seen >= this.flight) this.flight = 0;
    if (data.version !== this.version && !this.composing) this.take(data);
    if (this.field.value !== this.sent) this.plan();
  }

  take({ key, version, text }) { // what Python put there; of that version we may know more than Python does
    const own = kept.get(key), now = own?.version === version ? own.text : text;
    if (this.field.value !== now) this.field.value = now;
    this.version = version;
    this.flight = 0;
    this.sent = this.settled = text.replace(/\r\n?/g, "\n"); // as the field gives it back
    this.keep();
  }

  keep() { kept.set(this.data.key, { version: this.version, text: this.field.value }); }

  typed() {
    this.keep();
    this.plan();
  }

  plan() {
    const now = Date.now();
    this.since ||= now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), Math.min(QUIET, this.since + LONGEST - now));
  }

  commit(event) {
    event.preventDefault();
    this.send(true);
  }

  send(settled = false) { // settled: the text is done for now, and goes at once
    const text = this.field.value, known = text === this.sent && (!settled || !this.data.bind || text === this.settled);
    if (this.composing) return;
    clearTimeout(this.timer);
    if (known) {
      this.since = 0;
      return;
    }
    if (this.flight && !settled && Date.now() < this.gone + LOST) { // its answer sends the next
      this.timer = setTimeout(() => this.send(), LOST);
      return;
    }
    this.since = 0;
    this.flight = ++this.serial;
    this.gone = Date.now();
    this.sent = text;
    if (settled) this.settled = text;
    this.set("text", { version: this.version, serial: this.serial, text, settled });
  }

  follow() { // back and forward in the history of the address
    const text = this.data.bind && location.pathname === this.path ? new URLSearchParams(location.search).get(this.data.bind) : null;
    if (text === null || text === this.field.value) return;
    this.field.value = text;
    this.keep();
    this.send(true);
  }
}
