// A lesson in a file: figures, pictures, and questions that are answered before what follows is shown.

{
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const pictures = read("ho-pictures"), told = read("ho-explorer");

  const prepare = (root) => { // what has just come into the page
    for (const image of root.querySelectorAll("img[data-picture]")) {
      const address = pictures[image.dataset.picture];
      if (address) image.src = address; else image.hidden = true;
    }
    for (const figure of root.querySelectorAll(".ho-figure")) draw(figure);
    for (const quiz of root.querySelectorAll(".ho-quiz")) quiz.onsubmit = (event) => { event.preventDefault(); commit(quiz); };
    for (const explorer of root.querySelectorAll(".ho-explorer")) open(explorer);
  };

  const draw = (figure) => {
    const place = figure.querySelector("div"), { data, layout } = JSON.parse(figure.querySelector("script").textContent);
    place.style.height = `${place.dataset.height}px`;
    Plotly.newPlot(place, data, { ...layout, height: undefined, autosize: true }, { responsive: true, displayModeBar: false });
  };

  const open = (explorer) => { // the map needs its size: it is made when it is seen
    const folded = explorer.closest("details");
    if (!folded) return explore(explorer, told, pictures);
    folded.addEventListener("toggle", () => explore(explorer, told, pictures), { once: true });
  };

  const commit = (quiz) => {
    const chosen = quiz.querySelector("input:checked"), after = quiz.nextElementSibling;
    if (!chosen) {
      quiz.querySelector(".ho-hint").textContent = "Choose one of them first.";
      return;
    }
    const answers = [...quiz.querySelectorAll("label span")].map((option) => option.textContent);
    for (const one of quiz.querySelectorAll("input, button")) one.disabled = true;
    quiz.querySelector(".ho-hint").textContent = "";
    const rest = after.content.cloneNode(true), verdict = rest.querySelector(".ho-verdict");
    const { right } = quiz.dataset, said = `You said “${answers[chosen.value]}”`;
    verdict.querySelector("p").textContent =
      !("told" in quiz.dataset) ? `${said}. Nobody had answered this when the file was written: its answer is not in here.`
      : !right ? `${said}.`
      : right === chosen.value ? `${said}, and so it is.` : `${said}; it is “${answers[right]}”.`;
    if (right) verdict.classList.add(right === chosen.value ? "ho-right" : "ho-wrong");
    const section = document.createElement("div");
    section.append(rest);
    after.replaceWith(section);
    prepare(section);
    verdict.focus({ preventScroll: true });
  };

  prepare(document);
}
