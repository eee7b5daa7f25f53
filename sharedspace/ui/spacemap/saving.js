// The map as a PNG, with its legend beside it.

const LEGEND_WIDTH = 190;

class Saving extends Legend {
  savePicture() {
    this.hoverAt(-1);
    this.paint(this.points, this.pictures, this.marks);
    const { width, height } = this.points, sheet = element("canvas", { width, height });
    if (!this.legend.hidden) sheet.width += LEGEND_WIDTH * this.ratio;
    const context = sheet.getContext("2d");
    context.fillStyle = this.theme.ground;
    context.fillRect(0, 0, sheet.width, sheet.height);
    for (const canvas of [this.points, this.pictures, this.marks]) context.drawImage(canvas, 0, 0);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    if (this.data.note) {
      Object.assign(context, { font: `13px ${this.theme.font}`, textAlign: "center" });
      haloed(context, this.theme, this.data.note, this.width / 2, this.height - (this.data.axes ? 44 : 14));
    }
    context.setTransform(this.ratio, 0, 0, this.ratio, width, 0);
    Object.assign(context, { font: `13px ${this.theme.font}`, textBaseline: "middle", textAlign: "left" });
    if (!this.legend.hidden) this.paintLegend(context, this.data.scale ? this.paintScale(context) : 0);
    sheet.toBlob((blob) => {
      const link = element("a", { download: "map.png", href: URL.createObjectURL(blob) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  paintScale(context) { // and says how much room it took
    const { low, high, label } = this.data.scale, codes = [...this.data.palette.keys()];
    const wide = (LEGEND_WIDTH - 20) / codes.length;
    context.fillStyle = this.theme.ink;
    context.fillText(shortened(label, 26), 8, 18, LEGEND_WIDTH - 20);
    context.fillText(numeral(low), 8, 58);
    context.textAlign = "right";
    context.fillText(numeral(high), LEGEND_WIDTH - 12, 58);
    context.textAlign = "left";
    for (const category of codes) {
      context.fillStyle = this.colourOf(category);
      context.fillRect(8 + wide * category, 32, wide + 0.5, 12);
    }
    return 70;
  }

  paintLegend(context, top) {
    const shown = [...this.legend.querySelectorAll("button")].filter((entry) => entry.ariaPressed === "true");
    shown.forEach((entry, row) => {
      context.fillStyle = this.colourOf(Number(entry.dataset.category));
      context.fillRect(8, top + 14 + 20 * row, 12, 12);
      context.fillStyle = this.theme.ink;
      const [, name, count] = [...entry.children].map((part) => part.textContent);
      context.fillText(`${shortened(name, 18)}  ${count}`, 28, top + 20 + 20 * row, 155);
    });
  }
}
