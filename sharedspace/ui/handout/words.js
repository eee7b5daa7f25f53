// Words that were not embedded: the nearest of the texts by the words that both have.

const EMPTY = new Set("a an and are at by for in is it of on or the to with photo picture image".split(" "));

const oneLine = (text) => text.trim().replace(/\s+/g, " ");
const asTyped = (text) => oneLine(text).toLowerCase();

function wordsOf(text) { // in the singular, as far as an s tells; those that say nothing left out
  const found = asTyped(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(found.filter((word) => !EMPTY.has(word)).map((word) => word.replace(/(?<=\p{L}{3})(?<!s)s$/u, "")));
}

function nearestText(text, texts) { // {place, common} of the largest share of common words; null where no word is
  const own = wordsOf(text);
  let best = null;
  texts.forEach((other, place) => {
    const theirs = wordsOf(other), common = [...own].filter((word) => theirs.has(word));
    const share = common.length / (own.size + theirs.size - common.length);
    if (common.length && share > (best?.share ?? 0)) best = { place, common, share };
  });
  return best;
}
