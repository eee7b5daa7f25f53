// The explorer: exact cosines with all pictures of the file, for texts that were embedded beforehand and for pictures.
// All words come from users: they are only ever set as text.

const AT_FIRST = 12, MORE = 24; // answers
const LINKS = 12; // from a picture to its nearest
const FEW = 150; // images up to which it cannot be said that neighbours are scattered

const signed = (value, digits) => value.toFixed(digits).replace("-", "−");

function explore(root, told, pictures) {
  const find = (selector) => root.querySelector(selector), make = (tag, given) => Object.assign(document.createElement(tag), given);
  const numbers = (base64) => new Float32Array(decode(base64).buffer);
  const { ids, captions, dimension, texts, line, among } = told;
  const vectors = numbers(told.vectors), ofTexts = numbers(told.textVectors), xy = new Float32Array(decode(told.map.points).buffer, 4);
  const columns = new Map(told.columns.map(([name, scores, said]) => [name, { scores: numbers(scores), said }]));
  const base = { ...told.map, star: null, ring: null, thumbs: ids.map((id) => pictures[id] ?? null), captions };
  const map = new SpaceMap(find(".ho-map"));
  let shown = null; // {scores, rows, line, said}

  function cosines(query) {
    return Float64Array.from({ length: ids.length }, (_, row) => {
      let sum = 0;
      for (let i = 0, at = row * dimension; i < dimension; i++) sum += query[i] * vectors[at + i];
      return sum;
    });
  }

  // ---- questions ------------------------------------------------------------------------------------

  function ask(typed) {
    const words = oneLine(typed), place = texts.findIndex((text) => asTyped(text) === asTyped(words));
    if (!words) return;
    const column = columns.get(words);
    if (column) return answer(words, column.scores, null, `“${words}”, by ${column.said}`, "");
    if (place >= 0) return askText(place, "");
    const cannot = `This file cannot embed new words, and “${words}” is not among its ${texts.length.toLocaleString("en")} texts. `;
    const near = nearestText(words, texts);
    const common = near?.common.map((word) => `“${word}”`).join(", ");
    if (near) return askText(near.place, `${cannot}The nearest it holds, with ${common} in common, is “${texts[near.place]}”. `);
    clear(`${cannot}None of them has a word in common with it.`);
  }

  function askText(place, before) {
    const scores = cosines(ofTexts.subarray(place * dimension, (place + 1) * dimension));
    answer(texts[place], scores, line, `“${texts[place]}”`, before);
  }

  function answer(words, scores, bound, said, before) {
    const rows = bestRows(scores, ids.length), matched = rows.filter((row) => bound === null || scores[row] >= bound);
    const best = signed(scores[rows[0]], 2), images = ids.length === 1 ? "1 image" : `${ids.length.toLocaleString("en")} images`;
    let meaning = `Nearest to ${said}, of ${images}. `;
    if (bound === null) meaning += columns.has(words) ? "" : told.noLine;
    else if (matched.length) meaning += `${matched.length.toLocaleString("en")} at or above the no-match line, ${signed(bound, 2)}.`;
    else meaning = `Nothing here matches ${said}: the best of ${images} has ${best}, and to be better than chance here takes ${signed(bound, 2)}.`;
    const where = among ? placed(scores, xy) : null, scattered = Boolean(where?.scattered && ids.length >= FEW);
    const note = scattered ? "The best images are scattered over the map: the place of the star between them says little." : told.map.note;
    const own = told.map.star?.[0] === words ? told.map : null; // where a layout of its own has put it
    draw({
      star: where ? [words, ...where.at] : own?.star ?? null, ring: where ? [where.spread, scattered] : own?.ring ?? null,
      hits: rows.slice(0, AT_FIRST).filter((row) => bound === null || scores[row] >= bound), note,
    });
    list(before + meaning, scores, rows, bound);
  }

  function pick(row) {
    const scores = cosines(vectors.subarray(row * dimension, (row + 1) * dimension));
    const rows = bestRows(scores, ids.length).filter((other) => other !== row), near = rows.slice(0, LINKS);
    const far = farAway(xy, row, near);
    draw({ links: near.map((other, i) => [row, other, far[i]]) });
    const apart = far.filter(Boolean).length;
    const dashed = apart ? ` Dashed lines lead to ${apart} that the map draws far away.` : "";
    list(`The nearest to this picture, by the cosine of two pictures.${dashed}`, scores, rows, null, row);
  }

  function clear(words) {
    draw({});
    list(words, [], [], null);
  }

  // ---- answers --------------------------------------------------------------------------------------

  function draw(more) { map.update({ ...base, ...more }, (kind, row) => { if (kind === "clicked") pick(row); }); }

  function list(words, scores, rows, bound, picked = -1) {
    shown = { scores, rows, bound };
    find(".ho-told").textContent = words;
    find(".ho-picked").hidden = picked < 0;
    if (picked >= 0) {
      fill(find(".ho-picked img"), picked);
      find(".ho-picked span").textContent = captions[picked];
    }
    find(".ho-hits").replaceChildren();
    more(AT_FIRST);
  }

  function more(count) {
    const list = find(".ho-hits"), { scores, rows, bound } = shown, from = list.querySelectorAll("button").length;
    for (const row of rows.slice(from, from + count)) {
      const under = bound !== null && scores[row] < bound;
      if (under && !list.querySelector(".ho-line")) {
        const words = `No-match line ${signed(bound, 2)}: what stands below is no better than chance.`;
        list.append(make("li", { className: "ho-line", textContent: words }));
      }
      list.append(hit(row, scores[row], under));
    }
    find(".ho-more").hidden = from + count >= rows.length;
  }

  function hit(row, score, under) {
    const button = make("button", { type: "button", onclick: () => pick(row) }), image = make("img", { loading: "lazy", decoding: "async", alt: "" });
    Object.assign(button.dataset, { row, score });
    fill(image, row);
    button.append(image, make("b", { textContent: signed(score, 3) }), make("span", { textContent: captions[row] }));
    const item = make("li", { className: under ? "ho-under" : "" });
    item.append(button);
    return item;
  }

  function fill(image, row) {
    const address = pictures[ids[row]];
    image.hidden = !address;
    if (address) image.src = address;
  }

  // ---- what is there at first -----------------------------------------------------------------------

  const input = find("#ho-words");
  find(".ho-ask").hidden = !texts.length && !columns.size;
  find("#ho-texts").append(...[...columns.keys(), ...texts].map((value) => make("option", { value })));
  find(".ho-about").textContent = told.about.join(" ");
  find(".ho-ask").onsubmit = (event) => { event.preventDefault(); ask(input.value); };
  input.oninput = (event) => { if (event.inputType === "insertReplacementText" || !event.inputType) ask(input.value); }; // chosen from the list
  find(".ho-more").onclick = () => more(MORE);
  draw({ star: told.map.star, ring: told.map.ring, hits: told.map.hits });
  if (told.asked) {
    input.value = told.asked;
    ask(told.asked);
  }
}
