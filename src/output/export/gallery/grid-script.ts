// The gallery's script, first half: lines, search, filters, and tiles that appear as one scrolls. All text is set as text.

export const GRID_SCRIPT = String.raw`
const AT_ONCE = 60;
const $ = (id) => document.getElementById(id);
const lines = [];
const { images, pages } = document.documentElement.dataset;
let chosen = [], shown = 0, nearEnd;

function gallery(page) {
  for (const line of page) lines.push(Object.assign(line, { number: lines.length }));
}

function element(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children);
  return made;
}

const number = (value) => Number(value).toLocaleString("en");

// as the catalog's own search: upper and lower case, full width and the accents of Latin letters make no difference
const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function textOf(line) {
  line.text ??= plain([line.prompt, line.negative_prompt, line.request_id, line.collection, line.batch, line.model, "seed " + line.seed,
    ...line.tags].filter((part) => part !== null).join("\n"));
  return line.text;
}

// words, "words side by side", -without; six or more hex digits are looked for in digests and recipe ids, too
function toTerms(text) {
  return [...plain(text).matchAll(/(-?)(?:"([^"]+)"?|(\S+))/g)].flatMap(([, minus, phrase, word]) => {
    const wanted = (phrase ?? word ?? "").trim();
    return wanted === "" || wanted === '"' ? [] : [{ wanted, not: minus === "-", hex: /^[0-9a-f]{6,}$/.test(wanted) }];
  });
}

function fits(line, { wanted, not, hex }) {
  const found = textOf(line).includes(wanted) || (hex && (line.digest.startsWith(wanted) || (line.recipe_id ?? "").startsWith(wanted)));
  return found !== not;
}

const state = () => ({ q: $("words").value.trim(), collection: $("collection").value, aspect: $("aspect").value, order: $("order").value });

function choose() {
  const { q, collection, aspect, order } = state();
  const terms = toTerms(q);
  chosen = lines.filter((line) => (collection === "" || line.collection === collection) && (aspect === "" || line.aspect_ratio === aspect)
    && terms.every((term) => fits(line, term)));
  if (order === "newest") chosen.reverse();
}

function show() {
  choose();
  shown = 0;
  $("grid").replaceChildren();
  more();
  tell();
}

function tell() {
  const loading = lines.length < Number(images) ? ", loading " + number(lines.length) + " of " + number(images) : "";
  const all = chosen.length === lines.length;
  $("count").textContent = (all ? number(chosen.length) : number(chosen.length) + " of " + number(lines.length)) + (lines.length === 1 ? " image" : " images") + loading;
  $("empty").hidden = chosen.length > 0 || loading !== "";
  $("empty").textContent = lines.length === 0 ? "There are no images in this gallery." : "No image fits. Try fewer words, or another filter.";
}

function more() {
  const next = chosen.slice(shown, shown + AT_ONCE);
  $("grid").append(...next.map(toTile));
  shown += next.length;
  watchEnd();
}

// an observer reports changes only: an end that is still near after an append would never be reported again
function watchEnd() {
  nearEnd.disconnect();
  if (shown < chosen.length) nearEnd.observe($("end"));
}

function toTile(line) {
  const img = element("img", { src: line.thumbnail, alt: line.prompt ?? "", loading: "lazy", decoding: "async", width: line.width, height: line.height });
  const tile = element("button", { type: "button", className: "tile" }, img, element("span", { textContent: line.prompt ?? line.request_id }));
  tile.style.setProperty("--ratio", String(Math.min(3, Math.max(0.4, line.width / line.height))));
  tile.addEventListener("click", () => openDetail(line));
  return tile;
}

function fillFilters() {
  fill($("collection"), "All collections", countBy("collection"));
  fill($("aspect"), "All shapes", countBy("aspect_ratio"));
  const { collection } = lines[0] ?? {};
  if (lines.length > 0 && $("collection").options.length === 2) document.title = $("title").textContent = collection;
}

function countBy(field) {
  const counts = new Map();
  for (const line of lines) if (line[field] !== null) counts.set(line[field], (counts.get(line[field]) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

function fill(select, all, counts) {
  const { value } = select;
  select.replaceChildren(element("option", { value: "", textContent: all }),
    ...counts.map(([name, count]) => element("option", { value: name, textContent: name + " (" + number(count) + ")" })));
  select.value = counts.some(([name]) => name === value) ? value : "";
  select.hidden = counts.length < 2;
}

function load(page) {
  return new Promise((resolve, reject) => {
    const script = element("script", { src: "data/" + page + ".js", charset: "utf-8" });
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("Cannot read data/" + page + ".js: it lies beside this page")));
    document.head.append(script);
  });
}

function remember() {
  const set = Object.entries(state()).filter(([, value]) => value !== "");
  try { history.replaceState(null, "", "#" + new URLSearchParams(set)); } catch { /* some browsers let files remember nothing */ }
}

function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  $("words").value = wanted.get("q") ?? "";
  $("order").value = wanted.get("order") ?? "";
  for (const name of ["collection", "aspect"]) {
    const value = wanted.get(name);
    if (value !== null) { $(name).append(element("option", { value, textContent: value })); $(name).value = value; }
  }
}

async function start() {
  recall();
  let waiting;
  $("words").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { show(); remember(); }, 120); });
  for (const name of ["collection", "aspect", "order"]) $(name).addEventListener("change", () => { show(); remember(); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !$("detail").open && document.activeElement !== $("words")) { event.preventDefault(); $("words").focus(); }
  });
  nearEnd = new IntersectionObserver((entries) => { if (entries.at(-1).isIntersecting) more(); }, { rootMargin: "1500px" });
  startDetail();
  try {
    for (let page = 1; page <= Number(pages); page++) {
      await load(page);
      if (page === 1) { fillFilters(); show(); } else { choose(); tell(); watchEnd(); }
    }
    fillFilters();
    // in the order of the lines only the end has grown: what is on the screen stays where it is
    if (state().order === "newest") show(); else { choose(); tell(); watchEnd(); }
  } catch (error) {
    $("empty").hidden = false;
    $("empty").textContent = error.message;
  }
}
`;
