// What the colours mean: names with counts that can be switched off, or a bar from low to high.

class Legend extends Hands {
  listen() {
    super.listen();
    this.legend.onclick = (event) => this.legendClick(event, event.shiftKey);
    this.legend.ondblclick = (event) => this.legendClick(event, true);
  }

  categoryName(category) {
    const { scale, palette, legend, other } = this.data;
    if (!scale || category === OTHER) return legend[category] ?? other;
    return `about ${numeral(scale.low + (scale.high - scale.low) * (category + 0.5) / palette.length)}`;
  }

  listCategories() {
    const { palette, legend, scale } = this.data, { all, chosen } = this.counts;
    const codes = scale ? [OTHER] : [...palette.keys(), OTHER], present = codes.filter((category) => all[category]);
    const looks = (category) => [category, this.categoryName(category), this.colourOf(category)];
    const wanted = JSON.stringify([scale, this.data.palette, this.theme.ground, present.map(looks)]);
    if (wanted !== this.listed) {
      this.legend.replaceChildren(
        ...(scale ? [this.scaleBar(scale)] : []), ...present.map((category) => this.legendEntry(category)));
    }
    this.listed = wanted;
    this.legend.hidden = !legend.length && !scale;
    for (const entry of this.legend.querySelectorAll("button")) {
      const category = Number(entry.dataset.category);
      entry.setAttribute("aria-pressed", !this.kept.hidden.has(category));
      entry.lastChild.textContent = (this.chosen ? `${grouped(chosen[category])} of ` : "") + grouped(all[category]);
    }
  }

  scaleBar({ low, high, label }) {
    const bar = element("figure"), said = `${label}, from ${numeral(low)} to ${numeral(high)}`;
    const colours = [...this.data.palette.keys()].map((category) => this.colourOf(category));
    bar.append(
      element("figcaption", { textContent: label }), element("i"),
      element("span", { textContent: numeral(low) }), element("span", { textContent: numeral(high) }));
    bar.querySelector("i").style.setProperty("--colours", colours.concat(colours.slice(-1)).join(", "));
    bar.setAttribute("role", "img");
    bar.setAttribute("aria-label", `Colours: ${said}`);
    return bar;
  }

  legendEntry(category) {
    const entry = element("button", { type: "button", title: this.categoryName(category) });
    entry.append(element("i"), element("b", { textContent: entry.title }), element("span"));
    entry.firstChild.style.setProperty("--chip", this.colourOf(category));
    entry.dataset.category = category;
    return entry;
  }

  legendClick(event, alone) {
    const category = event.target.closest("[data-category]")?.dataset.category;
    if (!category || (event.type === "click" && event.detail > 1)) return;
    if (event.type === "dblclick") this.hide(Number(category), false); // takes back what its first click did
    this.hide(Number(category), alone);
  }

  hide(category, alone) {
    const { hidden } = this.kept;
    const others = [...this.data.palette.keys(), OTHER].filter((c) => c !== category && this.counts.all[c]);
    const isolated = !hidden.has(category) && others.every((c) => hidden.has(c));
    if (alone) this.kept.hidden = new Set(isolated ? [] : others);
    else if (!hidden.delete(category)) hidden.add(category);
    this.hoverAt(-1);
    this.listCategories();
    this.repaintAll();
  }
}
