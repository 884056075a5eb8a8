// The gallery's script, second half: one image large, with its whole recipe, and the way to the next one.

export const DETAIL_SCRIPT = String.raw`
let open = null;

const RECIPE = ["model", "prompt", "negative_prompt", "aspect_ratio", "n", "seed", "steps", "guidance_scale"];
const CODES = ["Batch", "Request", "Recipe", "SHA-256", "Metadata"];

function openDetail(line) {
  open = line;
  $("prompt").textContent = line.prompt ?? "";
  $("negative").hidden = !line.negative_prompt;
  $("negative").textContent = "Not: " + (line.negative_prompt ?? "");
  $("place").textContent = number(chosen.indexOf(line) + 1) + " of " + number(chosen.length);
  $("tags").replaceChildren(...line.tags.map(toTag));
  $("facts").replaceChildren(...factsOf(line).flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value, className: CODES.includes(name) ? "code" : "" })]));
  $("open").hidden = line.file === null;
  if (line.file !== null) $("open").href = line.file;
  $("copy").textContent = "Copy recipe";
  $("copy-prompt").textContent = "Copy prompt";
  showPicture(line);
  $("before").disabled = chosen[0] === line;
  $("after").disabled = chosen.at(-1) === line;
  if (!$("detail").open) { $("detail").showModal(); $("detail").focus(); }
  $("detail").scrollTop = 0;
  $("detail").querySelector("aside").scrollTop = 0;
}

// the small picture stands in for the large one until that is there; its neighbours come in the meantime
function showPicture(line) {
  const picture = $("picture");
  picture.width = line.width;
  picture.height = line.height;
  picture.alt = line.prompt ?? "";
  picture.src = line.thumbnail;
  if (line.file === null) return;
  const large = element("img", { src: line.file });
  large.decode().then(() => { if (open === line) picture.src = line.file; }, () => undefined);
  for (const step of [1, -1]) {
    const next = chosen[chosen.indexOf(line) + step];
    if (next && next.file !== null) element("img", { src: next.file });
  }
}

function toTag(tag) {
  const button = element("button", { type: "button", textContent: tag });
  button.addEventListener("click", () => {
    $("words").value = /\s/.test(tag) ? '"' + tag + '"' : tag;
    $("detail").close();
    show();
    remember();
  });
  return button;
}

const size = (bytes) => (bytes < 1024 ** 2 ? Math.round(bytes / 1024) + " KiB" : (bytes / 1024 ** 2).toFixed(1) + " MiB");
const time = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

function factsOf(line) {
  const facts = [
    ["Seed", line.seed],
    ["Size", line.width + " × " + line.height + " (" + line.aspect_ratio + ")"],
    ["Steps", line.steps],
    ["Guidance", line.guidance_scale],
    ["Model", line.model],
    ["Image", line.n > 1 ? line.index + 1 + " of " + line.n : null],
    ["Collection", line.collection],
    ["Batch", line.batch],
    ["Request", line.request_id],
    ["Made", line.api_created === null ? null : time(line.api_created * 1000)],
    ["Archived", time(line.archived_at)],
    ["File", line.content_type.replace("image/", "").toUpperCase() + ", " + size(line.bytes)],
    ["Recipe", line.recipe_id],
    ["SHA-256", line.digest],
    ["Metadata", line.metadata === null || JSON.stringify(line.metadata) === "{}" ? null : JSON.stringify(line.metadata, null, 1)],
  ];
  return facts.filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => [name, String(value)]);
}

function turn(step) {
  const next = chosen[chosen.indexOf(open) + step];
  if (next) openDetail(next);
}

async function copy(button, text) {
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false) || copyOldWay(text);
  button.textContent = done ? "Copied" : "Cannot copy here";
}

// where a page that is a file may not use the clipboard
function copyOldWay(text) {
  const area = element("textarea", { value: text });
  $("detail").append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

const recipeOf = (line) => JSON.stringify(Object.fromEntries(RECIPE.map((name) => [name, line[name]])), null, 2);

function startDetail() {
  const detail = $("detail");
  $("before").addEventListener("click", () => turn(-1));
  $("after").addEventListener("click", () => turn(1));
  $("close").addEventListener("click", () => detail.close());
  $("copy").addEventListener("click", () => copy($("copy"), recipeOf(open)));
  $("copy-prompt").addEventListener("click", () => copy($("copy-prompt"), open.prompt ?? ""));
  detail.addEventListener("close", () => { if (document.activeElement !== $("words")) focusTile(open); });
  detail.addEventListener("click", (event) => { if (event.target === detail) detail.close(); });
  detail.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key === "c") copy($("copy"), recipeOf(open));
    if (!(event.key in steps)) return;
    event.preventDefault();
    const step = steps[event.key];
    if (Number.isFinite(step)) turn(step);
    else openDetail(step < 0 ? chosen[0] : chosen.at(-1));
  });
  let from = null;
  const stage = detail.querySelector(".stage");
  stage.addEventListener("touchstart", ({ touches }) => { from = touches.length === 1 ? touches[0] : null; }, { passive: true });
  stage.addEventListener("touchend", ({ changedTouches: [to] }) => {
    const [x, y] = from === null ? [0, 0] : [to.clientX - from.clientX, to.clientY - from.clientY];
    if (Math.abs(x) > 45 && Math.abs(x) > 2 * Math.abs(y)) turn(x < 0 ? 1 : -1);
  }, { passive: true });
}

// back to where one was, also after leafing far
function focusTile(line) {
  const at = chosen.indexOf(line);
  while (shown <= at) more();
  $("grid").children[at]?.focus();
}
`;
